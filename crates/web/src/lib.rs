//! Read-only pages and JSON of a running operator, over HTTP.
//!
//! [`serve`] answers on a listener, [`router`] is the answers without a socket, [`Board`] is what they are made of: the
//! command line implements it over the operator's state. Statuses, events, metrics and health only: there is nothing here
//! that changes anything, and nothing secret. The one thing that can be asked for is an early look at a source, by
//! [`Hooks`], and that needs a secret. No TLS and no other authentication, so listen on a loopback address or behind
//! something that has.

mod board;
mod hooks;
#[cfg(test)]
mod hostile_tests;
mod routes;
mod serve;

pub use board::{AskedEvents, AskedObject, Board, Health, Readiness, Refusal};
pub use hooks::{Hook, Hooks};
pub use routes::router;
pub use serve::{serve, serve_with_hooks};
