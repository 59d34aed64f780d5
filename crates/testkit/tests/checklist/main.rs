//! What the SCIM RFCs ask of a service provider (RFC 7643, RFC 7644, RFC 9865), asserted over a socket.
//!
//! One module per part of the protocol; the tests are named after what they assert. Every refusal goes through
//! [`support::refusal`], which holds the whole error message against RFC 7644 section 3.12.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod bulk;
mod crud;
mod cursor;
mod discovery;
mod filter;
mod model;
mod patch;
mod preconditions;
mod query;
mod support;
mod sweep;
mod transport;
