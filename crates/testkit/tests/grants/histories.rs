//! Grants that were kept as things happened are those that follow from what is there: after any history of members,
//! nested groups, renames, attributes, switches, rules, feeds and attribute mappings, with two writers at once.
//!
//! `BAILIWICK_HISTORIES` names the seeds of one more run, such as `7,8,9`; without it there is one nobody chose. Every
//! failure tells its seed.

use super::support::*;
use bailiwick_app::{attributes, catalog, mapping};
use bailiwick_domain::mapping::grant::parse_path;
use bailiwick_testkit::{Client, TestApp};
use serde_json::json;

const USERS: usize = 6;
const GROUPS: usize = 5;
const STEPS: usize = 40;

/// A small generator: the same history for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % sides as u64).unwrap()
    }
}

fn rule_set(dice: &mut Dice) -> Vec<(String, String, String)> {
    let count = dice.roll(4) + 1;
    let mut rules = Vec::new();
    for index in 0..count {
        let when = match dice.roll(5) {
            0 => format!("{{group: g{}}}", dice.roll(GROUPS)),
            1 => "{group: {pattern: 'g*'}}".to_owned(),
            2 => format!("{{group: {{filter: 'displayName gt \"g{}\"'}}}}", dice.roll(GROUPS)),
            3 => "{user: 'title eq \"chief\"'}".to_owned(),
            _ => format!("{{group: g{}, user: 'title eq \"chief\"'}}", dice.roll(GROUPS)),
        };
        let then = match dice.roll(3) {
            0 => "[{team: payments, role: manager}]",
            1 => "[{team: search}, {role: viewer}]",
            _ => "[{role: auditor}]",
        };
        rules.push((format!("r{index}"), when, then.to_owned()));
    }
    rules
}

async fn step(test: &TestApp, client: &mut Client, dice: &mut Dice, users: &[String], groups: &[String]) {
    let (user, group) = (&users[dice.roll(USERS)], &groups[dice.roll(GROUPS)]);
    let patch_group = |body| (format!("/scim/v2/Groups/{group}"), body);
    let member = |id: &str| json!([{ "value": id }]);
    let (path, body) = match dice.roll(10) {
        0..=2 => patch_group(operation("add", "members", &member(user))),
        3..=4 => patch_group(operation("remove", &format!("members[value eq \"{user}\"]"), &json!(null))),
        5 => patch_group(operation("add", "members", &member(&groups[dice.roll(GROUPS)]))),
        6 => {
            let inner = &groups[dice.roll(GROUPS)];
            patch_group(operation("remove", &format!("members[value eq \"{inner}\"]"), &json!(null)))
        }
        7 => patch_group(operation("replace", "displayName", &json!(format!("g{}", dice.roll(GROUPS))))),
        8 => {
            let title = ["chief", "cook"][dice.roll(2)];
            (format!("/scim/v2/Users/{user}"), operation("replace", "title", &json!(title)))
        }
        _ => (format!("/scim/v2/Users/{user}"), operation("replace", "active", &json!(dice.roll(2) == 0))),
    };
    let answer = client.patch(&path, &body).await;
    assert!(answer.status < 300, "{body}: {}", answer.text());
    manage(test, dice, groups).await;
}

/// What admins do, now and then: save rules, let a group feed a team or end that, save what attributes become. What is
/// refused changes nothing and is as good.
async fn manage(test: &TestApp, dice: &mut Dice, groups: &[String]) {
    if dice.roll(8) == 0 {
        let (team, group) = (["payments", "search"][dice.roll(2)], &groups[dice.roll(GROUPS)]);
        let _ = match dice.roll(3) {
            0 => catalog::unfeed_team(test.app(), &host(), team, group).await,
            role => {
                let role = ["manager", "contributor"][role - 1];
                catalog::feed_team(test.app(), &host(), team, group, Some(role)).await
            }
        };
    }
    if dice.roll(10) == 0 {
        let mapping = match dice.roll(4) {
            0 => json!(null),
            1 => json!({ "title": "nickName" }),
            2 => json!({ "title": { "path": "userType", "default": "chief" } }),
            _ => json!({ "title": { "lower": "title" }, "department": "nickName" }),
        };
        let _ = attributes::save_mapping(test.app(), &host(), TestApp::INTEGRATION, &mapping).await;
    }
    if dice.roll(12) == 0 {
        let rules = rule_set(dice);
        let rules: Vec<(&str, &str, &str)> =
            rules.iter().map(|(id, when, then)| (id.as_str(), when.as_str(), then.as_str())).collect();
        let _ = force(test, &file(&rules)).await;
    }
}

/// What everybody holds, with the ways, by name.
async fn everything(test: &TestApp) -> Vec<String> {
    let mut lines = Vec::new();
    for person in persons(test).await {
        for grant in test.app().store().grants_of(person.seq, true).await.unwrap() {
            let way: Vec<String> = parse_path(&grant.path).into_iter().map(|step| step.id).collect();
            let (kind, way) = (grant.kind.as_str(), way.join(">"));
            lines.push(format!("{} {kind} {} {} {} {way}", person.display, grant.object, grant.value, grant.origin));
        }
    }
    lines.sort();
    lines
}

async fn history(seed: u64) {
    let test = TestApp::start().await;
    let mut client = test.client();
    for name in ["payments", "search", "owners"] {
        team(&test, name).await;
    }
    let (mut users, mut groups) = (Vec::new(), Vec::new());
    for index in 0..USERS {
        users.push(user(&mut client, &format!("u{index}"), json!({})).await);
    }
    for index in 0..GROUPS {
        groups.push(group(&mut client, &format!("g{index}"), &[]).await);
    }
    apply(&test, &[("r0", "{group: {pattern: 'g*'}}", "[{team: payments}]")]).await;
    let mut other = test.client();
    let (mut mine, mut theirs) = (Dice(seed), Dice(seed ^ 0xabcd_ef01));
    for _ in 0..STEPS {
        // Two writers at once.
        tokio::join!(
            step(&test, &mut client, &mut mine, &users, &groups),
            step(&test, &mut other, &mut theirs, &users, &groups),
        );
    }
    // Groups that empty a team or take the last admins wait for an admin's word.
    approve_all(&test).await;
    let kept = everything(&test).await;
    // From nothing: everything derived is closed, everybody is evaluated anew.
    for person in persons(&test).await {
        let grants = test.app().store().grants_of(person.seq, true).await.unwrap();
        let close = grants.iter().map(|grant| grant.seq).collect();
        let write = bailiwick_store::change::GrantsWrite {
            person: bailiwick_store::change::PersonKey::Seq(person.seq),
            open: Vec::new(),
            close,
            settled: None,
        };
        let set = bailiwick_store::ChangeSet {
            at: test.app().clock().now(),
            writes: vec![
                bailiwick_store::Write::Grants(write),
                bailiwick_store::Write::MarkDirty(bailiwick_store::change::Dirty::Persons(vec![person.seq])),
            ],
            ..bailiwick_store::ChangeSet::default()
        };
        test.app().store().commit(set).await.unwrap();
    }
    mapping::settle_everybody(test.app()).await.unwrap();
    assert_eq!(kept, everything(&test).await, "BAILIWICK_HISTORIES={seed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kept_grants_are_those_that_follow_1() {
    history(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kept_grants_are_those_that_follow_2() {
    history(20_260_301).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kept_grants_are_those_that_follow_3() {
    history(77).await;
}

/// Seeds that were asked for, or one of this run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "how a run is told which histories to repeat")]
async fn kept_grants_are_those_that_follow_of_any_seed() {
    let seeds: Vec<u64> = match std::env::var("BAILIWICK_HISTORIES") {
        Ok(said) => said.split(',').map(|seed| seed.trim().parse().unwrap()).collect(),
        Err(_) => vec![std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0) % 1_000_000],
    };
    for seed in seeds {
        println!("BAILIWICK_HISTORIES={seed}");
        history(seed).await;
    }
}
