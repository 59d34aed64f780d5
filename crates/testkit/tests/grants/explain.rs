//! Who has what and through what, now and then.

use super::support::*;
use bailiwick_app::access;
use bailiwick_app::catalog::{self, Author};
use bailiwick_app::mapping::{self, AccessLine, Listing, Place};
use bailiwick_domain::ids::Millis;
use bailiwick_domain::person::State;
use bailiwick_store::rows::PersonRow;
use bailiwick_testkit::TestApp;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn every_way_is_told_now_and_at_a_past_moment() {
    let test = TestApp::start().await;
    let mut client = test.client();
    let payments = team(&test, "payments").await;
    team(&test, "owners").await;
    let ann = user(&mut client, "ann", json!({ "displayName": "Ann" })).await;
    let inner = group(&mut client, "Payments", &[&ann]).await;
    let outer = group(&mut client, "Engineering", &[&inner]).await;
    apply(
        &test,
        &[
            ("pay", "{group: Payments}", "[{team: payments}]"),
            ("eng", "{group: Engineering}", "[{team: payments, role: manager}, {role: viewer}, {role: auditor}]"),
        ],
    )
    .await;
    let row = person(&test, "ann").await;
    let now = mapping::explain(test.app(), &host(), &row.id, None).await.unwrap();
    assert!(now.effective);
    assert_eq!(
        now.roles.iter().map(|role| (role.object.as_str(), role.strongest)).collect::<Vec<_>>(),
        [("auditor", true), ("viewer", false)]
    );
    let team = &now.teams[0];
    assert_eq!((team.object.as_str(), team.name.as_str(), team.value.as_str()), (&*payments, "payments", "manager"));
    let mut words: Vec<&str> = team.ways.iter().map(|way| way.words.as_str()).collect();
    words.sort_unstable();
    assert_eq!(
        words,
        ["User ann in group Payments by rule pay", "User ann in group Payments in group Engineering by rule eng"]
    );
    assert!(team.ways.iter().any(|way| way.origin == format!("rule:eng:{outer}")));

    let then = test.app().clock().now();
    test.clock().advance(Duration::from_secs(3_600));
    remove(&mut client, &inner, &ann).await;
    set_user(&mut client, &ann, "active", json!(false)).await;
    let later = mapping::explain(test.app(), &host(), &row.id, None).await.unwrap();
    assert!(later.teams.is_empty() && !later.effective);
    assert!(later.roles.len() == 1 && later.roles[0].name == "viewer", "{:?}", later.roles);
    assert_eq!(later.roles[0].ways[0].origin, "default");
    let past = mapping::explain(test.app(), &host(), &row.id, Some(then)).await.unwrap();
    assert!(past.effective && past.teams.len() == 1 && past.roles.len() == 2, "{past:?}");
    assert!(past.teams[0].ways.iter().all(|way| way.until.is_some()));
    let before = mapping::explain(test.app(), &host(), &row.id, Some(Millis(1))).await.unwrap();
    assert!(before.state.is_none() && before.teams.is_empty());

    let lines = everything(&test, Some(then)).await;
    assert_eq!(lines.len(), 4);
    let csv = mapping::access_csv(&lines);
    assert!(csv.lines().count() == 4 && csv.contains("User ann in group Payments by rule pay"), "{csv}");
    assert!(everything(&test, None).await.iter().all(|line| line.origin == "default"));
}

/// The listing of everybody, of all page sizes alike.
async fn everything(test: &TestApp, at: Option<Millis>) -> Vec<AccessLine> {
    let mut listing = Listing::of(test.app(), &host(), None, at).await.unwrap();
    let whole = listing.page(Place::default(), 1_000).await.unwrap();
    for limit in [1_u32, 2, 3] {
        let (mut place, mut lines) = (Place::default(), Vec::new());
        loop {
            // As a caller does that keeps nothing but the place.
            let mut listing = Listing::of(test.app(), &host(), None, at).await.unwrap();
            let page = listing.page(place, limit).await.unwrap();
            assert!(page.len() <= limit as usize);
            let Some(last) = page.last() else { break };
            place = last.place;
            lines.extend(page);
        }
        assert_eq!(lines, whole, "in pages of {limit}");
    }
    assert_eq!(listing.count().await.unwrap(), whole.len() as u64);
    whole
}

#[tokio::test]
async fn the_list_of_everybody_says_who_has_left_and_what_each_owns() {
    let test = TestApp::start().await;
    let mut client = test.client();
    let payments = team(&test, "payments").await;
    team(&test, "owners").await;
    let cart = entity(&test, json!({"kind": "component", "name": "cart", "owner": "payments"})).await;
    let till = entity(&test, json!({"kind": "component", "name": "till", "tags": ["pay"]})).await;
    let users = [user(&mut client, "ann", json!({})).await, user(&mut client, "bob", json!({})).await];
    group(&mut client, "G", &[&users[1]]).await;
    apply(&test, &[("mine", "{group: G}", "[{own: 'tags eq \"pay\"'}]")]).await;
    let (ann, bob) = (person(&test, "ann").await, person(&test, "bob").await);
    let notes = entity(&test, json!({"kind": "component", "name": "notes", "owner": ann.id})).await;
    for person in [&ann, &bob] {
        member(&test, &payments, person).await;
    }
    let told = async |at: Option<Millis>| -> Vec<String> {
        let lines = everything(&test, at).await;
        let csv = mapping::access_csv(&lines);
        for (line, text) in lines.iter().zip(csv.lines()) {
            assert!(text.ends_with(&format!(",{}", line.state.map_or("", State::as_str))), "{text}");
            assert_eq!(text.split(',').count(), mapping::CSV_HEAD.split(',').count(), "{text}");
        }
        let line = |line: &AccessLine| {
            let state = line.state.map_or("unknown", State::as_str);
            format!("{} {state} {} {}: {}", line.name, line.kind, line.object, line.way)
        };
        let entities = lines.iter().filter(|line| !["team", "ownership", "role"].contains(&line.kind));
        entities.map(line).collect()
    };
    let rule = everything(&test, None).await.into_iter().find(|line| line.kind == "ownership").unwrap();
    let expect = |ann: &str, bob: &str| {
        [
            format!("ann {ann} entity {cart}: as a member of the team payments"),
            format!("ann {ann} entity {notes}: by name"),
            format!("bob {bob} entity {cart}: as a member of the team payments"),
            format!("bob {bob} entity {till}: it matches what {} gives", rule.origin),
        ]
    };
    assert_eq!(told(None).await, expect("active", "active"));
    let first = moment(&test);
    set_user(&mut client, &users[1], "active", json!(false)).await;
    let second = moment(&test);
    assert_eq!(told(None).await, expect("active", "inactive"));
    change(&test, &cart, json!({"owner": null})).await;
    set_user(&mut client, &users[0], "active", json!(false)).await;
    set_user(&mut client, &users[1], "active", json!(true)).await;
    // Each with where they stood and what they owned at the moment it is about.
    assert_eq!(told(Some(first)).await, expect("active", "active"));
    assert_eq!(told(Some(second)).await, expect("active", "inactive"));
    let now = told(None).await;
    assert_eq!(now[0], format!("ann inactive entity {notes}: by name"), "{now:?}");
    assert!(now[1].starts_with("bob active entity"), "{now:?}");
    // One person's list is that part of everybody's.
    let mut listing = Listing::of(test.app(), &host(), Some(&bob.id), Some(second)).await.unwrap();
    let own = listing.page(Place::default(), 1_000).await.unwrap();
    let of_all = everything(&test, Some(second)).await.into_iter().filter(|line| line.person == bob.id);
    assert_eq!(own, of_all.collect::<Vec<_>>());
}

#[tokio::test]
async fn one_person_can_be_tried() {
    let test = TestApp::start().await;
    let mut client = test.client();
    team(&test, "owners").await;
    let ann = user(&mut client, "ann", json!({})).await;
    group(&mut client, "G", &[&ann]).await;
    let row = person(&test, "ann").await;
    let text = file(&[("g", "{group: G}", "[{role: viewer}]")]);
    let tried = mapping::try_person(test.app(), &host(), Some(&text), &row.id).await.unwrap();
    assert_eq!((tried.grants.len(), tried.effects.gained.count), (1, 1));
    assert_eq!(holds(&test, "ann").await, Vec::<String>::new());
    assert!(mapping::try_person(test.app(), &host(), Some(&text), "per_x").await.is_err());
    assert!(mapping::try_person(test.app(), &host(), None, &row.id).await.unwrap().grants.is_empty());
}

#[tokio::test]
async fn what_a_rule_makes_theirs_by_a_property_is_told() {
    let test = TestApp::start().await;
    let mut client = test.client();
    team(&test, "owners").await;
    let definition = json!({"schema": {"type": "string"}});
    catalog::put_property(test.app(), &host(), "cost-center", definition.as_object().unwrap(), None).await.unwrap();
    for (name, center) in [("cart", "42"), ("prices", "43")] {
        let document = json!({"kind": "component", "name": name, "properties": {"cost-center": center}});
        catalog::create_item(test.app(), &host(), document.as_object().unwrap(), Author::Hand).await.unwrap();
    }
    let ann = user(&mut client, "ann", json!({})).await;
    group(&mut client, "G", &[&ann]).await;
    apply(&test, &[("mine", "{group: G}", "[{own: 'properties.cost-center eq \"42\"'}]")]).await;
    let row = person(&test, "ann").await;
    let explained = mapping::explain(test.app(), &host(), &row.id, None).await.unwrap();
    let owns: Vec<&str> = explained.owns.iter().map(|own| own.title.as_str()).collect();
    assert_eq!((owns, explained.owns_total), (vec!["cart"], 1), "{explained:?}");
    assert!(explained.owns[0].through.contains("rule:mine"), "{}", explained.owns[0].through);
}

/// An entity, by its id.
async fn entity(test: &TestApp, document: Value) -> String {
    let item = catalog::create_item(test.app(), &host(), document.as_object().unwrap(), Author::Hand).await;
    item.unwrap().row.id
}

async fn change(test: &TestApp, id: &str, patch: Value) {
    catalog::change_item(test.app(), &host(), id, patch.as_object().unwrap(), Author::Hand, None).await.unwrap();
}

/// The moment it is, after which the clock goes on.
fn moment(test: &TestApp) -> Millis {
    let now = test.app().clock().now();
    test.clock().advance(Duration::from_secs(60));
    now
}

/// What somebody owned at a moment, as `title: through`.
async fn owned(test: &TestApp, person: &PersonRow, at: Option<Millis>) -> Vec<String> {
    let explained = mapping::explain(test.app(), &host(), &person.id, at).await.unwrap();
    assert_eq!((&explained.owns_gaps, explained.owns_total), (&Vec::new(), explained.owns.len() as u64));
    explained.owns.into_iter().map(|own| format!("{}: {}", own.title, own.through)).collect()
}

async fn member(test: &TestApp, team: &str, person: &PersonRow) {
    catalog::put_member(test.app(), &host(), team, &person.id, None).await.unwrap();
}

#[tokio::test]
async fn what_was_owned_is_told_of_a_past_moment() {
    let test = TestApp::start().await;
    let mut client = test.client();
    let payments = team(&test, "payments").await;
    let night = entity(&test, json!({"kind": "team", "name": "night", "parent": "payments"})).await;
    team(&test, "search").await;
    user(&mut client, "ann", json!({ "displayName": "Ann" })).await;
    let ann = person(&test, "ann").await;
    member(&test, &payments, &ann).await;
    let before = moment(&test);
    let cart = entity(&test, json!({"kind": "component", "name": "cart", "owner": "payments"})).await;
    let prices = entity(&test, json!({"kind": "component", "name": "prices", "owner": "night"})).await;
    let notes = entity(&test, json!({"kind": "component", "name": "notes", "owner": ann.id})).await;
    let shop = entity(&test, json!({"kind": "system", "name": "shop", "owner": "payments"})).await;
    let till = entity(&test, json!({"kind": "component", "name": "till", "system": "shop"})).await;
    entity(&test, json!({"kind": "component", "name": "index", "owner": "search"})).await;
    let all = [
        "cart: as a member of the team payments",
        "notes: by name",
        "prices: as a member of the team payments, of which the owner is part",
        "shop: as a member of the team payments",
        "till: as a member of the team payments; inherited from the system shop",
    ];
    assert_eq!(owned(&test, &ann, None).await, all);
    let first = moment(&test);

    // Everything changes: an owner, what is there, who is called what, what is part of what, who belongs to whom.
    change(&test, &cart, json!({"owner": "search"})).await;
    change(&test, &notes, json!({"owner": "search", "title": "The notes"})).await;
    change(&test, &till, json!({"system": null})).await;
    catalog::delete_item(test.app(), &host(), &prices, None).await.unwrap();
    let second = moment(&test);
    assert_eq!(owned(&test, &ann, None).await, ["shop: as a member of the team payments"]);
    change(&test, &payments, json!({"name": "billing", "title": "Billing"})).await;
    catalog::delete_item(test.app(), &host(), &night, None).await.unwrap();
    catalog::remove_member(test.app(), &host(), &payments, &ann.id).await.unwrap();
    let third = moment(&test);
    catalog::delete_item(test.app(), &host(), &payments, None).await.unwrap();
    catalog::delete_item(test.app(), &host(), &shop, None).await.unwrap();
    // A new team of the old name has nothing to do with what the old one owned.
    team(&test, "payments").await;

    assert!(owned(&test, &ann, None).await.is_empty());
    assert!(owned(&test, &ann, Some(third)).await.is_empty());
    assert_eq!(owned(&test, &ann, Some(second)).await, ["shop: as a member of the team payments"]);
    assert_eq!(owned(&test, &ann, Some(first)).await, all);
    assert!(owned(&test, &ann, Some(before)).await.is_empty());
    let past = mapping::explain(test.app(), &host(), &ann.id, Some(first)).await.unwrap();
    assert_eq!((past.teams[0].name.as_str(), past.teams[0].object.as_str()), ("payments", &*payments));
    let mut listing = Listing::of(test.app(), &host(), Some(&ann.id), Some(first)).await.unwrap();
    let mut lines = listing.page(Place::default(), 100).await.unwrap();
    lines.retain(|line| line.kind == mapping::ENTITY);
    let csv = mapping::access_csv(&lines);
    let line = format!(",Ann,,entity,{cart},cart,component,,as a member of the team payments,,,active\r\n");
    assert!(csv.starts_with(&format!("{}{line}", ann.id)) && csv.lines().count() == 5, "{csv}");
}

#[tokio::test]
async fn what_a_rule_gave_is_told_as_the_entities_were_then() {
    let test = TestApp::start().await;
    let mut client = test.client();
    team(&test, "owners").await;
    let cart = entity(&test, json!({"kind": "component", "name": "cart", "tags": ["pay"]})).await;
    let prices = entity(&test, json!({"kind": "component", "name": "prices", "tier": "tier_1"})).await;
    let ann = user(&mut client, "ann", json!({})).await;
    let group = group(&mut client, "G", &[&ann]).await;
    apply(&test, &[("mine", "{group: G}", "[{own: 'tags eq \"pay\"'}]")]).await;
    let row = person(&test, "ann").await;
    let first = moment(&test);
    change(&test, &cart, json!({"tags": null})).await;
    change(&test, &prices, json!({"tags": ["pay"]})).await;
    let second = moment(&test);
    remove(&mut client, &group, &ann).await;
    apply(&test, &[]).await;
    assert!(owned(&test, &row, None).await.is_empty());
    for (at, title) in [(first, "cart"), (second, "prices")] {
        let told = owned(&test, &row, Some(at)).await;
        assert!(told.len() == 1 && told[0].starts_with(&format!("{title}: it matches what rule:mine:")), "{told:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_told_of_a_past_moment_is_said() {
    let test = TestApp::start().await;
    let mut client = test.client();
    let payments = team(&test, "payments").await;
    team(&test, "owners").await;
    let ann = user(&mut client, "ann", json!({})).await;
    group(&mut client, "G", &[&ann]).await;
    let definition = json!({"schema": {"type": "string"}});
    catalog::put_property(test.app(), &host(), "center", definition.as_object().unwrap(), None).await.unwrap();
    apply(&test, &[("mine", "{group: G}", "[{own: 'properties.center eq \"42\"'}]")]).await;
    let row = person(&test, "ann").await;
    member(&test, &payments, &row).await;
    let long = "x".repeat(5_000);
    let document = json!({"kind": "component", "name": "cart", "owner": "payments", "description": long});
    let cart = entity(&test, document).await;
    entity(&test, json!({"kind": "component", "name": "till", "owner": "payments"})).await;
    let then = moment(&test);
    change(&test, &cart, json!({"description": null})).await;
    apply(&test, &[]).await;
    catalog::delete_property(test.app(), &host(), "center", None).await.unwrap();
    let past = mapping::explain(test.app(), &host(), &row.id, Some(then)).await.unwrap();
    let titles: Vec<&str> = past.owns.iter().map(|own| own.title.as_str()).collect();
    assert_eq!(titles, ["till"]);
    assert!(past.owns_gaps.iter().any(|gap| gap.contains("how they were then: 1. They are left out")), "{past:?}");
    assert!(past.owns_gaps.iter().any(|gap| gap.contains("properties.center")), "{past:?}");
    // The list of everybody says so in lines of its own: once what concerns all, and of a person what concerns them.
    let gaps: Vec<AccessLine> =
        everything(&test, Some(then)).await.into_iter().filter(|line| line.kind == "gap").collect();
    let told: Vec<(&str, &str)> = gaps.iter().map(|gap| (gap.person.as_str(), gap.way.as_str())).collect();
    assert_eq!(told, [("", past.owns_gaps[0].as_str()), (&*row.id, past.owns_gaps[1].as_str())]);
    assert_eq!(owned(&test, &row, None).await.len(), 2);
}

#[tokio::test]
async fn who_has_no_role_has_the_one_of_everybody_as_it_was_at_the_moment() {
    let test = TestApp::start().await;
    let mut client = test.client();
    user(&mut client, "ann", json!({})).await;
    let ann = person(&test, "ann").await;
    let roles = async |at: Option<Millis>| -> Vec<String> {
        let lines = everything(&test, at).await;
        let lines: Vec<String> = lines
            .iter()
            .filter(|line| line.kind == "role")
            .map(|line| format!("{} {}", line.object, line.origin))
            .collect();
        let told = mapping::explain(test.app(), &host(), &ann.id, at).await.unwrap().roles;
        let told: Vec<String> = told.iter().map(|has| format!("{} {}", has.object, has.ways[0].origin)).collect();
        assert_eq!(lines, told);
        told
    };
    let first = moment(&test);
    access::set_default_role(test.app(), &host(), "user").await.unwrap();
    let second = moment(&test);
    access::set_default_role(test.app(), &host(), "none").await.unwrap();
    assert_eq!(roles(None).await, Vec::<String>::new());
    assert_eq!(roles(Some(second)).await, ["user default"]);
    assert_eq!(roles(Some(first)).await, ["viewer default"]);
    assert_eq!(roles(Some(Millis(1))).await, Vec::<String>::new(), "not known yet");
}
