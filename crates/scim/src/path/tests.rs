use super::*;
use crate::quirks::Quirk;

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
