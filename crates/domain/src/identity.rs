//! Whom an incoming User belongs to, and what stops the last admin from being removed.
//!
//! Nobody is ever adopted silently: a directory that can choose userNames and e-mail addresses must not be able to
//! choose whose rights it gets. A User is attached to an existing person only where an admin said so, or where the
//! person was merely imported and the company has proven that the address is this directory's to give.

use crate::failure::ProductCode;
use crate::ids::IntegrationId;
use crate::names;
use crate::person::State;
use std::fmt;

/// A User that is about to be stored for the first time.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// Who says so; it comes from the token alone.
    pub integration: IntegrationId,
    /// Every address of the User, as sent: [`crate::person::Facts::emails`].
    pub emails: &'a [String],
    /// The domains this integration has claimed, in the form [`names::domain_name`] gives.
    pub claimed_domains: &'a [String],
}

/// A person who may be the one behind an incoming User: one who shares a name or an address with it, or one to whom an
/// admin approved linking it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Id of the person.
    pub person: String,
    /// Where the person stands. Closed persons match nothing.
    pub state: State,
    /// Signs in by itself, was invited by hand, or holds a role by hand.
    pub local: bool,
    /// Has an authority User already.
    pub has_authority: bool,
    /// The integrations that have a User of this person. Empty for a local person and for one known from an import.
    pub integrations: Vec<IntegrationId>,
    /// Holds the same userName, or one that collides with it.
    pub same_user_name: bool,
    /// Holds an address of the same [`names::email_key`].
    pub same_email: bool,
    /// The person's own address. It matters for one known only from an import.
    pub email: Option<String>,
    /// An admin approved linking this integration's User of this userName to the person.
    pub approved: bool,
    /// An admin declared this integration's User of this userName and the person two humans.
    pub kept: bool,
}

/// What makes a User and a person look like one human.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The userName is the same or collides.
    SameUserName,
    /// An e-mail address is the same.
    SameEmail,
}

impl Why {
    /// The stable text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SameUserName => "same-user-name",
            Self::SameEmail => "same-email",
        }
    }

    /// The reason of that text.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        [Self::SameUserName, Self::SameEmail].into_iter().find(|why| why.as_str() == text)
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SameUserName => "the userName is the same",
            Self::SameEmail => "an e-mail address is the same",
        })
    }
}

/// What becomes of an incoming User.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Linking {
    /// It is stored with a person of its own; each pair enters the conflict queue.
    New {
        /// Persons it may be the same human as, in the order given.
        conflicts: Vec<(String, Why)>,
    },
    /// It is stored as a User of this person.
    Attach {
        /// Id of the person.
        person: String,
        /// It becomes the authority: the person has none yet.
        authority: bool,
        /// Other persons it may be the same human as; each pair enters the conflict queue.
        conflicts: Vec<(String, Why)>,
    },
    /// It is not stored; a pending link waits for an admin.
    Refuse {
        /// Id of the local person.
        person: String,
        /// What they share.
        why: Why,
    },
}

/// Decides whom an incoming User belongs to.
///
/// 1. Closed persons match nothing, nor do those that an admin declared to be somebody else.
/// 2. An approved link is followed.
/// 3. A local person of the same userName or e-mail is a refusal. The exception: the same integration has a User of
///    that person already and only an address is shared; then the integration itself says that they are two.
/// 4. A person known only from an import is linked when the shared address lies in a domain that the integration has
///    claimed, provided there is exactly one such person; otherwise the pair is queued.
/// 5. A person known through another integration stays apart, and the pair is queued.
/// 6. A person known through this integration is another person: its Users may share an address.
#[must_use]
pub fn decide(incoming: &Incoming<'_>, candidates: &[Candidate]) -> Linking {
    let open: Vec<&Candidate> =
        candidates.iter().filter(|candidate| candidate.state != State::Closed && !candidate.kept).collect();
    let pairs: Vec<(&Candidate, Why)> =
        open.iter().filter_map(|candidate| Some((*candidate, match_of(incoming, candidate)?))).collect();
    if let Some(approved) = open.iter().find(|candidate| candidate.approved) {
        return attach(approved, &pairs);
    }
    if let Some((local, why)) = pairs.iter().find(|(candidate, _)| candidate.local) {
        return Linking::Refuse { person: local.person.clone(), why: *why };
    }
    let mut linkable = pairs.iter().filter(|(candidate, _)| may_link_import(incoming, candidate));
    if let (Some((imported, _)), None) = (linkable.next(), linkable.next()) {
        return attach(imported, &pairs);
    }
    Linking::New { conflicts: pairs.into_iter().map(|(candidate, why)| (candidate.person.clone(), why)).collect() }
}

fn attach(to: &Candidate, pairs: &[(&Candidate, Why)]) -> Linking {
    let others = pairs.iter().filter(|(candidate, _)| candidate.person != to.person);
    Linking::Attach {
        person: to.person.clone(),
        authority: !to.has_authority,
        conflicts: others.map(|(candidate, why)| (candidate.person.clone(), *why)).collect(),
    }
}

/// What makes them look like one human, if anything.
fn match_of(incoming: &Incoming<'_>, candidate: &Candidate) -> Option<Why> {
    let known_here = candidate.integrations.contains(&incoming.integration);
    // Within one integration a userName is unique, so one that a person known here shares came from elsewhere: from a
    // local account or another integration.
    let known_elsewhere = candidate.local || candidate.integrations.iter().any(|id| *id != incoming.integration);
    if candidate.same_user_name && (!known_here || known_elsewhere) {
        Some(Why::SameUserName)
    } else if candidate.same_email && !known_here {
        Some(Why::SameEmail)
    } else {
        None
    }
}

/// Whether an imported person may be linked without asking. The person's own address must be one of the User's and lie
/// in a claimed domain: another address of the User proves nothing about this person, and a look-alike is no proof.
fn may_link_import(incoming: &Incoming<'_>, candidate: &Candidate) -> bool {
    let Some(address) = &candidate.email else { return false };
    let claimed = names::email_domain(address).is_some_and(|domain| incoming.claimed_domains.contains(&domain));
    !candidate.local
        && candidate.integrations.is_empty()
        && claimed
        && incoming.emails.iter().any(|email| names::same_address(email, address))
}

/// Refuses what would leave nobody who may administer. `will_be_active` is whether the person will still be an active
/// admin afterwards; the count is of all others, read under the guard that the commit checks.
pub fn admin_guard(is_admin_now: bool, will_be_active: bool, other_active_admins: u64) -> Result<(), ProductCode> {
    if is_admin_now && !will_be_active && other_active_admins == 0 { Err(ProductCode::LastAdmin) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IntegrationId = IntegrationId(1);
    const ELSEWHERE: IntegrationId = IntegrationId(2);

    /// The incoming User has both addresses; its integration has claimed the domain of the first.
    fn check(candidates: &[Candidate], expect: Linking) {
        let claimed = ["corp.example".to_owned()];
        let emails = [OURS.to_owned(), FOREIGN.to_owned(), "strasse@corp.example".to_owned()];
        let incoming = Incoming { integration: HERE, emails: &emails, claimed_domains: &claimed };
        assert_eq!(decide(&incoming, candidates), expect, "{candidates:#?}");
    }

    /// A person known only from an import who shares nothing yet.
    fn person(id: &str) -> Candidate {
        Candidate {
            person: id.to_owned(),
            state: State::Active,
            local: false,
            has_authority: false,
            integrations: Vec::new(),
            same_user_name: false,
            same_email: false,
            email: None,
            approved: false,
            kept: false,
        }
    }

    impl Candidate {
        fn local(self) -> Self {
            Self { local: true, ..self }
        }

        fn of(self, integrations: &[IntegrationId]) -> Self {
            Self { integrations: integrations.to_vec(), has_authority: true, ..self }
        }

        fn named(self) -> Self {
            Self { same_user_name: true, ..self }
        }

        fn mailed(self, address: &str) -> Self {
            Self { same_email: true, email: Some(address.to_owned()), ..self }
        }

        fn approved(self) -> Self {
            Self { approved: true, ..self }
        }

        fn kept(self) -> Self {
            Self { kept: true, ..self }
        }

        fn in_state(self, state: State) -> Self {
            Self { state, ..self }
        }
    }

    const OURS: &str = "ann@corp.example";
    const FOREIGN: &str = "ann@other.example";

    fn alone() -> Linking {
        Linking::New { conflicts: Vec::new() }
    }

    fn queued(pairs: &[(&str, Why)]) -> Linking {
        Linking::New { conflicts: pairs.iter().map(|(id, why)| ((*id).to_owned(), *why)).collect() }
    }

    fn attached(id: &str, authority: bool) -> Linking {
        Linking::Attach { person: id.to_owned(), authority, conflicts: Vec::new() }
    }

    fn attached_beside(id: &str, authority: bool, other: (&str, Why)) -> Linking {
        Linking::Attach { person: id.to_owned(), authority, conflicts: vec![(other.0.to_owned(), other.1)] }
    }

    fn refused(id: &str, why: Why) -> Linking {
        Linking::Refuse { person: id.to_owned(), why }
    }

    #[test]
    fn whom_nobody_resembles_is_new() {
        check(&[], alone());
        check(&[person("a")], alone());
        check(&[person("a").local(), person("b").of(&[ELSEWHERE])], alone());
    }

    #[test]
    fn a_local_person_is_never_taken_over() {
        check(&[person("a").local().named()], refused("a", Why::SameUserName));
        check(&[person("a").local().mailed(FOREIGN)], refused("a", Why::SameEmail));
        check(&[person("a").local().mailed(OURS)], refused("a", Why::SameEmail));
        check(&[person("a").local().named().mailed(OURS)], refused("a", Why::SameUserName));
        check(&[person("a").local().mailed(OURS).in_state(State::Inactive)], refused("a", Why::SameEmail));
        check(&[person("a").local().of(&[ELSEWHERE]).mailed(OURS)], refused("a", Why::SameEmail));
        check(&[person("a").of(&[ELSEWHERE]).named(), person("b").local().mailed(OURS)], refused("b", Why::SameEmail));
        check(&[person("a").mailed(OURS), person("b").local().named()], refused("b", Why::SameUserName));
    }

    #[test]
    fn known_through_another_integration_stays_apart_and_is_queued() {
        check(&[person("a").of(&[ELSEWHERE]).mailed(OURS)], queued(&[("a", Why::SameEmail)]));
        check(&[person("a").of(&[ELSEWHERE]).named()], queued(&[("a", Why::SameUserName)]));
        check(&[person("a").of(&[ELSEWHERE]).named().in_state(State::Inactive)], queued(&[("a", Why::SameUserName)]));
        check(
            &[person("a").of(&[ELSEWHERE]).named().mailed(OURS), person("b").of(&[IntegrationId(3)]).mailed(OURS)],
            queued(&[("a", Why::SameUserName), ("b", Why::SameEmail)]),
        );
    }

    #[test]
    fn two_users_of_one_integration_may_share_an_address() {
        check(&[person("a").of(&[HERE]).mailed(OURS)], alone());
        check(&[person("a").of(&[HERE]).named()], alone());
        check(&[person("a").of(&[HERE, ELSEWHERE]).mailed(OURS)], alone());
        check(&[person("a").local().of(&[HERE]).mailed(OURS)], alone());
        check(
            &[person("a").of(&[HERE]).mailed(OURS), person("b").of(&[ELSEWHERE]).mailed(OURS)],
            queued(&[("b", Why::SameEmail)]),
        );
    }

    #[test]
    fn a_name_held_elsewhere_counts_for_persons_known_here_too() {
        check(&[person("a").of(&[HERE, ELSEWHERE]).named()], queued(&[("a", Why::SameUserName)]));
        check(&[person("a").local().of(&[HERE]).named()], refused("a", Why::SameUserName));
    }

    #[test]
    fn an_imported_person_is_linked_within_a_claimed_domain() {
        check(&[person("a").mailed(OURS)], attached("a", true));
        check(&[person("a").named().mailed(OURS)], attached("a", true));
        check(&[person("a").mailed(FOREIGN)], queued(&[("a", Why::SameEmail)]));
        check(&[person("a").named()], queued(&[("a", Why::SameUserName)]));
        check(&[person("a").mailed("ANN@Corp.Example")], attached("a", true));
        check(&[person("a").mailed("ann@sub.corp.example")], queued(&[("a", Why::SameEmail)]));
        check(&[person("a").mailed("ann@evil.example@corp.example")], queued(&[("a", Why::SameEmail)]));
        check(&[person("a").mailed("bob@corp.example").named()], queued(&[("a", Why::SameUserName)]));
        check(&[person("a").mailed("straße@corp.example")], queued(&[("a", Why::SameEmail)]));
    }

    #[test]
    fn an_imported_person_is_not_linked_by_guesswork() {
        let two = [person("a").mailed(OURS), person("b").mailed(OURS)];
        check(&two, queued(&[("a", Why::SameEmail), ("b", Why::SameEmail)]));
    }

    #[test]
    fn an_imported_person_is_linked_though_another_directory_knows_the_address() {
        let known = person("b").of(&[ELSEWHERE]).mailed(OURS);
        check(&[person("a").mailed(OURS), known], attached_beside("a", true, ("b", Why::SameEmail)));
    }

    #[test]
    fn closed_persons_match_nothing() {
        for candidate in [
            person("a").local().named(),
            person("a").mailed(OURS),
            person("a").of(&[ELSEWHERE]).mailed(OURS),
            person("a").local().named().approved(),
        ] {
            check(&[candidate.in_state(State::Closed)], alone());
        }
    }

    #[test]
    fn two_humans_stay_two() {
        check(&[person("a").local().named().kept()], alone());
        check(&[person("a").mailed(OURS).kept()], alone());
        check(&[person("a").of(&[ELSEWHERE]).named().kept()], alone());
        check(&[person("a").local().named().kept(), person("b").local().mailed(OURS)], refused("b", Why::SameEmail));
    }

    #[test]
    fn an_approved_link_is_followed() {
        check(&[person("a").local().named().approved()], attached("a", true));
        check(&[person("a").of(&[ELSEWHERE]).named().approved()], attached("a", false));
        check(&[person("a").approved()], attached("a", true));
        check(
            &[person("b").local().named(), person("a").local().mailed(OURS).approved()],
            attached_beside("a", true, ("b", Why::SameUserName)),
        );
    }

    #[test]
    fn the_last_admin_stays() {
        for (is_admin, will_be, others, expect) in [
            (true, false, 0, Err(ProductCode::LastAdmin)),
            (true, false, 1, Ok(())),
            (true, true, 0, Ok(())),
            (false, false, 0, Ok(())),
            (false, true, 0, Ok(())),
        ] {
            assert_eq!(admin_guard(is_admin, will_be, others), expect);
        }
    }

    #[test]
    fn reasons_have_words_and_stable_texts() {
        for why in [Why::SameUserName, Why::SameEmail] {
            assert_eq!(Why::from_text(why.as_str()), Some(why));
            assert_eq!(serde_json::to_value(why).unwrap(), why.as_str());
            assert!(why.to_string().ends_with("is the same"));
        }
        assert_eq!(Why::from_text("x"), None);
    }
}
