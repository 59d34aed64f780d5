//! Persons as rules see them, read from the store, and as they are going to be.

use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::ids::IntegrationId;
use bailiwick_domain::mapping::{Compiled, GroupNode, HeldGrant, Subject, SubjectUser, Web, closure};
use bailiwick_domain::person;
use bailiwick_scim::Object;
use bailiwick_store::Guard;
use bailiwick_store::rows::{GrantRow, SubjectRow, UserOfPerson};
use futures_util::future::try_join_all;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Persons with everything that their grants follow from.
#[derive(Debug, Default)]
pub(crate) struct Subjects {
    /// The rows, in order.
    pub(crate) rows: Vec<SubjectRow>,
    /// The groups of all of them, and what is above those.
    pub(crate) web: Web,
    /// Hold as long as no group was put into or taken out of another, renamed or deleted.
    pub(crate) nesting: Vec<(IntegrationId, Guard)>,
}

/// The key of the guard that whatever changes a group or its place among groups compares and bumps.
pub(crate) fn nesting_key(integration: IntegrationId) -> String {
    format!("nesting/{}", integration.0)
}

/// Reads persons. Whatever changes afterwards shows in the epoch of a person or in a guard of nesting, so that who
/// commits under both has decided by what is.
pub(crate) async fn read(app: &App, rules: &Compiled, persons: &[i64]) -> Result<Subjects, Refusal> {
    let rows = app.store().subjects(persons).await.map_err(of_store)?;
    web_of(app, rules, rows, &[]).await
}

/// Reads the groups of these persons, and those `joined` besides, with what is above them.
pub(crate) async fn web_of(
    app: &App,
    rules: &Compiled,
    rows: Vec<SubjectRow>,
    joined: &[i64],
) -> Result<Subjects, Refusal> {
    let mut groups: Vec<i64> = rows.iter().flat_map(|row| row.memberships.iter().map(|(_, group)| *group)).collect();
    groups.extend_from_slice(joined);
    groups.sort_unstable();
    groups.dedup();
    let integrations: BTreeSet<i64> =
        rows.iter().flat_map(|row| row.users.iter().map(|user| user.integration.0)).collect();
    // Before the web: an edge that comes meanwhile makes the guard stale.
    let nesting = integrations.into_iter().map(|id| async move {
        let integration = IntegrationId(id);
        let key = nesting_key(integration);
        let version = app.store().guard(&key).await.map_err(of_store)?;
        Ok::<_, Refusal>((integration, Guard::Key { key, version, bump: false }))
    });
    let nesting = try_join_all(nesting).await?;
    if groups.is_empty() {
        return Ok(Subjects { rows, web: Web::default(), nesting });
    }
    let web = app.store().groups_above(&groups).await.map_err(of_store)?;
    let with_documents = rules.asks_group_documents();
    let node = |row: bailiwick_store::rows::GroupNode| GroupNode {
        seq: row.seq,
        id: row.id,
        integration: row.integration,
        display: row.display,
        external_id: row.external_id,
        version: row.version,
        document: if with_documents { Arc::new(object(&row.doc)) } else { Arc::default() },
    };
    let web = Web::new(web.groups.into_iter().map(node), &web.edges);
    Ok(Subjects { rows, web, nesting })
}

impl Subjects {
    /// Hold as long as what was read of this person is so.
    pub(crate) fn guards(&self, row: &SubjectRow) -> Vec<Guard> {
        let mut guards = vec![Guard::Person { seq: row.person.seq, epoch: row.person.epoch }];
        let of = |integration: &IntegrationId| row.users.iter().any(|user| user.integration == *integration);
        guards.extend(self.nesting.iter().filter(|(id, _)| of(id)).map(|(_, guard)| guard.clone()));
        guards
    }
}

/// A person as rules see them.
pub(crate) fn subject(row: &SubjectRow, web: &Web) -> Subject {
    let user = |user: &UserOfPerson| {
        let document = object(&user.doc);
        let direct: Vec<i64> =
            row.memberships.iter().filter(|(member, _)| *member == user.seq).map(|(_, group)| *group).collect();
        let closure = closure(&direct, web);
        if !closure.too_deep.is_empty() {
            let groups = closure.too_deep.len();
            tracing::warn!(user = user.id, groups, "groups nested too deep do not count");
        }
        SubjectUser {
            seq: user.seq,
            id: user.id.clone(),
            name: name(&document).unwrap_or_else(|| user.id.clone()),
            integration: user.integration,
            authority: user.authority,
            active: user.active,
            document: Arc::new(document),
            groups: closure.groups,
        }
    };
    Subject { person: row.person.id.clone(), state: row.person.state, users: row.users.iter().map(user).collect() }
}

fn name(document: &Object) -> Option<String> {
    let user_name = || document.get("userName")?.as_str().map(str::to_owned);
    user_name().or_else(|| person::display_name(document))
}

/// What a stored document says; one that cannot be read says nothing.
pub(crate) fn object(text: &str) -> Object {
    serde_json::from_str(text).unwrap_or_default()
}

/// What a person holds, as rules compare it.
pub(crate) fn held(grants: &[GrantRow]) -> Vec<HeldGrant> {
    let one = |grant: &GrantRow| HeldGrant {
        seq: grant.seq,
        kind: grant.kind,
        object: grant.object.clone(),
        value: grant.value.clone(),
        origin: grant.origin.clone(),
        path: grant.path.clone(),
    };
    grants.iter().map(one).collect()
}
