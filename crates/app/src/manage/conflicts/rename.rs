//! Two humans, and the one here gives up the name: both can exist, and nobody is mistaken for the other.

use super::Decision;
use crate::Refusal;
use crate::access::Principal;
use crate::app::App;
use crate::error::of_store;
use crate::manage::{ATTEMPTS, commit_guarded, invalid, taken};
use bailiwick_domain::event::EventKind;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_domain::identity::Why;
use bailiwick_domain::names;
use bailiwick_domain::person::State;
use bailiwick_scim::text;
use bailiwick_store::change::{PersonFacts, PersonUpdate};
use bailiwick_store::rows::PersonRow;
use bailiwick_store::{Error, Guard, Write};
use serde_json::json;

/// Gives the person of the pair another userName and declares the pair two humans: the next attempt of the identity
/// provider is taken. Only the name of a person without an identity provider can be changed here.
///
/// # Errors
/// `forbidden`, an unknown or decided pair, one that does not share a name, a bad or taken name, `managed-attribute`, or
/// when the store cannot answer.
pub async fn rename_conflict(
    app: &App,
    principal: &Principal,
    id: &str,
    user_name: &str,
    note: Option<&str>,
) -> Result<(), Refusal> {
    let decision = Decision::new(app, principal, id, note).await?;
    names::check_user_name(user_name)
        .map_err(|reason| failure::error(ProductCode::UserNameForm, format!("This name cannot be used: {reason}.")))?;
    let key = text::unique_key(user_name);
    for _ in 0..ATTEMPTS {
        let (mut set, conflict) = decision.begin().await?;
        if Why::from_text(&conflict.why) != Some(Why::SameUserName) {
            return Err(invalid("These two share an address, not a name. Link them, or keep them apart."));
        }
        let person = app.store().person_by_id(&conflict.person).await.map_err(of_store)?;
        let Some(person) = person.filter(|person| person.state != State::Closed) else {
            return Err(invalid("The person of this pair is closed."));
        };
        may_rename(&person)?;
        if person.user_name_key.as_deref() == Some(key.as_str()) {
            return Err(invalid("This is the name the person has already, or one that collides with it."));
        }
        let others = app.store().candidates(&key, &[]).await.map_err(of_store)?;
        if let Some(other) = others.first() {
            let (display, id) = (&other.person.display, &other.person.id);
            return Err(taken(format!("{display} ({id}) answers to this name already.")));
        }
        set.guards.push(Guard::Person { seq: person.seq, epoch: person.epoch });
        set.guards.push(Guard::Candidates { user_name_key: key.clone(), email_keys: Vec::new(), persons: Vec::new() });
        let facts = PersonFacts {
            user_name: Some(user_name.to_owned()),
            user_name_key: Some(key.clone()),
            ..crate::directory::facts_of(&person)
        };
        set.writes.push(Write::UpdatePerson(PersonUpdate { seq: person.seq, facts, authority: None }));
        let did = json!({ "before": person.user_name, "after": user_name });
        decision.end(&mut set, &conflict, EventKind::ConflictRename, "kept", did);
        if commit_guarded(app, set).await?.is_some() {
            return Ok(());
        }
    }
    Err(of_store(Error::Stale))
}

/// Whether the person's name is ours to change.
pub(super) fn may_rename(person: &PersonRow) -> Result<(), Refusal> {
    if person.authority.is_some() {
        let detail = "The name of this person is managed by an identity provider. Change it there.";
        return Err(failure::error(ProductCode::ManagedAttribute, detail));
    }
    Ok(())
}
