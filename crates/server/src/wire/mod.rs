//! Bytes and connections: what must be known before there is a request.

mod framing;
mod link;
pub(crate) mod tls;
mod watched;

pub(crate) use link::Link;
pub(crate) use watched::Watched;
