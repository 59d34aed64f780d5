//! Who may do what, in tables; and what holds for every caller.

use super::super::action::ActionSet;
use super::super::principal::{Own, PersonOf};
use super::super::role::builtin;
use super::super::scopes::{Scope, Scopes};
use super::*;
use bailiwick_scim::filter::Filter;
use proptest::prelude::*;
use std::sync::Arc;

const ME: i64 = 7;
const MY_TEAM: i64 = 100;
const SUB_TEAM: i64 = 101;
const OTHER_TEAM: i64 = 200;

fn held(role: Role) -> HeldRole {
    HeldRole { role: Arc::new(role), origin: "by hand".to_owned() }
}

/// A person with those roles, in a team with a sub-team.
fn person(roles: &[&str]) -> Principal {
    let mut principal = Principal::new("ses_1", PrincipalKind::Person);
    principal.person = Some(PersonOf { seq: ME, id: "per_me".to_owned(), display: "Me".to_owned() });
    principal.teams = [MY_TEAM, SUB_TEAM].into();
    principal.with_roles(roles.iter().map(|name| held(builtin(name).unwrap())).collect())
}

fn component(owner: Option<i64>, owner_person: Option<i64>) -> Object<'static> {
    Object::Item { seq: 500, kind: "component", owner: owner.map(Named::Team), owner_person, document: None }
}

/// A component whose owner is not there.
fn orphan() -> Object<'static> {
    Object::Item { seq: 501, kind: "component", owner: Some(Named::Missing), owner_person: None, document: None }
}

fn team(seq: i64, parent: Option<i64>) -> Object<'static> {
    Object::Item { seq, kind: "team", owner: parent.map(Named::Team), owner_person: None, document: None }
}

#[track_caller]
fn check(principal: &Principal, action: Action, on: Object<'_>, expect: bool) {
    let decision = decide(principal, action, &on);
    assert_eq!(decision.permitted, expect, "{action} on {on:?}: {:?}", decision.reasons);
    assert_eq!(permits(principal, action, &on), expect, "{action} on {on:?}: the fast answer");
    assert!(!decision.reasons.is_empty());
}

#[test]
fn roles_reach_what_they_say() {
    let ours = component(Some(MY_TEAM), None);
    let below = component(Some(SUB_TEAM), None);
    let theirs = component(Some(OTHER_TEAM), None);
    let mine = component(None, Some(ME));
    let somebodys = component(None, Some(8));
    let nobodys = component(None, None);
    // Each row: the role, then whether it may edit: ours, below us, theirs, mine, somebody else's, nobody's, and what
    // names an owner who is not there.
    for (role, expect) in [
        ("admin", [true; 7]),
        ("standards-admin", [true; 7]),
        ("user", [true; 7]),
        ("team-member", [true, true, false, true, false, true, false]),
        ("auditor", [false; 7]),
        ("viewer", [false; 7]),
    ] {
        for (on, expect) in [ours, below, theirs, mine, somebodys, nobodys, orphan()].into_iter().zip(expect) {
            check(&person(&[role]), Action::CatalogEdit, on, expect);
            check(&person(&[role]), Action::CatalogRead, on, true);
        }
        check(&person(&[role]), Action::CatalogEdit, Object::Any, !["auditor", "viewer"].contains(&role));
        check(
            &person(&[role]),
            Action::CatalogEdit,
            Object::None,
            ["admin", "standards-admin", "user"].contains(&role),
        );
    }
}

#[test]
fn teams_are_their_members_own() {
    for (on, expect) in [
        (team(MY_TEAM, None), true),
        (team(SUB_TEAM, Some(MY_TEAM)), true),
        (team(0, Some(MY_TEAM)), true),
        (team(OTHER_TEAM, None), false),
        (team(0, None), false),
        (team(0, Some(OTHER_TEAM)), false),
    ] {
        check(&person(&["team-member"]), Action::TeamEdit, on, expect);
        check(&person(&["user"]), Action::TeamEdit, on, true);
        check(&person(&["viewer"]), Action::TeamEdit, on, false);
    }
}

#[test]
fn roles_and_what_belongs_to_admins() {
    let admin_only = [
        Action::RoleManage,
        Action::TokenManage,
        Action::IntegrationManage,
        Action::RuleManage,
        Action::SettingsManage,
        Action::WebhookManage,
        Action::HoldDecide,
        Action::ConflictDecide,
        Action::PersonEdit,
    ];
    for role in builtins() {
        for action in admin_only {
            check(&person(&[&role.name]), action, Object::None, role.name == "admin");
        }
        for action in [Action::AuditRead, Action::TokenRead, Action::HoldRead, Action::WebhookRead] {
            check(&person(&[&role.name]), action, Object::None, ["admin", "auditor"].contains(&role.name.as_str()));
        }
        let steward = ["admin", "standards-admin"].contains(&role.name.as_str());
        check(&person(&[&role.name]), Action::StandardsManage, Object::None, steward);
        check(&person(&[&role.name]), Action::ImportRun, Object::None, steward);
    }
}

#[test]
fn ones_own_things() {
    let (me, other) = (Object::Person { seq: ME }, Object::Person { seq: 8 });
    let (my_token, other_token) = (Object::Token { person: Some(ME) }, Object::Token { person: Some(8) });
    for (roles, tokens) in [(&[][..], false), (&["viewer"][..], true), (&["admin"][..], true)] {
        let principal = person(roles);
        check(&principal, Action::ProfileOwn, me, true);
        check(&principal, Action::ProfileOwn, my_token, true);
        check(&principal, Action::ProfileOwn, other, false);
        check(&principal, Action::ProfileOwn, other_token, false);
        check(&principal, Action::TokenOwn, my_token, tokens);
        check(&principal, Action::TokenOwn, other_token, false);
        check(&principal, Action::TokenOwn, Object::Token { person: None }, false);
        check(&principal, Action::PersonRead, me, true);
        check(&principal, Action::AccessRead, me, true);
    }
    check(&person(&[]), Action::PersonRead, other, false);
    check(&person(&["viewer"]), Action::AccessRead, other, false);
    check(&person(&["admin"]), Action::TokenManage, other_token, true);
    let mut service = Principal::new("crd_1", PrincipalKind::Service);
    service.roles = vec![held(builtin("admin").unwrap())];
    check(&service, Action::RoleManage, Object::None, true);
    check(&service, Action::TokenOwn, Object::Any, false);
    check(&service, Action::ProfileOwn, Object::Any, false);
}

#[test]
fn hand_over_tasks_are_decided_by_whom_they_concern() {
    let task = |owner, assignee| Object::Task { owner, assignee };
    let check_member = |on, expect| check(&person(&["team-member"]), Action::HandoverDecide, on, expect);
    check_member(task(Some(MY_TEAM), None), true);
    check_member(task(Some(OTHER_TEAM), Some(ME)), true);
    check_member(task(Some(OTHER_TEAM), Some(8)), false);
    check_member(task(None, None), false);
}

#[test]
fn who_is_not_active_may_nothing() {
    let mut principal = person(&["admin"]);
    principal.active = false;
    for action in Action::ALL {
        for on in [Object::None, Object::Any, Object::Person { seq: ME }, component(None, None)] {
            check(&principal, *action, on, false);
        }
    }
    assert_eq!(decide(&principal, Action::CatalogRead, &Object::None).reasons, [Reason::Inactive]);
    assert_eq!(principal.rank(), 0);
}

#[test]
fn the_host_may_everything_and_an_integration_nothing() {
    let integration = Principal::new("tok_1", PrincipalKind::Integration);
    for action in Action::ALL {
        check(&Principal::host(), *action, Object::None, true);
        check(&integration, *action, Object::Any, false);
    }
    assert!(Principal::host().rank() > person(&["admin"]).rank());
}

#[test]
fn rules_make_things_theirs() {
    let document = bailiwick_scim::Object::new();
    let theirs = |document| Object::Item {
        seq: 1,
        kind: "api",
        owner: Some(Named::Team(OTHER_TEAM)),
        owner_person: None,
        document,
    };
    let mut principal = person(&["team-member"]);
    check(&principal, Action::CatalogEdit, theirs(Some(&document)), false);
    let own = |rule: &str, holds| Own { rule: rule.to_owned(), filter: Arc::new(Filter::Constant(holds)) };
    principal.own = vec![own("nothing", false), own("apis", true)];
    check(&principal, Action::CatalogEdit, theirs(Some(&document)), true);
    check(&principal, Action::CatalogEdit, theirs(None), false);
    let lost = Some(Named::Missing);
    let orphan = Object::Item { seq: 1, kind: "api", owner: lost, owner_person: None, document: Some(&document) };
    check(&principal, Action::CatalogEdit, orphan, true);
    let decision = decide(&principal, Action::CatalogEdit, &theirs(Some(&document)));
    assert!(decision.reasons[0].to_string().contains("\"apis\""), "{}", decision.reasons[0]);
}

#[test]
fn reasons_say_it_in_words() {
    let check = |principal: &Principal, action, on: Object<'_>, expect: &[&str]| {
        let decision = decide(principal, action, &on);
        let words: Vec<String> = decision.reasons.iter().map(Reason::to_string).collect();
        assert_eq!(words, expect);
    };
    check(
        &person(&["viewer", "admin"]),
        Action::CatalogRead,
        Object::None,
        &[
            "the role admin, held by hand, permits it on everything",
            "the role viewer, held by hand, permits it on everything",
        ],
    );
    check(
        &person(&["team-member"]),
        Action::CatalogEdit,
        component(Some(OTHER_TEAM), None),
        &[
            "the role team-member permits it only on what one's teams own",
            "it takes one of the roles: user, standards-admin, admin",
        ],
    );
    check(&person(&[]), Action::AuditRead, Object::None, &["it takes one of the roles: auditor, admin"]);
    check(&person(&["admin"]), Action::TokenOwn, Object::Token { person: Some(8) }, &["it belongs to somebody else"]);
    let mut narrow = person(&["admin"]);
    narrow.scopes = Some(Scopes::of(vec![Scope::Metrics]));
    check(&narrow, Action::AuditRead, Object::None, &["the token has only the scopes: metrics"]);
}

fn any_action() -> impl Strategy<Value = Action> {
    (0..Action::ALL.len()).prop_map(|index| Action::ALL[index])
}

fn any_role() -> impl Strategy<Value = HeldRole> {
    let custom = (1..100_u16, any::<u64>(), any::<u64>()).prop_map(|(rank, everywhere, owned)| {
        let pick = |bits: u64| {
            let kept = Action::ALL.iter().enumerate().filter(move |(index, _)| bits >> index & 1 == 1);
            kept.map(|(_, action)| *action).collect::<ActionSet>()
        };
        let name = format!("custom-{rank}");
        held(Role { title: name.clone(), name, rank, everywhere: pick(everywhere), owned: pick(owned), builtin: false })
    });
    prop_oneof![(0..builtins().len()).prop_map(|index| held(builtins().remove(index))), custom]
}

fn any_object() -> impl Strategy<Value = Object<'static>> {
    let team_seq = || prop_oneof![Just(None), Just(Some(MY_TEAM)), Just(Some(SUB_TEAM)), Just(Some(OTHER_TEAM))];
    let person_seq = || prop_oneof![Just(None), Just(Some(ME)), Just(Some(8))];
    prop_oneof![
        Just(Object::None),
        Just(Object::Any),
        (team_seq(), person_seq()).prop_map(|(owner, person)| component(owner, person)),
        Just(orphan()),
        (team_seq(), team_seq()).prop_map(|(seq, parent)| team(seq.unwrap_or(0), parent)),
        person_seq().prop_map(|seq| Object::Person { seq: seq.unwrap_or(9) }),
        person_seq().prop_map(|person| Object::Token { person }),
        (team_seq(), person_seq()).prop_map(|(owner, assignee)| Object::Task { owner, assignee }),
    ]
}

fn any_scopes() -> impl Strategy<Value = Scopes> {
    let bundle = (0..Scope::BUNDLES.len()).prop_map(|index| Scope::BUNDLES[index]);
    let word = prop_oneof![bundle, any_action().prop_map(Scope::Action)];
    proptest::collection::vec(word, 0..4).prop_map(Scopes::of)
}

proptest! {
    #[test]
    fn the_fast_answer_is_the_same(
        roles in proptest::collection::vec(any_role(), 0..4),
        scopes in proptest::option::of(any_scopes()),
        active: bool, in_teams: bool, is_person: bool,
        action in any_action(), on in any_object(),
    ) {
        let mut principal = person(&[]).with_roles(roles);
        (principal.active, principal.scopes) = (active, scopes);
        if !in_teams { principal.teams.clear(); }
        if !is_person { (principal.person, principal.kind) = (None, PrincipalKind::Service); }
        prop_assert_eq!(permits(&principal, action, &on), decide(&principal, action, &on).permitted);
    }

    #[test]
    fn scopes_never_widen(
        roles in proptest::collection::vec(any_role(), 0..4),
        scopes in any_scopes(), action in any_action(), on in any_object(),
    ) {
        let whole = person(&[]).with_roles(roles);
        let mut narrow = whole.clone();
        narrow.scopes = Some(scopes);
        prop_assert!(!permits(&narrow, action, &on) || permits(&whole, action, &on));
        prop_assert!(!permits(&narrow, action, &on) || narrow.in_scope(action));
    }

    #[test]
    fn one_more_role_never_takes_away(
        roles in proptest::collection::vec(any_role(), 0..4), more in any_role(),
        action in any_action(), on in any_object(),
    ) {
        let before = person(&[]).with_roles(roles.clone());
        let after = person(&[]).with_roles(roles.into_iter().chain([more]).collect());
        prop_assert!(!permits(&before, action, &on) || permits(&after, action, &on));
        prop_assert!(after.rank() >= before.rank());
    }

    #[test]
    fn what_is_permitted_on_something_is_permitted_on_anything(
        roles in proptest::collection::vec(any_role(), 0..4), action in any_action(), on in any_object(),
    ) {
        // Otherwise a door that asks before it reads would keep out who is let in.
        let principal = person(&[]).with_roles(roles);
        let of_oneself = matches!(on, Object::Person { seq: ME });
        prop_assume!(!of_oneself);
        prop_assert!(!permits(&principal, action, &on) || permits(&principal, action, &Object::Any));
    }
}
