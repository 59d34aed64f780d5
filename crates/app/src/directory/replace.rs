//! Replacing a User or Group (PUT).

use super::commit::{ATTEMPTS, Turn, commit, counted, gave_up, refresh};
use super::{Resource, Wants, change, draft, members, read};
use crate::Refusal;
use crate::app::App;
use crate::call::{Call, resource_type};
use bailiwick_domain::event::EventKind;
use bailiwick_domain::ids::Kind;
use bailiwick_scim::etag::Precondition;
use bailiwick_scim::patch::MemberChange;
use bailiwick_scim::resource;
use bailiwick_store::Guard;
use serde_json::Value;

/// Replaces a resource by the body of a PUT; what the body leaves out is cleared. PUT never creates.
///
/// # Errors
/// `not-found`, `precondition-failed`, what the protocol or the identity rules refuse, or when the store cannot answer.
pub async fn replace_resource(
    app: &App,
    call: &mut Call,
    kind: Kind,
    id: &str,
    body: Value,
    if_match: Option<&Precondition>,
) -> Result<Resource, Refusal> {
    call.resource = Some(id.to_owned());
    let (integration, registry, types) = (call.caller.integration.clone(), app.registry(), resource_type(app, kind));
    let mut row = read::row(app, integration.id, kind, id, false).await?;
    change::check(app, &row, if_match)?;
    let mut after = resource::accept(registry, types, body, integration.quirks, &mut call.repairs)?;
    let member_ids = members::take(&mut after);
    draft::complete(kind, &mut after);
    let mut turn = Turn::default();
    for _ in 0..ATTEMPTS {
        change::check(app, &row, if_match)?;
        let before = read::document(&row)?;
        resource::carry_immutable(types, &before, &mut after);
        resource::check_immutable(registry, types, &before, &after)?;
        call.stages.mark("read", app.clock());
        let mut set = change::decide(app, call, &row, &before, &after, 200, EventKind::Put).await?;
        if kind == Kind::Group {
            let write = members::write_of(app, integration.id, row.seq, MemberChange::Set(member_ids.clone())).await?;
            // Replacing a whole set overwrites what others did since: it holds only for the version that was read.
            set.guards.push(Guard::Resource { seq: row.seq, version: row.version });
            set.writes.push(write);
        } else if set.writes.is_empty() {
            change::unchanged(&mut set);
        }
        if if_match.is_some() {
            set.guards.extend(change::exact(&row));
        }
        call.stages.mark("decide", app.clock());
        let counted = counted(&set);
        if commit(app, set).await?.is_some() {
            call.stages.mark("commit", app.clock());
            return read::read_resource(app, &call.caller, kind, id, Wants::ALL).await;
        }
        turn.take(app, id, counted.as_deref()).await;
        refresh(app, call).await?;
        row = read::row(app, integration.id, kind, id, false).await?;
    }
    Err(gave_up())
}
