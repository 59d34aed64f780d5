//! Filters (RFC 7644 section 3.4.2.2), asked in the address and in a message.

use crate::support::*;
use serde_json::{Value, json};

/// Five people: ada, bob, carol, dave, zoë.
async fn people() -> World {
    let mut world = World::with_badges().await;
    let schemas = json!([USER, ENTERPRISE, BADGE]);
    let boss = world
        .user(
            "ada",
            json!({
                "schemas": schemas, "externalId": "E1", "title": "Dr", "active": true, "displayName": "Ada \"the\" Lovelace",
                "name": { "givenName": "Ada", "familyName": "Lovelace" }, "profileUrl": "https://x.example/Ada",
                "emails": [{ "value": "ada@work.example", "type": "work", "primary": true }, { "value": "ada@home.example", "type": "home" }],
                ENTERPRISE: { "department": "R&D", "employeeNumber": "1" },
                BADGE: { "number": 7, "weight": 1.5, "since": "2026-01-01T12:00:00Z", "photo": "aGVsbG8=", "code": "AbC", "lost": false, "tags": ["x", "y"], "site": { "code": "B1", "room": "2" } }
            }),
        )
        .await;
    world
        .user(
            "bob",
            json!({
                "schemas": schemas, "externalId": "e1", "active": false, "name": { "familyName": "Builder" },
                "emails": [{ "value": "bob@home.example", "type": "work" }, { "value": "bob@work.example", "type": "home" }],
                ENTERPRISE: { "department": "Sales", "manager": { "value": boss } },
                BADGE: { "number": 10, "weight": 1, "since": "2026-01-01T12:30:00+01:00", "code": "abc", "lost": true, "tags": ["y"] }
            }),
        )
        .await;
    world.user("carol", json!({ "title": "Prof [x] \\ and (y)", "schemas": schemas, BADGE: { "number": -3 } })).await;
    world.user("dave", json!({ "emails": [{ "value": "dave@x.example" }], "active": true })).await;
    world.user("zoë", json!({ "displayName": "ZOË", "name": { "familyName": "Öz" } })).await;
    world
}

async fn check(world: &mut World, filter: &str, expect: &[&str]) {
    assert_eq!(world.found("/Users", filter).await, expect, "{filter}");
}

async fn refuse(world: &mut World, filter: &str) {
    let listed = world.list("/Users", &[("filter", filter)]).await;
    assert_eq!(listed.status, 400, "{filter}: {}", listed.text());
    refusal(&listed, 400, "invalidFilter");
    refusal(&world.search("/Users", json!({ "filter": filter })).await, 400, "invalidFilter");
}

#[tokio::test]
async fn every_operator_in_any_case() {
    let mut world = people().await;
    for (filter, expect) in [
        ("userName eq \"ADA\"", &["ada"][..]),
        ("userName ne \"ada\"", &["bob", "carol", "dave", "zoë"]),
        ("userName co \"A\"", &["ada", "carol", "dave"]),
        ("userName sw \"d\"", &["dave"]),
        ("userName ew \"OB\"", &["bob"]),
        ("title pr", &["ada", "carol"]),
        ("userName gt \"bob\"", &["carol", "dave", "zoë"]),
        ("userName ge \"bob\"", &["bob", "carol", "dave", "zoë"]),
        ("userName lt \"bob\"", &["ada"]),
        ("userName le \"bob\"", &["ada", "bob"]),
        ("USERNAME Eq \"ada\" AND Title PR", &["ada"]),
        ("NOT (userName eq \"ada\") And userName Sw \"c\" oR userName EW \"ë\"", &["carol", "zoë"]),
    ] {
        check(&mut world, filter, expect).await;
    }
}

#[tokio::test]
async fn precedence_is_brackets_not_and_or() {
    let mut world = people().await;
    for (filter, expect) in [
        ("userName eq \"ada\" or userName eq \"bob\" and active eq false", &["ada", "bob"][..]),
        ("(userName eq \"ada\" or userName eq \"bob\") and active eq false", &["bob"]),
        ("userName eq \"bob\" and active eq true or userName eq \"ada\"", &["ada"]),
        ("not (title pr) and active eq true", &["dave", "zoë"]),
        ("not (title pr and active eq true)", &["bob", "dave", "zoë"]),
        ("not (title pr or active eq false)", &["dave", "zoë"]),
        ("((userName eq \"ada\"))", &["ada"]),
        ("not (not (userName eq \"ada\"))", &["ada"]),
        ("userName eq \"ada\" and (title eq \"x\" or (title pr and (active eq true)))", &["ada"]),
    ] {
        check(&mut world, filter, expect).await;
    }
}

#[tokio::test]
async fn malformed_filters_are_refused() {
    let mut world = people().await;
    for filter in [
        "",
        " ",
        "userName",
        "userName eq",
        "eq \"x\"",
        "userName xx \"ada\"",
        "userName eq \"ada",
        "userName eq 'ada'",
        "userName eq ada lovelace",
        "userName eq \"ada\" and",
        "and userName eq \"ada\"",
        "userName eq \"ada\" title pr",
        "(userName eq \"ada\"",
        "userName eq \"ada\")",
        "not userName eq \"ada\"",
        "not title pr",
        "userName = \"ada\"",
        "userName eq \"a\\x\"",
        "userName pr \"x\"",
        "emails[type eq \"work\"",
        "emails[]",
        "emails[type eq \"work\"]]",
        "emails[emails[type eq \"work\"]]",
        "title eq \"x\" xor title pr",
        "userName eq \"ada\";",
        "1 eq 1",
        "\"userName\" eq \"ada\"",
        "userName eq [\"ada\"]",
        "userName eq {}",
        "name..givenName pr",
        "userName eq \"\u{0}\" or",
        "()",
        "not ()",
    ] {
        refuse(&mut world, filter).await;
    }
}

#[tokio::test]
async fn literals_are_those_of_json() {
    let mut world = people().await;
    for (filter, expect) in [
        ("displayName eq \"Ada \\\"the\\\" Lovelace\"", &["ada"][..]),
        ("displayName eq \"\\u0041da \\\"the\\\" Lovelace\"", &["ada"]),
        ("title eq \"Prof [x] \\\\ and (y)\"", &["carol"]),
        ("title co \"] \\\\ and (\"", &["carol"]),
        ("active eq true", &["ada", "carol", "dave", "zoë"]),
        ("title eq null", &["bob", "dave", "zoë"]),
        ("title ne null", &["ada", "carol"]),
        ("emails.type eq null", &["carol", "dave", "zoë"]),
    ] {
        check(&mut world, filter, expect).await;
    }
    let number = |comparison: &str| format!("{BADGE}:{comparison}");
    check(&mut world, &number("number eq 7"), &["ada"]).await;
    check(&mut world, &number("weight eq 1.5"), &["ada"]).await;
    check(&mut world, &number("weight eq 15e-1"), &["ada"]).await;
    check(&mut world, &number("number eq -3"), &["carol"]).await;
    for bad in ["number eq \"7\"", "weight eq true", "lost eq 1", "since eq 5", "since eq \"yesterday\""] {
        refuse(&mut world, &number(bad)).await;
    }
}

#[tokio::test]
async fn a_bare_word_stands_for_a_string_unless_strict() {
    let mut world = people().await;
    check(&mut world, "userName eq ada", &["ada"]).await;
    check(&mut world, "externalId eq E1", &["ada"]).await;
    let mut strict = World::strict().await;
    refuse(&mut strict, "userName eq ada").await;
}

#[tokio::test]
async fn text_is_compared_by_the_case_of_its_attribute() {
    let mut world = people().await;
    let code = |word: &str| format!("{BADGE}:code {word}");
    for (filter, expect) in [
        ("externalId eq \"E1\"", &["ada"][..]),
        ("externalId eq \"e1\"", &["bob"]),
        ("title eq \"DR\"", &["ada"]),
        ("displayName eq \"zoë\"", &["zoë"]),
        ("displayName eq \"zoe\u{308}\"", &["zoë"]),
        ("displayName eq \"zoe\"", &[]),
        ("userName eq \"ZOË\"", &["zoë"]),
        ("name.familyName sw \"ö\"", &["zoë"]),
        ("profileUrl eq \"https://x.example/ada\"", &[]),
        ("profileUrl eq \"https://x.example/Ada\"", &["ada"]),
    ] {
        check(&mut world, filter, expect).await;
    }
    check(&mut world, &code("eq \"AbC\""), &["ada"]).await;
    check(&mut world, &code("sw \"ab\""), &["bob"]).await;
}

#[tokio::test]
async fn of_several_values_any_may_match_and_in_brackets_one_must_match_all() {
    let mut world = people().await;
    for (filter, expect) in [
        ("emails.type eq \"work\" and emails.value co \"work.example\"", &["ada", "bob"][..]),
        ("emails[type eq \"work\" and value co \"work.example\"]", &["ada"]),
        ("emails[type eq \"work\" and value co \"home.example\"]", &["bob"]),
        ("emails[type eq \"home\" or value sw \"dave\"]", &["ada", "bob", "dave"]),
        ("emails[not (type eq \"home\") and value pr]", &["ada", "bob", "dave"]),
        ("emails[(type eq \"work\" or type eq \"home\") and not (value co \"bob\")]", &["ada"]),
        ("emails[type eq \"work\"] and active eq false", &["bob"]),
        ("not (emails[type eq \"work\"])", &["carol", "dave", "zoë"]),
        ("emails.value eq \"bob@work.example\"", &["bob"]),
        ("emails co \"@work.example\"", &["ada", "bob"]),
        ("emails eq \"dave@x.example\"", &["dave"]),
        ("emails[primary eq true]", &["ada"]),
        ("emails.primary eq true", &["ada"]),
        ("emails[type eq \"work\"].value eq \"ada@work.example\"", &["ada"]),
        ("emails[type eq \"work\"].value sw \"bob\"", &["bob"]),
        ("emails[type eq \"home\"].value eq \"ada@work.example\"", &[]),
    ] {
        check(&mut world, filter, expect).await;
    }
    check(&mut world, &format!("{BADGE}:tags eq \"x\""), &["ada"]).await;
    check(&mut world, &format!("{BADGE}:tags co \"Y\""), &["ada", "bob"]).await;
}

#[tokio::test]
async fn presence_of_simple_complex_and_multiple_values() {
    let mut world = people().await;
    for (filter, expect) in [
        ("name pr", &["ada", "bob", "zoë"][..]),
        ("name.givenName pr", &["ada"]),
        ("emails pr", &["ada", "bob", "dave"]),
        ("emails.type pr", &["ada", "bob"]),
        ("emails[type pr]", &["ada", "bob"]),
        ("phoneNumbers pr", &[]),
        ("id pr", &["ada", "bob", "carol", "dave", "zoë"]),
        ("not (externalId pr)", &["carol", "dave", "zoë"]),
        ("groups pr", &[]),
        ("meta pr and meta.created pr", &["ada", "bob", "carol", "dave", "zoë"]),
    ] {
        check(&mut world, filter, expect).await;
    }
    check(&mut world, &format!("{ENTERPRISE}:manager pr"), &["bob"]).await;
    check(&mut world, &format!("{BADGE}:site pr"), &["ada"]).await;
}

#[tokio::test]
async fn comparisons_that_a_type_does_not_know_are_refused() {
    let mut world = people().await;
    for filter in [
        "active gt true",
        "active ge false",
        "active lt true",
        "active le true",
        "active co true",
        "active sw \"t\"",
        "active ew true",
        "emails.primary gt false",
        "name eq \"Ada\"",
        "name co \"Ada\"",
        "addresses eq \"x\"",
        "meta eq \"x\"",
        "title gt null",
        "title co null",
        "title eq 1.5",
        "x509Certificates.value gt \"a\"",
        "title[value eq \"x\"]",
        "userName[value eq \"x\"]",
        "emails.value[type eq \"x\"]",
    ] {
        refuse(&mut world, filter).await;
    }
    for below in
        ["photo gt \"a\"", "photo le \"a\"", "lost gt true", "site eq \"B1\"", "number co 7", "since sw \"2026\""]
    {
        refuse(&mut world, &format!("{BADGE}:{below}")).await;
    }
    check(&mut world, &format!("{BADGE}:photo eq \"aGVsbG8=\""), &["ada"]).await;
    check(&mut world, &format!("{BADGE}:lost ne true"), &["ada", "carol", "dave", "zoë"]).await;
}

#[tokio::test]
async fn instants_numbers_and_text_have_their_own_order() {
    let mut world = people().await;
    // Half past twelve in Berlin is before noon in UTC; ten is more than seven; text goes by code points.
    for (comparison, expect) in [
        ("since lt \"2026-01-01T12:00:00Z\"", &["bob"][..]),
        ("since eq \"2026-01-01T13:00:00+01:00\"", &["ada"]),
        ("since ge \"2026-01-01T11:30:00.000Z\"", &["ada", "bob"]),
        ("number gt 7", &["bob"]),
        ("number ge 7", &["ada", "bob"]),
        ("number lt 0", &["carol"]),
        ("number gt 6.5", &["ada", "bob"]),
        ("weight gt 1", &["ada"]),
        ("weight le 1.0", &["bob"]),
        ("code lt \"a\"", &["ada"]),
    ] {
        check(&mut world, &format!("{BADGE}:{comparison}"), expect).await;
    }
}

#[tokio::test]
async fn unknown_attributes_find_nobody_and_never_everybody() {
    let mut world = people().await;
    for filter in [
        "unheard eq \"x\"",
        "unheard pr",
        "name.unheard eq \"x\"",
        "emails[unheard eq \"x\"]",
        "urn:unheard:of:x pr",
        "not (unheard pr)",
        "unheard ne \"x\"",
    ] {
        refuse(&mut world, filter).await;
    }
    // Over several types an attribute of one of them has no value in the other.
    world.group("Crew", &[]).await;
    for (filter, expect) in
        [("userName eq \"ada\"", 1), ("members pr", 0), ("displayName eq \"crew\"", 1), ("userName pr", 5)]
    {
        let found = world.list("", &[("filter", filter)]).await.expect(200);
        assert_eq!(found.at("/totalResults"), expect, "{filter}");
    }
    let unheard = world.list("", &[("filter", "unheard pr")]).await;
    match unheard.status {
        200 => assert_eq!(unheard.at("/totalResults"), 0),
        _ => refusal(&unheard, 400, "invalidFilter"),
    }
}

#[tokio::test]
async fn urns_and_extensions() {
    let mut world = people().await;
    let ada = world.read("/Users?filter=userName%20eq%20%22ada%22").await["Resources"][0]["id"].clone();
    for (filter, expect) in [
        (format!("{USER}:userName eq \"ada\""), &["ada"][..]),
        (format!("{USER}:name.familyName eq \"builder\""), &["bob"]),
        (format!("{USER}:emails[type eq \"work\"]"), &["ada", "bob"]),
        (format!("{ENTERPRISE}:department eq \"r&d\""), &["ada"]),
        (format!("{ENTERPRISE}:employeeNumber pr"), &["ada"]),
        (format!("{ENTERPRISE}:manager.value eq {ada}"), &["bob"]),
        (format!("{ENTERPRISE}:manager eq {ada}"), &["bob"]),
        (format!("{ENTERPRISE}:manager.displayName co \"lovelace\""), &["bob"]),
        (format!("{BADGE}:site.code eq \"b1\""), &["ada"]),
        (format!("{BADGE}:site[code eq \"b1\" and room eq \"2\"]"), &["ada"]),
        (format!("schemas eq \"{BADGE}\""), &["ada", "bob", "carol"]),
        (format!("schemas eq \"{USER}\" and userName eq \"zoë\""), &["zoë"]),
    ] {
        check(&mut world, &filter, expect).await;
    }
}

#[tokio::test]
async fn common_attributes_can_be_asked_for() {
    let mut world = people().await;
    let bob = world.read("/Users?filter=userName%20eq%20%22bob%22").await["Resources"][0].clone();
    let (id, meta) = (text(&bob["id"]), bob["meta"].clone());
    let everybody = ["ada", "bob", "carol", "dave", "zoë"];
    check(&mut world, &format!("id eq \"{id}\""), &["bob"]).await;
    check(&mut world, &format!("id ne \"{id}\""), &["ada", "carol", "dave", "zoë"]).await;
    check(&mut world, "meta.resourceType eq \"User\"", &everybody).await;
    check(&mut world, "meta.resourceType eq \"Group\"", &[]).await;
    check(&mut world, "meta.created lt \"2200-01-01T00:00:00+02:00\"", &everybody).await;
    check(&mut world, "meta.lastModified gt \"2200-01-01T00:00:00Z\"", &[]).await;
    check(&mut world, &format!("meta.location eq {}", meta["location"]), &["bob"]).await;
    check(&mut world, &format!("meta.version eq {}", meta["version"]), &["bob"]).await;
    world.test.clock().advance(std::time::Duration::from_secs(60));
    let path = format!("/Users/{id}");
    let answer = world.patch(&path, json!([{ "op": "add", "path": "title", "value": "new" }])).await.expect(200);
    check(&mut world, &format!("meta.lastModified ge {}", answer.at("/meta/lastModified")), &["bob"]).await;
}

#[tokio::test]
async fn groups_and_members_can_be_asked_for() {
    let mut world = people().await;
    let ada = text(&world.read("/Users?filter=userName%20eq%20%22ada%22").await["Resources"][0]["id"]);
    let inner = world.group("Inner", &[&ada]).await;
    let outer = world.group("Outer", &[&inner]).await;
    for (filter, expect) in [
        (format!("members eq \"{ada}\""), &["Inner"][..]),
        (format!("members.value eq \"{ada}\""), &["Inner"]),
        (format!("members[value eq \"{inner}\"]"), &["Outer"]),
        (format!("members[value eq \"{ada}\" and type eq \"Group\"]"), &[]),
        ("members pr".to_owned(), &["Inner", "Outer"]),
        ("displayName eq \"INNER\"".to_owned(), &["Inner"]),
        (format!("id eq \"{outer}\" and displayName sw \"out\""), &["Outer"]),
    ] {
        assert_eq!(world.found("/Groups", &filter).await, expect, "{filter}");
    }
    check(&mut world, &format!("groups.value eq \"{inner}\""), &["ada"]).await;
    check(&mut world, &format!("groups[value eq \"{inner}\"]"), &["ada"]).await;
    check(&mut world, &format!("groups eq \"{outer}\""), &["ada"]).await;
    check(&mut world, "groups.display eq \"inner\"", &["ada"]).await;
}

#[tokio::test]
async fn nobody_found_is_an_empty_list() {
    let mut world = people().await;
    let none = world.list("/Users", &[("filter", "userName eq \"nobody\"")]).await.expect(200).json();
    assert_eq!((&none["totalResults"], &none["Resources"]), (&json!(0), &json!([])));
    assert_eq!(none["schemas"], json!([LIST]));
}

#[tokio::test]
async fn hostile_filters_are_refused_quickly() {
    let mut world = people().await;
    let begun = tokio::time::Instant::now();
    let deep = |depth: usize| format!("{}title pr{}", "(".repeat(depth), ")".repeat(depth));
    let negated = |depth: usize| format!("{}title pr{}", "not (".repeat(depth), ")".repeat(depth));
    let many = |terms: usize| vec!["title pr"; terms].join(" or ");
    for filter in [deep(10_000), negated(5_000), many(5_000), format!("title eq \"{}\"", "x".repeat(60_000))] {
        let answer = world.search("/Users", json!({ "filter": filter })).await;
        refusal(&answer, 400, "invalidFilter");
    }
    for (filter, expect) in [(deep(15), 2), (many(100), 2)] {
        let found = world.search("/Users", json!({ "filter": filter })).await.expect(200);
        assert_eq!(found.at("/totalResults"), expect);
    }
    for injected in
        ["title eq \"' or 1=1 --\"", "title eq \"%\"", "title co \"_\"", "title sw \"*\"", "title ew \"\\\"\""]
    {
        check(&mut world, injected, &[]).await;
    }
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
}

/// RFC 7644 section 3.4.2.1: rather refused than cut.
#[tokio::test]
async fn what_would_be_too_much_is_refused_as_too_many() {
    let mut world = people().await;
    let query = [("sortBy", "userName"), ("startIndex", "5000"), ("count", "10")];
    refusal(&world.list("", &query).await, 400, "tooMany");
    let fine: Value = world.list("/Users", &query).await.expect(200).json();
    assert_eq!(fine["totalResults"], 5);
}
