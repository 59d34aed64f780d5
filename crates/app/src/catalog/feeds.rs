//! Groups that feed teams: who is in the group, nested groups included, is in the team.
//!
//! A feed names the team and the group by row, never by what they are called: renaming the group changes nothing of the
//! team. Deleting the group ends the feed, and with it what it gave.

use super::members::membership_role;
use super::{ATTEMPTS, commit, event, find, gave_up, guard, missing};
use crate::Refusal;
use crate::access::{self, Action, Principal};
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::ids::IntegrationId;
use bailiwick_store::change::Dirty;
use bailiwick_store::rows::{FeedRow, ItemRow, ResourceRow};
use bailiwick_store::{ChangeSet, Guard, Write};
use serde_json::json;

/// A group that feeds a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Id of the group.
    pub group: String,
    /// What it is called today.
    pub display: String,
    /// Whose group.
    pub integration: IntegrationId,
    /// The role its members have in the team.
    pub role: String,
}

/// The groups that feed a team.
///
/// # Errors
/// What the policy does not permit, or when the store cannot answer.
pub async fn list_feeds(app: &App, principal: &Principal, team: &ItemRow) -> Result<Vec<Feed>, Refusal> {
    access::require(app, principal, Action::TeamRead, &access::Object::None).await?;
    let mut all = Vec::new();
    for feed in app.store().feeds_of(team.seq).await.map_err(of_store)? {
        let FeedRow { group_id, integration, role, .. } = feed;
        let kind = bailiwick_domain::ids::Kind::Group;
        let group = app.store().resource(integration, kind, &group_id, false).await.map_err(of_store)?;
        let display = group.map(|group| group.display).unwrap_or_default();
        all.push(Feed { group: group_id, display, integration, role });
    }
    Ok(all)
}

/// Feeds a team by a group, or gives its members another role. Whoever is in the group joins in the background.
///
/// # Errors
/// An unknown team or group, a role that is none, what the policy does not permit, or when the store cannot answer.
pub async fn feed_team(
    app: &App,
    principal: &Principal,
    team: &str,
    group: &str,
    role: Option<&str>,
) -> Result<(), Refusal> {
    let role = membership_role(role)?;
    access::require(app, principal, Action::RuleManage, &access::Object::None).await?;
    for _ in 0..ATTEMPTS {
        let team = find::team(app, team).await?;
        let group = find::find_group(app, group).await?;
        let known = app.store().feeds_of(team.seq).await.map_err(of_store)?;
        let before = known.iter().find(|feed| feed.group == group.seq).map(|feed| feed.role.clone());
        if before.as_ref() == Some(&role) {
            return Ok(());
        }
        let payload = json!({"team": team.id, "title": team.title, "group": group.id, "display": group.display,
            "role": role, "before": before});
        let write = Write::SetFeed { team: team.seq, group: group.seq, role: Some(role.clone()) };
        if change(app, principal, EventKind::TeamFeed, &team, &group, write, payload).await? {
            return Ok(());
        }
    }
    Err(gave_up())
}

/// Ends a feed. Who was in the team by it alone leaves in the background.
///
/// # Errors
/// A feed that is none, what the policy does not permit, or when the store cannot answer.
pub async fn unfeed_team(app: &App, principal: &Principal, team: &str, group: &str) -> Result<(), Refusal> {
    access::require(app, principal, Action::RuleManage, &access::Object::None).await?;
    for _ in 0..ATTEMPTS {
        let team = find::team(app, team).await?;
        let group = find::find_group(app, group).await?;
        let known = app.store().feeds_of(team.seq).await.map_err(of_store)?;
        let Some(feed) = known.iter().find(|feed| feed.group == group.seq) else {
            return Err(missing(format!("The group \"{}\" does not feed the team {}.", group.display, team.name)));
        };
        let payload = json!({"team": team.id, "title": team.title, "group": group.id, "display": group.display,
            "before": feed.role});
        let write = Write::SetFeed { team: team.seq, group: group.seq, role: None };
        if change(app, principal, EventKind::TeamUnfeed, &team, &group, write, payload).await? {
            return Ok(());
        }
    }
    Err(gave_up())
}

async fn change(
    app: &App,
    principal: &Principal,
    kind: EventKind,
    team: &ItemRow,
    group: &ResourceRow,
    write: Write,
    payload: serde_json::Value,
) -> Result<bool, Refusal> {
    let mapping = app.store().guard("mapping").await.map_err(of_store)?;
    let mut guards = vec![Guard::Item { seq: team.seq, version: team.version }, guard(app, "rules", true).await?];
    let dirty = if mapping == 0 {
        // The first of all rules and feeds: from now on the store notes who is to be evaluated again.
        guards.push(Guard::Key { key: "mapping".to_owned(), version: 0, bump: true });
        Dirty::All
    } else {
        Dirty::Below(vec![group.seq])
    };
    let mut event = event(app, principal, kind, &team.id, payload);
    event.integration = Some(group.integration);
    let set =
        ChangeSet { at: app.clock().now(), guards, writes: vec![write, Write::MarkDirty(dirty)], events: vec![event] };
    Ok(commit(app, set).await?.is_some())
}
