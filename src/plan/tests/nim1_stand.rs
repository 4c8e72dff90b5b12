//! A host with NGINX Instance Manager 1.

use super::stand::Stand;
use crate::facts::MANAGER_FILE;

/// What has nothing to do with a manager.
const KEPT: [&str; 3] = [
    "/etc/nginx/nginx.conf",
    "/etc/nginx/mime.types",
    "/etc/os-release",
];

impl Stand {
    /// The manager listens on loopback, beside an nginx that serves nothing.
    pub(super) fn nim1() -> Self {
        let mut stand = Self::stock();
        stand.files.retain(|path, _| KEPT.contains(&path.as_str()));
        stand.services = ["127.0.0.1:10000", "127.0.0.1:11000"]
            .map(|at| at.parse().unwrap())
            .to_vec();
        stand.modules.push("http_stub_status_module");
        let settings = "# Where it listens.\nbind_address: 127.0.0.1\ngrpc_port: 10000\n\
                        gateway_port: 11000\n";
        stand
            .with_file(MANAGER_FILE, settings)
            .answer("generation: nim2", "generation: nim1")
    }
}
