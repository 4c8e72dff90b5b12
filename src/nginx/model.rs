//! What the `http` block means: servers, sockets, locations. Borrows from a [`Config`].

use std::cell::OnceCell;
use std::net::IpAddr;

use super::config::Config;
use super::listen::{Address, Listen, Socket};
use super::location::{
    Conditional, Location, LocationKind, Selected, conditionals, locations, select,
};
use super::scope::Scope;
use super::tree::{Directive, flat};
use super::variables::Variables;

/// The `http` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http<'a> {
    pub directive: &'a Directive,
    pub servers: Vec<Server<'a>>,
    pub upstreams: Vec<Upstream<'a>>,
    pub scope: Scope<'a>,
    pub(super) variables: Variables<'a>,
}

/// One `server` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server<'a> {
    pub directive: &'a Directive,
    /// Where there is no `listen` line, the one that nginx assumes. A line whose address nginx
    /// would refuse is left out.
    pub listens: Vec<Listen<'a>>,
    /// Every argument of every `server_name`, as written (regular expressions with their `~`).
    pub names: Vec<&'a str>,
    /// Made when somebody asks: a host may have ten thousands, and few servers are asked.
    locations: OnceCell<Vec<Location<'a>>>,
    /// The `if` blocks directly in it.
    pub conditionals: Vec<Conditional<'a>>,
    pub scope: Scope<'a>,
}

/// One `upstream` block: a group of peers under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream<'a> {
    pub directive: &'a Directive,
    pub name: &'a str,
    /// Its `server` lines.
    pub servers: Vec<&'a Directive>,
}

/// A socket and who answers on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound<'h, 'a> {
    pub socket: Socket,
    /// In file order, each once.
    pub servers: Vec<&'h Server<'a>>,
    /// Who answers where no name matches: the one marked `default_server`, else the first.
    pub default: &'h Server<'a>,
    /// Whether the default is marked, rather than merely first.
    pub explicit_default: bool,
    /// Whether any `listen` line of this socket says so: then it holds for all its servers.
    pub ssl: bool,
    /// As `ssl`. `http2 on;` is a directive and not counted here.
    pub http2: bool,
}

/// A level within a server that has values of its own: a location, or an `if` or
/// `limit_except` block in one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level<'s, 'a> {
    pub directive: &'a Directive,
    /// The location that this is, or that it lies in.
    pub location: &'s Location<'a>,
    pub scope: Scope<'a>,
}

impl Config {
    /// The `http` block; the first, should there be several (nginx takes one only).
    pub fn http(&self) -> Option<Http<'_>> {
        let directive = self.top().find(|directive| directive.name == "http")?;
        let scope = Scope::default().within(directive);
        let named = |name| flat(directive.children()).filter(move |child| child.name == name);
        Some(Http {
            directive,
            servers: named("server")
                .map(|child| Server::of(child, &scope))
                .collect(),
            upstreams: named("upstream").filter_map(Upstream::of).collect(),
            scope,
            variables: Variables::in_http(directive),
        })
    }
}

impl<'a> Http<'a> {
    /// The same with addresses in place of the names in `listen` lines: nginx binds each address
    /// that a name stands for. A line whose name stands for none stays as it is.
    #[must_use]
    pub fn looked_up(mut self, addresses: impl Fn(&str, u16) -> Vec<IpAddr>) -> Self {
        for server in &mut self.servers {
            let listens = std::mem::take(&mut server.listens);
            for listen in listens {
                let found = match &listen.address {
                    Address::Name(name) => addresses(name, listen.port),
                    _ => Vec::new(),
                };
                if found.is_empty() {
                    server.listens.push(listen);
                } else {
                    let each = found.into_iter().map(|ip| listen.with_address(ip));
                    server.listens.extend(each);
                }
            }
        }
        self
    }

    /// The sockets of all `listen` lines, in order of first appearance.
    pub fn sockets(&self) -> Vec<Bound<'_, 'a>> {
        let mut all: Vec<Bound<'_, 'a>> = Vec::new();
        let mut known = std::collections::HashMap::new();
        for server in &self.servers {
            for listen in &server.listens {
                for socket in listen.sockets() {
                    let index = *known.entry(socket.clone()).or_insert(all.len());
                    if index == all.len() {
                        all.push(Bound::first(socket, server));
                    }
                    all[index].add(server, listen);
                }
            }
        }
        all
    }

    /// Who answers on `socket` where no name matches; None where nothing listens there.
    pub fn default_server(&self, socket: &Socket) -> Option<&Server<'a>> {
        let mut bound = self.sockets().into_iter();
        bound
            .find(|bound| bound.socket == *socket)
            .map(|bound| bound.default)
    }

    /// The group called `name`; nginx does not tell upper from lower case here.
    pub fn upstream(&self, name: &str) -> Option<&Upstream<'a>> {
        let mut upstreams = self.upstreams.iter();
        upstreams.find(|upstream| upstream.name.eq_ignore_ascii_case(name))
    }

    /// What `server` does with a request for `path` (decoded, without a query).
    pub fn find_location_for<'s, 'b>(
        &self,
        server: &'s Server<'b>,
        path: &str,
    ) -> Selected<'s, 'b> {
        select(server.locations(), path)
    }
}

impl<'h, 'a> Bound<'h, 'a> {
    fn first(socket: Socket, server: &'h Server<'a>) -> Self {
        Self {
            socket,
            servers: Vec::new(),
            default: server,
            explicit_default: false,
            ssl: false,
            http2: false,
        }
    }

    fn add(&mut self, server: &'h Server<'a>, listen: &Listen<'a>) {
        if !self
            .servers
            .iter()
            .any(|known| std::ptr::eq(*known, server))
        {
            self.servers.push(server);
        }
        if listen.default_server && !self.explicit_default {
            self.default = server;
            self.explicit_default = true;
        }
        self.ssl |= listen.ssl;
        self.http2 |= listen.http2;
    }
}

impl<'a> Server<'a> {
    fn of(directive: &'a Directive, http: &Scope<'a>) -> Self {
        let scope = http.within(directive);
        let (mut lines, mut names) = (Vec::new(), Vec::new());
        for line in flat(directive.children()) {
            match line.name.as_str() {
                "listen" => lines.push(line),
                "server_name" => names.extend(line.words()),
                _ => {}
            }
        }
        let listens = if lines.is_empty() {
            vec![Listen::implied(directive)]
        } else {
            lines.into_iter().filter_map(Listen::of).collect()
        };
        Self {
            directive,
            listens,
            names,
            locations: OnceCell::new(),
            conditionals: conditionals(directive, &scope),
            scope,
        }
    }

    /// The locations directly in it, through includes.
    pub fn locations(&self) -> &[Location<'a>] {
        let made = || locations(self.directive, &self.scope);
        self.locations.get_or_init(made)
    }

    /// Every location however deep, each followed by the `if` and `limit_except` blocks in it.
    pub fn all_locations(&self) -> Vec<Level<'_, 'a>> {
        let mut levels = Vec::new();
        for location in self.locations().iter().flat_map(Location::deep) {
            levels.push(Level {
                directive: location.directive,
                location,
                scope: location.scope.clone(),
            });
            levels.extend(location.conditionals.iter().map(|conditional| Level {
                directive: conditional.directive,
                location,
                scope: conditional.scope.clone(),
            }));
        }
        levels
    }

    /// The location `@name`; `name` is given with its `@`.
    pub fn named_location(&self, name: &str) -> Option<&Location<'a>> {
        self.locations()
            .iter()
            .find(|location| location.kind == LocationKind::Named && location.pattern == name)
    }
}

impl<'a> Upstream<'a> {
    fn of(directive: &'a Directive) -> Option<Self> {
        Some(Self {
            directive,
            name: directive.arg(0)?,
            servers: flat(directive.children())
                .filter(|child| child.name == "server")
                .collect(),
        })
    }
}
