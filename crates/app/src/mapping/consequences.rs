//! What a change of Users and members means for grants, in the commit that makes it: access ends in the commit that
//! ends it.
//!
//! A small change is evaluated as it is going to be, and its outcome goes into the same set. What is large or far
//! reaching (groups among the members, whole member sets, new Users, renamed groups) is marked by the store and settled
//! behind the commit: before the answer if it is little, else in the background.

use super::settle::{CHUNK, change_event, grants_write, settle};
use super::subject::{self, nesting_key};
use super::weigh::{Cause, Outcome, weigh};
use super::{Room, current};
use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::ids::{IntegrationId, Kind};
use bailiwick_domain::mapping::{Compiled, GroupMatches, diff, evaluate};
use bailiwick_domain::person::State;
use bailiwick_store::change::{Dirty, MemberWrite, PersonKey, ResourceKey, ResourceUpdate};
use bailiwick_store::rows::SubjectRow;
use bailiwick_store::{ChangeSet, Committed, Write};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

/// Users whose change is evaluated in its own commit.
const SMALL: usize = 64;
/// How long an answer waits for what a commit marked.
const PATIENCE: Duration = Duration::from_millis(500);

/// Completes a set by what it means for grants.
pub(crate) async fn complete(app: &App, mut set: ChangeSet) -> Result<ChangeSet, Refusal> {
    let Some(record) = set.events.first() else { return Ok(set) };
    let Some(integration) = record.integration else { return Ok(set) };
    // What is told besides names the call, too.
    let app = &app.acting(&record.actor, &record.request);
    let groups = changed_groups(&set);
    if reshapes(&set) || !groups.is_empty() {
        set.writes.push(Write::Bump { key: nesting_key(integration) });
    }
    let rules = current::held(app).await?;
    if rules.is_empty() {
        return Ok(set);
    }
    if !groups.is_empty() {
        set.writes.push(Write::MarkDirty(Dirty::Below(groups)));
    }
    let Some(overlay) = Overlay::of(&set) else { return Ok(set) };
    for outcome in Box::pin(overlay.outcomes(app, &rules, integration)).await? {
        put(app, &mut set, outcome);
    }
    set.guards.push(current::in_force(&rules));
    Ok(set)
}

/// Tells of sets that are committed side by side that groups nest in another way.
pub(crate) fn bump_nesting(integration: IntegrationId, sets: &mut [ChangeSet]) {
    for set in sets.iter_mut().filter(|set| reshapes(set)) {
        set.writes.push(Write::Bump { key: nesting_key(integration) });
    }
}

/// Whether a set puts groups into groups or takes them out, or may do so.
fn reshapes(set: &ChangeSet) -> bool {
    set.writes.iter().any(|write| match write {
        Write::Members { wide, .. } => *wide,
        Write::DeleteResource { kind, .. } => *kind == Kind::Group,
        _ => false,
    })
}

/// The groups whose documents a set replaces. Only Users have a unique name.
fn changed_groups(set: &ChangeSet) -> Vec<i64> {
    let group = |write: &Write| match write {
        Write::UpdateResource(update) if update.columns.name_unique.is_none() => Some(update.seq),
        _ => None,
    };
    set.writes.iter().filter_map(group).collect()
}

/// Puts an outcome into the set that brings it about.
fn put(app: &App, set: &mut ChangeSet, outcome: Outcome) {
    set.guards.extend(outcome.guards);
    if let Some(mut event) = change_event(app, &outcome.row.person.id, &outcome.diff, "call") {
        if let Some(record) = set.events.first() {
            event.request.clone_from(&record.request);
            event.actor.clone_from(&record.actor);
            event.integration = record.integration;
        }
        set.events.push(event);
    }
    // Whoever is closed holds nothing any more: the store sees to that.
    if outcome.row.person.state != State::Closed {
        // What had asked for an evaluation before may ask for more than grants, such as another attribute mapping: it
        // stays.
        set.writes.push(grants_write(PersonKey::Seq(outcome.row.person.seq), &outcome.diff, 0));
    }
    set.writes.extend(outcome.writes);
    set.events.extend(outcome.events);
}

/// What a set does to Users, as far as grants follow from it.
#[derive(Debug, Default)]
struct Overlay<'a> {
    joins: Vec<(i64, i64)>,
    leaves: HashSet<(i64, i64)>,
    documents: HashMap<i64, &'a ResourceUpdate>,
    gone: HashSet<i64>,
    /// Persons whom the set holds: nothing becomes of them now.
    held: HashSet<i64>,
    states: BTreeMap<i64, State>,
}

impl<'a> Overlay<'a> {
    /// `None` if the set does something whose consequences are settled behind it, or nothing that has any.
    fn of(set: &'a ChangeSet) -> Option<Self> {
        let mut overlay = Self::default();
        for write in &set.writes {
            match write {
                Write::Members { group: ResourceKey::Seq(group), change, wide: false } => {
                    overlay.members(*group, change)?;
                }
                Write::UpdateResource(update) if update.columns.name_unique.is_some() => {
                    overlay.documents.insert(update.seq, update);
                }
                Write::DeleteResource { seq, kind: Kind::User } => {
                    overlay.gone.insert(*seq);
                }
                Write::Hold { persons, .. } => overlay.held.extend(persons),
                Write::UpdatePerson(update) => {
                    overlay.states.insert(update.seq, update.facts.state);
                }
                Write::Members { .. }
                | Write::UpdateResource(_)
                | Write::DeleteResource { .. }
                | Write::InsertResource(_)
                | Write::SetResourcePerson { .. }
                | Write::DeleteIntegration(_) => return None,
                _ => {}
            }
        }
        let users = overlay.users().len();
        (1..=SMALL).contains(&users).then_some(overlay)
    }

    fn members(&mut self, group: i64, change: &MemberWrite) -> Option<()> {
        let rows = |keys: &[ResourceKey]| -> Option<Vec<i64>> {
            let row = |key: &ResourceKey| match key {
                ResourceKey::Seq(seq) => Some(*seq),
                ResourceKey::New(_) => None,
            };
            keys.iter().map(row).collect()
        };
        match change {
            MemberWrite::Add(keys) => {
                for user in rows(keys)? {
                    self.leaves.remove(&(user, group));
                    self.joins.push((user, group));
                }
            }
            MemberWrite::Remove(keys) => {
                for user in rows(keys)? {
                    self.joins.retain(|join| *join != (user, group));
                    self.leaves.insert((user, group));
                }
            }
            MemberWrite::Clear | MemberWrite::Set(_) => return None,
        }
        Some(())
    }

    fn users(&self) -> Vec<i64> {
        let of_members = self.joins.iter().chain(&self.leaves).map(|(user, _)| *user);
        let mut users: Vec<i64> =
            of_members.chain(self.documents.keys().copied()).chain(self.gone.iter().copied()).collect();
        users.sort_unstable();
        users.dedup();
        users
    }

    /// What becomes of the persons behind these Users.
    async fn outcomes(&self, app: &App, rules: &Compiled, integration: IntegrationId) -> Result<Vec<Outcome>, Refusal> {
        let mut persons: Vec<i64> =
            app.store().persons_of_users(&self.users()).await.map_err(of_store)?.into_iter().map(|it| it.1).collect();
        persons.sort_unstable();
        persons.dedup();
        persons.retain(|person| !self.held.contains(person));
        if persons.is_empty() {
            return Ok(Vec::new());
        }
        let mut rows = app.store().subjects(&persons).await.map_err(of_store)?;
        let before: Vec<State> = rows.iter().map(|row| row.person.state).collect();
        rows.iter_mut().for_each(|row| self.lay(row));
        let joined: Vec<i64> = self.joins.iter().map(|(_, group)| *group).collect();
        let subjects = Box::pin(subject::web_of(app, rules, rows, &joined)).await?;
        let mut memo = GroupMatches::default();
        let outcomes = subjects.rows.iter().zip(before).map(|(row, before)| {
            let wanted = evaluate(rules, &mut memo, &subject::subject(row, &subjects.web));
            Outcome {
                before,
                diff: diff(&subject::held(&row.grants), &wanted),
                guards: subjects.guards(row),
                writes: Vec::new(),
                events: Vec::new(),
                row: row.clone(),
            }
        });
        Box::pin(weigh(app, Cause::Call(integration), outcomes.collect())).await
    }

    /// Makes of a person as read the person as going to be.
    fn lay(&self, row: &mut SubjectRow) {
        if let Some(state) = self.states.get(&row.person.seq) {
            row.person.state = *state;
        }
        row.users.retain(|user| !self.gone.contains(&user.seq));
        for user in &mut row.users {
            if let Some(update) = self.documents.get(&user.seq) {
                user.doc.clone_from(&update.columns.doc);
                user.active = update.columns.active;
            }
        }
        row.memberships.retain(|membership| !self.leaves.contains(membership));
        for (user, group) in &self.joins {
            let own = row.users.iter().any(|known| known.seq == *user);
            if own && !row.memberships.contains(&(*user, *group)) {
                row.memberships.push((*user, *group));
            }
        }
    }
}

/// Brings up to date whom a commit marked: before the answer if that is quickly done, else in the background.
pub(crate) async fn after(app: &App, committed: &Committed) {
    after_all(app, std::iter::once(committed)).await;
}

/// The same for several commits.
pub(crate) async fn after_all<'a>(app: &App, commits: impl Iterator<Item = &'a Committed>) {
    let (mut dirty, mut more) = (Vec::new(), false);
    for committed in commits {
        dirty.extend_from_slice(&committed.dirty);
        more |= committed.dirty_more;
    }
    if dirty.is_empty() && !more {
        return;
    }
    dirty.sort_unstable();
    dirty.dedup();
    if more || dirty.len() > CHUNK {
        // So many are not done before the answer, nor is a part of them: they are weighed as a whole.
        return app.mapping().wake();
    }
    let settling = Box::pin(settle(app, &dirty));
    match tokio::time::timeout(PATIENCE, settling).await {
        Ok(Ok(done)) if done.stale == 0 => return,
        Ok(Err(refusal)) => tracing::warn!(%refusal, "grants are brought up to date later"),
        _ => {}
    }
    app.mapping().wake();
}

impl Room {
    /// Somebody may wait to be evaluated.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }
}
