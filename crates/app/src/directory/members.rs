//! Members of groups: ids become rows, changes become writes.

use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::ids::{IntegrationId, Kind};
use bailiwick_scim::filter::{self, Resolved};
use bailiwick_scim::patch::MemberChange;
use bailiwick_scim::{Code, Object};
use bailiwick_store::Write;
use bailiwick_store::change::{MemberWrite, ResourceKey};
use bailiwick_store::rows::MemberRef;
use serde_json::{Value, json};
use std::collections::HashSet;

/// Members read at once.
const PAGE: u32 = 1_000;
/// Ids looked up at once.
const LOOKED_UP: usize = 5_000;

/// A page of the members of a group, in the order of their rows.
///
/// # Errors
/// When the store cannot answer.
pub async fn members_page(app: &App, group: i64, after: Option<i64>, limit: u32) -> Result<Vec<MemberRef>, Refusal> {
    app.store().members(group, after, u64::from(limit)).await.map_err(of_store)
}

/// Takes `members` out of a document: the ids in it.
pub(super) fn take(document: &mut Object) -> Vec<String> {
    let Some(Value::Array(values)) = document.remove("members") else { return Vec::new() };
    values
        .into_iter()
        .filter_map(|mut value| match value.get_mut("value").map(Value::take) {
            Some(Value::String(id)) => Some(id),
            _ => None,
        })
        .collect()
}

/// Members as a write names them.
#[derive(Debug, Default)]
pub(super) struct Named {
    pub(super) rows: Vec<ResourceKey>,
    /// Whether groups are among them, apart from those made by the same set.
    pub(super) groups: bool,
}

impl Named {
    fn add(&mut self, member: &MemberRef) {
        self.rows.push(ResourceKey::Seq(member.seq));
        self.groups |= member.kind == Kind::Group;
    }
}

/// The rows of these ids. `siblings` are ids created in the same set. One that names nothing refuses the whole request.
pub(super) async fn rows(
    app: &App,
    integration: IntegrationId,
    ids: &[String],
    siblings: &HashSet<String>,
) -> Result<Named, Refusal> {
    let mut named = Named::default();
    // In parts, so that a long list is refused at its first bad part.
    for part in ids.chunks(LOOKED_UP) {
        let found = app.store().member_refs(integration, part).await.map_err(of_store)?;
        for (id, row) in part.iter().zip(found) {
            match row {
                Some(row) => named.add(&row),
                None if siblings.contains(id) => named.rows.push(ResourceKey::New(id.clone())),
                None => return Err(unknown(id)),
            }
        }
    }
    Ok(named)
}

fn unknown(id: &str) -> Refusal {
    let shown: String = id.chars().take(80).collect();
    Refusal::new(Code::MemberUnknown, format!("The member \"{shown}\" names no User or Group of this integration."))
}

/// Turns a change of `members` into a write.
pub(super) async fn write_of(
    app: &App,
    integration: IntegrationId,
    group: i64,
    change: MemberChange,
) -> Result<Write, Refusal> {
    let none = HashSet::new();
    let (change, wide) = match change {
        MemberChange::Add(ids) => {
            let Named { rows, groups } = rows(app, integration, &ids, &none).await?;
            (MemberWrite::Add(rows), groups)
        }
        MemberChange::Set(ids) if !ids.is_empty() => {
            let Named { rows, groups } = rows(app, integration, &ids, &none).await?;
            (MemberWrite::Set(rows), groups || is_wide(app, group).await?)
        }
        MemberChange::Clear | MemberChange::Set(_) => (MemberWrite::Clear, true),
        MemberChange::Remove(ids) => {
            // Who is no member any more, or never was one, is as removed as asked.
            let found = app.store().member_refs(integration, &ids).await.map_err(of_store)?;
            let mut named = Named::default();
            found.iter().flatten().for_each(|row| named.add(row));
            (MemberWrite::Remove(named.rows), named.groups)
        }
        MemberChange::RemoveWhere(filter) => {
            let Named { rows, groups } = matching(app, group, &filter).await?;
            (MemberWrite::Remove(rows), groups)
        }
    };
    Ok(Write::Members { group: ResourceKey::Seq(group), change, wide })
}

/// Whether many would leave a group with all its members: it has more than a page of them, or groups among them.
async fn is_wide(app: &App, group: i64) -> Result<bool, Refusal> {
    let page = members_page(app, group, None, PAGE).await?;
    Ok(page.len() == PAGE as usize || page.iter().any(|member| member.kind == Kind::Group))
}

async fn matching(app: &App, group: i64, filter: &Resolved) -> Result<Named, Refusal> {
    let mut matching = Named::default();
    let mut after = None;
    loop {
        let page = members_page(app, group, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(matching) };
        after = Some(last.seq);
        let hits = page.iter().filter(|member| filter::matches_value(filter, &shown(app, member)));
        hits.for_each(|member| matching.add(member));
    }
}

/// A member as a filter on `members` sees it.
fn shown(app: &App, member: &MemberRef) -> Value {
    let reference = format!("{}/{}/{}", app.scim_base(), member.kind.endpoint(), member.id);
    let mut shown = json!({ "value": member.id, "type": member.kind.name(), "$ref": reference });
    if !member.display.is_empty() {
        shown["display"] = Value::from(member.display.as_str());
    }
    shown
}
