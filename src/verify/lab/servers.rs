//! Real servers, started for one test and ended with it.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{Authority, CLIENT, Issued, Leaf, PATIENCE, SERVER};

/// How often a start is tried: between finding a port free and a server's taking it, somebody
/// else may.
const STARTS: usize = 5;

pub(in crate::verify) fn free_port() -> u16 {
    let [port] = free_ports();
    port
}

/// Each another one: all of them are held until the last is found.
fn free_ports<const COUNT: usize>() -> [u16; COUNT] {
    let held = [(); COUNT].map(|()| TcpListener::bind(("127.0.0.1", 0)).expect("a free port"));
    held.each_ref()
        .map(|listener| listener.local_addr().expect("its address").port())
}

/// nginx with four kinds of servers on one TLS port, a TLS port that speaks HTTP/1.1 only, a
/// plaintext port, and a stand-in for the manager behind it (see `nginx.conf` below).
pub(in crate::verify) struct Nginx {
    process: Child,
    pub(in crate::verify) authority: Authority,
    pub(in crate::verify) agent: Issued,
    pub(in crate::verify) tls: u16,
    pub(in crate::verify) http1: u16,
    pub(in crate::verify) plain: u16,
    folder: tempfile::TempDir,
}

impl Nginx {
    pub(in crate::verify) fn start() -> Self {
        let mut complaint = String::new();
        for _ in 0..STARTS {
            match Self::try_start() {
                Ok(nginx) => return nginx,
                Err(log) => complaint = log,
            }
        }
        panic!("nginx does not start: {complaint}");
    }

    fn try_start() -> Result<Self, String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let authority = Authority::new("Test");
        let server = authority.issue(&Leaf::of(&["*.example.com", "127.0.0.1"], SERVER));
        put(folder.path(), "server.crt", &server.chain_pem());
        put(folder.path(), "server.key", &server.key.serialize_pem());
        put(folder.path(), "ca.pem", &authority.bundle());
        let [tls, http1, plain, upstream] = free_ports();
        let configuration = CONFIGURATION
            .replace("DIR", &folder.path().display().to_string())
            .replace("TLS_PORT", &tls.to_string())
            .replace("HTTP1_PORT", &http1.to_string())
            .replace("PLAIN_PORT", &plain.to_string())
            .replace("UPSTREAM_PORT", &upstream.to_string());
        put(folder.path(), "nginx.conf", &configuration);
        put(folder.path(), "long", &"x".repeat(200_000));
        let process = Command::new("nginx")
            .arg("-p")
            .arg(folder.path())
            .args(["-c", "nginx.conf", "-e", "error.log"])
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx must be installed for this test (apt-get install nginx)");
        let mut nginx = Self {
            process,
            agent: authority.issue(&Leaf::of(&["agent.example.com"], CLIENT)),
            authority,
            tls,
            http1,
            plain,
            folder,
        };
        if nginx.is_up() {
            Ok(nginx)
        } else {
            let log = nginx.folder.path().join("error.log");
            Err(std::fs::read_to_string(log).unwrap_or_default())
        }
    }

    fn is_up(&mut self) -> bool {
        let address = SocketAddr::from(([127, 0, 0, 1], self.tls));
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if TcpStream::connect(address).is_ok() {
                return true;
            }
            if matches!(self.process.try_wait(), Ok(Some(_))) {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // SIGTERM, because a master that is killed leaves its workers behind.
        let pid = rustix::process::Pid::from_child(&self.process);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.process.wait();
    }
}

/// `openssl s_server` with a certificate for `*.example.com`.
pub(in crate::verify) struct OpenSsl {
    process: Child,
    pub(in crate::verify) port: u16,
    /// Kept open: the server would die of writing into a closed pipe.
    _output: BufReader<std::process::ChildStdout>,
    _folder: tempfile::TempDir,
}

impl OpenSsl {
    /// With an RSA key, which suites of every kind can use.
    pub(in crate::verify) fn start(arguments: &[&str]) -> Self {
        let leaf = Leaf {
            rsa: true,
            ..Leaf::of(&["*.example.com"], SERVER)
        };
        let issued = Authority::new("Test").issue(&leaf);
        Self::with_certificate(&issued.chain_pem(), &issued.key.serialize_pem(), arguments)
    }

    pub(in crate::verify) fn with_certificate(chain: &str, key: &str, arguments: &[&str]) -> Self {
        for _ in 0..STARTS {
            if let Some(server) = Self::try_start(chain, key, arguments) {
                return server;
            }
        }
        panic!("openssl s_server does not start with {arguments:?}");
    }

    fn try_start(chain: &str, key: &str, arguments: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        put(folder.path(), "server.crt", chain);
        put(folder.path(), "server.key", key);
        let port = free_port();
        let mut process = Command::new("openssl")
            .args(["s_server", "-accept", &port.to_string()])
            .args(["-cert", "server.crt", "-cert_chain", "server.crt"])
            .args(["-key", "server.key", "-www"])
            .args(arguments)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl must be installed for this test (apt-get install openssl)");
        let mut output = BufReader::new(process.stdout.take().expect("its output"));
        let ready = output
            .by_ref()
            .lines()
            .map_while(Result::ok)
            .any(|line| line.starts_with("ACCEPT"));
        let server = Self {
            process,
            port,
            _output: output,
            _folder: folder,
        };
        ready.then_some(server)
    }
}

impl Drop for OpenSsl {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn put(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).expect("a file in a temporary folder");
}

/// `user` matters where the tests run as root: another user could not enter the folder.
const CONFIGURATION: &str = r#"
daemon off;
user root;
pid DIR/nginx.pid;
error_log DIR/error.log info;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path DIR/body;
    proxy_temp_path DIR/proxy;
    fastcgi_temp_path DIR/fastcgi;
    uwsgi_temp_path DIR/uwsgi;
    scgi_temp_path DIR/scgi;
    ssl_certificate DIR/server.crt;
    ssl_certificate_key DIR/server.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:test:1m;
    default_type text/plain;

    server {
        listen 127.0.0.1:TLS_PORT ssl http2 default_server;
        server_name ui.example.com;
        location / {
            return 200 "host=$host sni=$ssl_server_name reused=$ssl_session_reused";
        }
        location = /long { root DIR; try_files /long =404; error_page 405 =200 $uri; }
        location = /moved { return 301 https://ui.example.com/; }
        location /f5. { grpc_pass grpc://127.0.0.1:1; }
    }

    # Asks for a certificate; its own check refuses in words that gRPC clients understand.
    server {
        listen 127.0.0.1:TLS_PORT ssl http2;
        server_name agents.example.com;
        ssl_client_certificate DIR/ca.pem;
        ssl_verify_client optional;
        ssl_verify_depth 2;
        error_page 401 = @unauthenticated;
        location / { return 404; }
        location /f5. {
            if ($ssl_client_verify != SUCCESS) { return 401; }
            grpc_pass grpc://127.0.0.1:UPSTREAM_PORT;
        }
        location @unauthenticated {
            default_type application/grpc;
            add_header grpc-status 16 always;
            add_header grpc-message "401.%20Unauthorized." always;
            return 200;
        }
    }

    # Insists on one, in nginx's own words.
    server {
        listen 127.0.0.1:TLS_PORT ssl http2;
        server_name strict.example.com;
        ssl_client_certificate DIR/ca.pem;
        ssl_verify_client on;
        ssl_verify_depth 2;
        location / { grpc_pass grpc://127.0.0.1:UPSTREAM_PORT; }
    }

    server {
        listen 127.0.0.1:TLS_PORT ssl http2;
        server_name nobody.example.com;
        ssl_reject_handshake on;
    }

    server {
        listen 127.0.0.1:HTTP1_PORT ssl;
        location / { return 200 "HTTP/1.1 only"; }
    }

    server {
        listen 127.0.0.1:PLAIN_PORT;
        location / { return 200 "not encrypted"; }
    }

    # What a manager says to a method that it does not have.
    server {
        listen 127.0.0.1:UPSTREAM_PORT http2;
        location / {
            default_type application/grpc;
            add_header grpc-status 12;
            add_header grpc-message "unknown%20method";
            return 200;
        }
    }
}
"#;
