use super::*;
use crate::filter::parse;
use serde_json::json;

fn registry() -> Registry {
    let badge = json!({"id": "urn:example:Badge", "name": "Badge", "attributes": [
        {"name": "level", "type": "integer"}, {"name": "weight", "type": "decimal"}, {"name": "photo", "type": "binary"},
        {"name": "tags", "type": "string", "multiValued": true},
        {"name": "secret", "type": "complex", "subAttributes": [{"name": "value", "mutability": "writeOnly", "returned": "never"}]},
    ]});
    Registry::with_extensions(&[badge]).unwrap()
}

fn resolved(text: &str, unknown: Unknown, quirks: Quirks) -> Result<(Resolved, Repairs), Error> {
    let registry = registry();
    let mut repairs = Repairs::default();
    let parsed = parse(text, quirks, &mut repairs)?;
    let filter = resolve(&registry, registry.user(), &parsed, unknown, quirks, &mut repairs)?;
    Ok((filter, repairs))
}

/// A resolved filter as text: like a filter, every operand with its kind.
fn show(filter: &Resolved) -> String {
    let join = |parts: &[Resolved], word: &str| format!("({})", parts.iter().map(show).collect::<Vec<_>>().join(word));
    match filter {
        Filter::And(parts) => join(parts, " and "),
        Filter::Compare(target, op, operand) => format!("{target} {op} {operand:?}"),
        Filter::Constant(value) => value.to_string(),
        Filter::Not(inner) => format!("not {}", show(inner)),
        Filter::Or(parts) => join(parts, " or "),
        Filter::Present(target) => format!("{target} pr"),
        Filter::Values(target, inner) => format!("{target}[{}]", show(inner)),
    }
}

#[test]
fn paths_and_literals_are_tied_to_the_schema() {
    let check = |text: &str, expect: &str| {
        let (filter, repairs) =
            resolved(text, Unknown::Refuse, Quirks::none()).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(show(&filter), expect, "{text}");
        assert!(repairs.0.is_empty());
    };
    check(r#"USERNAME eq "BJensen""#, r#"userName eq Folded("bjensen")"#);
    check(r#"userName eq "STRAßE""#, r#"userName eq Folded("straße")"#);
    check(r#"externalId eq "AbC""#, r#"externalId eq Exact("AbC")"#);
    check(
        r#"id eq "AbC" and meta.resourceType eq "User""#,
        r#"(id eq Exact("AbC") and meta.resourceType eq Exact("User"))"#,
    );
    check(r#"urn:ietf:params:scim:schemas:core:2.0:user:name.familyname co "X""#, r#"name.familyName co Folded("x")"#);
    check(r#"profileUrl sw "HTTP""#, r#"profileUrl sw Exact("HTTP")"#);
    check(r#"x509Certificates.value ew "=""#, r#"x509Certificates.value ew Exact("=")"#);
    check("active eq true", "active eq Boolean(true)");
    check("active ne false", "active ne Boolean(false)");
    check(r#"meta.created ge "1970-01-01T01:00:00+01:00""#, "meta.created ge Instant(0)");
    check("urn:example:badge:level gt 3", "urn:example:Badge:level gt Integer(3)");
    check("urn:example:badge:level gt 3.5", "urn:example:Badge:level gt Decimal(3.5)");
    check("urn:example:badge:weight le 3", "urn:example:Badge:weight le Decimal(3.0)");
    // Complex attributes stand for their value, but only where they are compared.
    check(r#"emails co "X""#, r#"emails.value co Folded("x")"#);
    check(r#"groups eq "G1""#, r#"groups.value eq Exact("G1")"#);
    check("emails pr and name pr", "(emails pr and name pr)");
    let manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";
    check(&format!("{} eq \"A\"", manager.to_lowercase()), &format!("{manager}.value eq Exact(\"A\")"));
    // Null means unassigned.
    check("title eq null", "not title pr");
    check("emails ne null", "emails pr");
    check("emails[type eq null]", "emails[not emails.type pr]");
    // Inside square brackets the targets carry the attribute.
    check(
        r#"emails[TYPE eq "Work" and not (value pr)]"#,
        r#"emails[(emails.type eq Folded("work") and not emails.value pr)]"#,
    );
    check(r#"name[familyName eq "X"]"#, r#"name[name.familyName eq Folded("x")]"#);
    check(
        r#"urn:example:badge:tags[Value eq "A"]"#,
        r#"urn:example:Badge:tags[urn:example:Badge:tags eq Folded("a")]"#,
    );
    check(
        r#"schemas eq "URN:x" and schemas[value sw "U"]"#,
        r#"(schemas eq Folded("urn:x") and schemas[schemas sw Folded("u")])"#,
    );
}

#[test]
fn primary_without_a_value_is_false() {
    let check = |text: &str, expect: &str| {
        assert_eq!(show(&resolved(text, Unknown::Refuse, Quirks::none()).unwrap().0), expect, "{text}");
    };
    check("emails[primary eq true]", "emails[emails.primary eq Boolean(true)]");
    check("emails[primary ne false]", "emails[emails.primary eq Boolean(true)]");
    check("emails[primary eq false]", "emails[not emails.primary eq Boolean(true)]");
    check("emails[primary ne true]", "emails[not emails.primary eq Boolean(true)]");
    check("emails.primary eq true", "emails.primary eq Boolean(true)");
    check("emails.primary eq false", "emails[not emails.primary eq Boolean(true)]");
    check("emails.primary ne false", "(emails.primary eq Boolean(true) or not emails pr)");
    check("emails.primary ne true", "(emails[not emails.primary eq Boolean(true)] or not emails pr)");
}

#[test]
fn what_does_not_fit_is_refused() {
    let check = |text: &str, expect: &str| {
        for quirks in [Quirks::none(), Quirks::all()] {
            for unknown in [Unknown::Refuse, Unknown::Unassigned] {
                let error = resolved(text, unknown, quirks).map(|(filter, _)| show(&filter)).expect_err(text);
                assert_eq!((error.code, error.status), (expect, 400), "{text}: {error}");
                assert!(!error.detail.contains("hunter2"), "{error}");
            }
        }
    };
    for text in ["gt", "ge", "lt", "le"] {
        check(&format!("active {text} true"), "filter-comparison");
        check(&format!("x509Certificates.value {text} \"eA==\""), "filter-comparison");
    }
    for text in ["co", "sw", "ew"] {
        check(&format!("active {text} true"), "filter-comparison");
        check(&format!("active {text} \"hunter2\""), "filter-comparison");
        check(&format!("meta.created {text} \"2026\""), "filter-comparison");
        check(&format!("urn:example:Badge:level {text} 1"), "filter-comparison");
        check(&format!("urn:example:Badge:weight {text} 1"), "filter-comparison");
        check(&format!("userName {text} 1"), "filter-comparison");
        check(&format!("userName {text} null"), "filter-comparison");
    }
    check("userName ne 1", "filter-comparison");
    check("userName eq 1.5", "filter-comparison");
    check("userName gt true", "filter-comparison");
    check("active eq \"hunter2\"", "filter-comparison");
    check("active eq 1", "filter-comparison");
    check("urn:example:Badge:level eq \"3\"", "filter-comparison");
    check("urn:example:Badge:level eq true", "filter-comparison");
    check("urn:example:Badge:weight eq \"3\"", "filter-comparison");
    check("meta.created gt \"hunter2\"", "filter-comparison");
    check("meta.created gt \"2026-01-01\"", "filter-comparison");
    check("meta.created gt 5", "filter-comparison");
    check("name eq \"hunter2\"", "filter-comparison");
    check("addresses co \"hunter2\"", "filter-comparison");
    check("meta pr and meta eq \"hunter2\"", "filter-comparison");
    check("userName[value eq \"hunter2\"]", "filter-comparison");
    check("name.givenName[value eq \"hunter2\"]", "filter-comparison");
    check("password eq \"hunter2\"", "filter-unknown-attribute");
    check("password pr", "filter-unknown-attribute");
    check("PassWord eq null", "filter-unknown-attribute");
    check("not (urn:ietf:params:scim:schemas:core:2.0:User:password sw \"a\")", "filter-unknown-attribute");
    check("urn:example:Badge:secret.value eq \"hunter2\"", "filter-unknown-attribute");
    check("urn:example:Badge:secret[value eq \"hunter2\"]", "filter-unknown-attribute");
}

/// A complex attribute that stands for a secret `value` must not give it away either.
#[test]
fn a_secret_value_is_not_reached_through_its_attribute() {
    let error = resolved("urn:example:Badge:secret eq \"x\"", Unknown::Refuse, Quirks::all()).unwrap_err();
    assert_eq!(error.code, "filter-unknown-attribute");
}

#[test]
fn unknown_attributes_are_refused_or_unassigned() {
    let check = |text: &str, expect: &str| {
        let error = resolved(text, Unknown::Refuse, Quirks::all()).expect_err(text);
        assert_eq!(error.code, "filter-unknown-attribute", "{text}: {error}");
        let (filter, _) = resolved(text, Unknown::Unassigned, Quirks::all()).unwrap();
        assert_eq!(show(&filter), expect, "{text}");
    };
    for op in ["eq", "co", "sw", "ew", "gt", "ge", "lt", "le"] {
        check(&format!("colour {op} \"x\""), "false");
    }
    check("colour ne \"x\"", "true");
    check("colour pr", "false");
    check("colour eq null", "true");
    check("colour ne null", "false");
    check("members[value eq \"x\"]", "false");
    check("not (members.value eq \"x\")", "true");
    check("name.colour eq \"x\" or title pr", "title pr");
    check("name.colour eq \"x\" and title pr", "false");
    check("colour ne \"x\" and title pr", "title pr");
    check("colour ne \"x\" or title pr", "true");
    check("title pr and (colour pr or (active pr and id pr))", "(title pr and active pr and id pr)");
    check("emails[colour eq \"x\"]", "false");
    check("emails[colour ne \"x\"]", "emails pr");
    check("emails[colour eq \"x\" or type pr]", "emails[emails.type pr]");
    check("department eq \"x\"", "false");
    check("urn:ietf:params:scim:schemas:core:2.0:Group:members pr", "false");
    check("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User pr", "false");
    check("urn:example:Nothing:a pr", "false");
}

#[test]
fn repairs_are_made_where_their_quirk_is_on() {
    let check = |text: &str, quirk: Quirk, expect: &str| {
        let (filter, repairs) = resolved(text, Unknown::Refuse, Quirks::none().with(quirk))
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(show(&filter), expect, "{text}");
        assert!(!repairs.0.is_empty() && repairs.0.iter().all(|repair| repair.quirk == quirk.name()), "{repairs:?}");
        assert!(resolved(text, Unknown::Refuse, Quirks::all().without(quirk)).is_err(), "{text}");
    };
    check(r#"active eq "True""#, Quirk::BooleanStrings, "active eq Boolean(true)");
    check(r#"active eq "FALSE""#, Quirk::BooleanStrings, "active eq Boolean(false)");
    check(r#"roles[primary eq "True"]"#, Quirk::BooleanStrings, "roles[roles.primary eq Boolean(true)]");
    check("externalId eq 42", Quirk::UnquotedFilter, r#"externalId eq Exact("42")"#);
    check("userName eq true", Quirk::UnquotedFilter, r#"userName eq Folded("true")"#);
    check("userName eq Bob", Quirk::UnquotedFilter, r#"userName eq Folded("bob")"#);
    let manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";
    let one = format!("{manager}.value eq Exact(\"x\")");
    check(r#"manager eq "x""#, Quirk::ManagerShapes, &one);
    check(r#"Manager.value eq "x""#, Quirk::ManagerShapes, &one);
    check(r#"urn:scim:schemas:core:1.0:userName eq "x""#, Quirk::Scim1Urns, r#"userName eq Folded("x")"#);
    check(r#"urn:scim:schemas:extension:enterprise:1.0:manager eq "x""#, Quirk::Scim1Urns, &one);
    let both = resolved("active eq True", Unknown::Refuse, Quirks::all()).unwrap();
    assert_eq!((show(&both.0).as_str(), both.1.0.len()), ("active eq Boolean(true)", 2));
}

#[test]
fn a_group_is_asked_by_its_own_attributes() {
    let registry = registry();
    let check = |text: &str, expect: Option<&str>| {
        let mut repairs = Repairs::default();
        let parsed = parse(text, Quirks::all(), &mut repairs).unwrap();
        let filter = resolve(&registry, registry.group(), &parsed, Unknown::Refuse, Quirks::all(), &mut repairs);
        assert_eq!(filter.ok().map(|filter| show(&filter)).as_deref(), expect, "{text}");
    };
    check(r#"displayName eq "Tour Guides""#, Some(r#"displayName eq Folded("tour guides")"#));
    check(r#"id eq "G" and members eq "U""#, Some(r#"(id eq Exact("G") and members.value eq Exact("U"))"#));
    check(
        r#"members[value eq "U" and type eq "User"]"#,
        Some(r#"members[(members.value eq Exact("U") and members.type eq Folded("user"))]"#),
    );
    check(r#"userName eq "x""#, None);
    check(r#"manager eq "x""#, None);
}
