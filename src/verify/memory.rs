//! What a client keeps of a connection so that it can resume it.
//!
//! rustls files sessions by server name. Here the name does not matter: a session that one
//! server of a socket gave is offered to another on purpose (that it must not be honoured
//! there is one of the things to prove).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::ServerName;

/// TLS 1.3 tickets kept; nginx sends two.
const TICKETS: usize = 8;

/// The sessions of the latest full connection.
#[derive(Clone, Default)]
pub(super) struct Memory(Arc<Mutex<Saved>>);

#[derive(Default)]
struct Saved {
    tls12: Option<Tls12ClientSessionValue>,
    tls13: VecDeque<Tls13ClientSessionValue>,
}

impl Memory {
    /// Forgets everything, and gives the store that fills this memory and offers nothing.
    pub(super) fn learning(&self) -> Arc<dyn ClientSessionStore> {
        *self.saved() = Saved::default();
        Arc::new(Learning(self.clone()))
    }

    /// The store that offers what is here and adds nothing to it.
    pub(super) fn offering(&self) -> Arc<dyn ClientSessionStore> {
        Arc::new(Offering(self.clone()))
    }

    pub(super) fn is_empty(&self) -> bool {
        let saved = self.saved();
        saved.tls12.is_none() && saved.tls13.is_empty()
    }

    fn saved(&self) -> MutexGuard<'_, Saved> {
        // A panic elsewhere cannot leave these fields inconsistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Its content is key material: never shown.
impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memory(..)")
    }
}

#[derive(Debug)]
struct Learning(Memory);

impl ClientSessionStore for Learning {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        None
    }

    fn set_tls12_session(&self, _: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.0.saved().tls12 = Some(value);
    }

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _: ServerName<'static>, value: Tls13ClientSessionValue) {
        let mut saved = self.0.saved();
        if saved.tls13.len() < TICKETS {
            saved.tls13.push_back(value);
        }
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        None
    }
}

#[derive(Debug)]
struct Offering(Memory);

impl ClientSessionStore for Offering {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        None
    }

    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.0.saved().tls12.clone()
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _: ServerName<'static>, _: Tls13ClientSessionValue) {}

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.0.saved().tls13.pop_front()
    }
}
