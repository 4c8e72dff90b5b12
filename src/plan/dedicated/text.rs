//! The file with the server for agents, from `assets/templates`.

use askama::Template;

use super::super::nim1::{Clients, ClientsText, Front};
use super::super::template::{Explained, explain, rendered};
use super::moved::Moved;

#[derive(Template)]
#[template(
    path = "nim-tls-agents-server.conf",
    config = ".askama.toml",
    escape = "none"
)]
struct Server<'a> {
    front: &'a Front<'a>,
    clients: ClientsText<'a>,
    rejects: bool,
    locations: &'a [Moved],
    named: &'a [String],
}

pub(super) fn server(
    front: &Front<'_>,
    clients: &Clients<'_>,
    rejects: bool,
    locations: &[Moved],
    named: &[String],
) -> Explained {
    let text = rendered(&Server {
        front,
        clients: ClientsText::of(clients),
        rejects,
        locations,
        named,
    });
    explain(&text, front.name)
}
