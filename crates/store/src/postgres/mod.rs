//! The PostgreSQL engine.

mod connect;
mod fault;
mod link;
mod row;
mod session;
mod tls;
mod url;

pub use url::DatabaseUrl;
