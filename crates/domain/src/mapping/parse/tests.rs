//! Rule files, right and wrong.

use super::*;
use crate::mapping::TeamEntry;
use crate::yaml;
use std::sync::Arc;

fn read(text: &str) -> Result<RuleSet, Vec<String>> {
    let mut documents = yaml::read(text, &yaml::Limits::default()).map_err(|fault| vec![fault.to_string()])?;
    let mut teams = Teams::default();
    for name in ["payments", "search"] {
        teams.add(name, &Arc::new(TeamEntry { id: format!("tm_{name}"), title: name.to_owned() }));
    }
    let registry = Registry::standard();
    let vocabulary = Vocabulary {
        registry: &registry,
        teams: &teams,
        roles: &["admin".to_owned(), "auditor".to_owned()],
        integrations: &["okta-main".to_owned()],
        person: &|reference| reference == "ann@corp.example",
        property: &|name, value| match (name, value.as_str()) {
            ("cost-center", Some(_)) => Ok(()),
            ("cost-center", None) => Err("`cost-center` must be text".to_owned()),
            _ => Err(format!("there is no property {name}")),
        },
        own: &|text| if text.starts_with("kind") { Ok(()) } else { Err("there is no such attribute.".to_owned()) },
    };
    let document = documents.pop().unwrap();
    parse(&document, &vocabulary).map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

const HEAD: &str = "version: 1\nrules:\n  - id: a\n    owner: payments\n";

#[test]
fn a_full_file_is_read_and_printed_again() {
    let text = r#"
version: 1
rules:
  - id: payments-engineers
    description: Engineers of the payments group
    owner: ann@corp.example
    review: 12w
    when:
      group: Payments
      user: 'title eq "Engineer"'
      integration: okta-main
      domain: Example.COM
      unit: /Engineering
    then:
      - team: payments
        role: manager
        own: 'kind eq "component"'
      - team: Team:default/Search
      - role: auditor
      - property: {name: cost-center, value: "42"}
      - own: 'kind eq "api"'
  - id: by-name
    owner: payments
    when: {group: {pattern: "team-*"}}
    then: [{team: "{1}"}]
"#;
    let set = read(text).unwrap();
    let rule = &set.rules[0];
    assert_eq!((rule.review_days, set.rules[1].review_days), (84, REVIEW_DAYS));
    assert_eq!(rule.when.group, Some(GroupTest::Name("Payments".to_owned())));
    assert_eq!(rule.when.domain.as_deref(), Some("example.com"));
    assert!(matches!(&rule.then[1], Then::Team { role, own: None, .. } if role == "contributor"));
    assert_eq!(RuleSet::from_json(&set.to_json()), Ok(set.clone()));
    assert!(set.names_teams_by_capture());
    // The stored form is a rule file, too: JSON is YAML.
    assert_eq!(read(&set.to_json()), Ok(set));
    assert_eq!(read("version: 1\nrules: []\n"), Ok(RuleSet { version: 1, rules: Vec::new() }));
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let check = |rest: &str, expect: &[&str]| {
        let faults = read(&format!("{HEAD}{rest}")).unwrap_err();
        assert_eq!(faults.len(), expect.len(), "{rest}: {faults:#?}");
        for (fault, expect) in faults.iter().zip(expect) {
            assert!(fault.contains(expect), "{rest}: {fault}, not {expect}");
        }
    };
    let then = "    then: [{role: auditor}]\n";
    let when = |part: &str| format!("    when: {{{part}}}\n{then}");
    let gives = |part: &str| format!("    when: {{group: G}}\n    then: [{part}]\n");
    check("", &["3:5: the key `when` is missing", "3:5: the key `then` is missing"]);
    check(&when("group: {id: x}"), &["no id of a group"]);
    check(&when("group: {name: x, id: y}"), &["exactly one"]);
    check(&when("group: {pattern: x}"), &["5:29: the pattern holds no star"]);
    check(&when("group: {filter: 'nope eq 1'}"), &["the filter of groups cannot be used"]);
    check(&when("group: {filter: 'members pr'}"), &["cannot be asked for here"]);
    check(&when("group: [a]"), &["`group` must be a mapping, not a list"]);
    check(&when("group: "), &["must be text"]);
    check(&when("user: 'title eq'"), &["the filter of users cannot be used"]);
    check(&when("integration: okta-mian"), &["unknown integration \"okta-mian\"; did you mean \"okta-main\"?"]);
    let cannot = "nothing can match: `title` cannot equal two values at once";
    check(&when("user: 'title eq \"a\" and (active eq true and title eq \"b\")'"), &[cannot]);
    check(&when("user: 'active eq true and title eq \"a\" and title eq \"b\"'"), &[cannot]);
    check(&when("user: '(title eq \"a\" and title eq \"b\") or (title eq \"c\" and title eq \"d\")'"), &[cannot]);
    check(&when("domain: nodot"), &["no address can match"]);
    check(&when("unit: /"), &["names no segment"]);
    check(&when("groop: x"), &["did you mean"]);
    check("    when: {}\n    then: [{role: auditor}]\n", &["`when` says nothing"]);
    check(&gives("{team: payment}"), &["unknown team"]);
    check(&gives("{team: '{1}'}"), &["stands for nothing"]);
    check(&gives("{role: adminn}"), &["unknown role"]);
    check(&gives("{property: {name: x, value: 1}}"), &["there is no property x"]);
    check(&gives("{property: {name: cost-center, value: 1}}"), &["must be text"]);
    check(&gives("{property: {name: cost-center}}"), &["`value` is missing"]);
    check(&gives("{own: 'nope eq 1'}"), &["the filter of what is owned cannot be used"]);
    check(&gives("{role: auditor, own: 'kind pr'}"), &["an entry gives one thing"]);
    check(&gives(""), &["`then` gives nothing"]);
    check(&gives("{}"), &["this entry gives nothing"]);
    check("    when: {group: G}\n    then: x\n", &["`then` must be a list"]);
    check(&format!("    review: 0d\n{}", when("group: G")), &["5:13: a review interval"]);
}

#[test]
fn all_faults_are_told_at_once() {
    let text =
        "version: 2\nrules:\n  - id: A b\n    owner: nobody\n    when: {group: G}\n    then: [{team: x}]\n  - id: ok\n";
    let faults = read(text).unwrap_err();
    assert_eq!(faults.len(), 7, "{faults:#?}");
    assert!(faults[0].starts_with("1:10: the version must be 1"), "{faults:#?}");
    let twice = format!(
        "{HEAD}    when: {{group: G}}\n    then: [{{role: auditor}}]\n  - id: a\n    owner: payments\n    when: {{group: G}}\n    then: [{{role: auditor}}]\n"
    );
    assert_eq!(read(&twice).unwrap_err(), ["7:9: the id `a` stands twice"]);
    for text in ["[]", "x", "version: 1", "rules: []", "version: 1\nrules: 5", "version: 1\nrules: []\nmore: 1"] {
        assert!(!read(text).unwrap_err().is_empty(), "{text}");
    }
    let many: String = (0..=RULES).map(|_| "  - {}\n").collect();
    assert_eq!(read(&format!("version: 1\nrules:\n{many}")).unwrap_err().len(), 1);
    let broken: String = (0..RULES).map(|_| "  - x\n").collect();
    assert_eq!(read(&format!("version: 1\nrules:\n{broken}")).unwrap_err().len(), FAULTS);
}
