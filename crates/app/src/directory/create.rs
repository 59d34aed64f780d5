//! Creating a User or Group.

use super::commit::{ATTEMPTS, commit, gave_up, refresh};
use super::draft::{self, Draft};
use super::{Resource, Wants, members, person, read, who};
use crate::Refusal;
use crate::app::App;
use crate::attributes;
use crate::call::{Call, resource_type};
use crate::leaver::{self, Cause};
use bailiwick_domain::event::EventKind;
use bailiwick_domain::identity::Linking;
use bailiwick_domain::ids::{Kind, prefixed_id, resource_id};
use bailiwick_domain::person::{State, UserView, state_of};
use bailiwick_scim::{Object, resource};
use bailiwick_store::change::{MemberWrite, NewPerson, NewResource, PersonKey, PersonUpdate, ResourceKey};
use bailiwick_store::{ChangeSet, Guard, Write};
use serde_json::{Value, json};
use std::collections::HashSet;

/// Creates a resource from the body of a POST.
///
/// # Errors
/// What the protocol refuses, `uniqueness`, `local-person`, or when the store cannot answer.
pub async fn create_resource(app: &App, call: &mut Call, kind: Kind, body: Value) -> Result<Resource, Refusal> {
    let plan = accept(app, call, kind, body, resource_id(app.random()))?;
    settle(app, call, &plan).await
}

/// Decides and commits until no precondition is stale.
pub(super) async fn settle(app: &App, call: &mut Call, plan: &Creation) -> Result<Resource, Refusal> {
    for _ in 0..ATTEMPTS {
        let set = decide(app, call, plan, &HashSet::new()).await?;
        call.stages.mark("decide", app.clock());
        if commit(app, set).await?.is_some() {
            call.stages.mark("commit", app.clock());
            return read::read_resource(app, &call.caller, plan.kind, &plan.id, Wants::ALL).await;
        }
        refresh(app, call).await?;
    }
    Err(gave_up())
}

/// A creation as asked for, before anything was read.
#[derive(Debug)]
pub(super) struct Creation {
    id: String,
    kind: Kind,
    draft: Draft,
    document: Object,
    members: Vec<String>,
    changes: Vec<Value>,
}

impl Creation {
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// Names and addresses the creation depends on: creations that share none can be decided side by side.
    pub(super) fn keys(&self) -> Vec<String> {
        let columns = &self.draft.columns;
        columns.name_unique.iter().chain(&columns.email_keys).cloned().collect()
    }
}

/// Checks the body against the schemas.
pub(super) fn accept(app: &App, call: &mut Call, kind: Kind, body: Value, id: String) -> Result<Creation, Refusal> {
    let integration = call.caller.integration.clone();
    let registry = app.registry();
    let mut document =
        resource::accept(registry, resource_type(app, kind), body, integration.quirks, &mut call.repairs)?;
    let members = members::take(&mut document);
    draft::complete(kind, &mut document);
    call.name = draft::name(kind, &document);
    let draft = draft::draft(app, &integration, kind, &document)?;
    call.resource = Some(id.clone());
    let changes = draft::differences(&Object::new(), &document);
    Ok(Creation { id, kind, draft, document, members, changes })
}

/// Reads who is concerned and decides what to write. `siblings` are resources created by the same commit.
pub(super) async fn decide(
    app: &App,
    call: &mut Call,
    plan: &Creation,
    siblings: &HashSet<String>,
) -> Result<ChangeSet, Refusal> {
    let mut set = ChangeSet { at: app.clock().now(), ..ChangeSet::default() };
    let mut record = call.record(app, EventKind::Create, 201, plan.changes.clone());
    let (person, authority) = match plan.kind {
        Kind::Group => (None, false),
        Kind::User if call.caller.integration.observe => {
            // Who it is is decided when what was observed is applied.
            set.guards.push(attributes::settings_guard(&call.caller.integration));
            (None, false)
        }
        Kind::User => {
            let (person, authority, id) = decide_person(app, call, plan, &mut set).await?;
            record.person = Some(id);
            (Some(person), authority)
        }
    };
    let resource = NewResource {
        id: plan.id.clone(),
        integration: call.caller.integration.id,
        kind: plan.kind,
        columns: plan.draft.columns.clone(),
        person,
        authority,
    };
    // The person, the resource and its members come before what refers to them.
    set.writes.push(Write::InsertResource(resource));
    if !plan.members.is_empty() {
        let named = members::rows(app, call.caller.integration.id, &plan.members, siblings).await?;
        let (group, change) = (ResourceKey::New(plan.id.clone()), MemberWrite::Add(named.rows));
        set.writes.push(Write::Members { group, change, wide: named.groups });
    }
    set.events.insert(0, record);
    Ok(set)
}

/// Whose User it is: the person, whether the User becomes its authority, and the person's id.
async fn decide_person(
    app: &App,
    call: &Call,
    plan: &Creation,
    set: &mut ChangeSet,
) -> Result<(PersonKey, bool, String), Refusal> {
    let (columns, name) = (&plan.draft.columns, plan.draft.name.as_str());
    let Some(facts) = &plan.draft.facts else { return Err(gave_up()) };
    let who = who::find(app, call, columns, facts, None).await?;
    set.guards.push(attributes::settings_guard(&call.caller.integration));
    match &who.linking {
        Linking::Refuse { person, why } => Err(who::refuse(app, call, columns, name, person, *why).await?),
        Linking::New { conflicts } => {
            let id = prefixed_id("per_", app.random());
            let state = if facts.active { State::Active } else { State::Inactive };
            let doc = attributes::fresh(&call.caller.integration.mapping, &plan.id, &plan.document);
            let facts = person::facts(facts, state);
            let person = NewPerson { id: id.clone(), facts, local: false, admin: false, doc };
            set.guards.push(who.guard.clone());
            set.writes.push(Write::InsertPerson(person));
            who::queue(app, call, set, columns, name, conflicts);
            Ok((PersonKey::New(id.clone()), true, id))
        }
        Linking::Attach { person: id, authority, conflicts } => {
            let Some(row) = who.person(id) else { return Err(gave_up()) };
            set.guards.push(who.guard.clone());
            set.guards.push(Guard::Person { seq: row.seq, epoch: row.epoch });
            if *authority {
                let view = UserView { authority: true, active: facts.active };
                let state = state_of(&[view], row.account);
                person::guard_admins(app, set, row, state).await?;
                leaver::leave(app, set, row, state, &Cause::of_call(app, call)).await?;
                let facts = person::facts(facts, state);
                set.writes.push(Write::UpdatePerson(PersonUpdate { seq: row.seq, facts, authority: None }));
                let mapping = &call.caller.integration.mapping;
                let doc = attributes::follow(mapping, &row.doc, &plan.id, &plan.document);
                set.writes.extend(doc.map(|doc| Write::SetAttributes { person: row.seq, doc }));
            }
            who::queue(app, call, set, columns, name, conflicts);
            let payload = json!({ "name": name });
            set.events.push(call.side_event(app, EventKind::ConflictLink, Some(id.clone()), payload));
            Ok((PersonKey::Seq(row.seq), *authority, id.clone()))
        }
    }
}
