//! The PostgreSQL engine.

mod appender;
mod batch;
mod connect;
mod fault;
mod follow;
mod footprint;
mod journal;
mod lease;
mod link;
mod migrate;
mod row;
mod scan;
mod session;
mod tls;
mod url;

pub use url::DatabaseUrl;
