use super::*;
use crate::filter::matches_value;
use serde_json::json;

fn parse(text: &str) -> Result<PatchPath, Error> {
    PatchPath::parse(text, Quirks::none(), &mut Repairs::default())
}

#[test]
fn paths_are_read_and_printed() {
    let check = |text: &str, expect: &str| {
        let path = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(path.to_string(), expect);
        assert_eq!(parse(expect).unwrap(), path, "{expect}");
    };
    check("userName", "userName");
    check("name.givenName", "name.givenName");
    check("members.$ref", "members.$ref");
    check(
        "urn:ietf:params:scim:schemas:core:2.0:User:name.givenName",
        "urn:ietf:params:scim:schemas:core:2.0:User:name.givenName",
    );
    check(
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    );
    check(r#"emails[type EQ "work"]"#, r#"emails[type eq "work"]"#);
    check(r#"emails[ ( type eq "a] \" [" ) ].value"#, r#"emails[type eq "a] \" ["].value"#);
    check(
        r#"urn:a:b:2.0:X:e[not(type pr) or primary eq true].Value"#,
        "urn:a:b:2.0:X:e[not (type pr) or primary eq true].Value",
    );
    check(r#"members[value eq "1" or value eq "2"]"#, r#"members[value eq "1" or value eq "2"]"#);
}

#[test]
fn malformed_paths_are_refused() {
    let check = |text: &str, expect: &str| {
        let error = parse(text).expect_err(text);
        assert_eq!(error.code, expect, "{text}: {error}");
    };
    for text in [
        "",
        " ",
        " userName",
        "userName ",
        "user name",
        "/userName",
        "/emails/0/value",
        "emails[0]",
        "emails[-1].value",
        "emails[*]",
        "emails[]",
        "name.",
        ".name",
        "name..givenName",
        "name.givenName.x",
        "1",
        "$.name",
        "urn:a:b:",
        ":a",
        "[type eq \"work\"]",
        "\"userName\"",
        "emails[type eq \"work\"]value",
        "emails[type eq \"work\"] ",
        "emails[type eq \"work\"].",
        "emails[type eq \"work\"].value.x",
        "emails[type eq \"work\"][primary eq true]",
        "emails[type eq \"work\"].value eq \"x\"",
        "userName eq \"x\"",
        "benutzer\u{e4}",
    ] {
        check(text, "path-invalid");
    }
    check(&"a".repeat(PATH_BYTES + 1), "path-invalid");
    for text in [
        "emails[type]",
        "emails[type eq]",
        "emails[type eq \"work\"",
        "emails[",
        "emails[1 eq 1]",
        "emails[type eq 'work']",
        "emails[type eq work]",
        "emails[type is \"work\"]",
        "emails[a[b pr]]",
        "emails[(type pr]",
        "emails[name.x pr]",
    ] {
        check(text, "filter-syntax");
    }
    check(&format!("emails[{}type pr{}]", "(".repeat(20), ")".repeat(20)), "filter-too-complex");
}

#[test]
fn a_bare_word_is_repaired_where_the_quirk_is_on() {
    let mut repairs = Repairs::default();
    let quirks = Quirks::none().with(Quirk::UnquotedFilter);
    let path = PatchPath::parse("emails[type eq work].value", quirks, &mut repairs).unwrap();
    assert_eq!(path.to_string(), r#"emails[type eq "work"].value"#);
    assert_eq!(repairs.0.len(), 1);
}

fn resolve(text: &str, group: bool, quirks: Quirks) -> Result<(PathTarget, Repairs), Error> {
    let registry = Registry::standard();
    let resource_type = if group { registry.group() } else { registry.user() };
    let mut repairs = Repairs::default();
    let path = PatchPath::parse(text, quirks, &mut repairs)?;
    path.resolve(&registry, resource_type, quirks, &mut repairs).map(|target| (target, repairs))
}

fn show(target: &PathTarget) -> String {
    match target {
        PathTarget::Extension(urn) => format!("all of {urn}"),
        PathTarget::Attribute { target, filter: None } => target.to_string(),
        PathTarget::Attribute { target, filter: Some(_) } => format!("{target}, filtered"),
    }
}

const MANAGER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";

#[test]
fn paths_are_tied_to_the_schema() {
    let check = |text: &str, expect: &str| {
        let (target, repairs) = resolve(text, false, Quirks::none()).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!((show(&target).as_str(), repairs.0.len()), (expect, 0), "{text}");
    };
    check("USERNAME", "userName");
    check("name.GIVENNAME", "name.givenName");
    check("password", "password");
    check("meta.created", "meta.created");
    check("emails[type eq \"work\"]", "emails, filtered");
    check("emails[type eq \"work\"].Value", "emails.value, filtered");
    check(
        "urn:ietf:params:scim:schemas:core:2.0:user:emails[not (type pr) and primary eq true].value",
        "emails.value, filtered",
    );
    check("schemas[value eq \"urn:x\"]", "schemas, filtered");
    check("name[familyName pr].givenName", "name.givenName, filtered");
    check(ENTERPRISE_USER, &format!("all of {ENTERPRISE_USER}"));
    check(&ENTERPRISE_USER.to_lowercase(), &format!("all of {ENTERPRISE_USER}"));
    check(&format!("{MANAGER}.value"), &format!("{MANAGER}.value"));
    check(&format!("{MANAGER}[value eq \"x\"].displayName"), &format!("{MANAGER}.displayName, filtered"));
}

#[test]
fn paths_to_nothing_known_are_refused() {
    let check = |text: &str, group: bool, expect: &str| {
        for quirks in [Quirks::none(), Quirks::all()] {
            let error = resolve(text, group, quirks).map(|(target, _)| show(&target)).expect_err(text);
            assert_eq!(error.code, expect, "{text}: {error}");
        }
    };
    check("colour", false, "path-invalid");
    check("name.colour", false, "path-invalid");
    check("emails[type eq \"work\"].colour", false, "path-invalid");
    check("department", false, "path-invalid");
    check("members", false, "path-invalid");
    check("userName", true, "path-invalid");
    check("manager", true, "path-invalid");
    check("urn:ietf:params:scim:schemas:core:2.0:User", false, "path-invalid");
    check("urn:ietf:params:scim:schemas:core:2.0:Group:displayName", false, "path-invalid");
    check("urn:example:Nothing:a", false, "path-invalid");
    check(ENTERPRISE_USER, true, "path-invalid");
    check("emails.type[value eq \"x\"]", false, "path-invalid");
    check("schemas[value pr].x", false, "path-invalid");
    check(&format!("{ENTERPRISE_USER}[department pr]"), false, "path-invalid");
    check("userName[value eq \"x\"]", false, "filter-comparison");
    check("emails[type eq 1.5]", false, "filter-comparison");
    check("emails[primary gt true]", false, "filter-comparison");
    check("emails[colour eq \"x\"].value", false, "filter-unknown-attribute");
    check("members[userName eq \"x\"]", true, "filter-unknown-attribute");
    check("schemas[type eq \"x\"]", false, "filter-unknown-attribute");
}

#[test]
fn clients_spellings_are_repaired_where_their_quirk_is_on() {
    let check = |text: &str, quirk: Quirk, expect: &str| {
        let (target, repairs) = resolve(text, false, Quirks::none().with(quirk)).unwrap();
        assert_eq!((show(&target).as_str(), repairs.0.len()), (expect, 1), "{text}");
        assert_eq!(repairs.0[0].quirk, quirk.name());
        assert_eq!(resolve(text, false, Quirks::all().without(quirk)).unwrap_err().status, 400, "{text}");
    };
    check("manager", Quirk::ManagerShapes, MANAGER);
    check("Manager.Value", Quirk::ManagerShapes, &format!("{MANAGER}.value"));
    check("manager[value eq \"x\"]", Quirk::ManagerShapes, &format!("{MANAGER}, filtered"));
    check("urn:scim:schemas:core:1.0:userName", Quirk::Scim1Urns, "userName");
    check("urn:scim:schemas:core:2.0:User:emails[type eq \"work\"].value", Quirk::Scim1Urns, "emails.value, filtered");
    check("urn:scim:schemas:extension:enterprise:1.0:manager.value", Quirk::Scim1Urns, &format!("{MANAGER}.value"));
    check("urn:scim:schemas:extension:enterprise:1.0", Quirk::Scim1Urns, &format!("all of {ENTERPRISE_USER}"));
    check("roles[primary eq \"True\"].value", Quirk::BooleanStrings, "roles.value, filtered");
}

#[test]
fn the_filter_of_a_path_chooses_values() {
    let check = |text: &str, group: bool, value: serde_json::Value, expect: bool| {
        let (target, _) = resolve(text, group, Quirks::all()).unwrap();
        let PathTarget::Attribute { filter: Some(filter), .. } = target else { panic!("{text}: no filter") };
        assert_eq!(matches_value(&filter, &value), expect, "{text} {value}");
    };
    let work = json!({"value": "a@b", "type": "Work", "primary": true});
    check("emails[type eq \"work\"].value", false, work.clone(), true);
    check("emails[type eq \"work\" and value sw \"x\"]", false, work.clone(), false);
    check("emails[primary eq \"True\"]", false, work.clone(), true);
    check("emails[primary eq false]", false, work, false);
    check("emails[primary eq false]", false, json!({"value": "x"}), true);
    check("members[value eq \"A\" or value eq \"b\"]", true, json!({"value": "b"}), true);
    check("members[value eq \"A\"]", true, json!({"value": "a"}), false);
    check("schemas[value eq \"URN:x\"]", false, json!("urn:x"), true);
}
