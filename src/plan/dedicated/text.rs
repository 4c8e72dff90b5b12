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
    pages: &'a FromPages<'a>,
}

/// What comes from the server with the pages, as it is written there.
pub(super) struct FromPages<'a> {
    pub(super) carried: &'a [String],
    pub(super) locations: &'a [Moved],
    pub(super) named: &'a [String],
}

pub(super) fn server(
    front: &Front<'_>,
    clients: &Clients<'_>,
    rejects: bool,
    pages: &FromPages<'_>,
) -> Explained {
    let text = rendered(&Server {
        front,
        clients: ClientsText::of(clients),
        rejects,
        pages,
    });
    explain(&text, front.name)
}
