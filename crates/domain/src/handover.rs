//! Hand-overs: what somebody left behind, and who could take it on.
//!
//! Memberships and ownership of somebody who is switched off stay for a return, so nobody else is made responsible by
//! a machine. What the person was responsible for becomes tasks, each with suggestions and the reasons for them; people
//! decide. [`owed`] says which tasks a person who leaves still needs, [`suggest`] ranks successors, [`percentiles`] sums
//! up how long leavers kept their access.

use crate::ids::Millis;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// How long a hand-over may stay open before it is overdue.
pub const DUE_MS: i64 = 14 * 24 * 60 * 60 * 1_000;
/// Most suggestions for one thing.
pub const SUGGESTIONS: usize = 5;
/// How far back the changes lie by which somebody counts as active.
pub const ACTIVE_MS: i64 = 90 * 24 * 60 * 60 * 1_000;

/// What a person was to a thing they left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Duty {
    /// The owner of an entity.
    Owner,
    /// The only manager of a team who could act.
    Manager,
    /// The only member who could act of a team that owns something.
    LastMember,
    /// The owner of a mapping rule.
    Rule,
}

impl Duty {
    /// Every duty.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Manager, Self::LastMember, Self::Rule];

    /// The stable text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Manager => "manager",
            Self::LastMember => "last-member",
            Self::Rule => "rule",
        }
    }

    /// What the person was, in words in front of the name of the thing.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Owner => "owner of",
            Self::Manager => "the only active manager of",
            Self::LastMember => "the only active member of",
            Self::Rule => "owner of the mapping rule",
        }
    }

    /// Whether a team can take it on. A team cannot manage or fill a team.
    #[must_use]
    pub fn fits_teams(self) -> bool {
        matches!(self, Self::Owner | Self::Rule)
    }
}

/// Where a hand-over stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskState {
    /// Waits for somebody.
    Open,
    /// Somebody took it on.
    Done,
    /// It was decided that nobody has to.
    Declined,
    /// The person came back.
    Returned,
}

impl TaskState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Open, Self::Done, Self::Declined, Self::Returned];

    /// The stable text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done => "done",
            Self::Declined => "declined",
            Self::Returned => "returned",
        }
    }

    /// The state of that text.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A person or a team.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Party {
    /// Which of the two.
    pub kind: PartyKind,
    /// Id.
    pub id: String,
    /// What to call them.
    pub name: String,
}

/// What a [`Party`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PartyKind {
    /// A team.
    Team,
    /// A person.
    Person,
}

/// A thing somebody is responsible for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Thing {
    /// `team`, `component`, ..., `rule`.
    pub kind: String,
    /// Id: of the item, or of the rule.
    pub id: String,
    /// The reference by which people name it: `component:default/ledger`, the id of a rule.
    pub reference: String,
    /// What to call it.
    pub title: String,
    /// As whom a rule names its owner: who is closed has no name by which that could be compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}

/// Something a person is responsible for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owned {
    /// What they are to it.
    pub duty: Duty,
    /// What it is.
    pub thing: Thing,
}

/// Why somebody could take a thing on; in the order in which they are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// The team above: the parent team, or the owner of the system or domain above.
    ParentTeam,
    /// Manages the team.
    TeamManager,
    /// Is the manager of the person who left, by the directory.
    OwnManager,
    /// Works on the same things, and changed most of late.
    Active,
}

/// Somebody who may be asked, as read from the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Who.
    pub party: Party,
    /// Why.
    pub relation: Relation,
    /// Title of the team, system or domain by which; empty where there is none.
    pub of: String,
    /// The person is active; the team has a member who is.
    pub able: bool,
    /// Changes made within [`ACTIVE_MS`].
    pub changes: u64,
}

/// Somebody who could take a thing on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggestion {
    /// Who.
    #[serde(flatten)]
    pub party: Party,
    /// The first of the reasons, as a stable word.
    pub relation: Relation,
    /// Every reason, in words.
    pub reasons: Vec<String>,
}

/// Ranks who could take on a duty of `leaver`, best first: the team above, a manager of the team, the person's own
/// manager, and then whoever changed most within [`ACTIVE_MS`]. Who cannot act is left out, and so is a team where only a
/// person fits.
#[must_use]
pub fn suggest(duty: Duty, leaver: &str, candidates: &[Candidate]) -> Vec<Suggestion> {
    let fits = |candidate: &&Candidate| {
        candidate.able
            && candidate.party.id != leaver
            && (candidate.party.kind == PartyKind::Person || duty.fits_teams())
            // Nothing tells one who changed nothing from any other.
            && (candidate.relation != Relation::Active || candidate.changes > 0)
    };
    let mut ranked: Vec<&Candidate> = candidates.iter().filter(fits).collect();
    ranked.sort_by_key(|candidate| (candidate.relation, Reverse(candidate.changes), candidate.party.clone()));
    let mut out: Vec<Suggestion> = Vec::new();
    for candidate in ranked {
        let reason = reason(candidate);
        match out.iter_mut().find(|known| known.party.id == candidate.party.id) {
            Some(known) if known.reasons.contains(&reason) => {}
            Some(known) => known.reasons.push(reason),
            None => {
                let (party, relation) = (candidate.party.clone(), candidate.relation);
                out.push(Suggestion { party, relation, reasons: vec![reason] });
            }
        }
    }
    out.truncate(SUGGESTIONS);
    out
}

fn reason(candidate: &Candidate) -> String {
    let of = |words: &str, alone: &str| {
        if candidate.of.is_empty() { alone.to_owned() } else { format!("{words} {}", candidate.of) }
    };
    match candidate.relation {
        Relation::ParentTeam => of("the team above", "the team above"),
        Relation::TeamManager => of("manages", "manages the team"),
        Relation::OwnManager => of("is the manager of", "is the person's manager"),
        Relation::Active => {
            let changes = if candidate.changes == 1 { "change" } else { "changes" };
            let made = format!("made {} {changes} in 90 days", candidate.changes);
            if candidate.of.is_empty() { made } else { format!("{made}, a member of {}", candidate.of) }
        }
    }
}

/// A hand-over, as it is kept. Successors are suggested when somebody looks: who was there when the person left may have
/// left since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Who left.
    pub person: Party,
    /// What they were to the thing.
    pub duty: Duty,
    /// The thing.
    pub thing: Thing,
    /// Ids of the teams the person was in: who is asked for a successor now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<String>,
    /// The person's manager, by the directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<Party>,
    /// When the person left.
    pub opened: Millis,
    /// When it should be done.
    pub due: Millis,
    /// Who looks after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<Party>,
    /// What became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
}

/// What became of a hand-over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// `done`, `declined` or `returned`.
    pub state: TaskState,
    /// Who decided: an id, `host`, or `server` for a return.
    pub by: String,
    /// When.
    pub at: Millis,
    /// Who took it on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successor: Option<Party>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Who leaves, and what is known of them at that moment: it may be gone a moment later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaver {
    /// Who.
    pub person: Party,
    /// Ids of the teams.
    pub teams: Vec<String>,
    /// The manager.
    pub manager: Option<Party>,
}

impl Task {
    /// A fresh one.
    #[must_use]
    pub fn open(leaver: &Leaver, owned: Owned, now: Millis) -> Self {
        let Owned { duty, thing } = owned;
        Self {
            person: leaver.person.clone(),
            duty,
            thing,
            teams: leaver.teams.clone(),
            manager: leaver.manager.clone(),
            opened: now,
            due: Millis(now.0.saturating_add(DUE_MS)),
            assignee: None,
            decision: None,
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> TaskState {
        self.decision.as_ref().map_or(TaskState::Open, |decision| decision.state)
    }
}

/// What of all a person is responsible for has no open task yet, each once and in order.
#[must_use]
pub fn owed(owned: Vec<Owned>, tasks: &[Task]) -> Vec<Owned> {
    let known = |owned: &Owned| {
        tasks
            .iter()
            .any(|task| task.state() == TaskState::Open && task.duty == owned.duty && task.thing.id == owned.thing.id)
    };
    let mut owed: Vec<Owned> = owned.into_iter().filter(|owned| !known(owned)).collect();
    owed.sort_unstable();
    owed.dedup_by(|a, b| a.duty == b.duty && a.thing.id == b.thing.id);
    owed
}

/// How a number of spans is spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Percentiles {
    /// How many there are.
    pub count: usize,
    /// Half of them took no longer, in milliseconds.
    pub p50: u64,
    /// Nine of ten.
    pub p90: u64,
    /// Ninety-nine of a hundred.
    pub p99: u64,
    /// The longest.
    pub max: u64,
}

/// The percentiles of spans in milliseconds, by nearest rank; `None` of none.
#[must_use]
pub fn percentiles(mut spans: Vec<u64>) -> Option<Percentiles> {
    spans.sort_unstable();
    let count = spans.len();
    let rank = |percent: usize| spans.get((count * percent).div_ceil(100).saturating_sub(1)).copied();
    Some(Percentiles { count, p50: rank(50)?, p90: rank(90)?, p99: rank(99)?, max: rank(100)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn party(kind: PartyKind, id: &str) -> Party {
        Party { kind, id: id.to_owned(), name: id.to_uppercase() }
    }

    fn candidate(kind: PartyKind, id: &str, relation: Relation, able: bool, changes: u64) -> Candidate {
        Candidate { party: party(kind, id), relation, of: String::new(), able, changes }
    }

    use PartyKind::{Person, Team};
    use Relation::{Active, OwnManager, ParentTeam, TeamManager};

    fn check(duty: Duty, candidates: &[Candidate], expect: &[&str]) {
        let got = suggest(duty, "leaver", candidates);
        assert_eq!(got.iter().map(|found| found.party.id.as_str()).collect::<Vec<_>>(), expect, "{duty:?}");
    }

    #[test]
    fn successors_are_ranked_by_how_near_they_are() {
        let all = [
            candidate(Person, "busy", Active, true, 9),
            candidate(Person, "busier", Active, true, 10),
            candidate(Person, "boss", OwnManager, true, 0),
            candidate(Person, "lead", TeamManager, true, 0),
            candidate(Team, "above", ParentTeam, true, 0),
        ];
        check(Duty::Owner, &all, &["above", "lead", "boss", "busier", "busy"]);
        check(Duty::Rule, &all, &["above", "lead", "boss", "busier", "busy"]);
        check(Duty::Manager, &all, &["lead", "boss", "busier", "busy"]);
        check(Duty::LastMember, &all, &["lead", "boss", "busier", "busy"]);
        check(Duty::Owner, &[], &[]);
    }

    #[test]
    fn who_cannot_act_is_not_suggested() {
        check(
            Duty::Owner,
            &[
                candidate(Team, "empty", ParentTeam, false, 0),
                candidate(Person, "gone", TeamManager, false, 0),
                candidate(Person, "leaver", TeamManager, true, 0),
                candidate(Person, "idle", Active, true, 0),
                candidate(Person, "boss", OwnManager, true, 0),
            ],
            &["boss"],
        );
    }

    #[test]
    fn one_who_fits_twice_is_named_once_with_both_reasons() {
        let manages = Candidate { of: "Payments".to_owned(), ..candidate(Person, "lead", TeamManager, true, 3) };
        let works = Candidate { of: "Payments".to_owned(), ..candidate(Person, "lead", Active, true, 1) };
        let found = suggest(Duty::Manager, "leaver", &[works, manages.clone(), manages]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].relation, TeamManager);
        assert_eq!(found[0].reasons, ["manages Payments", "made 1 change in 90 days, a member of Payments"]);
    }

    fn owned(duty: Duty, id: &str) -> Owned {
        let thing = Thing {
            kind: "component".to_owned(),
            id: id.to_owned(),
            reference: id.to_owned(),
            title: id.to_owned(),
            owner: None,
        };
        Owned { duty, thing }
    }

    fn task(owned: Owned, state: TaskState) -> Task {
        let leaver = Leaver { person: party(Person, "leaver"), teams: Vec::new(), manager: None };
        let mut task = Task::open(&leaver, owned, Millis(5));
        if state != TaskState::Open {
            let decision = Decision { state, by: "host".to_owned(), at: Millis(6), successor: None, note: None };
            task.decision = Some(decision);
        }
        task
    }

    #[test]
    fn a_thing_has_one_open_task_at_a_time() {
        let things = || vec![owned(Duty::Owner, "b"), owned(Duty::Owner, "a"), owned(Duty::Owner, "a")];
        for (tasks, expect) in [
            (vec![], vec!["a", "b"]),
            (vec![task(owned(Duty::Owner, "a"), TaskState::Open)], vec!["b"]),
            (vec![task(owned(Duty::Manager, "a"), TaskState::Open)], vec!["a", "b"]),
            (vec![task(owned(Duty::Owner, "a"), TaskState::Returned)], vec!["a", "b"]),
            (vec![task(owned(Duty::Owner, "a"), TaskState::Declined)], vec!["a", "b"]),
        ] {
            let got: Vec<String> = owed(things(), &tasks).into_iter().map(|owned| owned.thing.id).collect();
            assert_eq!(got, expect, "{tasks:?}");
        }
    }

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let check = |spans: &[u64], expect: Option<(u64, u64, u64, u64)>| {
            let got = percentiles(spans.to_vec()).map(|all| (all.p50, all.p90, all.p99, all.max));
            assert_eq!(got, expect, "{spans:?}");
        };
        check(&[], None);
        check(&[7], Some((7, 7, 7, 7)));
        check(&[3, 1, 2], Some((2, 3, 3, 3)));
        check(&(1..=100).collect::<Vec<_>>(), Some((50, 90, 99, 100)));
        check(&(1..=200).rev().collect::<Vec<_>>(), Some((100, 180, 198, 200)));
    }

    #[test]
    fn a_task_is_read_as_it_was_written() {
        let mut kept = task(owned(Duty::LastMember, "a"), TaskState::Declined);
        kept.teams.push("itm_1".to_owned());
        kept.manager = Some(party(Person, "boss"));
        kept.assignee = Some(party(Person, "ann"));
        let text = serde_json::to_string(&kept).unwrap();
        assert!(text.contains("\"last-member\"") && text.contains("\"declined\""), "{text}");
        assert_eq!(serde_json::from_str::<Task>(&text).unwrap(), kept);
        for state in TaskState::ALL {
            assert_eq!(TaskState::from_text(state.as_str()), Some(state));
        }
    }

    proptest! {
        #[test]
        fn the_order_of_the_candidates_does_not_matter(
            seeds in prop::collection::vec((0..4_usize, 0..4_u8, any::<bool>(), 0..3_u64), 0..12),
            turn in 0..12_usize,
        ) {
            let relations = [ParentTeam, TeamManager, OwnManager, Active];
            let mut all: Vec<Candidate> = seeds
                .into_iter()
                .map(|(relation, who, able, changes)| {
                    let kind = if relation == 0 { Team } else { Person };
                    candidate(kind, &format!("{kind:?}{who}"), relations[relation], able, changes)
                })
                .collect();
            let before = suggest(Duty::Owner, "leaver", &all);
            let turn = if all.is_empty() { 0 } else { turn % all.len() };
            all.rotate_left(turn);
            prop_assert_eq!(&suggest(Duty::Owner, "leaver", &all), &before);
            prop_assert!(before.len() <= SUGGESTIONS);
            prop_assert!(before.windows(2).all(|pair| pair[0].relation <= pair[1].relation));
        }
    }
}
