//! One human: the User joins the person, and what the person it leaves had by hand comes along.

use super::Decision;
use crate::Refusal;
use crate::access::Principal;
use crate::app::App;
use crate::error::of_store;
use crate::manage::{ATTEMPTS, commit_guarded, invalid};
use bailiwick_domain::event::EventKind;
use bailiwick_domain::ids::Kind;
use bailiwick_domain::mapping::Origin;
use bailiwick_domain::person::{State, UserView, state_of};
use bailiwick_store::change::{Dirty, GrantsWrite, ItemUpdate, NewGrant, PersonFacts, PersonKey, PersonUpdate};
use bailiwick_store::query::ItemQuery;
use bailiwick_store::rows::{GrantRow, PersonRow, ResourceRow};
use bailiwick_store::{ChangeSet, Error, Guard, Write};
use serde_json::{Value, json};

/// Most entities whose owner changes with a link.
const OWNED: u32 = 1_000;

/// Declares the pair one human. A User that was stored moves to the person and contributes its groups; a User that was
/// refused will be taken when the identity provider sends it again. The person the User leaves is closed; teams, roles
/// and ownership that it had by hand are the other's afterwards.
///
/// # Errors
/// `forbidden`, an unknown or decided pair, a person that is closed, a User whose present person has other identities,
/// or when the store cannot answer.
pub async fn link_conflict(app: &App, principal: &Principal, id: &str, note: Option<&str>) -> Result<(), Refusal> {
    let decision = Decision::new(app, principal, id, note).await?;
    for _ in 0..ATTEMPTS {
        let (mut set, conflict) = decision.begin().await?;
        let person = app.store().person_by_id(&conflict.person).await.map_err(of_store)?;
        let person = person.filter(|person| person.state != State::Closed);
        let Some(person) = person else { return Err(invalid("The person of this pair is closed.")) };
        set.guards.push(Guard::Person { seq: person.seq, epoch: person.epoch });
        let mut did = json!({});
        if let Some(resource) = &conflict.resource {
            let user =
                app.store().resource(conflict.integration, Kind::User, resource, false).await.map_err(of_store)?;
            let Some(user) = user else { return Err(invalid("The User of this pair was deleted meanwhile.")) };
            did = move_user(app, &mut set, &user, &person).await?;
        }
        decision.end(&mut set, &conflict, EventKind::ConflictLink, "linked", did);
        if let Some(committed) = commit_guarded(app, set).await? {
            crate::mapping::after_commit(app, &committed).await;
            return Ok(());
        }
    }
    Err(of_store(Error::Stale))
}
