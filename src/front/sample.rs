//! The sample host, for the tests of every front.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use crate::facts::{Build, Facts, Known, Master, Nginx};
use crate::host::Local;
use crate::probe::{self, Wanted};

/// The sample host, looked at once for all tests.
pub(super) fn facts() -> Facts {
    static FACTS: std::sync::LazyLock<Facts> = std::sync::LazyLock::new(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sample-host");
        let host = Local::under(&root).unwrap();
        let wanted = Wanted::without_answers("/var/lib/nim-tls".parse().unwrap());
        let mut facts = probe::look(&host, &wanted);
        facts.looked_at = 1_790_000_000;
        facts.nginx = Known::Is(nginx());
        // How much room this machine has is not what is tested.
        facts.space.clear();
        facts
    });
    FACTS.clone()
}

fn nginx() -> Nginx {
    let options = ["ssl", "v2", "auth_request"];
    Nginx {
        binary: "/usr/sbin/nginx".to_owned(),
        build: Build {
            version: (1, 26, 3),
            plus: None,
            openssl: None,
            options: options
                .map(|name| format!("--with-http_{name}_module"))
                .to_vec(),
        },
        on_disk: None,
        main: "/etc/nginx/nginx.conf".to_owned(),
        args: Vec::new(),
        master: Some(Master {
            pid: 640,
            loaded_at: None,
        }),
        loads: Known::Is(Ok(())),
    }
}
