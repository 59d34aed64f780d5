//! Evaluation as a table, and the properties that everything above relies on.

use super::*;
use crate::ids::IntegrationId;
use crate::person::State;
use bailiwick_scim::schema::Registry;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

const ENTERPRISE: &str = bailiwick_scim::schema::ENTERPRISE_USER;

fn rules(then_when: &[(&str, Value, Value)], feeds: &[(&str, &str, &str)]) -> Compiled {
    let rule = |(id, when, then): &(&str, Value, Value)| json!({"id": id, "owner": "a", "review": "90d", "when": when, "then": then});
    let set = json!({"version": 1, "rules": then_when.iter().map(rule).collect::<Vec<_>>()});
    let mut teams = Teams::default();
    for name in ["payments", "search", "core"] {
        teams.add(name, &Arc::new(TeamEntry { id: format!("tm_{name}"), title: name.to_uppercase() }));
    }
    let feed = |(group, team, role): &(&str, &str, &str)| Feed {
        group: (*group).to_owned(),
        team: TeamEntry { id: (*team).to_owned(), title: (*team).to_owned() },
        role: (*role).to_owned(),
    };
    let feeds: Vec<Feed> = feeds.iter().map(feed).collect();
    let integrations = HashMap::from([("okta".to_owned(), IntegrationId(1)), ("entra".to_owned(), IntegrationId(2))]);
    let registry = Registry::standard();
    let world = World { registry: &registry, teams: &teams, integrations: &integrations, feeds: &feeds };
    Compiled::new(RuleSet::from_json(&set.to_string()).unwrap(), 1, &world).unwrap()
}

fn group(seq: i64, name: &str) -> Arc<GroupNode> {
    let document = json!({"displayName": name, "externalId": format!("x{seq}")});
    Arc::new(GroupNode {
        seq,
        id: format!("g{seq}"),
        integration: IntegrationId(1),
        display: name.to_owned(),
        external_id: Some(format!("x{seq}")),
        version: 1,
        document: Arc::new(document.as_object().unwrap().clone()),
    })
}

/// A User; every group is given by the way to it.
fn user(id: &str, document: Value, ways: &[&[Arc<GroupNode>]]) -> SubjectUser {
    let groups = ways.iter().map(|way| SubjectGroup { group: way.last().unwrap().clone(), path: way.to_vec() });
    SubjectUser {
        seq: 1,
        id: id.to_owned(),
        name: id.to_owned(),
        integration: IntegrationId(1),
        authority: true,
        active: true,
        document: Arc::new(document.as_object().unwrap().clone()),
        groups: groups.collect(),
    }
}

fn subject(users: Vec<SubjectUser>) -> Subject {
    Subject { person: "per_1".to_owned(), state: State::Active, users }
}

fn told(grants: &[Grant]) -> Vec<String> {
    let line = |grant: &Grant| {
        let path: Vec<&str> = grant.path.iter().map(|step| step.id.as_str()).collect();
        let (kind, origin) = (grant.kind.as_str(), &grant.origin);
        format!("{kind} {} {} {origin} {}", grant.object, grant.value, path.join(">"))
    };
    grants.iter().map(line).collect()
}

fn check(rules: &Compiled, subject: &Subject, expect: &[&str]) {
    assert_eq!(told(&evaluate(rules, &mut GroupMatches::default(), subject)), expect);
}

#[test]
fn groups_are_found_by_name_id_external_id_pattern_and_filter() {
    let (pay, search) = (group(1, "Team-Payments"), group(2, "Search"));
    let member = subject(vec![user("u", json!({}), &[std::slice::from_ref(&pay), &[pay.clone(), search]])]);
    let cases: [(Value, &[&str]); 9] = [
        (json!({"name": "team-payments"}), &["role r  rule:a:g1 u>g1>a"]),
        (json!({"name": "payments"}), &[]),
        (json!({"id": "g2"}), &["role r  rule:a:g2 u>g1>g2>a"]),
        (json!({"id": "g3"}), &[]),
        (json!({"external_id": "x2"}), &["role r  rule:a:g2 u>g1>g2>a"]),
        (json!({"external_id": "X2"}), &[]),
        (json!({"pattern": "*a*"}), &["role r  rule:a:g1 u>g1>a", "role r  rule:a:g2 u>g1>g2>a"]),
        (json!({"filter": "displayName sw \"sea\""}), &["role r  rule:a:g2 u>g1>g2>a"]),
        (json!({"filter": "externalId eq \"x9\""}), &[]),
    ];
    for (test, expect) in cases {
        check(&rules(&[("a", json!({ "group": test }), json!([{"role": "r"}]))], &[]), &member, expect);
    }
}

#[test]
fn every_part_of_a_condition_must_hold_for_one_user() {
    let pay = group(1, "Payments");
    let document = json!({
        "userName": "ann@corp.example", "active": true, "title": "Engineer",
        "emails": [{"value": "ann@Mail.example", "type": "work"}],
        ENTERPRISE: {"organization": "Acme", "division": "Engineering", "department": "Payments"},
    });
    let ann = subject(vec![user("u", document, &[&[pay]])]);
    let cases: [(Value, bool); 15] = [
        (json!({"user": "title eq \"engineer\""}), true),
        (json!({"user": "title eq \"chef\""}), false),
        (json!({"integration": "okta"}), true),
        (json!({"integration": "entra"}), false),
        (json!({"integration": "gone"}), false),
        (json!({"domain": "mail.example"}), true),
        (json!({"domain": "MAIL.example"}), true),
        (json!({"domain": "example"}), false),
        (json!({"unit": "/Acme/Engineering"}), true),
        (json!({"unit": "acme"}), true),
        (json!({"unit": "/Acme/Eng"}), false),
        (json!({"unit": "/Engineering"}), false),
        (json!({"group": {"name": "Payments"}, "user": "title pr", "unit": "/Acme/Engineering/Payments"}), true),
        (json!({"group": {"name": "Payments"}, "integration": "entra"}), false),
        (json!({"group": {"name": "Search"}, "user": "title pr"}), false),
    ];
    for (when, expect) in cases {
        let rules = rules(&[("a", when.clone(), json!([{"role": "r"}]))], &[]);
        let found = evaluate(&rules, &mut GroupMatches::default(), &ann);
        assert_eq!(!found.is_empty(), expect, "{when}");
    }
    // The title of one User and the group of another do not add up.
    let other = user("v", json!({"title": "Chef"}), &[]);
    let both = subject(vec![user("u", json!({}), &[&[group(1, "Payments")]]), other]);
    let rules = rules(
        &[("a", json!({"group": {"name": "Payments"}, "user": "title eq \"chef\""}), json!([{"role": "r"}]))],
        &[],
    );
    check(&rules, &both, &[]);
}

#[test]
fn units_are_said_by_an_attribute_or_made_of_the_enterprise_extension() {
    let check = |document: Value, expect: &str| {
        assert_eq!(evaluate::unit_of(document.as_object().unwrap()), expect, "{document}");
    };
    check(json!({}), "");
    check(json!({"ou": "/A/B", ENTERPRISE: {"department": "C"}}), "/A/B");
    check(json!({"urn:example:Google": {"orgUnitPath": "/A"}, ENTERPRISE: {"department": "C"}}), "/A");
    check(json!({"ou": " ", ENTERPRISE: {"organization": "O", "department": " C "}}), "O/C");
    check(json!({"ou": 7, ENTERPRISE: {"division": 1}}), "");
}

#[test]
fn what_follows_is_told_with_its_way() {
    let pay = group(1, "team-Payments");
    let then = json!([
        {"team": "{1}", "role": "manager", "own": "kind eq \"api\""},
        {"property": {"name": "cost", "value": "42"}},
        {"own": "tags eq \"x\""},
        {"team": "nowhere", "role": "contributor", "own": "kind eq \"api\""},
    ]);
    let rules = rules(&[("a", json!({"group": {"pattern": "team-*"}}), then)], &[("g1", "tm_core", "guest")]);
    check(
        &rules,
        &subject(vec![user("u", json!({}), &[&[pay]])]),
        &[
            "team tm_core guest feed:g1 u>g1>tm_core",
            "team tm_payments manager rule:a:g1 u>g1>a",
            "property cost \"42\" rule:a:g1 u>g1>a",
            "ownership kind eq \"api\" tm_payments rule:a:g1 u>g1>a",
            "ownership tags eq \"x\"  rule:a:g1 u>g1>a",
        ],
    );
}

#[test]
fn who_counts() {
    let rules = rules(&[("a", json!({"user": "userName pr"}), json!([{"role": "r"}]))], &[]);
    let with = |authority, active, state| {
        let user = SubjectUser { authority, active, ..user("u", json!({"userName": "u"}), &[]) };
        let subject = Subject { state, ..subject(vec![user]) };
        !evaluate(&rules, &mut GroupMatches::default(), &subject).is_empty()
    };
    assert!(with(true, true, State::Active));
    assert!(with(true, false, State::Inactive), "memberships are kept for a return");
    assert!(with(false, true, State::Active));
    assert!(!with(false, false, State::Active), "what came through another User ends with it");
    assert!(!with(true, true, State::Closed));
}

#[test]
fn filters_cannot_ask_for_what_is_computed() {
    let registry = Registry::standard();
    for text in ["id eq \"x\"", "groups.value eq \"x\"", "not (meta.created pr)", "title pr and groups pr"] {
        assert!(compiled::user_filter(&registry, text).unwrap_err().contains("no part of the document"), "{text}");
    }
    assert!(compiled::group_filter(&registry, "members pr").is_err());
    assert!(compiled::user_filter(&registry, "nonsense eq 1").is_err());
    assert!(compiled::user_filter(&registry, "title pr").is_ok());
}

// Random worlds: groups a to e in a fixed web, rules over them, persons in some of them.

fn arbitrary_rules() -> impl Strategy<Value = Vec<(String, Value, Value)>> {
    let group = prop_oneof![
        "[a-e]".prop_map(|name| json!({ "name": name })),
        "[a-e]".prop_map(|name| json!({ "pattern": format!("{name}*") })),
        Just(json!({"pattern": "*"})),
        "[a-e]".prop_map(|name| json!({ "filter": format!("displayName gt \"{name}\"") })),
    ];
    let when = prop_oneof![
        group.prop_map(|group| json!({ "group": group })),
        "[uv]".prop_map(|name| json!({ "user": format!("userName eq \"{name}\"") })),
    ];
    let then = prop_oneof![
        ("payments|search|core", "manager|contributor|guest")
            .prop_map(|(team, role)| json!([{ "team": team, "role": role }])),
        "admin|user".prop_map(|role| json!([{ "role": role }])),
        ("p|q", 0..3).prop_map(|(name, value)| json!([{ "property": { "name": name, "value": value } }])),
        "payments|search".prop_map(|team| json!([{ "team": team, "role": "guest", "own": "kind pr" }])),
    ];
    prop::collection::vec((when, then), 0..6).prop_map(|parts| {
        let named = |(index, (when, then))| (format!("r{index}"), when, then);
        parts.into_iter().enumerate().map(named).collect()
    })
}

fn arbitrary_users() -> impl Strategy<Value = Vec<SubjectUser>> {
    let one = ("[uv]", prop::collection::vec(0_i64..5, 0..4), any::<bool>(), any::<bool>());
    prop::collection::vec(one, 0..3).prop_map(|users| {
        let web = web();
        let user = |(index, (name, direct, authority, active)): (usize, (String, Vec<i64>, bool, bool))| SubjectUser {
            id: format!("user{index}"),
            groups: closure(&direct, &web).groups,
            authority,
            active,
            ..user("", json!({ "userName": name }), &[])
        };
        users.into_iter().enumerate().map(user).collect()
    })
}

fn web() -> Web {
    let names = ["a", "b", "c", "d", "e"];
    let groups = names.iter().zip(0..).map(|(name, seq)| (*group(seq, name)).clone());
    Web::new(groups, &[(0, 1), (1, 2), (2, 0), (3, 2), (3, 4)])
}

fn ready(rules_: &[(String, Value, Value)]) -> Compiled {
    let borrowed: Vec<(&str, Value, Value)> =
        rules_.iter().map(|(id, when, then)| (id.as_str(), when.clone(), then.clone())).collect();
    rules(&borrowed, &[("g1", "tm_core", "contributor")])
}

fn held_of(grants: &[Grant]) -> Vec<HeldGrant> {
    let mut seq = 0;
    let open = Diff { open: grants.to_vec(), ..Diff::default() };
    diff::apply(&[], &open, || {
        seq += 1;
        seq
    })
}

proptest! {
    #[test]
    fn the_order_of_users_and_groups_does_not_matter(rules in arbitrary_rules(), users in arbitrary_users()) {
        let rules = ready(&rules);
        let mut turned = users.clone();
        turned.reverse();
        turned.iter_mut().for_each(|user| user.groups.reverse());
        let mut memo = GroupMatches::default();
        let grants = evaluate(&rules, &mut memo, &subject(users));
        prop_assert_eq!(&grants, &evaluate(&rules, &mut memo, &subject(turned)));
        let mut keys: Vec<_> = grants.iter().map(|it| (it.kind, &it.object, &it.value, &it.origin)).collect();
        keys.dedup();
        prop_assert_eq!(keys.len(), grants.len());
    }

    #[test]
    fn after_a_change_nothing_is_left_to_change(
        before in arbitrary_rules(), after in arbitrary_rules(), users in arbitrary_users(), by_hand in any::<bool>(),
    ) {
        let subject = subject(users);
        let mut held = held_of(&evaluate(&ready(&before), &mut GroupMatches::default(), &subject));
        if by_hand {
            held.push(HeldGrant {
                seq: 999, kind: GrantKind::Role, object: "admin".to_owned(), value: String::new(),
                origin: "hand".to_owned(), path: String::new(),
            });
        }
        let wanted = evaluate(&ready(&after), &mut GroupMatches::default(), &subject);
        let change = diff(&held, &wanted);
        let mut number = 1_000;
        let then = diff::apply(&held, &change, || { number += 1; number });
        prop_assert!(diff(&then, &wanted).is_empty());
        prop_assert_eq!(then.iter().any(|grant| grant.seq == 999), by_hand);
        prop_assert_eq!(then.len(), wanted.len() + usize::from(by_hand));
        // What is previewed is what happens.
        prop_assert_eq!(effects::having_after(&held, &change), effects::having(&then));
    }

    #[test]
    fn the_previewed_effect_is_the_applied_one(
        before in arbitrary_rules(), after in arbitrary_rules(), people in prop::collection::vec(arbitrary_users(), 1..8),
    ) {
        let (mut previewed, mut active, mut removed) = (Effects::default(), 0, 0);
        let (mut admins, mut teams) = ((0_u64, 0_u64), HashMap::<String, (u64, u64)>::new());
        for users in people {
            let subject = subject(users);
            let held = held_of(&evaluate(&ready(&before), &mut GroupMatches::default(), &subject));
            let change = diff(&held, &evaluate(&ready(&after), &mut GroupMatches::default(), &subject));
            let case = effects::Case {
                person: "p", name: "p", state: State::Active, becomes: State::Active, held: &held, diff: &change, admin_by_hand: false,
            };
            previewed.add(&case);
            let mut number = 1_000;
            let then = diff::apply(&held, &change, || { number += 1; number });
            let (was, is) = (effects::having(&held), effects::having(&then));
            active += 1;
            removed += u64::from(was.keys().any(|it| it.kind != GrantKind::Property && !is.contains_key(it)));
            let admin = |having: &std::collections::BTreeMap<effects::Thing, String>| {
                u64::from(having.keys().any(|it| it.kind == GrantKind::Role && it.object == "admin"))
            };
            admins = (admins.0 + admin(&was), admins.1 + admin(&is));
            for thing in was.keys().filter(|it| it.kind == GrantKind::Team) {
                teams.entry(thing.object.clone()).or_default().0 += 1;
            }
            for thing in is.keys().filter(|it| it.kind == GrantKind::Team) {
                teams.entry(thing.object.clone()).or_default().1 += 1;
            }
        }
        prop_assert_eq!((previewed.active, previewed.removed), (active, removed));
        prop_assert_eq!((previewed.admins.before, previewed.admins.after), admins);
        let sizes: HashMap<String, (u64, u64)> =
            previewed.teams.iter().map(|(team, size)| (team.clone(), (size.before, size.after))).collect();
        prop_assert_eq!(sizes, teams);
    }
}
