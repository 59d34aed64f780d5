//! A User that was stored without a person gets one, by the same identity rules as when it had just come.

use super::{Applied, Observed, SAMPLE, evaluate};
use crate::Refusal;
use crate::app::App;
use crate::attributes;
use crate::caller::Integration;
use crate::directory::{self, Who};
use crate::error::of_store;
use crate::leaver::{self, Cause};
use crate::manage;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::identity::{Linking, Why};
use bailiwick_domain::ids::{IntegrationId, Kind, prefixed_id};
use bailiwick_domain::person::{Facts, State, UserView, state_of};
use bailiwick_scim::Object;
use bailiwick_store::change::{NewConflict, NewPerson, PersonKey, PersonUpdate};
use bailiwick_store::rows::ResourceRow;
use bailiwick_store::{ChangeSet, Error, Guard, Write};
use serde_json::json;

/// How often a decision reads and decides again.
const ATTEMPTS: usize = 16;

/// Adds to what was observed what would become of these Users.
pub(super) async fn look(
    app: &App,
    integration: &Integration,
    users: &[ResourceRow],
    seen: &mut Observed,
) -> Result<(), Refusal> {
    for user in users {
        let (_, _, who) = find(app, integration, user).await?;
        let (word, pairs) = match &who.linking {
            Linking::New { conflicts } => {
                seen.create += 1;
                ("create", conflicts.len())
            }
            Linking::Attach { conflicts, .. } => {
                seen.link += 1;
                ("link", conflicts.len())
            }
            Linking::Refuse { .. } => {
                seen.refused += 1;
                ("refused", 1)
            }
        };
        seen.conflicts += pairs as u64;
        if seen.users.len() < SAMPLE {
            seen.users.push((user.id.clone(), word));
        }
    }
    for outcome in evaluate::of_strangers(app, users).await? {
        evaluate::add(&mut seen.effects, &outcome, outcome.row.person.state);
    }
    Ok(())
}

pub(super) async fn find(
    app: &App,
    integration: &Integration,
    user: &ResourceRow,
) -> Result<(Object, Facts, Who), Refusal> {
    let document = directory::document_of(user)?;
    let facts = Facts::of_user(&document);
    let who = directory::find_person(app, integration, &document, &facts).await?;
    Ok((document, facts, who))
}

/// Gives a User its person, if it has none and its integration is not only observed.
pub(super) async fn adopt(app: &App, of: IntegrationId, id: &str, applied: &mut Applied) -> Result<(), Refusal> {
    for _ in 0..ATTEMPTS {
        let integration = app.integration_now(of).await?.filter(|integration| !integration.observe);
        let Some(integration) = &integration else { return Ok(()) };
        let user = app.store().resource(integration.id, Kind::User, id, false).await.map_err(of_store)?;
        let Some(user) = user.filter(|user| user.person.is_none()) else { return Ok(()) };
        let (document, facts, who) = find(app, integration, &user).await?;
        let mut done = Applied::default();
        let set = decide(app, integration, &user, (&document, &facts), &who, &mut done).await?;
        match app.store().commit(set).await {
            Ok(_) => {
                applied.created += done.created;
                applied.linked += done.linked;
                applied.refused += done.refused;
                return Ok(());
            }
            Err(Error::Stale) => {}
            Err(error) => return Err(of_store(error)),
        }
    }
    Err(of_store(Error::Stale))
}

async fn decide(
    app: &App,
    integration: &Integration,
    user: &ResourceRow,
    (document, facts): (&Object, &Facts),
    who: &Who,
    done: &mut Applied,
) -> Result<ChangeSet, Refusal> {
    let mut set = ChangeSet { at: app.clock().now(), ..ChangeSet::default() };
    set.guards.push(who.guard.clone());
    set.guards.push(attributes::settings_guard(integration));
    set.guards.push(Guard::Resource { seq: user.seq, version: user.version });
    let name = facts.user_name.clone().unwrap_or_default();
    let told = |kind, person: &str, why: Option<Why>| {
        let payload = json!({ "name": name, "why": why.map(Why::as_str) });
        let event = manage::event(app, kind, Some(integration.id), Some(person.to_owned()), payload);
        bailiwick_store::NewEvent { resource: Some(user.id.clone()), ..event }
    };
    let pairs = match &who.linking {
        Linking::Refuse { person, why } => {
            done.refused = 1;
            vec![(person.clone(), *why)]
        }
        Linking::New { conflicts } => {
            let id = prefixed_id("per_", app.random());
            let state = if facts.active { State::Active } else { State::Inactive };
            let doc = attributes::fresh(&integration.mapping, &user.id, document);
            let facts = directory::facts_by(document, state);
            let person = NewPerson { id: id.clone(), facts, local: false, admin: false, doc };
            set.writes.push(Write::InsertPerson(person));
            let person = PersonKey::New(id.clone());
            set.writes.push(Write::AdoptResource { seq: user.seq, person, authority: true });
            set.events.push(told(EventKind::ConflictLink, &id, None));
            done.created = 1;
            conflicts.clone()
        }
        Linking::Attach { person, authority, conflicts } => {
            let Some(row) = who.person(person) else { return Err(of_store(Error::Stale)) };
            set.guards.push(Guard::Person { seq: row.seq, epoch: row.epoch });
            let to = PersonKey::Seq(row.seq);
            set.writes.push(Write::AdoptResource { seq: user.seq, person: to, authority: *authority });
            if *authority {
                let state = state_of(&[UserView { authority: true, active: facts.active }], row.account);
                directory::guard_admins(app, &mut set, row, state).await?;
                leaver::leave(app, &mut set, row, state, &Cause::by(app, &app.request_id(), app.actor())).await?;
                let facts = directory::facts_by(document, state);
                let authority = Some(Some(user.seq));
                set.writes.push(Write::UpdatePerson(PersonUpdate { seq: row.seq, facts, authority }));
                let doc = attributes::follow(&integration.mapping, &row.doc, &user.id, document);
                set.writes.extend(doc.map(|doc| Write::SetAttributes { person: row.seq, doc }));
            }
            set.events.push(told(EventKind::ConflictLink, person, None));
            done.linked = 1;
            conflicts.clone()
        }
    };
    for (person, why) in pairs {
        set.writes.push(Write::InsertConflict(NewConflict {
            id: prefixed_id("con_", app.random()),
            integration: integration.id,
            resource: Some(user.id.clone()),
            user_name: name.clone(),
            user_name_key: user.name_unique.clone().unwrap_or_default(),
            person: person.clone(),
            why: why.as_str().to_owned(),
        }));
        set.events.push(told(EventKind::ConflictOpen, &person, Some(why)));
    }
    Ok(set)
}
