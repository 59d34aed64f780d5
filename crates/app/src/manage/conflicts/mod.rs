//! The conflict queue: pairs of a User and a Person that may be one human. Nobody is adopted silently.
//!
//! A pair is shown with its [`evidence`], and decided: they are one ([`link`]), they are two, or they are two and the
//! one here takes another name ([`rename`]).

mod evidence;
mod link;
mod rename;

pub use evidence::{Decided, Evidence, IfLinked, Side, SideGrant, SideUser, show_conflict};
pub use link::link_conflict;
pub use rename::rename_conflict;

use super::{ATTEMPTS, commit_guarded, invalid, missing};
use crate::Refusal;
use crate::access::{self, Action, Object, Principal};
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::event::EventKind;
use bailiwick_store::change::EntryWrite;
use bailiwick_store::rows::ConflictRow;
use bailiwick_store::{ChangeSet, Error, Guard, NewEvent, Write};
use serde_json::{Value, json};

/// The key of the guard that decisions about pairs compare and bump.
const QUEUE: &str = "conflicts";
/// Where the words of whoever decided are kept.
const DECISIONS: &str = "conflict";
/// Longest note, in characters.
const NOTE_CHARS: usize = 2_000;

/// The pairs in that state (`open`, `linked`, `kept`), or all.
///
/// # Errors
/// `forbidden`, or when the store cannot answer.
pub async fn list_conflicts(
    app: &App,
    principal: &Principal,
    state: Option<&str>,
) -> Result<Vec<ConflictRow>, Refusal> {
    access::require(app, principal, Action::ConflictRead, &Object::None).await?;
    app.store().conflicts(state).await.map_err(of_store)
}

/// Declares the pair two humans.
///
/// # Errors
/// `forbidden`, an unknown or decided pair, a note that is too long, or when the store cannot answer.
pub async fn keep_conflict(app: &App, principal: &Principal, id: &str, note: Option<&str>) -> Result<(), Refusal> {
    let decision = Decision::new(app, principal, id, note).await?;
    for _ in 0..ATTEMPTS {
        let (mut set, conflict) = decision.begin().await?;
        decision.end(&mut set, &conflict, EventKind::ConflictKeep, "kept", json!({}));
        if commit_guarded(app, set).await?.is_some() {
            return match &conflict.resource {
                // One that was stored without a person gets its own now.
                Some(user) => crate::holds::adopt_user(app, conflict.integration, user).await,
                None => Ok(()),
            };
        }
    }
    Err(of_store(Error::Stale))
}

/// A decision about one pair.
struct Decision<'a> {
    app: &'a App,
    principal: &'a Principal,
    id: &'a str,
    note: Option<&'a str>,
}

impl<'a> Decision<'a> {
    async fn new(app: &'a App, principal: &'a Principal, id: &'a str, note: Option<&'a str>) -> Result<Self, Refusal> {
        access::require(app, principal, Action::ConflictDecide, &Object::None).await?;
        if note.is_some_and(|note| note.chars().count() > NOTE_CHARS) {
            return Err(invalid(format!("A note has at most {NOTE_CHARS} characters.")));
        }
        Ok(Self { app, principal, id, note: note.map(str::trim).filter(|note| !note.is_empty()) })
    }

    /// The pair while it is open, under a guard: of two decisions about one pair the second finds it decided.
    async fn begin(&self) -> Result<(ChangeSet, ConflictRow), Refusal> {
        let version = self.app.store().guard(QUEUE).await.map_err(of_store)?;
        let conflict = pair(self.app, self.id).await?;
        if conflict.state != "open" {
            return Err(invalid(format!("This pair was decided already: {}.", conflict.state)));
        }
        let guard = Guard::Key { key: QUEUE.to_owned(), version, bump: true };
        Ok((ChangeSet { at: self.app.clock().now(), guards: vec![guard], ..ChangeSet::default() }, conflict))
    }

    /// Notes what was decided, and what it did.
    fn end(&self, set: &mut ChangeSet, conflict: &ConflictRow, kind: EventKind, state: &str, what: Value) {
        let (id, by) = (conflict.id.clone(), self.principal.actor());
        let doc = json!({ "by": by, "note": self.note, "kind": kind.as_str(), "did": what });
        set.writes.push(Write::SetConflict { id: id.clone(), state: state.to_owned() });
        set.writes.push(Write::PutEntry(EntryWrite {
            collection: DECISIONS.to_owned(),
            id,
            parent: None,
            state: None,
            due: None,
            doc: doc.to_string(),
        }));
        let payload = json!({
            "conflict": conflict.id, "name": conflict.user_name, "why": conflict.why, "note": self.note, "did": what,
        });
        set.events.push(NewEvent {
            resource: conflict.resource.clone(),
            actor: by.to_owned(),
            ..super::event(self.app, kind, Some(conflict.integration), Some(conflict.person.clone()), payload)
        });
    }
}

async fn pair(app: &App, id: &str) -> Result<ConflictRow, Refusal> {
    let conflict = app.store().conflict(id).await.map_err(of_store)?;
    conflict.ok_or_else(|| missing(format!("There is no pair with the id \"{id}\". See: bailiwick conflict list")))
}
