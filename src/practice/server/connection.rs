//! One connection, from its first byte on: TLS by the settings of the server that is meant, then
//! requests.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use rustls::server::{Accepted, AcceptedAlert, Acceptor};
use rustls::{Error, ServerConnection, Stream};

use super::asked::{Answer, Client, Request, Shown, Verdict};
use super::loaded::{Loaded, bound_to, named};
use super::log::Logs;
use super::tls::Zone;
use super::turn::Site;
use super::{http1, http2};
use crate::certificate::Certificate;
use crate::nginx::{Bound, Http, Server};

/// The first byte of every TLS connection.
const HANDSHAKE: u8 = 22;
/// An alert as it travels: fatal, `unrecognized_name`.
const UNKNOWN_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];
/// The same, with `protocol_version`.
const OLD_VERSION: [u8; 7] = [21, 3, 3, 0, 2, 2, 70];

/// What answers.
pub(in super::super) struct Visit<'v> {
    pub(in super::super) loaded: &'v Loaded,
    pub(in super::super) logs: &'v dyn Logs,
}

/// Serves one connection to its end. Whatever goes wrong ends it: as with nginx, the client sees
/// that, and nobody else is concerned.
pub(in super::super) fn serve(visit: &Visit<'_>, client: Client, stream: UnixStream) {
    let Some(http) = visit.loaded.config.http() else {
        return;
    };
    if let Some(bound) = bound_to(&http, client.to) {
        let _ = visit.connection(&http, &bound, client, stream);
    }
}

impl Visit<'_> {
    fn connection<'a>(
        &self,
        http: &Http<'a>,
        bound: &Bound<'_, 'a>,
        mut client: Client,
        mut stream: UnixStream,
    ) -> io::Result<()> {
        if !bound.ssl {
            return http1::serve(&mut stream, &|request| {
                self.answer(http, bound, &client, request)
            });
        }
        let mut first = [0; 1];
        stream.read_exact(&mut first)?;
        if first[0] != HANDSHAKE {
            // What is left unread would take the answer back when the line is closed.
            let _ = stream.read(&mut [0; 8192])?;
            let words = "HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nConnection: close\r\n\r\n\
                         The plain HTTP request was sent to HTTPS port\n";
            return stream.write_all(words.as_bytes());
        }
        let accepted = accept(&first, &mut stream)?;
        client.tls = true;
        client.sni = accepted
            .client_hello()
            .server_name()
            .map(str::to_ascii_lowercase);
        let meant = client.sni.as_deref().and_then(|name| named(bound, name));
        client.sni_known = meant.is_some();
        let cache = self.loaded.cache(bound);
        let shaken = self.shake_hands(
            bound,
            meant.unwrap_or(bound.default),
            accepted,
            cache.as_deref(),
            &mut stream,
        )?;
        let Some((mut tls, shown)) = shaken else {
            return stream.write_all(&UNKNOWN_NAME);
        };
        client.certificate = shown;
        let h2 = tls.alpn_protocol() == Some(b"h2");
        let answer = |request: &Request| self.answer(http, bound, &client, request);
        let mut inside = Stream::new(&mut tls, &mut stream);
        if h2 {
            let _ = http2::serve(&mut inside, &answer);
        } else {
            let _ = http1::serve(&mut inside, &answer);
        }
        tls.send_close_notify();
        tls.complete_io(&mut stream).map(drop)
    }

    /// `None`: this server rejects every handshake.
    fn shake_hands(
        &self,
        bound: &Bound<'_, '_>,
        server: &Server<'_>,
        accepted: Accepted,
        cache: Option<&Zone>,
        stream: &mut UnixStream,
    ) -> io::Result<Option<(ServerConnection, Shown)>> {
        let (Some(settings), Some(first)) =
            (self.loaded.tls(server), self.loaded.tls(bound.default))
        else {
            return Ok(None);
        };
        let witness = settings.witness();
        let http2 = bound.http2 || server.scope.value("http2") == Some("on");
        // Before nginx 1.29.2 the default server's protocols count for the whole socket.
        let config = settings.for_connection(&witness, &first.versions, http2, cache);
        let Some(config) = config else {
            return Ok(None);
        };
        let config = config.map_err(io::Error::other)?;
        let mut tls = match accepted.into_connection(Arc::new(config)) {
            Ok(tls) => tls,
            Err((error, alert)) => return Err(refused(error, alert, stream)),
        };
        while tls.is_handshaking() {
            tls.complete_io(stream)?;
        }
        let leaf = tls.peer_certificates().and_then(|chain| chain.first());
        let Some(leaf) = leaf else {
            return Ok(Some((tls, Shown::default())));
        };
        let known = || cache.and_then(|zone| zone.verdict(leaf));
        let verdict = witness.verdict().or_else(known).unwrap_or_default();
        if let Some(zone) = cache {
            zone.remember(leaf, &verdict);
        }
        let certificate = Certificate::from_der(leaf).ok();
        let shown = certificate.map_or_else(
            || Shown {
                verdict: verdict.clone(),
                ..Shown::default()
            },
            |one| Shown {
                verdict: verdict.clone(),
                subject: one.subject_rfc2253.clone(),
                serial: one.serial.clone(),
            },
        );
        Ok(Some((tls, shown)))
    }

    fn answer<'a>(
        &self,
        http: &Http<'a>,
        bound: &Bound<'_, 'a>,
        client: &Client,
        request: &Request,
    ) -> Answer {
        let server = named(bound, &request.host).unwrap_or(bound.default);
        let same = client.sni.as_deref() == Some(request.host.as_str());
        // A client that shook hands with one server must not ask another that judges clients.
        let asks = server.scope.value("ssl_verify_client").unwrap_or("off") != "off";
        if client.sni_known && !same && asks {
            return Answer::page(421);
        }
        let site = Site {
            config: &self.loaded.config,
            http,
            server,
            client,
            request,
            logs: self.logs,
        };
        site.answer()
    }

    /// Whether a simulated agent without a certificate gets to its service.
    pub(in super::super) fn lets_in(&self, client: &Client, path: &str) -> bool {
        let Some(http) = self.loaded.config.http() else {
            return false;
        };
        let Some(bound) = bound_to(&http, client.to) else {
            return false;
        };
        let request = Request {
            method: "POST".to_owned(),
            uri: path.to_owned(),
            host: client.sni.clone().unwrap_or_default(),
            version: "HTTP/2.0",
            headers: Vec::new(),
        };
        debug_assert_eq!(client.certificate.verdict, Verdict::None);
        let answer = self.answer(&http, &bound, client, &request);
        answer
            .headers
            .iter()
            .any(|(name, value)| name == "grpc-status" && value == "12")
    }
}

fn accept(first: &[u8], stream: &mut UnixStream) -> io::Result<Accepted> {
    let mut acceptor = Acceptor::default();
    acceptor.read_tls(&mut &*first)?;
    loop {
        match acceptor.accept() {
            Ok(Some(accepted)) => return Ok(accepted),
            Ok(None) => {
                if acceptor.read_tls(stream)? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            Err((error, alert)) => return Err(refused(error, alert, stream)),
        }
    }
}

/// Tells the client why there is no handshake. One that has no extension for signatures speaks
/// nothing newer than TLS 1.1, and is told that.
fn refused(error: Error, mut alert: AcceptedAlert, stream: &mut UnixStream) -> io::Error {
    use rustls::PeerIncompatible::SignatureAlgorithmsExtensionRequired;
    let sent = match error {
        Error::PeerIncompatible(SignatureAlgorithmsExtensionRequired) => {
            stream.write_all(&OLD_VERSION)
        }
        _ => alert.write_all(stream),
    };
    sent.err().unwrap_or_else(|| io::Error::other(error))
}
