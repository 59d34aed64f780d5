//! Everybody who is about to lose something because members, groups or documents of an integration changed: what of it
//! happens at once, and what waits.

use super::decide::waiting;
use super::put::{self, Batch};
use super::{
    carry, forget_standing, integration_observed, leaving_guard, observed, removals_guard, seasoned, standing, window,
};
use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use crate::manage::settings_key;
use crate::mapping::{self, Cause, Outcome, subject};
use bailiwick_domain::event::EventKind;
use bailiwick_domain::guard::{ADMIN, Change, Loss, Lost, Reason, TeamLoss, Thresholds, Verdict, WINDOW_MS};
use bailiwick_domain::ids::{IntegrationId, Millis};
use bailiwick_domain::mapping::effects::{Thing, having, having_after};
use bailiwick_domain::mapping::{Diff, GrantKind, GroupMatches, diff, evaluate};
use bailiwick_domain::person::State;
use bailiwick_store::change::HeldState;
use bailiwick_store::rows::SubjectRow;
use bailiwick_store::{ChangeSet, Error, Guard, Write};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Holders of a team read at once to find one who stays: mostly the first does.
const STAYING: u32 = 50;
/// Most of those who left within the hour that are looked at for a team that is about to be empty.
const LEFT_LOOKED_AT: u32 = 500;
/// Holders of something read at once.
const PAGE: u32 = 1_000;

/// Takes out of the outcomes what waits.
pub(crate) async fn weigh(app: &App, cause: Cause<'_>, outcomes: &mut [Outcome]) -> Result<(), Refusal> {
    if matches!(cause, Cause::Decided) {
        return Ok(());
    }
    let mut by: BTreeMap<IntegrationId, Vec<usize>> = BTreeMap::new();
    for (place, outcome) in outcomes.iter_mut().enumerate() {
        let said = blamed(cause, outcome).is_some();
        if outcome.row.held.is_some() && !goes_on(app, said, outcome).await? {
            outcome.diff = Diff::default();
            continue;
        }
        if let Some(integration) = blamed(cause, outcome).filter(|_| !outcome.diff.is_empty()) {
            by.entry(integration).or_default().push(place);
        }
    }
    for (integration, places) in by {
        let row = app.store().integration(integration).await.map_err(of_store)?;
        let Some(row) = row else { continue };
        if row.settings.observe {
            observe(app, integration, outcomes, &places).await?;
            continue;
        }
        let thresholds = Thresholds { percent: row.settings.guard_percent, people: row.settings.guard_people };
        Weighing { app, cause, integration, thresholds, places }.weigh(outcomes).await?;
    }
    Ok(())
}

/// The integration whose doing it is; nobody's for what admins decided.
fn blamed(cause: Cause<'_>, outcome: &Outcome) -> Option<IntegrationId> {
    match cause {
        Cause::Call(integration) => Some(integration),
        Cause::Recompute(_) => outcome.row.cause,
        Cause::Decided => None,
    }
}

/// Whether what becomes of a held person happens now: who was pinned is looked at anew when the identity provider says
/// something new (`said`), and who waits is free again when nothing would be taken away any more.
pub(super) async fn goes_on(app: &App, said: bool, outcome: &mut Outcome) -> Result<bool, Refusal> {
    let Some(held) = outcome.row.held.clone() else { return Ok(true) };
    let person = outcome.row.person.seq;
    if held.state == HeldState::Pinned {
        if said {
            outcome.writes.push(Write::Release { persons: vec![person] });
        }
        return Ok(said);
    }
    let id = outcome.row.person.id.clone();
    let standing = standing(app, &id).await?;
    let waits = match integration_observed(&held.hold) {
        // Who is to be switched off or on by what was applied is left to that.
        Some(integration) => {
            observing(app, integration, outcome).await? || standing.is_some_and(|state| state != outcome.before)
        }
        None => {
            standing.is_some_and(|state| state != State::Active)
                || !lost(outcome).is_empty()
                || outcome.row.person.state != State::Active
        }
    };
    if waits {
        return Ok(false);
    }
    outcome.writes.push(Write::Release { persons: vec![person] });
    outcome.writes.push(forget_standing(&id));
    let state = outcome.row.person.state;
    let derived = carry::derived(app, outcome, state).await?;
    outcome.writes.extend(derived);
    let payload = json!({ "hold": held.hold });
    outcome.events.push(crate::manage::event(app, EventKind::HoldRelease, None, Some(id), payload));
    Ok(true)
}

/// Whether an integration is observed now. While it is, whom it concerns waits; afterwards only what it said until then
/// is applied, and everything else is weighed as ever.
pub(super) async fn observing(app: &App, integration: IntegrationId, outcome: &mut Outcome) -> Result<bool, Refusal> {
    let key = settings_key(integration);
    let version = app.store().guard(&key).await.map_err(of_store)?;
    let row = app.store().integration(integration).await.map_err(of_store)?;
    outcome.guards.push(Guard::Key { key, version, bump: false });
    Ok(row.is_some_and(|row| row.settings.observe))
}

/// The things that a person who stays active would have no more.
pub(super) fn lost(outcome: &Outcome) -> Vec<Lost> {
    if outcome.before != State::Active || outcome.row.person.state != State::Active {
        return Vec::new();
    }
    let held = subject::held(&outcome.row.grants);
    let after = having_after(&held, &outcome.diff);
    let gone = having(&held).into_keys().filter(|thing| !after.contains_key(thing));
    gone.map(|thing| match thing.kind {
        GrantKind::Team => Lost::Team { team: thing.object },
        GrantKind::Role => Lost::Role { role: thing.object },
        GrantKind::Property | GrantKind::Ownership => Lost::Other { what: thing.kind.as_str().to_owned() },
    })
    .collect()
}

/// Everything of an integration in observe mode waits until it is applied.
async fn observe(
    app: &App,
    integration: IntegrationId,
    outcomes: &mut [Outcome],
    places: &[usize],
) -> Result<(), Refusal> {
    let key = settings_key(integration);
    let version = app.store().guard(&key).await.map_err(of_store)?;
    for &place in places {
        let outcome = &mut outcomes[place];
        outcome.diff = Diff::default();
        outcome.guards.push(Guard::Key { key: key.clone(), version, bump: false });
        let (persons, hold) = (vec![outcome.row.person.seq], observed(integration));
        outcome.writes.push(Write::Hold { persons, hold, state: HeldState::Waiting });
    }
    Ok(())
}

fn team_of(lost: &Lost) -> Option<&String> {
    match lost {
        Lost::Team { team } => Some(team),
        _ => None,
    }
}

struct Weighing<'a> {
    app: &'a App,
    cause: Cause<'a>,
    integration: IntegrationId,
    thresholds: Thresholds,
    /// The outcomes that are this integration's doing.
    places: Vec<usize>,
}

impl Weighing<'_> {
    async fn weigh(&self, outcomes: &mut [Outcome]) -> Result<(), Refusal> {
        let losses: Vec<Loss> = self.places.iter().filter_map(|place| self.loss(&outcomes[*place])).collect();
        if losses.is_empty() {
            return Ok(());
        }
        let mut guards = vec![removals_guard(self.app, self.integration).await?];
        for team in losses.iter().flat_map(|loss| &loss.lost).filter_map(team_of).collect::<BTreeSet<_>>() {
            guards.push(leaving_guard(self.app, team, true).await?);
        }
        let persons: Vec<i64> = losses.iter().filter(|loss| loss.seasoned).map(|loss| loss.person).collect();
        let foreseen = match self.cause {
            Cause::Recompute(foreseen) => foreseen.losers(self.integration),
            _ => BTreeSet::new(),
        };
        let window = window(self.app, self.integration, &persons, foreseen, self.thresholds.people).await?;
        let (teams, staying) = self.teams(&losses).await?;
        guards.extend(staying);
        let admins = self.admins_left(&losses).await?;
        let (change, thresholds) = (Change::Groups, self.thresholds);
        let verdict = bailiwick_domain::guard::weigh(thresholds, change, &window, &losses, &teams, admins);
        self.carry_out(outcomes, verdict, guards).await
    }

    fn loss(&self, outcome: &Outcome) -> Option<Loss> {
        let lost = lost(outcome);
        let person = &outcome.row.person;
        let seasoned = seasoned(self.app, person.created);
        (!lost.is_empty()).then_some(Loss { person: person.seq, seasoned, lost })
    }

    /// The teams that lose members, with their sizes, and what holds true that somebody stays.
    async fn teams(&self, losses: &[Loss]) -> Result<(Vec<TeamLoss>, Vec<Guard>), Refusal> {
        let mut losers: BTreeMap<&String, HashSet<i64>> = BTreeMap::new();
        for loss in losses {
            for team in loss.lost.iter().filter_map(team_of) {
                losers.entry(team).or_default().insert(loss.person);
            }
        }
        if losers.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let ids: Vec<String> = losers.keys().map(|team| (*team).clone()).collect();
        let sizes: BTreeMap<String, u64> =
            self.app.store().team_sizes(Some(&ids)).await.map_err(of_store)?.into_iter().collect();
        let held = match put::open(self.app, self.integration).await? {
            Some(hold) if !waiting(self.app, &hold.id).await?.is_empty() => Some(hold),
            _ => None,
        };
        let emptying = |team: &String| {
            let mut reasons = held.iter().flat_map(|hold| &hold.reasons);
            reasons.find_map(|reason| match reason {
                Reason::EmptiesTeam { team: id, people } if id == team => Some(*people),
                _ => None,
            })
        };
        let somebody_waits = !self.app.store().dirty(0, 1).await.map_err(of_store)?.is_empty();
        let (mut teams, mut staying) = (Vec::new(), Vec::new());
        for (team, losers) in losers {
            if let Some(people) = emptying(team) {
                // Who is still in it waits to leave: whoever follows would leave it empty.
                teams.push(TeamLoss { team: team.clone(), before: people, after: 0 });
                continue;
            }
            let size = sizes.get(team).copied().unwrap_or(0);
            let mut loss =
                TeamLoss { team: team.clone(), before: size, after: size.saturating_sub(losers.len() as u64) };
            if loss.after > 0 && somebody_waits {
                match self.somebody_stays(team, &losers).await? {
                    Some(guard) => staying.push(guard),
                    None => loss.after = 0,
                }
            }
            if loss.after == 0 {
                loss.before += self.left_lately(team, &losers).await?;
            }
            teams.push(loss);
        }
        Ok((teams, staying))
    }

    /// Whether anybody but these stays in the team: an active person who is up to date has what is written, and who
    /// waits to be evaluated has what the rules in force give. Rules that changed, or a change larger than what is
    /// evaluated at once, may be about to take it from all of them. The guard holds the answer true.
    async fn somebody_stays(&self, team: &str, losers: &HashSet<i64>) -> Result<Option<Guard>, Refusal> {
        let rules = mapping::current(self.app).await?;
        let membership = Thing { kind: GrantKind::Team, object: team.to_owned() };
        let mut memo = GroupMatches::default();
        let mut after = 0;
        loop {
            let holders = self.app.store().holders(GrantKind::Team, team, after, STAYING).await.map_err(of_store)?;
            let Some((last, _)) = holders.last() else { return Ok(None) };
            after = last.seq;
            let others =
                holders.iter().filter(|(person, _)| person.state == State::Active).map(|(person, _)| person.seq);
            let others: BTreeSet<i64> = others.filter(|person| !losers.contains(person)).collect();
            let others: Vec<i64> = others.into_iter().collect();
            let subjects = subject::read(self.app, &rules, &others).await?;
            let mut stays = |row: &SubjectRow| {
                let held = subject::held(&row.grants);
                // Looked at again: it may have changed since the holders were read.
                if row.person.state != State::Active || row.dirty.is_none() || row.held.is_some() {
                    return row.person.state == State::Active && having(&held).contains_key(&membership);
                }
                let grants = evaluate(&rules, &mut memo, &subject::subject(row, &subjects.web));
                having_after(&held, &diff(&held, &grants)).contains_key(&membership)
            };
            if let Some(row) = subjects.rows.iter().find(|row| stays(row)) {
                return Ok(Some(Guard::Person { seq: row.person.seq, epoch: row.person.epoch }));
            }
        }
    }

    /// How many others left the team within the hour: one after the other is as empty as all at once, whoever said so.
    async fn left_lately(&self, team: &str, losers: &HashSet<i64>) -> Result<u64, Refusal> {
        let since = Millis(self.app.clock().now().0.saturating_sub(WINDOW_MS));
        let left = self.app.store().left_team(team, since, LEFT_LOOKED_AT).await.map_err(of_store)?;
        Ok(left.iter().filter(|person| !losers.contains(person)).count() as u64)
    }

    /// Whether an active admin would be left.
    async fn admins_left(&self, losses: &[Loss]) -> Result<bool, Refusal> {
        let admin = |lost: &Lost| matches!(lost, Lost::Role { role } if role == ADMIN);
        let losing: HashSet<i64> =
            losses.iter().filter(|loss| loss.lost.iter().any(admin)).map(|loss| loss.person).collect();
        if losing.is_empty() {
            return Ok(true);
        }
        let by_hand = self.app.store().active_admins().await.map_err(of_store)?;
        if !by_hand.is_empty() {
            // Whoever has the role by hand has lost nothing.
            return Ok(true);
        }
        let mut after = 0;
        loop {
            let holders = self.app.store().holders(GrantKind::Role, ADMIN, after, PAGE).await.map_err(of_store)?;
            if holders.iter().any(|(person, _)| person.state == State::Active && !losing.contains(&person.seq)) {
                return Ok(true);
            }
            match holders.last() {
                Some((person, _)) => after = person.seq,
                None => return Ok(false),
            }
        }
    }

    /// In the commit of a call it goes with the first outcome, for all are one set; in the background it is a commit of
    /// its own before them.
    async fn carry_out(&self, outcomes: &mut [Outcome], verdict: Verdict, guards: Vec<Guard>) -> Result<(), Refusal> {
        let mut set = ChangeSet { at: self.app.clock().now(), guards, ..ChangeSet::default() };
        let persons = |of: &BTreeSet<i64>| of.iter().copied().collect::<Vec<i64>>();
        if !verdict.removed.is_empty() {
            set.writes.push(Write::NoteRemovals { integration: self.integration, persons: persons(&verdict.removed) });
        }
        let concerned = |outcome: &Outcome| verdict.held.contains(&outcome.row.person.seq);
        if !verdict.held.is_empty() {
            let held = persons(&verdict.held);
            let only = outcomes.iter().find(|outcome| concerned(outcome)).filter(|_| held.len() == 1);
            let person = only.map(|outcome| outcome.row.person.id.clone());
            let request = self.app.request_id();
            let batch = Batch {
                integration: self.integration,
                persons: &held,
                person: person.as_deref(),
                reasons: &verdict.reasons,
                request: &request,
                actor: if matches!(self.cause, Cause::Recompute(_)) { "server" } else { self.app.actor() },
            };
            put::put(self.app, &mut set, batch).await?;
        }
        if let Cause::Call(_) = self.cause {
            // All is one set: what had set somebody free who is to wait would undo the hold.
            for outcome in outcomes.iter_mut().filter(|outcome| concerned(outcome)) {
                outcome.diff = Diff::default();
                outcome.writes.clear();
                outcome.events.clear();
            }
            let Some(first) = self.places.first().map(|place| &mut outcomes[*place]) else { return Ok(()) };
            first.guards.extend(set.guards);
            first.writes.extend(set.writes);
            first.events.extend(set.events);
            return Ok(());
        }
        for outcome in outcomes.iter().filter(|outcome| concerned(outcome)) {
            set.guards.extend(outcome.guards.iter().filter(|guard| matches!(guard, Guard::Person { .. })).cloned());
        }
        let done = match self.app.store().commit(set).await {
            Ok(_) => true,
            Err(Error::Stale) => false,
            Err(error) => return Err(of_store(error)),
        };
        for place in &self.places {
            let outcome = &mut outcomes[*place];
            // Who is held has another epoch now and is looked at again. If nothing could be noted, nobody goes on.
            if concerned(outcome) || !done {
                outcome.diff = Diff::default();
                outcome.guards.push(Guard::Person { seq: outcome.row.person.seq, epoch: -1 });
            }
        }
        Ok(())
    }
}
