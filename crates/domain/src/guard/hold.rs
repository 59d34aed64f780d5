//! A Hold: a batch of removals that waits for somebody to approve or reject it.

use super::Reason;
use crate::ids::{IntegrationId, Millis};

/// Most calls a hold remembers; further ones are counted.
pub const REQUESTS_KEPT: usize = 100;
/// Most people shown with what would happen to them.
pub const HELD_SHOWN: usize = 100;

/// Where a hold stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HoldState {
    /// People wait.
    Open,
    /// Everything was done.
    Approved,
    /// Nothing is taken away.
    Rejected,
    /// Some was approved before the rest was rejected.
    Partly,
}

impl HoldState {
    /// The stable text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Partly => "partly",
        }
    }

    /// The state of that text.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        [Self::Open, Self::Approved, Self::Rejected, Self::Partly].into_iter().find(|state| state.as_str() == text)
    }
}

/// Who decided a hold, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Decision {
    /// Who.
    pub by: String,
    /// When.
    pub at: Millis,
    /// Approved, or rejected.
    pub approved: bool,
    /// How many people it concerned.
    pub people: u64,
    /// Why, in the words of whoever decided.
    pub reason: Option<String>,
}

/// What is kept of a hold. Who waits is kept beside it, person by person; what would happen to them is derived from what
/// the integration says now.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Hold {
    /// Id, `hld_...`.
    pub id: String,
    /// Whose removals.
    pub integration: IntegrationId,
    /// When the first was held.
    pub opened: Millis,
    /// Why, each kind of reason once and at its worst.
    pub reasons: Vec<Reason>,
    /// How many people were put into it.
    pub people: u64,
    /// The calls that brought them, the first ones.
    pub requests: Vec<String>,
    /// How many calls.
    pub calls: u64,
    /// Decisions so far.
    pub decisions: Vec<Decision>,
}

impl Hold {
    /// A hold that begins now.
    #[must_use]
    pub fn new(id: String, integration: IntegrationId, opened: Millis) -> Self {
        Self {
            id,
            integration,
            opened,
            reasons: Vec::new(),
            people: 0,
            requests: Vec::new(),
            calls: 0,
            decisions: Vec::new(),
        }
    }

    /// Notes what one more call brings.
    pub fn add(&mut self, request: &str, people: u64, reasons: &[Reason]) {
        self.people += people;
        if self.requests.last().is_none_or(|last| last != request) {
            self.calls += 1;
            if self.requests.len() < REQUESTS_KEPT {
                self.requests.push(request.to_owned());
            }
        }
        for reason in reasons {
            match self.reasons.iter_mut().find(|known| same_kind(known, reason)) {
                Some(known) if worse(reason, known) => known.clone_from(reason),
                Some(_) => {}
                None => self.reasons.push(reason.clone()),
            }
        }
    }

    /// Where it stands when so many people still wait.
    #[must_use]
    pub fn state(&self, waiting: u64) -> HoldState {
        let done =
            |approved| self.decisions.iter().any(|decision| decision.approved == approved && decision.people > 0);
        match (waiting, done(true), done(false)) {
            (1.., ..) => HoldState::Open,
            (0, true, true) => HoldState::Partly,
            (0, false, true) => HoldState::Rejected,
            (0, true, false) => HoldState::Approved,
            // Everything was taken back before anybody decided.
            (0, false, false) if self.decisions.last().is_some_and(|last| !last.approved) => HoldState::Rejected,
            (0, false, false) => HoldState::Approved,
        }
    }
}

/// Of several shares the one with most people tells why it waits; of equal ones the first, which was counted before
/// others were switched off.
fn worse(one: &Reason, other: &Reason) -> bool {
    let people = |reason: &Reason| match reason {
        Reason::Share { removed, .. } => *removed,
        Reason::EmptiesTeam { people, .. } => *people,
        Reason::LastAdmins => 0,
    };
    people(one) > people(other)
}

fn same_kind(one: &Reason, other: &Reason) -> bool {
    match (one, other) {
        (Reason::EmptiesTeam { team, .. }, Reason::EmptiesTeam { team: other, .. }) => team == other,
        (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Thresholds;
    use super::*;

    fn share(removed: u64) -> Reason {
        Reason::Share { removed, of: 100, thresholds: Thresholds::default() }
    }

    #[test]
    fn a_hold_grows_with_each_call() {
        let mut hold = Hold::new("hld_1".to_owned(), IntegrationId(1), Millis(0));
        hold.add("req_1", 3, &[share(11), Reason::LastAdmins]);
        hold.add("req_1", 1, &[share(12)]);
        hold.add("req_1", 0, &[Reason::Share { removed: 12, of: 50, thresholds: Thresholds::default() }]);
        hold.add("req_2", 1, &[Reason::EmptiesTeam { team: "t".to_owned(), people: 2 }]);
        assert_eq!((hold.people, hold.calls, hold.requests.len()), (5, 2, 2));
        let team = Reason::EmptiesTeam { team: "t".to_owned(), people: 2 };
        assert_eq!(hold.reasons, [share(12), Reason::LastAdmins, team]);
        (0..200).for_each(|index| hold.add(&format!("r{index}"), 1, &[]));
        assert_eq!((hold.calls, hold.requests.len()), (202, REQUESTS_KEPT));
    }

    #[test]
    fn its_state_follows_from_the_decisions_and_from_who_waits() {
        let check = |decisions: &[bool], waiting, expect| {
            let mut hold = Hold::new("hld_1".to_owned(), IntegrationId(1), Millis(0));
            let decision = |approved: &bool| Decision {
                by: "host".to_owned(),
                at: Millis(1),
                approved: *approved,
                people: 1,
                reason: None,
            };
            hold.decisions = decisions.iter().map(decision).collect();
            assert_eq!(hold.state(waiting), expect, "{decisions:?} {waiting}");
        };
        check(&[], 3, HoldState::Open);
        check(&[], 0, HoldState::Approved);
        check(&[true], 2, HoldState::Open);
        check(&[true, true], 0, HoldState::Approved);
        check(&[false], 0, HoldState::Rejected);
        check(&[true, false], 0, HoldState::Partly);
        for state in [HoldState::Open, HoldState::Approved, HoldState::Rejected, HoldState::Partly] {
            assert_eq!(HoldState::from_text(state.as_str()), Some(state));
        }
    }
}
