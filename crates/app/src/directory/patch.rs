//! Changing a User or Group (PATCH).

use super::commit::{ATTEMPTS, Turn, commit, counted, gave_up, refresh};
use super::{Patched, Wants, change, members, read};
use crate::Refusal;
use crate::app::App;
use crate::call::{Call, capped, resource_type};
use crate::error::of_store;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::ids::Kind;
use bailiwick_scim::etag::Precondition;
use bailiwick_scim::patch::{self, MemberChange, PatchPlan};
use bailiwick_store::ChangeSet;
use bailiwick_store::rows::ResourceRow;
use serde_json::Value;

/// A PATCH of a group with more members than this is answered 204: nobody wants the list back.
const QUIET_ABOVE_MEMBERS: u32 = 1_000;

/// Applies the operations of a PATCH, all or nothing. `shown`: the caller shows the resource whatever it is.
///
/// # Errors
/// `not-found`, `precondition-failed`, what the protocol or the identity rules refuse, or when the store cannot answer.
pub async fn patch_resource(
    app: &App,
    call: &mut Call,
    kind: Kind,
    id: &str,
    body: Value,
    if_match: Option<&Precondition>,
    shown: bool,
) -> Result<Patched, Refusal> {
    call.resource = Some(id.to_owned());
    let integration = call.caller.integration.clone();
    let mut row = read::row(app, integration.id, kind, id, false).await?;
    change::check(app, &row, if_match)?;
    call.stages.mark("read", app.clock());
    let request = patch::parse_request(body, integration.quirks, &mut call.repairs)?;
    let plan = patch::plan(app.registry(), resource_type(app, kind), request, integration.quirks, &mut call.repairs)?;
    call.canonical = Some(capped(plan.canonical()));
    let (of_members, rest) = plan.split("members");
    let member_changes = patch::member_changes(&of_members)?;
    let written = Value::Object(rest.written());
    let quiet = !shown && quiet(app, &integration, &row).await?;
    let mut turn = Turn::default();
    for _ in 0..ATTEMPTS {
        change::check(app, &row, if_match)?;
        let set =
            decide(app, call, &row, &rest, &member_changes, if_match.is_some(), if quiet { 204 } else { 200 }).await?;
        call.stages.mark("decide", app.clock());
        let counted = counted(&set);
        if commit(app, set).await?.is_some() {
            call.stages.mark("commit", app.clock());
            let wants = if quiet { Wants::ROW } else { Wants::ALL };
            let resource = read::read_resource(app, &call.caller, kind, id, wants).await?;
            return Ok(Patched { resource, quiet, written });
        }
        turn.take(app, id, counted.as_deref()).await;
        refresh(app, call).await?;
        row = read::row(app, integration.id, kind, id, false).await?;
    }
    Err(gave_up())
}

/// Applies the operations to the row and decides what to write.
async fn decide(
    app: &App,
    call: &mut Call,
    row: &ResourceRow,
    rest: &PatchPlan,
    member_changes: &[MemberChange],
    guarded: bool,
    status: u16,
) -> Result<ChangeSet, Refusal> {
    let integration = call.caller.integration.clone();
    let before = read::document(row)?;
    let mut after = before.clone();
    let types = resource_type(app, row.kind);
    patch::apply(app.registry(), types, rest, &mut after, integration.quirks, &mut call.repairs)?;
    // Who removes `active` sees it removed (RFC 7644 section 3.5.2.2); without it a User stays active.
    let mut set = change::decide(app, call, row, &before, &after, status, EventKind::Patch).await?;
    if guarded {
        set.guards.extend(change::exact(row));
    }
    for member_change in member_changes {
        set.writes.push(members::write_of(app, integration.id, row.seq, member_change.clone()).await?);
    }
    if set.writes.is_empty() {
        change::unchanged(&mut set);
    }
    Ok(set)
}

/// Whether the answer is 204 without a body.
async fn quiet(app: &App, integration: &crate::Integration, row: &ResourceRow) -> Result<bool, Refusal> {
    if row.kind == Kind::User {
        return Ok(false);
    }
    if integration.preset.quiet_group_patch() {
        return Ok(true);
    }
    let members = app.store().members_up_to(row.seq, u64::from(QUIET_ABOVE_MEMBERS) + 1).await.map_err(of_store)?;
    Ok(members > u64::from(QUIET_ABOVE_MEMBERS))
}
