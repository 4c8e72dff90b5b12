//! Managers' machines as they are met, for the tests of whatever asks and plans.

use super::authority::vendor_pair;
use super::neighbours::OTHER_SITE;
use super::stand::{NMS_HTTP, STATE, Stand};
use crate::host::Memory;
use crate::pki::{Passphrase, SecretKey};

/// What the authority's key lies under where one of these machines has such a key.
pub(crate) const PASSPHRASE: &str = "correct horse battery";

pub(crate) struct Met {
    pub(crate) name: &'static str,
    /// An earlier run has left its authority there, so nobody is asked what becomes of its key.
    pub(crate) has_authority: bool,
    make: fn() -> Memory,
}

impl Met {
    pub(crate) fn host(&self) -> Memory {
        (self.make)()
    }
}

const fn met(name: &'static str, make: fn() -> Memory) -> Met {
    Met {
        name,
        has_authority: false,
        make,
    }
}

const fn met_again(name: &'static str, make: fn() -> Memory) -> Met {
    Met {
        has_authority: true,
        ..met(name, make)
    }
}

pub(crate) const HOSTS: [Met; 21] = [
    met("stock 2.22", || Stand::stock().host()),
    met("2.21, with optional in force", || optional().host()),
    met("tabs", || dressed(tabs).host()),
    met("carriage returns", || {
        dressed(|text| text.replace('\n', "\r\n")).host()
    }),
    met("http2 on", || http2_on().host()),
    met("braces in comments", || braces().host()),
    met("IPv6, without TLS or HTTP/2", || ipv6().host()),
    met("another default server", || {
        Stand::stock()
            .with_file("/etc/nginx/conf.d/zz-other.conf", OTHER_SITE)
            .host()
    }),
    met("locations in a file of their own", || moved().host()),
    met("no vendor's ca.pem", || without_vendors_ca().host()),
    met("a certificate that is for the name", || {
        let pair = vendor_pair(&["nim.example.com", "nim"], 365);
        Stand::stock().with_pair(&pair).host()
    }),
    met("an agent is connected", || {
        Stand::stock().with_client("10.0.0.7:40000").host()
    }),
    met("a name that leads nowhere", || {
        Stand::stock().unresolved().host()
    }),
    met("Red Hat's family", || {
        of_family("ID=rhel\nVERSION_ID=\"9.4\"\n").with_program("/usr/bin/update-ca-trust")
    }),
    met("SUSE", || of_family("ID=sles\nVERSION_ID=\"15.6\"\n")),
    met("Alpine", || of_family("ID=alpine\nVERSION_ID=3.20.1\n")),
    met("an unknown family", || of_family("ID=nobody\n")),
    met_again("an earlier run", || Stand::stock().applied().host()),
    met_again("an earlier run with a key under a passphrase", || {
        under_passphrase(Stand::stock().applied()).host()
    }),
    met("somebody's file where an agent's is to be", || {
        let path = format!("{STATE}/issued/web-1.example.com/nginx-agent.conf");
        Stand::stock().with_file(&path, "# mine\n").host()
    }),
    met("a place that cannot be written", || {
        let path = format!("{STATE}/issued/web-1.example.com/agent.key");
        Stand::stock()
            .with_obstacle(&path, "the disk is read-only")
            .host()
    }),
];

fn optional() -> Stand {
    Stand::stock()
        .edit("# ssl_client_certificate", "ssl_client_certificate")
        .edit(
            "ssl_verify_client      off;",
            "ssl_verify_client      optional;",
        )
        .edit("TLSv1.2 TLSv1.3", "TLSv1.1 TLSv1.2")
}

fn dressed(dress: fn(&str) -> String) -> Stand {
    let stand = Stand::stock();
    let text = dress(&stand.files[NMS_HTTP]);
    stand.with_file(NMS_HTTP, &text)
}

/// A tab for each four blanks at the beginning of a line.
pub(super) fn tabs(text: &str) -> String {
    let line = |line: &str| {
        let bare = line.trim_start_matches(' ');
        "\t".repeat((line.len() - bare.len()) / 4) + bare
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

fn http2_on() -> Stand {
    Stand::stock()
        .newer()
        .edit("listen 443 ssl http2;", "listen 443 ssl;\n    http2 on;")
}

pub(super) fn braces() -> Stand {
    Stand::stock()
        .edit(
            "    server_name _;",
            "    # } not the end {\n    server_name _; # }}} {",
        )
        .edit(
            "        grpc_send_timeout 5m;",
            "        # location /nowhere { ';\n        grpc_send_timeout 5m;",
        )
}

fn ipv6() -> Stand {
    Stand::stock().edit(
        "    listen 443 ssl http2;",
        "    listen 443;\n    listen [::]:443 ssl;",
    )
}

pub(super) const MOVED: &str = "/etc/nms/nginx/agents.inc";

pub(super) fn moved() -> Stand {
    let stock = Stand::stock();
    let whole = &stock.files[NMS_HTTP];
    let start = whole.find("    # Measurements").unwrap();
    let end = whole.find("\n    # Judges").unwrap();
    stock
        .clone()
        .edit(&whole[start..end], &format!("    include {MOVED};\n"))
        .with_file(MOVED, &whole[start..end])
}

fn without_vendors_ca() -> Stand {
    let mut stand = Stand::stock();
    stand.files.remove("/etc/nms/certs/ca.pem");
    stand
}

fn of_family(os_release: &str) -> Memory {
    Stand::stock()
        .with_file("/etc/os-release", os_release)
        .host()
}

fn under_passphrase(mut stand: Stand) -> Stand {
    let passphrase = Passphrase::new(PASSPHRASE.to_owned().into()).unwrap();
    for name in ["root.key", "intermediate.key"] {
        let text = stand.files.get_mut(&format!("{STATE}/ca/{name}")).unwrap();
        let key = SecretKey::from_pem(text.as_bytes(), None).unwrap();
        *text = key.to_encrypted_pem(&passphrase).unwrap().to_string();
    }
    stand
}
