//! A server of its own for the agents of NGINX Instance Manager 2: its locations are moved there
//! from the server with the pages.

mod carried;
mod moved;
mod text;
mod source;
mod agents;
mod make;

pub(super) use make::plan;
