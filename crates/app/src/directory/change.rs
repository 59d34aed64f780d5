//! What PUT and PATCH share: from an old and a new document to a set.

use super::draft::{self, Draft};
use super::{person, read, who};
use crate::Refusal;
use crate::app::App;
use crate::attributes;
use crate::call::Call;
use crate::holds::{self, Held};
use bailiwick_domain::event::EventKind;
use bailiwick_domain::identity::Linking;
use bailiwick_domain::ids::Kind;
use bailiwick_domain::person::Facts;
use bailiwick_scim::etag::Precondition;
use bailiwick_scim::{Code, Object};
use bailiwick_store::change::ResourceUpdate;
use bailiwick_store::rows::ResourceRow;
use bailiwick_store::{ChangeSet, Guard, Write};

/// Refuses when If-Match names another version.
pub(super) fn check(app: &App, row: &ResourceRow, if_match: Option<&Precondition>) -> Result<(), Refusal> {
    match if_match {
        Some(precondition) if !precondition.matches(&read::etag_of(app, row)) => Err(Refusal::new(
            Code::PreconditionFailed,
            "The resource has another version than If-Match names. Read it again.",
        )),
        _ => Ok(()),
    }
}

/// What holds as long as the entity tag of the row does. Whoever sent If-Match commits under it.
pub(super) fn exact(row: &ResourceRow) -> Vec<Guard> {
    let mut guards = vec![Guard::Resource { seq: row.seq, version: row.version }];
    guards.extend(row.person.as_ref().map(|person| Guard::Person { seq: person.seq, epoch: person.epoch }));
    guards
}

/// The set that replaces a document, without members. It carries the record of the call as its first event.
pub(super) async fn decide(
    app: &App,
    call: &mut Call,
    row: &ResourceRow,
    before: &Object,
    after: &Object,
    status: u16,
    verb: EventKind,
) -> Result<ChangeSet, Refusal> {
    let mut set = ChangeSet { at: app.clock().now(), ..ChangeSet::default() };
    let changes = draft::differences(before, after);
    call.name = draft::name(row.kind, after);
    let draft = draft::draft(app, &call.caller.integration, row.kind, after)?;
    if changes.is_empty() {
        set.events.push(call.record(app, verb, status, changes));
    } else {
        let kind = follow(app, call, &mut set, row, (before, after), &draft).await?.unwrap_or(verb);
        set.guards.push(Guard::Document { seq: row.seq, version: row.document_version });
        set.writes.push(Write::UpdateResource(ResourceUpdate { seq: row.seq, columns: draft.columns }));
        set.events.insert(0, call.record(app, kind, status, changes));
    }
    if let (Some(record), Some(person)) = (set.events.first_mut(), &row.person) {
        record.person = Some(person.id.clone());
    }
    Ok(set)
}

/// What the change of a User means for persons; the kind of event when it was switched on or off.
async fn follow(
    app: &App,
    call: &Call,
    set: &mut ChangeSet,
    row: &ResourceRow,
    documents: (&Object, &Object),
    draft: &Draft,
) -> Result<Option<EventKind>, Refusal> {
    let (Kind::User, Some(after)) = (row.kind, &draft.facts) else { return Ok(None) };
    let before = Facts::of_user(documents.0);
    if before.user_name != after.user_name || before.emails != after.emails {
        let own = row.person.as_ref().map(|person| person.id.as_str());
        let who = who::find(app, call, &draft.columns, after, own).await?;
        match &who.linking {
            Linking::Refuse { person, why } => {
                return Err(who::refuse(app, call, &draft.columns, &draft.name, person, *why).await?);
            }
            // A User keeps its person: a new name or address never moves it, it only opens pairs.
            Linking::New { conflicts } | Linking::Attach { conflicts, .. } => {
                who::queue(app, call, set, &draft.columns, &draft.name, conflicts);
            }
        }
        set.guards.push(who.guard);
    }
    let held = person::follow(app, call, set, row, &before, after).await?;
    derive(app, call, set, row, documents, held).await?;
    Ok(match (before.active, after.active) {
        (true, false) => Some(EventKind::Deactivate),
        (false, true) => Some(EventKind::Activate),
        _ => None,
    })
}

/// What the change of an authority User means for the attributes of its person.
async fn derive(
    app: &App,
    call: &Call,
    set: &mut ChangeSet,
    row: &ResourceRow,
    (before, after): (&Object, &Object),
    held: Option<Held>,
) -> Result<(), Refusal> {
    let mapping = &call.caller.integration.mapping;
    let Some(person) = row.person.as_ref().filter(|person| person.authority) else { return Ok(()) };
    if !attributes::differs(mapping, before, after) {
        return Ok(());
    }
    let held = match held {
        Some(held) => held,
        None => holds::held(app, person).await?,
    };
    if held.waits() || call.caller.integration.observe {
        // It is derived anew when it is carried out.
        set.guards.push(Guard::Person { seq: person.seq, epoch: person.epoch });
        set.guards.push(attributes::settings_guard(&call.caller.integration));
        set.writes.extend(holds::wait(&call.caller.integration, person, &held));
        return Ok(());
    }
    let known = person::read(app, person).await?;
    if let Some(doc) = attributes::follow(mapping, &known.doc, &row.id, after) {
        set.guards.push(Guard::Person { seq: person.seq, epoch: person.epoch });
        set.guards.push(attributes::settings_guard(&call.caller.integration));
        set.writes.push(Write::SetAttributes { person: person.seq, doc });
    }
    Ok(())
}

/// Makes the record of a set that writes nothing say so.
pub(super) fn unchanged(set: &mut ChangeSet) {
    if let Some(record) = set.events.first_mut() {
        record.kind = EventKind::CallUnchanged;
    }
}
