//! Browsers that come without TLS are sent on to the manager's own address, by a server of our
//! own on port 80. Whoever answers there for other names goes on doing so.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::editor::why;
use super::fitness;
use super::manager::is_on;
use super::place_for;
use super::port_80::{FILE, every, ip_of, is_others, on_port, sockets};
use super::site::{Site, quoted};
use super::step::LEFT;
use super::template;
use super::to_prove::RedirectProof;
use super::work::Work;
use crate::answers::Answers;
use crate::error::Problem;
use crate::nginx::{Address, Bound, Listen, Server, Socket, quote};
use crate::values::{Port, SubjectName};

/// What a browser is told, without the path.
pub(super) fn target(answers: &Answers) -> String {
    let name = &answers.manager_name;
    match answers.https {
        Port::HTTPS => format!("https://{name}"),
        port => format!("https://{name}:{port}"),
    }
}

/// Where the proof asks, if there is anything to ask for.
pub(super) fn proof(site: &Site<'_>, answers: &Answers) -> Option<RedirectProof> {
    let listens = answers.redirect_http.then(|| sockets(site))?;
    let dialled = |socket: &Socket| match socket.address {
        Address::Any4 => Some(Ipv4Addr::LOCALHOST.into()),
        Address::Any6 => Some(Ipv6Addr::LOCALHOST.into()),
        Address::Ip(ip) => Some(ip),
        Address::Unix(_) | Address::Name(_) => None,
    };
    let addresses = listens.iter().filter_map(dialled);
    Some(RedirectProof {
        addresses: addresses
            .map(|ip: IpAddr| SocketAddr::new(ip, Port::HTTP.number()))
            .collect(),
        to: target(answers),
    })
}

/// Where nginx has to listen for it.
pub(super) fn listens(site: &Site<'_>, answers: &Answers) -> Vec<SocketAddr> {
    let wanted = answers.redirect_http.then(|| sockets(site));
    let wanted = wanted.unwrap_or_default();
    let there = site.http.sockets();
    // Beside a listener on every address nginx opens none for a single one.
    let opened = wanted.iter().filter(|socket| {
        every(&socket.address).is_none_or(|every| {
            let every = on_port(every);
            !wanted.contains(&every) && !there.iter().any(|bound| bound.socket == every)
        })
    });
    opened
        .filter_map(|socket| Some(SocketAddr::new(ip_of(socket)?, socket.port)))
        .collect()
}

impl<'e> Work<'_, 'e> {
    pub(super) fn redirect(&mut self, answers: &Answers) -> Result<(), Problem> {
        let site = self.site;
        let own = place_for::folder_of(site.config, site.http.directive, FILE);
        if !answers.redirect_http {
            let found = own.filter(|path| self.facts.file(path).file().is_some());
            self.changes.notes.extend(found.map(|path| {
                format!("{LEFT}{path} is there, although options.redirect_http is false")
            }));
            return Ok(());
        }
        let Some(path) = own else {
            return Err(Problem::host(
                "nginx reads no folder of files in its http block, so there is no place for the \
                 server that sends browsers on",
            )
            .remedy("add to the http block: include /etc/nginx/conf.d/*.conf;"));
        };
        let names = self.names_to_send_on(answers)?;
        let mut lines = Vec::new();
        for socket in sockets(site) {
            self.is_free(&socket)?;
            let mut line = socket.to_string();
            if self.answers_for_the_rest(&socket)? {
                line.push_str(" default_server");
            }
            lines.push(line);
        }
        self.no_more_pages_without_tls()?;
        let file = template::redirect(&lines, &names.join(" "), &target(answers));
        self.own_file(&path, file).map(drop)
    }

    /// The manager's names that no other server of port 80 has.
    fn names_to_send_on(&self, answers: &Answers) -> Result<Vec<String>, Problem> {
        let site = self.site;
        let taken = |name: &str| {
            let mut servers = site.http.servers.iter();
            servers.find(|server| {
                let on_port = server
                    .listens
                    .iter()
                    .any(|listen| is_on(listen, Port::HTTP));
                let lists = |listed: &&str| listed.eq_ignore_ascii_case(name);
                on_port && is_others(site, server) && server.names.iter().any(lists)
            })
        };
        let manager = answers.manager_name.as_str();
        if let Some(server) = taken(manager) {
            let place = site.config.shown(&server.directive.at);
            return Err(Problem::host(format!(
                "{place}: this server answers to {manager} on port 80 already, so browsers cannot \
                 be sent on by another one"
            ))
            .remedy(format!(
                "write \"return 301 {}$request_uri;\" there and leave options.redirect_http out, \
                 or take the server away",
                target(answers)
            )));
        }
        let mut further: Vec<String> = answers
            .alt_names
            .iter()
            .map(|name| match name {
                SubjectName::Ip(IpAddr::V6(ip)) => format!("[{ip}]"),
                name => name.to_string(),
            })
            .collect();
        for name in self.names_of_server()? {
            if name != manager && !further.contains(&name) {
                further.push(name);
            }
        }
        let free = |name: &String| taken(name).is_none();
        Ok(std::iter::once(manager.to_owned())
            .chain(further.into_iter().filter(free))
            .collect())
    }

    /// The names of the manager's own server: those to which it answers on port 80 today go on
    /// leading to it.
    fn names_of_server(&self) -> Result<Vec<String>, Problem> {
        let server = self.site.server;
        let mut listens = server.listens.iter();
        let answers_today = listens.any(|listen| is_on(listen, Port::HTTP));
        let mut names = Vec::new();
        for name in server
            .names
            .iter()
            .filter(|name| !matches!(**name, "" | "_"))
        {
            let plain = quote(name).is_ok_and(|quoted| quoted == *name) && !name.starts_with('~');
            if !plain && !answers_today {
                continue;
            }
            if !plain {
                let why = format!(
                    "the manager answers on port 80 here to names by the pattern {name}, which \
                     cannot be carried over"
                );
                let at = server.directive;
                let problem = self.site.refused(at, why);
                return Err(problem.remedy("take the listen line for port 80 out of this server"));
            }
            names.push((*name).to_owned());
        }
        Ok(names)
    }

    fn is_free(&self, socket: &Socket) -> Result<(), Problem> {
        let Some(ip) = ip_of(socket).filter(|_| self.facts.live) else {
            return Ok(());
        };
        let at = SocketAddr::new(ip, socket.port);
        if let Some(other) = fitness::taken(self.facts, at) {
            return Err(Problem::host(format!(
                "port {} belongs to {other}, not to the nginx of this manager, so nothing there \
                 can send browsers on",
                socket.port
            ))
            .remedy(format!("ss -ltnp 'sport = :{}'", socket.port)));
        }
        self.is_no_wider(at)
    }

    /// The kernel refuses a listener on every address where one on a single address is open, and
    /// a reload does not close that one first (measured on 1.22.1 and 1.31.3).
    fn is_no_wider(&self, at: SocketAddr) -> Result<(), Problem> {
        let listeners = self.facts.listeners.is().into_iter().flatten();
        let mut of_nginx = listeners.filter(|found| found.nginx && found.at.port() == at.port());
        let single = |found: &&crate::facts::Listener| {
            at.ip().is_unspecified()
                && found.at.is_ipv4() == at.is_ipv4()
                && !found.at.ip().is_unspecified()
        };
        if of_nginx.clone().any(|found| found.at == at) {
            return Ok(());
        }
        let Some(found) = of_nginx.find(single) else {
            return Ok(());
        };
        let port = at.port();
        Err(Problem::host(format!(
            "nginx listens on {} alone, and opens no listener on every address of port {port} \
             beside it while it runs, so browsers cannot be sent on",
            found.at
        ))
        .remedy(format!(
            "write \"listen {port};\" in place of \"listen {};\" (grep -rn listen /etc/nginx), \
             then: systemctl restart nginx",
            found.at
        )))
    }

    /// Whether names that nobody knows there are ours to send on. Somebody who answers to them
    /// because of being read first is named, so that this stays so.
    fn answers_for_the_rest(&mut self, socket: &Socket) -> Result<bool, Problem> {
        let site = self.site;
        let all = site.http.sockets();
        let Some(bound) = all.iter().find(|bound| bound.socket == *socket) else {
            return Ok(false);
        };
        self.is_plain(bound)?;
        let mut servers = bound.servers.iter();
        if !servers.any(|server| is_others(site, server)) {
            return Ok(false);
        }
        if !is_others(site, bound.default) {
            return Ok(true);
        }
        if !bound.explicit_default {
            self.stays_the_default(&bound.socket, bound.default)?;
        }
        Ok(false)
    }

    /// A line for TLS, or for a load balancer's protocol, counts for every server of a socket.
    fn is_plain(&self, bound: &Bound<'_, 'e>) -> Result<(), Problem> {
        let mut listens = bound.servers.iter().flat_map(|server| &server.listens);
        let other = listens.find(|listen| {
            let here = listen.sockets().any(|one| one == bound.socket);
            here && (listen.ssl || listen.proxy_protocol)
        });
        let Some(listen) = other else {
            return Ok(());
        };
        let why = format!(
            "{} is not for browsers without TLS, so nobody can be sent on from there",
            bound.socket
        );
        let site = self.site;
        let problem = site.refused(listen.directive, why);
        Err(problem.remedy("give it another port, or leave options.redirect_http out"))
    }

    /// Whoever answers there by order only is named as the default.
    pub(super) fn stays_the_default(
        &mut self,
        socket: &Socket,
        server: &Server<'e>,
    ) -> Result<(), Problem> {
        let site = self.site;
        let mut listens = server.listens.iter();
        let here = |listen: &&Listen<'_>| listen.sockets().any(|one| one == *socket);
        let listen = listens.find(here);
        let editable = listen.filter(|listen| {
            !listen.implied
                && listen.port == listen.last_port
                && self.editor.may_edit(listen.directive)
        });
        let Some(listen) = editable else {
            let at = listen.map_or(server.directive, |listen| listen.directive);
            let why = format!(
                "this server answers on {socket} to names that nobody knows, because it is read \
                 first, and that cannot be written down here"
            );
            return Err(site
                .refused(at, why)
                .remedy(format!("give it: listen {socket} default_server;")));
        };
        let reason = why("stays-default", socket);
        self.editor
            .append_arg(listen.directive, "default_server", &reason)?;
        self.changes.notes.push(format!(
            "the server at {} goes on answering on {} to names that nobody knows; it is named as \
             the default there, because from now on it is no longer alone",
            site.config.shown(&server.directive.at),
            socket
        ));
        Ok(())
    }

    /// The manager's own server may answer without TLS there today.
    fn no_more_pages_without_tls(&mut self) -> Result<(), Problem> {
        let server = self.site.server;
        let plain = server
            .listens
            .iter()
            .filter(|listen| is_on(listen, Port::HTTP));
        for listen in plain {
            let line = listen.directive;
            // The socket for both families stays open through a reload, and leaves no room.
            let both = listen.ipv6only == Some(false);
            if both || listen.ssl || listen.port != listen.last_port || !self.editor.may_edit(line)
            {
                let why = format!(
                    "the manager itself listens on port 80 here ({}), and this line is not taken \
                     away by itself",
                    quoted(line)
                );
                return Err(self.site.refused(line, why).remedy("take it out"));
            }
            self.editor.take_out(line, &why("plaintext-gone", ""))?;
        }
        Ok(())
    }
}
