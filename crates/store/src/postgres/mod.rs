//! The PostgreSQL engine.

mod url;

pub use url::DatabaseUrl;
