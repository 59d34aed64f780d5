//! Committing a use case's set, with store trouble told apart.

use crate::Refusal;
use crate::app::App;
use crate::call::Call;
use crate::error::of_store;
use crate::mapping::{self, consequences};
use bailiwick_scim::Code;
use bailiwick_store::{ChangeSet, Committed, Constraint, Error, Guard};
use std::sync::Arc;
use tokio::sync::MutexGuard;

/// How often a use case reads and decides again before it gives up with 503.
pub(super) const ATTEMPTS: usize = 64;

/// A place in the queue of those who found their decision about one resource stale: they decide one after another, so
/// that many writers of one resource all get through. Nobody waits who was not stale.
#[derive(Debug, Default)]
pub(super) struct Turn<'a>(Option<MutexGuard<'a, ()>>);

impl<'a> Turn<'a> {
    /// Waits for the turn, once. Leavers are counted one after another: of one integration they stand in one queue.
    pub(super) async fn take(&mut self, app: &'a App, id: &str, counted: Option<&str>) {
        if self.0.is_none() {
            self.0 = Some(app.queue(counted.unwrap_or(id)).lock().await);
        }
    }
}

/// `None`: a precondition was stale; read and decide again.
pub(super) async fn commit(app: &App, set: ChangeSet) -> Result<Option<Committed>, Refusal> {
    // In boxes: what few calls need must not make the frame of every call large.
    let set = Box::pin(consequences::complete(app, set)).await?;
    match app.store().commit(set).await {
        Ok(committed) => {
            Box::pin(consequences::after(app, &committed)).await;
            Ok(Some(committed))
        }
        Err(Error::Stale) => {
            // It may be the rules that are others now.
            Box::pin(mapping::current(app)).await?;
            Ok(None)
        }
        Err(Error::Conflict(Constraint::UserName)) => Err(Refusal::new(
            Code::Uniqueness,
            "A User with this userName exists already in this integration. Find it with a filter on userName.",
        )),
        Err(error) => Err(of_store(error)),
    }
}

/// The key under which the set counts removals, if it does.
pub(super) fn counted(set: &ChangeSet) -> Option<String> {
    set.guards.iter().find_map(|guard| match guard {
        Guard::Key { key, .. } if key.starts_with("removals/") => Some(key.clone()),
        _ => None,
    })
}

/// Knows the integration anew before the next attempt: a decision is stale, too, when mapping or mode changed.
pub(super) async fn refresh(app: &App, call: &mut Call) -> Result<(), Refusal> {
    if let Some(integration) = app.integration_now(call.caller.integration.id).await? {
        call.caller.integration = Arc::new(integration);
    }
    Ok(())
}

/// The refusal when others kept changing the same things.
pub(super) fn gave_up() -> Refusal {
    of_store(Error::Stale)
}
