//! Committing a use case's set, with store trouble told apart.

use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use bailiwick_scim::Code;
use bailiwick_store::{ChangeSet, Committed, Constraint, Error};

/// How often a use case reads and decides again before it gives up with 503.
pub(super) const ATTEMPTS: usize = 16;

/// `None`: a precondition was stale; read and decide again.
pub(super) async fn commit(app: &App, set: ChangeSet) -> Result<Option<Committed>, Refusal> {
    match app.store().commit(set).await {
        Ok(committed) => Ok(Some(committed)),
        Err(Error::Stale) => Ok(None),
        Err(Error::Conflict(Constraint::UserName)) => Err(Refusal::new(
            Code::Uniqueness,
            "A User with this userName exists already in this integration. Find it with a filter on userName.",
        )),
        Err(error) => Err(of_store(error)),
    }
}

/// The refusal when others kept changing the same things.
pub(super) fn gave_up() -> Refusal {
    of_store(Error::Stale)
}
