//! The corpus of `fixtures/descriptors`: what is read, every fault with its place, and the way back.

use super::*;
use crate::yaml::{Limits, Version};
use proptest::prelude::*;
use serde_json::{Value, json};

const SHOP: &str = include_str!("../../../../fixtures/descriptors/backstage/shop.yaml");
const TEAMS: &str = include_str!("../../../../fixtures/descriptors/backstage/teams.yaml");
const COMPONENT: &str = include_str!("../../../../fixtures/descriptors/opslevel/component.yml");
const SERVICE: &str = include_str!("../../../../fixtures/descriptors/opslevel/service.yml");
const REPOSITORY: &str = include_str!("../../../../fixtures/descriptors/opslevel/repository.yml");
const PEOPLE: &str = include_str!("../../../../fixtures/descriptors/people/people.csv");

fn told(faults: &[Fault]) -> Vec<String> {
    faults.iter().map(ToString::to_string).collect()
}

fn the_item(descriptor: &Descriptor) -> &Item {
    match &descriptor.content {
        Some(Content::Item(item)) => item,
        other => panic!("{}: {other:?} {:?}", descriptor.name, told(&descriptor.faults)),
    }
}

fn the_person(descriptor: &Descriptor) -> &Person {
    match &descriptor.content {
        Some(Content::Person(person)) => person,
        other => panic!("{}: {other:?} {:?}", descriptor.name, told(&descriptor.faults)),
    }
}

fn document(descriptor: &Descriptor) -> Value {
    Value::Object(the_item(descriptor).entity.to_document())
}

fn named<'a>(found: &'a [Descriptor], name: &str) -> &'a Descriptor {
    found.iter().find(|one| one.name == name).unwrap_or_else(|| panic!("no {name}"))
}

/// Every fault of a file: `line:column: field message`, each line of `expect` a beginning of one.
fn check_faults(found: &[Descriptor], expect: &[&str]) {
    let faults: Vec<String> = found.iter().flat_map(|one| told(&one.faults)).collect();
    let same = faults.len() == expect.len() && faults.iter().zip(expect).all(|(fault, begin)| fault.starts_with(begin));
    assert!(same, "{faults:#?}");
    for one in found.iter().filter(|one| !one.faults.is_empty()) {
        assert_eq!(one.content, None, "{}", one.name);
    }
}

#[test]
fn every_kind_of_backstage_is_read() {
    let found = backstage::read(SHOP);
    let kinds: Vec<&str> = found.iter().map(|one| one.kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "Domain",
            "Domain",
            "System",
            "Component",
            "API",
            "API",
            "Resource",
            "Group",
            "User",
            "Location",
            "Template",
            "AiResource",
            "WarehouseRobot"
        ]
    );
    check_faults(&found, &[]);
    let cart = document(named(&found, "Cart_service.v2"));
    for (pointer, expect) in [
        ("/title", json!("The cart")),
        ("/owner", json!("payments")),
        ("/system", json!("checkout")),
        ("/tier", json!("gold")),
        ("/tags", json!([{"value": "go"}, {"value": "payments"}])),
        ("/links/0/type", json!("grafana")),
        ("/annotations/pagerduty.com~1service-id", json!("1e3")),
        ("/dependencies/0", json!({"relation": "subcomponentOf", "target": "component:default/shop"})),
        ("/dependencies/2", json!({"relation": "providesApi", "target": "api:default/cart-events"})),
        ("/dependencies/4", json!({"relation": "dependsOn", "target": "resource:default/cart-db"})),
        ("/unknown/metadata", json!({"uid": "8f1f9a1e-2c8f-4d0e-a5d2-6a9c1a1b2c3d", "x-team-slack": "#cart"})),
        (
            "/unknown/spec/profile",
            json!({"on": "yes", "off": "no", "version": "1.10", "empty": null, "octal": "012", "list": [null, null, "null"]}),
        ),
    ] {
        assert_eq!(cart.pointer(pointer), Some(&expect), "{pointer}");
    }
    assert_eq!(document(named(&found, "payments-domain"))["parent"], "commerce");
    assert_eq!(document(named(&found, "cart-api"))["owner"], "user:ada");
    let events = named(&found, "cart-events");
    assert_eq!(document(events)["definition"], json!({"$text": "./asyncapi.yaml"}));
    assert_eq!(told(&events.notes), ["98:5: spec.definition is $text \"./asyncapi.yaml\": kept as it is, not read"]);
    let robot = document(named(&found, "robot-7"));
    assert_eq!((&robot["kind"], &robot["owner"]), (&json!("warehouserobot"), &json!("basel/logistics")));
    assert_eq!(robot["unknown"]["kind"], "WarehouseRobot");
}

#[test]
fn groups_users_and_locations_of_backstage() {
    let found = backstage::read(SHOP);
    let payments = the_item(named(&found, "payments"));
    assert_eq!(payments.entity.title.as_deref(), Some("Payments"));
    assert_eq!(payments.entity.contacts[0].address, "payments@example.com");
    assert_eq!(payments.children, [Reference::of(crate::catalog::Kind::Team, "payments-night")]);
    assert_eq!(payments.members, ["user:default/ada", "user:default/bob"]);
    let ada = the_person(named(&found, "ada"));
    assert_eq!((ada.display.as_str(), ada.email.as_deref()), ("Ada Lovelace", Some("Ada@example.com")));
    let teams: Vec<String> = ada.teams.iter().map(|one| one.team.to_string()).collect();
    assert_eq!(teams, ["team:default/payments", "team:default/commerce"]);
    let targets: Vec<(&str, bool)> =
        named(&found, "shop-files").targets.iter().map(|target| (target.path.as_str(), target.required)).collect();
    assert_eq!(
        targets,
        [("../up.yaml", false), ("./teams.yaml", false), ("https://git.example.com/other/catalog-info.yaml", false)]
    );
}

#[test]
fn the_forms_of_opslevel_are_read_as_they_are_written() {
    let found = opslevel::read(COMPONENT, "cart");
    check_faults(&found, &[]);
    let cart = document(&found[0]);
    let expect = json!({
        "kind": "component", "namespace": "default", "name": "shopping-cart-service",
        "title": "Shopping Cart Service", "description": "Holds what a customer wants to buy", "type": "service",
        "owner": "order management team", "system": "checkout", "tier": "tier_1", "lifecycle": "generally_available",
        "tags": [{"key": "db", "value": "mysql"}, {"key": "db", "value": "redis"}, {"key": "pci", "value": "yes"}],
        "tools": [
            {"name": "Datadog", "category": "metrics", "environment": "production", "url": "https://app.datadoghq.com/dash/1"},
            {"name": "Runbook", "category": "runbooks", "url": "https://wiki.example.com/cart"}],
        "dependencies": [
            {"relation": "dependsOn", "target": "component:default/foo_service", "note": "Takes payments"},
            {"relation": "dependsOn", "target": "component:default/rabbit"}],
        "properties": {"ipv6": "on", "version": "1.10", "regions": ["eu", "no"]},
        "aliases": ["shopping_cart_service", "Cart!"],
        "annotations": {"opslevel.com/product": "Shop", "opslevel.com/language": "Ruby", "opslevel.com/framework": "Rails"},
        "unknown": {"opslevel": {
            "alert_sources": [{"type": "pagerduty", "external_id": "PDABCD1"}], "on_call": {"team": "night"}}},
    });
    assert_eq!(cart, expect);
    assert_eq!(told(&found[0].notes), ["43:3: component.on_call is not known here; it is kept"]);
    let prices = document(&opslevel::read(SERVICE, "x")[0]);
    assert_eq!(
        (&prices["name"], &prices["tier"], &prices["type"]),
        (&json!("prices"), &json!("012"), &json!("service"))
    );
    let repository = document(&opslevel::read(REPOSITORY, "Cart Repo")[0]);
    assert_eq!((&repository["kind"], &repository["name"]), (&json!("repository"), &json!("cart-repo")));
    let other = "version: 1\nservice:\n  name: Foo & Bar Service\nextra: 1\n";
    let other = &opslevel::read(other, "x")[0];
    assert_eq!(document(other)["aliases"], json!(["foo_bar_service"]));
    assert_eq!(document(other)["unknown"]["opslevel"]["file"], json!({"extra": 1}));
}

#[test]
fn people_of_a_csv() {
    let found = people::read(PEOPLE);
    check_faults(&found, &[]);
    let ada = the_person(&found[0]);
    let teams: Vec<(&str, Option<&str>)> =
        ada.teams.iter().map(|one| (one.team.name.as_str(), one.role.as_deref())).collect();
    assert_eq!(teams, [("payments", Some("manager")), ("commerce", None)]);
    assert_eq!(ada.fields["title"], "Engineer");
    assert_eq!(ada.fields["Badge"], "A-1");
    assert_eq!(the_person(&found[1]).display, "O'Brien, Bob");
    assert_eq!(
        told(&found[1].notes),
        ["4:1: Role \"admin\" is not given by an import: give it by a mapping rule or by hand"]
    );
    assert_eq!(the_person(&found[2]).teams.len(), 2);
    assert_eq!(the_person(&found[2]).fields["title"], "=cmd()\nsecond line");
    for (text, expect) in [
        ("", &[][..]),
        ("Name,Email\n", &[]),
        ("Name,Team\nA,b\n", &["1:1: the header names no column Email"]),
        ("Name,Email,name\n", &["1:1: the column \"name\" stands twice"]),
        ("Name,Email,\n", &["1:1: column 3 has no name"]),
        ("Name,Email\nA\u{7}b,a@example.com\n", &["2:1: Name holds a control character"]),
        ("\u{feff}E-Mail;NAME\r\na@example.com;Ann\r\n", &[]),
    ] {
        check_faults(&people::read(text), expect);
    }
    let many = format!("Name,Email\n{}", "A,a@example.com\n".repeat(people::ROWS + 2));
    check_faults(&people::read(&many), &["100000:1: the file holds more than 100000 rows"]);
    check_faults(&people::read(&"x".repeat(people::BYTES + 1)), &["1:1: the file is larger than"]);
}

fn hostile(name: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/descriptors/hostile/");
    std::fs::read_to_string(format!("{path}{name}")).unwrap()
}

#[test]
fn every_fault_of_a_backstage_file_is_told_and_the_rest_is_read() {
    let found = backstage::read(&hostile("wrong.yaml"));
    check_faults(
        &found,
        &[
            "6:3: spec.owner is missing",
            "7:12: spec.lifecycle is missing",
            "12:9: metadata.name the name \"bad name\" may hold only",
            "13:10: metadata.title must be text, not a list",
            "14:10: metadata.tags[0] is the tag \"Web-x\", which may hold only a to z",
            "14:24: metadata.tags[3] must be text, not a mapping",
            "15:15: metadata.labels.a must be text, not a list",
            "15:21: metadata.labels.b must be text, not empty",
            "17:7: metadata.links[0].url is missing",
            "18:13: metadata.links[1].url is no address to go to",
            "19:7: metadata.links[2] must be a mapping, not text",
            "21:9: spec.type must be text, not a mapping",
            "22:14: spec.lifecycle must be text, not true or false: put it in quotes",
            "23:10: spec.owner a component cannot be an owner",
            "24:17: spec.providesApis must be a list, not text",
            "25:36: spec.dependsOn[1] the alias \"\" is empty",
            "25:40: spec.dependsOn[2] stands there twice",
            "27:13: apiVersion is \"backstage.io/v2\", which is not known for a Group: write backstage.io/v1alpha1",
            "32:14: spec.children[0] a person is no item",
            "33:13: spec.members[0] a person is expected, not a group",
            "33:22: spec.members[1] the name \"a b\" may hold only",
            "35:1: apiVersion is missing",
            "37:3: metadata must be a mapping, not a list",
            "38:7: spec must be a mapping, not text",
            "40:1: must be a mapping, not a list",
            "46:68: spec.definition must be text, or a placeholder",
            "50:25: the key \"name\" stands twice",
            "56:25: spec.profile.email \"not an address\" is no e-mail address",
            "56:53: spec.memberOf[0] a team is expected, not a component",
        ],
    );
    let good: Vec<&str> = found.iter().filter(|one| one.content.is_some()).map(|one| one.name.as_str()).collect();
    assert_eq!(good, ["the-good-one"]);
}

#[test]
fn hostile_files_are_refused_with_their_place() {
    let check = |name: &str, expect: &[&str]| check_faults(&backstage::read(&hostile(name)), expect);
    check("bomb.yaml", &["5:7: the file holds more than 100000 values"]);
    check("tabs.yaml", &["4:2: not YAML: tabs disallowed"]);
    check("anchors.yaml", &["9:13: not YAML"]);
    let annotations = document(&backstage::read(&hostile("anchors.yaml"))[0])["annotations"].clone();
    assert_eq!(annotations, json!({"b": "2", "a": "1"}));
    check_faults(&backstage::read(&"- ".repeat(1 << 20)), &["1:1: the file is larger than 1048576 bytes"]);
    check_faults(
        &opslevel::read(&hostile("wrong.yml"), "x"),
        &[
            "1:10: version is \"2\"; only version 1 is known",
            "7:3: service.name is missing",
            "8:10: service.tags[0] must be a mapping, not text",
            "8:13: service.tags[1].value is missing",
            "9:10: service.tools must be a list, not a mapping",
            "10:18: service.dependencies[0].alias is missing",
            "14:12: component stands beside service",
            "18:9: service.name holds no letter a to z and no digit",
        ],
    );
    assert_eq!(document(&opslevel::read(&hostile("wrong.yml"), "x")[4])["name"], "shiharai");
    check_faults(
        &people::read(&hostile("people.csv")),
        &[
            "3:1: Name is missing",
            "4:1: Email \"chi at example\" is no e-mail address",
            "5:1: has 2 values, but the header names 4 columns",
            "6:1: Email \"ann@example.com\" stands in an earlier row with other values",
        ],
    );
}

/// The descriptors of a file, written and read again.
fn there_and_back(found: &[Descriptor]) -> Vec<Descriptor> {
    let written: Vec<Value> = found
        .iter()
        .map(|one| match &one.content {
            Some(Content::Item(item)) => export::item(item),
            Some(Content::Person(person)) => export::person(person, person.name.as_deref().unwrap_or("nobody")),
            None => panic!("{:?}", told(&one.faults)),
        })
        .collect();
    backstage::read(&crate::yaml::write_all(&written))
}

#[test]
fn what_is_exported_reads_the_same() {
    for found in [
        backstage::read(SHOP),
        backstage::read(TEAMS),
        opslevel::read(COMPONENT, "x"),
        opslevel::read(SERVICE, "x"),
        opslevel::read(REPOSITORY, "x"),
    ] {
        for (before, after) in found.iter().zip(there_and_back(&found)) {
            assert_eq!(after.content, before.content, "{} {:?}", before.name, told(&after.faults));
        }
    }
}

/// References may be written in other words that mean the same; everything else comes back as it was.
fn check_kept(path: &str, before: &Value, after: &Value) {
    const REFERENCES: &[&str] = &[
        "owner",
        "system",
        "domain",
        "parent",
        "subdomainOf",
        "subcomponentOf",
        "dependsOn",
        "dependencyOf",
        "providesApis",
        "consumesApis",
        "children",
        "members",
        "memberOf",
    ];
    match (before, after) {
        _ if REFERENCES.iter().any(|key| path.ends_with(&format!("/spec/{key}"))) => {
            assert!(!after.is_null(), "{path}")
        }
        (Value::Object(before), Value::Object(after)) => {
            for (key, value) in before {
                let kept = after.get(key).unwrap_or_else(|| panic!("{path}/{key} is lost"));
                check_kept(&format!("{path}/{key}"), value, kept);
            }
        }
        _ => assert_eq!(after, before, "{path}"),
    }
}

#[test]
fn every_key_of_a_file_is_exported_again() {
    for text in [SHOP, TEAMS] {
        let before = crate::yaml::read(text, &Limits::default()).unwrap();
        for (before, descriptor) in before.iter().zip(backstage::read(text)) {
            let after = match &descriptor.content {
                Some(Content::Item(item)) => export::item(item),
                Some(Content::Person(person)) => export::person(person, person.name.as_deref().unwrap()),
                None => panic!("{}", descriptor.name),
            };
            check_kept(&descriptor.name, &before.to_json(Version::V1_2), &after);
        }
    }
}

fn any_document() -> impl Strategy<Value = Value> {
    let word = || "[a-z][a-z0-9-]{0,6}[a-z0-9]";
    let line = || "[!-~é]([ -~é]{0,10}[!-~])?";
    let texts = || prop::collection::btree_map("[a-z./-]{1,8}", line(), 0..3);
    let head = (
        prop::sample::select(vec!["component", "api", "resource", "system", "domain", "team", "widget"]),
        prop::sample::select(vec!["default", "shop"]),
        "[A-Za-z0-9][-A-Za-z0-9_.]{0,9}",
        prop::option::of(line()),
        prop::option::of("[ -~\n]{0,40}"),
        prop::sample::select(vec![
            "payments",
            "shop/payments",
            "user:ada",
            "ada@example.com",
            "the night shift",
            "x:y",
        ]),
    );
    let lists = (
        prop::collection::vec((prop::option::of(word()), line()), 0..4),
        prop::collection::vec((line(), prop::option::of(line())), 0..3),
        prop::collection::btree_set(
            (prop::sample::select(vec!["dependsOn", "providesApi", "subcomponentOf", "likes"]), word()),
            0..5,
        ),
        prop::collection::btree_set(word(), 0..3),
        (texts(), texts(), texts()),
        (prop::option::of(line()), prop::option::of(line()), prop::option::of(word())),
    );
    (head, lists).prop_map(|((kind, namespace, name, title, description, owner), lists)| {
        let (tags, tools, dependencies, aliases, (labels, annotations, properties), (tier, item_type, above)) = lists;
        let mut document = json!({"kind": kind, "namespace": namespace, "name": name, "title": title, "description": description,
            "type": item_type, "labels": labels, "annotations": annotations, "properties": properties, "aliases": aliases,
            "tags": tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect::<Vec<_>>(),
            "tools": tools.iter().map(|(name, category)| json!({"name": name, "category": category})).collect::<Vec<_>>()});
        if kind != "team" {
            document["owner"] = owner.into();
            document["tier"] = tier.into();
            document["dependencies"] = dependencies.iter().map(|(relation, target)| json!({"relation": relation, "target": target})).collect();
        }
        let place = match kind { "team" | "domain" => "parent", "system" => "domain", _ => "system" };
        document[place] = above.into();
        document
    })
}

/// The order of lists is that of the file's keys after an export.
fn in_order(entity: &Entity) -> Value {
    let mut document = Value::Object(entity.to_document());
    for key in ["tags", "dependencies", "contacts"] {
        if let Some(list) = document.get_mut(key).and_then(Value::as_array_mut) {
            list.sort_by_key(ToString::to_string);
        }
    }
    document
}

proptest! {
    #[test]
    fn any_item_survives_the_way_there_and_back(document in any_document()) {
        let Ok(entity) = Entity::from_document(document.as_object().unwrap()) else { return Ok(()) };
        let item = Item { entity, children: Vec::new(), members: Vec::new() };
        let text = crate::yaml::write(&export::item(&item));
        let read = backstage::read(&text);
        // What a file must say (type, lifecycle, owner) an item need not have.
        if read[0].faults.iter().any(|fault| fault.message == "is missing") {
            return Ok(());
        }
        prop_assert_eq!(in_order(&the_item(&read[0]).entity), in_order(&item.entity), "{}", text);
    }

    #[test]
    fn any_text_is_read_without_harm(text in "(apiVersion|kind|metadata|spec|version|service|name|tags|owner|[ -~\n]|: |\n  |- ){0,30}") {
        for format in [Format::Backstage, Format::OpsLevel, Format::People] {
            for one in read(format, &text, "x") {
                prop_assert_eq!(one.content.is_none(), !one.faults.is_empty());
            }
        }
    }
}
