//! HTTP: connections, routes, callers and the shape of answers.
//!
//! This crate must never know SQL or evaluate rules: it turns bytes into a call of a use case and its outcome into
//! bytes. Where to start reading: [`router`] lists every route, `scim` answers below `/scim`, `api` below
//! `/api/v1`, [`listen`] accepts
//! connections, `guard` says what no request gets past.

mod api;
mod gate;
mod guard;
mod health;
mod intake;
pub mod limits;
pub mod listen;
pub mod outbound;
pub mod router;
mod scim;
mod wire;

pub use api::openapi;
pub use gate::Gate;
pub use listen::{Bound, Running, ServerOptions, bind};
pub use router::{Auth, RouteInfo, routes};
