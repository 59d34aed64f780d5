use super::*;
use crate::filter::{Unknown, parse, resolve};
use crate::quirks::{Quirks, Repairs};
use crate::schema::Registry;
use serde_json::json;

fn registry() -> Registry {
    let badge = json!({"id": "urn:example:Badge", "name": "Badge", "attributes": [
        {"name": "level", "type": "integer"}, {"name": "weight", "type": "decimal"},
        {"name": "tags", "type": "string", "multiValued": true},
        {"name": "doors", "type": "complex", "multiValued": true, "subAttributes": [
            {"name": "value"}, {"name": "hours", "type": "integer", "multiValued": true}]},
    ]});
    Registry::with_extensions(&[badge]).unwrap()
}

fn person() -> Object {
    let person = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:example:Badge"],
        "id": "2819c223", "externalId": "Ext-1", "userName": "BJensen@Example.com",
        "name": {"familyName": "Müller", "givenName": "Bär\u{62}el", "middleName": ""},
        "title": "Tour [Guide] \"senior\"", "nickName": "", "active": true,
        "emails": [
            {"value": "bj@work.example", "type": "work", "primary": true},
            {"value": "bj@home.example", "type": "home"},
        ],
        "phoneNumbers": [],
        "groups": [{"value": "g1", "display": "Admins"}, {"value": "g2", "display": "Users"}],
        "meta": {"resourceType": "User", "created": "2026-01-31T12:00:00Z", "lastModified": "2026-02-01T12:00:00.5Z"},
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "R&D", "manager": {"value": "m1"}},
        "urn:example:Badge": {"level": 3, "weight": 2.5, "tags": ["red", "BLUE"],
            "doors": [{"value": "north", "hours": [7, 19]}, {"value": "south", "hours": [9]}]},
    });
    person.as_object().unwrap().clone()
}

fn holds_for_person(text: &str) -> bool {
    let registry = registry();
    let mut repairs = Repairs::default();
    let parsed = parse(text, Quirks::none(), &mut repairs).unwrap_or_else(|error| panic!("{text}: {error}"));
    let filter = resolve(&registry, registry.user(), &parsed, Unknown::Refuse, Quirks::none(), &mut repairs)
        .unwrap_or_else(|error| panic!("{text}: {error}"));
    matches(&filter, &person())
}

fn check_all(table: &[(&str, bool)]) {
    for (text, expect) in table {
        assert_eq!(holds_for_person(text), *expect, "{text}");
        assert_eq!(holds_for_person(&format!("not ({text})")), !expect, "not ({text})");
    }
}

#[test]
fn text_is_compared_by_the_rule_of_its_attribute() {
    check_all(&[
        (r#"userName eq "bjensen@example.COM""#, true),
        (r#"userName eq "bjensen""#, false),
        (r#"userName ne "bjensen@example.com""#, false),
        (r#"userName ne "x""#, true),
        (r#"userName sw "BJ""#, true),
        (r#"userName ew ".COM""#, true),
        (r#"userName co "SEN@""#, true),
        (r#"userName co "senn""#, false),
        (r#"userName co """#, true),
        (r#"userName sw """#, true),
        (r#"title ew "\"SENIOR\"""#, true),
        (r#"title co "[guide]""#, true),
        (r#"nickName sw """#, true),
        (r#"displayName co """#, false),
        (r#"externalId eq "Ext-1""#, true),
        (r#"externalId eq "ext-1""#, false),
        (r#"externalId sw "ext""#, false),
        (r#"id eq "2819c223""#, true),
        (r#"id eq "2819C223""#, false),
        (r#"name.familyName eq "MÜLLER""#, true),
        (r#"name.familyName eq "mu\u0308ller""#, true),
        (r#"name.familyName eq "muller""#, false),
        (r#"name.familyName eq "ｍüller""#, true),
        (r#"userName gt "bj""#, true),
        (r#"userName gt "BJENSEN@example.com""#, false),
        (r#"userName ge "BJENSEN@example.com""#, true),
        (r#"userName lt "c""#, true),
        (r#"userName le "a""#, false),
        (r#"externalId gt "a""#, false),
        (r#"displayName gt "a""#, false),
        (r#"displayName lt "a""#, false),
        (r#"displayName eq "a""#, false),
        (r#"displayName ne "a""#, true),
        (r#"schemas eq "URN:ietf:params:scim:schemas:core:2.0:user""#, true),
        (r#"schemas eq "urn:example:Other""#, false),
    ]);
}

#[test]
fn presence_means_a_value_that_is_not_empty() {
    check_all(&[
        ("userName pr", true),
        ("title pr", true),
        ("displayName pr", false),
        ("nickName pr", false),
        ("nickName eq null", true),
        ("nickName eq \"\"", true),
        ("userName ne null", true),
        ("name pr", true),
        ("name.givenName pr", true),
        ("name.middleName pr", false),
        ("name.formatted pr", false),
        ("emails pr", true),
        ("emails.type pr", true),
        ("emails.display pr", false),
        ("phoneNumbers pr", false),
        ("phoneNumbers eq null", true),
        ("addresses pr", false),
        ("active pr", true),
        ("meta.lastModified pr", true),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager pr", true),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter pr", false),
        ("urn:example:Badge:level pr", true),
    ]);
}

#[test]
fn booleans_numbers_and_instants_are_compared_as_such() {
    check_all(&[
        ("active eq true", true),
        ("active eq false", false),
        ("active ne false", true),
        ("active ne true", false),
        ("urn:example:Badge:level eq 3", true),
        ("urn:example:Badge:level eq 3.0", true),
        ("urn:example:Badge:level gt 2", true),
        ("urn:example:Badge:level gt 20", false),
        ("urn:example:Badge:level lt 3.5", true),
        ("urn:example:Badge:level ge 3", true),
        ("urn:example:Badge:level ne 4", true),
        ("urn:example:Badge:weight eq 2.5", true),
        ("urn:example:Badge:weight lt 10", true),
        ("urn:example:Badge:weight le 2.49", false),
        (r#"meta.created eq "2026-01-31T13:00:00+01:00""#, true),
        (r#"meta.created gt "2026-01-31T12:30:00+01:00""#, true),
        (r#"meta.created lt "2026-01-31T12:00:00Z""#, false),
        (r#"meta.created le "2026-01-31T12:00:00Z""#, true),
        (r#"meta.lastModified gt "2026-02-01T12:00:00Z""#, true),
        (r#"meta.lastModified eq "2026-02-01T12:00:00.500000Z""#, true),
        (r#"meta.lastModified ne "2026-02-01T12:00:00Z""#, true),
    ]);
}

#[test]
fn one_value_of_many_is_enough_and_square_brackets_bind_to_one() {
    let manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";
    check_all(&[
        (r#"emails eq "BJ@work.example""#, true),
        (r#"emails co "home""#, true),
        (r#"emails.value ew "@nowhere""#, false),
        (r#"emails.type eq "work" and emails.value eq "bj@home.example""#, true),
        (r#"emails[type eq "work" and value eq "bj@home.example"]"#, false),
        (r#"emails[type eq "home" and value eq "bj@home.example"]"#, true),
        (r#"emails[type eq "work" or type eq "other"]"#, true),
        (r#"emails[not (type eq "work")]"#, true),
        (r#"emails[not (type eq "work" or type eq "home")]"#, false),
        (r#"emails[type eq "work" and (primary eq true or value pr)]"#, true),
        (r#"emails[type eq "work"].value eq "bj@work.example""#, true),
        (r#"emails[type eq "work"].value eq "bj@home.example""#, false),
        (r#"emails[type eq "work"].value ne "bj@home.example""#, true),
        (r#"emails[type eq "other"].value pr"#, false),
        (r#"emails[display pr]"#, false),
        (r#"emails[display ne "x"]"#, true),
        (r#"emails.type ne "work""#, true),
        (r#"emails.display ne "x""#, true),
        ("emails.primary eq true", true),
        ("emails.primary eq false", true),
        ("emails[type eq \"home\" and primary eq false]", true),
        ("emails[type eq \"work\" and primary eq false]", false),
        ("emails[primary ne true and type eq \"work\"]", false),
        ("phoneNumbers.primary eq false", false),
        ("phoneNumbers.primary ne true", true),
        (r#"phoneNumbers.value ne "1""#, true),
        (r#"phoneNumbers[value ne "1"]"#, false),
        (r#"groups eq "g2""#, true),
        (r#"groups.value eq "G2""#, false),
        (r#"groups[display eq "admins" and value eq "g2"]"#, false),
        (r#"name[familyName eq "müller" and givenName pr]"#, true),
        (&format!(r#"{manager} eq "m1""#), true),
        (&format!(r#"{manager}.value eq "m2""#), false),
        (&format!(r#"{manager}[value eq "m1"]"#), true),
        (r#"urn:example:Badge:tags eq "RED""#, true),
        (r#"urn:example:Badge:tags ne "red""#, true),
        (r#"urn:example:Badge:tags[value sw "b" and value ew "e"]"#, true),
        (r#"urn:example:Badge:tags[value sw "b" and value ew "d"]"#, false),
        ("urn:example:Badge:doors.hours gt 18", true),
        (r#"urn:example:Badge:doors[value eq "south" and hours gt 18]"#, false),
        (r#"urn:example:Badge:doors[value eq "north" and hours eq 7 and hours eq 19]"#, true),
    ]);
}

#[test]
fn precedence_is_not_and_or() {
    check_all(&[
        ("active eq true or active eq true and active eq false", true),
        ("(active eq true or active eq true) and active eq false", false),
        ("not (active eq false) and active eq true", true),
        ("not (active eq false and active eq true) and displayName pr", false),
    ]);
}

#[test]
fn values_of_another_type_match_nothing_but_ne() {
    let registry = registry();
    let check = |text: &str, resource: Value, expect: bool| {
        let mut repairs = Repairs::default();
        let parsed = parse(text, Quirks::none(), &mut repairs).unwrap();
        let filter =
            resolve(&registry, registry.user(), &parsed, Unknown::Refuse, Quirks::none(), &mut repairs).unwrap();
        assert_eq!(matches(&filter, resource.as_object().unwrap()), expect, "{text} {resource}");
    };
    check("active eq true", json!({"active": "true"}), false);
    check("active ne true", json!({"active": "true"}), true);
    check("title co \"\"", json!({"title": 5}), false);
    check("title lt \"z\"", json!({"title": ["a"]}), true);
    check("emails.type eq \"work\"", json!({"emails": "work"}), false);
    check("emails.type eq \"work\"", json!({"emails": {"type": "work"}}), true);
    check("emails pr", json!({"emails": [null, {}, ""]}), false);
    check("emails.value ne \"x\"", json!({"emails": [{"value": null}]}), true);
    check("urn:example:Badge:level pr", json!({"urn:example:Badge": 5}), false);
    check(
        "urn:example:Badge:level eq 9007199254740993",
        json!({"urn:example:Badge": {"level": 9007199254740992i64}}),
        false,
    );
    check("meta.created ge \"2026-01-01T00:00:00Z\"", json!({"meta": {"created": "soon"}}), false);
    check("title pr", json!({"title": null}), false);
}

#[test]
fn null_operands_ask_for_presence() {
    let registry = registry();
    let title = registry.resolve(registry.user(), "title").unwrap();
    let check = |op, resource: Value, expect| {
        let filter = Filter::Compare(title.clone(), op, Operand::Null);
        assert_eq!(matches(&filter, resource.as_object().unwrap()), expect);
    };
    check(CompareOp::Eq, json!({}), true);
    check(CompareOp::Ne, json!({}), false);
    check(CompareOp::Eq, json!({"title": "x"}), false);
    check(CompareOp::Ne, json!({"title": "x"}), true);
    check(CompareOp::Gt, json!({"title": "x"}), false);
}
