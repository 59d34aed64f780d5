//! SCIM 2.0 as a pure library: RFC 7643 (schema), RFC 7644 (protocol), RFC 9865 (cursor paging).
//!
//! Data goes in, data comes out. This crate must never know HTTP, SQL, time, randomness, logging or the product that
//! uses it; it knows the words of the RFCs, JSON values and limits.
//!
//! Where to start reading: [`schema`] says what a resource may hold, [`json`] reads foreign bytes, [`resource`] turns a
//! body into a resource, [`filter`] and [`patch`] are the two languages, [`quirks`] names every leniency.
#![deny(missing_docs)]

pub mod bulk;
pub mod discovery;
pub mod error;
pub mod etag;
pub mod filter;
pub mod json;
pub mod keys;
pub mod limits;
pub mod list;
pub mod patch;
pub mod path;
pub mod projection;
pub mod quirks;
pub mod redact;
pub mod resource;
pub mod schema;
pub mod search;
pub mod sort;
pub mod text;

pub use error::{Code, Error, ScimType};

/// A resource, or any JSON object, with its keys in the spelling of the schema.
pub type Object = serde_json::Map<String, serde_json::Value>;
