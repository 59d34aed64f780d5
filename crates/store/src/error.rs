//! What can go wrong in a store, as far as callers treat it differently.

/// A uniqueness constraint, by meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// Two pairs of one integration's userName and one person in the conflict queue.
    ConflictPair,
    /// A domain is claimed already.
    Domain,
    /// An integration of that name exists.
    IntegrationName,
    /// Another item of that kind answers to the name.
    ItemName,
    /// A local account of that name exists.
    LocalName,
    /// A userName is taken within its integration.
    UserName,
}

/// A failed read or commit. `Display` is a lower-case fragment without the source's text.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The store cannot serve now: the disk is full.
    #[error("no space is left for the store")]
    Full,
    /// A query took longer than its budget.
    #[error("the query took longer than its budget")]
    Budget,
    /// Another process holds what is needed.
    #[error("{0}")]
    Busy(String),
    /// The data is not what it must be.
    #[error("the store is damaged or of another program: {0}")]
    Broken(String),
    /// A unique value is taken.
    #[error("a value that must be unique is taken")]
    Conflict(Constraint),
    /// A precondition no longer holds: read and decide again.
    #[error("a precondition no longer holds")]
    Stale,
    /// The engine refused or failed.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// The connection broke in a commit, and nobody could be asked in time what became of it.
    #[error("the connection to the database broke in a commit; whether it was made is not known")]
    Unsettled,
    /// The store was written by a newer Bailiwick.
    #[error("{0}")]
    Version(String),
}
