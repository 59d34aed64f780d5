//! Importing files and exporting the catalog: what is taken, what is refused with its place, what stays.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod people;
mod removals;

use bailiwick_app::access::{self, HeldRole, Principal, PrincipalKind, Role};
use bailiwick_app::catalog::{self, Author};
use bailiwick_app::import::{self, File, Options, Report, Upload};
use bailiwick_app::manage;
use bailiwick_app::rows::{ItemRow, PersonRow};
use bailiwick_domain::catalog::Kind;
use bailiwick_domain::mapping::GrantKind;
use bailiwick_domain::person::State;
use bailiwick_domain::yaml;
use bailiwick_store::query::{ItemQuery, PersonQuery};
use bailiwick_testkit::TestApp;
use serde_json::{Value, json};
use std::sync::Arc;

const SHOP: &str = include_str!("../../../../fixtures/descriptors/backstage/shop.yaml");
const TEAMS: &str = include_str!("../../../../fixtures/descriptors/backstage/teams.yaml");
const COMPONENT: &str = include_str!("../../../../fixtures/descriptors/opslevel/component.yml");
const SERVICE: &str = include_str!("../../../../fixtures/descriptors/opslevel/service.yml");
const REPOSITORY: &str = include_str!("../../../../fixtures/descriptors/opslevel/repository.yml");
const BOMB: &str = include_str!("../../../../fixtures/descriptors/hostile/bomb.yaml");
const PEOPLE: &str = include_str!("../../../../fixtures/descriptors/people/people.csv");
const WRONG: &str = include_str!("../../../../fixtures/descriptors/hostile/wrong.yaml");

const PLAIN: Options = Options { dry_run: false, accept_removals: false, take_over: false };
const DRY: Options = Options { dry_run: true, ..PLAIN };
const ACCEPT: Options = Options { accept_removals: true, ..PLAIN };
const TAKE_OVER: Options = Options { take_over: true, ..PLAIN };

fn file(path: &str, text: &str) -> File {
    File { path: path.to_owned(), format: None, text: Ok(text.to_owned()) }
}

async fn import(test: &TestApp, source: &str, files: &[(&str, &str)], options: Options) -> Report {
    import_by(test, &Principal::host(), source, files, options).await
}

async fn import_by(
    test: &TestApp,
    principal: &Principal,
    source: &str,
    files: &[(&str, &str)],
    options: Options,
) -> Report {
    let files = files.iter().map(|(path, text)| file(path, text)).collect();
    let upload = Upload { source: source.to_owned(), kind: "folder", root: None, commit: None, files };
    import::run(test.app(), principal, &upload, options).await.unwrap()
}

/// Somebody who may import and these other things.
fn importer(more: &[&str]) -> Principal {
    let permits: Vec<&str> = ["import.run", "catalog.read", "team.read"].iter().chain(more).copied().collect();
    let document = json!({"rank": 50, "permits": permits});
    let role = Role::parse("importer", document.as_object().unwrap()).unwrap();
    let held = HeldRole { role: Arc::new(role), origin: "by hand".to_owned() };
    Principal::new("svc", PrincipalKind::Service).with_roles(vec![held])
}

/// created, changed, unchanged, removed, refused
fn counts(report: &Report) -> [u64; 5] {
    let counts = report.counts;
    [counts.created, counts.changed, counts.unchanged, counts.removed, counts.refused]
}

/// `path:line:column severity field message` of every problem of that severity.
fn problems(report: &Report, severity: import::Severity) -> Vec<String> {
    let all = report.files.iter().flat_map(|file| file.problems.iter().map(move |problem| (file, problem)));
    all.filter(|(_, problem)| problem.severity == severity)
        .map(|(file, problem)| {
            format!("{}:{}:{} {} {}", file.path, problem.line, problem.column, problem.field, problem.message)
        })
        .collect()
}

async fn item(test: &TestApp, reference: &str) -> Option<ItemRow> {
    catalog::find_item(test.app(), reference, &Kind::Component, |_| true).await.ok()
}

async fn document(test: &TestApp, reference: &str) -> Value {
    let row = item(test, reference).await.unwrap_or_else(|| panic!("no {reference}"));
    serde_json::from_str(&row.doc).unwrap()
}

async fn persons(test: &TestApp) -> Vec<PersonRow> {
    let query = PersonQuery { limit: 1_000, ..PersonQuery::default() };
    manage::list_persons(test.app(), query).await.unwrap()
}

async fn members(test: &TestApp, team: &str) -> Vec<String> {
    let row = item(test, team).await.unwrap();
    let page = catalog::team_members(test.app(), &Principal::host(), &row, false, None, 1_000).await.unwrap();
    let mut names: Vec<String> =
        page.members.iter().map(|member| format!("{} {}", member.person.display, member.role)).collect();
    names.sort();
    names
}

fn component(name: &str, owner: &str) -> String {
    format!(
        "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{name: {name}}}\nspec: {{type: service, \
         lifecycle: production, owner: {owner}}}\n"
    )
}

fn user(name: &str) -> String {
    format!(
        "---\napiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: {{name: {name}}}\nspec: {{profile: \
         {{displayName: {name}, email: {name}@example.com}}, memberOf: []}}\n"
    )
}

fn team(name: &str, members: &str) -> String {
    format!(
        "---\napiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {{name: {name}}}\nspec: {{type: team, children: \
         [], members: [{members}]}}\n"
    )
}

#[tokio::test]
async fn a_folder_of_every_kind_is_taken_once_and_is_then_as_it_was() {
    let test = TestApp::start().await;
    let files = [("a/catalog-info.yaml", SHOP), ("a/teams.yaml", TEAMS), ("cart/opslevel.yml", COMPONENT)];
    let planned = import(&test, "shop", &files, DRY).await;
    assert!(item(&test, "cart_service.v2").await.is_none(), "a dry run wrote");
    let done = import(&test, "shop", &files, PLAIN).await;
    assert_eq!(counts(&done), [16, 0, 0, 0, 0], "{:#?}", done.files);
    assert_eq!(counts(&planned), counts(&done));
    assert_eq!(planned.files.len(), done.files.len());
    let cart = document(&test, "component:cart_service.v2").await;
    assert_eq!(
        (&cart["owner"], &cart["system"], &cart["tier"]),
        (&json!("payments"), &json!("checkout"), &json!("gold"))
    );
    assert_eq!(cart["source"]["path"], "a/catalog-info.yaml");
    let row = item(&test, "cart_service.v2").await.unwrap();
    assert_eq!(row.owner.unwrap().name, "payments");
    assert_eq!(row.parent.unwrap().name, "checkout");
    // A parent names its child, and a member list and a User say the same.
    let payments = item(&test, "team:payments").await.unwrap();
    let night = item(&test, "team:payments-night").await.unwrap();
    assert_eq!(night.parent.unwrap().seq, payments.seq);
    assert_eq!(members(&test, "team:payments").await, ["Ada Lovelace contributor"]);
    let owner = item(&test, "api:cart-api").await.unwrap();
    assert!(owner.owner_person.is_some(), "user:ada owns it");
    let warnings = problems(&done, import::Severity::Warning);
    for part in [
        "70:7 spec.dependsOn[1] names component:default/prices, which is not in the catalog",
        "names the member \"bob\", who is not in the catalog",
        "not followed: it is a URL",
    ] {
        assert!(warnings.iter().any(|warning| warning.contains(part)), "{part}: {warnings:#?}");
    }
    let again = import(&test, "shop", &files, PLAIN).await;
    assert_eq!(counts(&again), [0, 0, 16, 0, 0], "{:#?}", again.files);
    let row = item(&test, "cart_service.v2").await.unwrap();
    let events = catalog::history(test.app(), &Principal::host(), &row, None, 10).await.unwrap();
    let payload = events[0].payload.clone().unwrap();
    assert_eq!(payload["source"], "shop", "{payload}");
}

#[tokio::test]
async fn a_bad_document_is_told_with_its_place_and_its_last_good_version_stays() {
    let test = TestApp::start().await;
    let good = format!("{}{}", component("cart", "payments"), component("prices", "payments"));
    import(&test, "shop", &[("catalog-info.yaml", &good)], PLAIN).await;
    let bad = good.replacen("lifecycle: production, ", "", 1).replacen("owner: payments", "owner: pricing", 2);
    let done = import(&test, "shop", &[("catalog-info.yaml", &bad)], PLAIN).await;
    assert_eq!(counts(&done), [0, 1, 0, 0, 1]);
    assert_eq!(problems(&done, import::Severity::Error), ["catalog-info.yaml:5:7 spec.lifecycle is missing"]);
    assert_eq!(document(&test, "cart").await["lifecycle"], "production");
    assert_eq!(document(&test, "prices").await["owner"], "pricing");
    assert_eq!(done.files[0].changed[0].fields, ["/owner"]);
    // A file that cannot be read at all, or not as text, takes nothing away either.
    for text in ["\tx", "a: [", ""] {
        import(&test, "shop", &[("catalog-info.yaml", text), ("b/catalog-info.yaml", WRONG)], PLAIN).await;
        assert!(item(&test, "cart").await.is_some(), "{text:?}");
    }
    let unreadable = File { text: Err("is not UTF-8".to_owned()), ..file("catalog-info.yaml", "") };
    let upload =
        Upload { source: "shop".to_owned(), kind: "folder", root: None, commit: None, files: vec![unreadable] };
    let done = import::run(test.app(), &Principal::host(), &upload, PLAIN).await.unwrap();
    assert_eq!(problems(&done, import::Severity::Error), ["catalog-info.yaml:1:1  is not UTF-8"]);
    assert!(done.refused() && item(&test, "cart").await.is_some());
}

#[tokio::test]
async fn what_is_gone_is_removed_but_an_empty_or_shrunken_source_removes_nothing_by_itself() {
    let test = TestApp::start().await;
    let names: Vec<String> = (0..20).map(|number| format!("c{number:02}")).collect();
    let text = |names: &[String]| names.iter().map(|name| component(name, "payments")).collect::<String>();
    let all = text(&names);
    import(&test, "shop", &[("catalog-info.yaml", &all)], PLAIN).await;
    let done = import(&test, "shop", &[("catalog-info.yaml", &text(&names[..19]))], PLAIN).await;
    assert_eq!(done.removals.removed, ["component:default/c19"]);
    assert!(item(&test, "c19").await.is_none() && item(&test, "c18").await.is_some());
    for shrunken in [String::new(), "# nothing\n".to_owned(), text(&names[..10])] {
        let done = import(&test, "shop", &[("catalog-info.yaml", &shrunken)], PLAIN).await;
        assert!(done.refused(), "{shrunken}");
        assert!(done.removals.refused.is_some() && done.removals.removed.is_empty(), "{:?}", done.removals);
        assert!(item(&test, "c18").await.is_some());
    }
    let upload = Upload { source: "shop".to_owned(), kind: "folder", root: None, commit: None, files: Vec::new() };
    let done = import::run(test.app(), &Principal::host(), &upload, PLAIN).await.unwrap();
    assert!(done.removals.refused.unwrap().contains("the source is empty"));
    let done = import(&test, "shop", &[("catalog-info.yaml", &text(&names[..10]))], ACCEPT).await;
    assert_eq!(done.removals.removed.len(), 9);
    assert!(item(&test, "c18").await.is_none() && item(&test, "c09").await.is_some());
    // What another source keeps is not this one's to remove.
    import(&test, "other", &[("catalog-info.yaml", &component("other", "x"))], PLAIN).await;
    import(&test, "shop", &[("catalog-info.yaml", &text(&names[..9]))], ACCEPT).await;
    assert!(item(&test, "other").await.is_some());
}

#[tokio::test]
async fn what_somebody_else_keeps_or_edited_is_a_conflict_until_it_is_taken_over() {
    let test = TestApp::start().await;
    let host = Principal::host();
    let by_hand = json!({"kind": "component", "name": "cart", "description": "by hand"});
    let made = catalog::create_item(test.app(), &host, by_hand.as_object().unwrap(), Author::Hand).await.unwrap();
    let files = [("catalog-info.yaml", component("cart", "payments"))];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let done = import(&test, "shop", &files, PLAIN).await;
    assert_eq!(counts(&done), [0, 0, 0, 0, 1]);
    assert!(problems(&done, import::Severity::Conflict)[0].contains("component:default/cart was made by hand"));
    assert_eq!(document(&test, "cart").await["description"], "by hand");
    let done = import(&test, "shop", &files, TAKE_OVER).await;
    assert_eq!(counts(&done), [0, 1, 0, 0, 0], "{:?}", done.files);
    let cart = item(&test, "cart").await.unwrap();
    assert_eq!((cart.id.as_str(), cart.source.as_deref()), (made.row.id.as_str(), Some("shop")));
    let done = import(&test, "other", &files, PLAIN).await;
    assert!(problems(&done, import::Severity::Conflict)[0].contains("is kept by the source \"shop\""));
    // Edited by hand: the file does not overwrite it.
    let patch = json!({"tier": "gold"});
    let patch = patch.as_object().unwrap();
    catalog::change_item(test.app(), &host, &cart.id, patch, Author::Hand, None).await.unwrap();
    let done = import(&test, "shop", &files, PLAIN).await;
    assert_eq!(counts(&done), [0, 0, 0, 0, 1]);
    assert!(problems(&done, import::Severity::Conflict)[0].contains("edited by hand since the last import (/tier)"));
    assert_eq!(document(&test, "cart").await["tier"], "gold");
    import(&test, "shop", &files, TAKE_OVER).await;
    assert_eq!(document(&test, "cart").await.get("tier"), None);
    assert_eq!(counts(&import(&test, "shop", &files, PLAIN).await), [0, 0, 1, 0, 0]);
}

#[tokio::test]
async fn the_same_item_twice_and_teams_in_a_circle_are_refused_and_the_rest_goes_on() {
    let test = TestApp::start().await;
    let group = |name: &str, parent: &str| {
        format!(
            "---\napiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {{name: {name}}}\nspec: {{type: team, \
             parent: {parent}, children: []}}\n"
        )
    };
    let circle = [group("a", "b"), group("b", "c"), group("c", "a"), group("d", "d"), group("e", "a")].concat();
    let twice = [component("cart", "a"), component("Cart", "b"), component("prices", "a")].concat();
    let done = import(&test, "shop", &[("x/catalog-info.yaml", &circle), ("y/catalog-info.yaml", &twice)], PLAIN).await;
    let errors = problems(&done, import::Severity::Error);
    assert_eq!(errors.len(), 3, "{errors:#?}");
    assert!(
        errors.iter().any(|error| error.contains("y/catalog-info.yaml:7:1  describes component:default/cart")),
        "{errors:#?}"
    );
    assert_eq!(errors.iter().filter(|error| error.contains("spec.parent")).count(), 2, "{errors:#?}");
    assert_eq!(done.counts.created, 5);
    assert_eq!(document(&test, "cart").await["owner"], "a");
}

#[tokio::test]
async fn people_of_a_file_are_known_only_from_it_until_a_directory_provisions_them() {
    let test = TestApp::start().await;
    let teams = [team("payments", ""), team("commerce", ""), team("platform", "")].concat();
    let files = [("catalog-info.yaml", teams.as_str()), ("people.csv", PEOPLE)];
    let done = import(&test, "people", &files, PLAIN).await;
    assert_eq!(counts(&done), [6, 0, 0, 0, 0], "{:#?}", done.files);
    assert_eq!(members(&test, "team:payments").await, ["Ada Lovelace manager", "Chi Nguyen contributor"]);
    let all = persons(&test).await;
    let ada = all.iter().find(|person| person.display == "Ada Lovelace").unwrap();
    assert!(!ada.local && !ada.admin && ada.authority.is_none() && ada.state == State::Active);
    let profile: Value = serde_json::from_str(&ada.doc).unwrap();
    assert_eq!(
        profile["attributes"]["title"],
        json!({"value": "Engineer", "source": {"kind": "import", "source": "people"}})
    );
    assert!(all.iter().all(|person| !person.admin), "a file makes nobody an admin");
    let notes = problems(&done, import::Severity::Note);
    assert!(
        notes.iter().any(|note| note.contains("people.csv:4:1 Role \"admin\" is not given by an import")),
        "{notes:#?}"
    );
    assert!(notes.iter().any(|note| note.contains("the column \"Badge\" is no field of a person")), "{notes:#?}");
    // The directory that owns the domain links its User to the person; from then on the file adds memberships alone.
    manage::claim_domain(test.app(), "example.com", TestApp::INTEGRATION).await.unwrap();
    let user = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada.l",
        "displayName": "Ada King", "emails": [{"value": "ada@example.com", "primary": true}]});
    test.client().post("/scim/v2/Users", &user).await.expect(201);
    assert_eq!(persons(&test).await.len(), all.len());
    let changed = PEOPLE.replace("Ada Lovelace,commerce,Engineer", "Ada Lovelace,platform,Engineer");
    let done = import(&test, "people", &[files[0], ("people.csv", &changed)], ACCEPT).await;
    assert_eq!(done.counts.refused, 0, "{:#?}", done.files);
    let notes = problems(&done, import::Severity::Note);
    assert!(notes.iter().any(|note| note.contains("says \"Ada Lovelace\", who has another name here")), "{notes:#?}");
    let now = persons(&test).await.into_iter().find(|person| person.id == ada.id).unwrap();
    assert_eq!((now.display.as_str(), now.user_name.as_deref()), ("Ada King", Some("ada.l")));
    assert!(members(&test, "team:commerce").await.is_empty());
    assert_eq!(members(&test, "team:platform").await, ["Ada King contributor", "Chi Nguyen contributor"]);
}

#[tokio::test]
async fn what_is_exported_from_one_catalog_makes_the_same_in_another() {
    let (first, second) = (TestApp::start().await, TestApp::start().await);
    let linked = "---\napiVersion: backstage.io/v1alpha1\nkind: Resource\nmetadata: {name: linked, links: [{url: \
                  'https://x.example/', title: X, color: red, weight: 3}]}\nspec: {type: queue, owner: \
                  payments}\n---\napiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: \
                  more}\nspec: {targets: [./teams.yaml]}\n";
    let files = [
        ("catalog-info.yaml", SHOP),
        ("teams.yaml", TEAMS),
        ("linked.yaml", linked),
        ("opslevel.yml", COMPONENT),
        ("old/opslevel.yml", SERVICE),
        ("repo/opslevel.yaml", REPOSITORY),
        ("people.csv", "Name,Email,Team,Role\nAnn,ann@example.com,payments,manager\nBob,bob@example.com,payments,\n"),
    ];
    let done = import(&first, "shop", &files, PLAIN).await;
    assert_eq!(done.counts.refused, 0, "{:#?}", done.files);
    let host = Principal::host();
    // What Backstage asks for and nobody has said.
    for kind in ["component", "api", "resource", "system", "domain", "team", "dashboard"] {
        let bare = json!({ "kind": kind, "name": "bare" });
        catalog::create_item(first.app(), &host, bare.as_object().unwrap(), Author::Hand).await.unwrap();
    }
    let exported = import::export(first.app(), &host, &[]).await.unwrap();
    let documents: Vec<Value> = exported.iter().map(|one| one.document.clone()).collect();
    let named = |kind: &str, name: &str| {
        documents.iter().find(|one| one["kind"] == kind && one["metadata"]["name"] == name).unwrap().clone()
    };
    let bare = named("API", "bare");
    assert_eq!(bare["metadata"]["bailiwick"]["unsaid"], json!(["type", "lifecycle", "owner", "definition"]));
    assert_eq!((&bare["spec"]["owner"], &bare["spec"]["definition"]), (&json!("unknown"), &json!("unknown")));
    // What a Location points to stands beside it, not where it was.
    let more = named("Location", "more");
    let said = (&more["spec"]["presence"], &more["metadata"]["bailiwick"]["unsaid"]);
    assert_eq!(said, (&json!("optional"), &json!(["presence"])));
    let link = json!({ "url": "https://x.example/", "title": "X", "color": "red", "weight": 3 });
    assert_eq!(named("Resource", "linked")["metadata"]["links"], json!([link]));
    let roles = json!([{ "team": "payments", "role": "manager" }]);
    assert_eq!(named("User", "ann")["metadata"]["bailiwick"]["roles"], roles);
    assert!(named("User", "bob")["metadata"].get("bailiwick").is_none());
    let text = yaml::write_all(&documents);
    let done = import(&second, "moved", &[("all.yaml", &text)], PLAIN).await;
    assert_eq!(done.counts.refused, 0, "{:#?}", done.files);
    let again = import::export(second.app(), &host, &[]).await.unwrap();
    let again: Vec<Value> = again.into_iter().map(|one| one.document).collect();
    assert_eq!(yaml::write_all(&again), text);
    let unchanged = import(&second, "moved", &[("all.yaml", &yaml::write_all(&again))], PLAIN).await;
    assert_eq!(counts(&unchanged), [0, 0, done.counts.created, 0, 0], "{:#?}", unchanged.files);
    let mut before = first.app().store().items(ItemQuery { limit: 1_000, ..ItemQuery::default() }).await.unwrap().rows;
    before.retain(|row| row.kind != "x");
    for row in before {
        let reference = format!("{}:{}/{}", row.kind, row.namespace, row.name);
        if row.kind == "team" {
            assert_eq!(members(&first, &reference).await, members(&second, &reference).await, "{reference}");
        }
        let mut left: Value = serde_json::from_str(&row.doc).unwrap();
        let mut right = document(&second, &reference).await;
        left.as_object_mut().unwrap().shift_remove("source");
        right.as_object_mut().unwrap().shift_remove("source");
        assert_eq!(left, right, "{reference}");
    }
    let only = import::export(first.app(), &host, &["api".to_owned(), "Group".to_owned()]).await.unwrap();
    let kinds: std::collections::BTreeSet<&str> = only.iter().map(|one| one.kind.as_str()).collect();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["api", "group"]);
}

#[tokio::test]
async fn two_imports_at_once_end_with_what_both_say() {
    let test = TestApp::start().await;
    let names: Vec<String> = (0..30).map(|number| format!("c{number}")).collect();
    let text = names.iter().map(|name| component(name, "payments")).collect::<String>();
    let files = [("catalog-info.yaml", text.as_str())];
    let (left, right) = tokio::join!(import(&test, "shop", &files, PLAIN), import(&test, "shop", &files, PLAIN));
    assert!(left.counts.created + right.counts.created >= 30);
    let again = import(&test, "shop", &files, PLAIN).await;
    assert_eq!(counts(&again), [0, 0, 30, 0, 0]);
}

#[tokio::test]
async fn the_three_forms_of_opslevel_keep_what_they_say_as_it_is_written() {
    let test = TestApp::start().await;
    let files = [("new/opslevel.yml", COMPONENT), ("old/opslevel.yml", SERVICE), ("repo/opslevel.yaml", REPOSITORY)];
    let done = import(&test, "ops", &files, PLAIN).await;
    assert_eq!(counts(&done), [3, 0, 0, 0, 0], "{:#?}", done.files);
    // `012`, `yes`, `on` and `1.10` are words here, whatever a reader of YAML 1.1 makes of them.
    assert_eq!(document(&test, "prices").await["tier"], "012");
    let cart = document(&test, "shopping_cart_service").await;
    assert_eq!(cart["tags"][2], json!({"key": "pci", "value": "yes"}), "{cart}");
    let kept = &cart["unknown"]["opslevel"];
    let more = "version: 1\nservice:\n  name: more\n  tags: [{key: a, value: b, color: red}, {key: c, value: d}]\n  tools: \
                [{name: Log, url: 'https://x.example/', display: wide}]\n  dependencies: [{alias: prices, since: 2020}]\n";
    let done = import(&test, "more", &[("opslevel.yml", more)], PLAIN).await;
    assert_eq!(counts(&done), [1, 0, 0, 0, 0], "{:#?}", done.files);
    assert_eq!(problems(&done, import::Severity::Note).len(), 3, "{:#?}", done.files);
    let service = document(&test, "more").await;
    assert_eq!(service["tags"].as_array().unwrap().len(), 2, "{service}");
    assert_eq!(service["unknown"]["opslevel"]["tags"], json!([{"key": "a", "value": "b", "color": "red"}]));
    assert_eq!(service["unknown"]["opslevel"]["tools"][0]["display"], "wide");
    assert_eq!(service["unknown"]["opslevel"]["dependencies"][0]["since"], 2020);
    assert_eq!(kept["properties"], json!({"ipv6": "on", "version": "1.10", "regions": ["eu", "no"]}), "{cart}");
    assert_eq!(document(&test, "repository:repo").await["tier"], "tier_2");
    let exported = import::export(test.app(), &Principal::host(), &[]).await.unwrap();
    let documents: Vec<Value> = exported.into_iter().map(|one| one.document).collect();
    let text = yaml::write_all(&documents);
    assert!(text.contains("on_call") && text.contains("PDABCD1") && text.contains("'012'"), "{text}");
    let other = TestApp::start().await;
    let moved = import(&other, "ops", &[("catalog-info.yaml", &text)], PLAIN).await;
    assert_eq!(counts(&moved), [4, 0, 0, 0, 0], "{:#?}", moved.files);
    for reference in ["prices", "shopping_cart_service", "repository:repo", "more"] {
        let (mut left, mut right) = (document(&test, reference).await, document(&other, reference).await);
        for side in [&mut left, &mut right] {
            side.as_object_mut().unwrap().shift_remove("source");
        }
        assert_eq!(left, right, "{reference}");
    }
}

#[tokio::test]
async fn circles_by_children_and_of_domains_are_refused_and_the_rest_goes_on() {
    let test = TestApp::start().await;
    let group = |name: &str, children: &str| {
        format!(
            "---\napiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {{name: {name}}}\nspec: {{type: team, \
             children: [{children}]}}\n"
        )
    };
    let domain = |name: &str, above: &str| {
        format!(
            "---\napiVersion: backstage.io/v1alpha1\nkind: Domain\nmetadata: {{name: {name}}}\nspec: {{owner: x, \
             subdomainOf: {above}}}\n"
        )
    };
    let text = [
        group("x", "y"),
        group("y", "z"),
        group("z", "x"),
        group("own", "own"),
        domain("shop", "trade"),
        domain("trade", "shop"),
        component("cart", "x"),
    ]
    .concat();
    let done = import(&test, "shop", &[("catalog-info.yaml", &text)], PLAIN).await;
    let errors = problems(&done, import::Severity::Error);
    assert_eq!(errors.len(), 3, "{errors:#?}");
    assert!(errors.iter().all(|error| error.starts_with("catalog-info.yaml:")), "{errors:#?}");
    assert_eq!(done.counts.created, 4, "{:#?}", done.files);
    assert!(item(&test, "cart").await.is_some());
    // Nothing that is there is above itself.
    for reference in ["team:x", "team:y", "team:z", "team:own", "domain:shop", "domain:trade"] {
        let mut row = item(&test, reference).await;
        for step in 0..10 {
            let Some(parent) = row.and_then(|row| row.parent) else { break };
            assert!(step < 9, "{reference} goes round");
            row = item(&test, &format!("{}:{}", parent.kind, parent.name)).await;
        }
    }
}

#[tokio::test]
async fn an_owner_that_is_not_there_is_told_and_shown_as_missing() {
    let test = TestApp::start().await;
    let text = [component("cart", "nobody-knows"), component("prices", "user:ghost")].concat();
    let files = [("catalog-info.yaml", text.as_str()), ("people.csv", "Name,Email,Team\nAnn,ann@example.com,ghosts\n")];
    let done = import(&test, "shop", &files, PLAIN).await;
    assert_eq!(counts(&done), [3, 0, 0, 0, 0], "{:#?}", done.files);
    let warnings = problems(&done, import::Severity::Warning);
    for part in [
        "catalog-info.yaml:5:53 spec.owner names team:default/nobody-knows, which is not in the catalog",
        "spec.owner names the person",
        "people.csv:2:1  names the team ghosts, which is not in the catalog",
    ] {
        assert!(warnings.iter().any(|warning| warning.contains(part)), "{part}: {warnings:#?}");
    }
    let cart = item(&test, "cart").await.unwrap();
    assert!(cart.owner.is_none() && cart.owner_ref.is_some(), "{cart:?}");
    // The team comes with another source: what named it is tied to it.
    import(&test, "org", &[("catalog-info.yaml", &team("nobody-knows", ""))], PLAIN).await;
    assert_eq!(item(&test, "cart").await.unwrap().owner.unwrap().name, "nobody-knows");
}

#[tokio::test]
async fn bombs_are_refused_with_their_place_and_the_rest_is_taken() {
    let test = TestApp::start().await;
    let deep = format!("a: {}{}\n", "[".repeat(40), "]".repeat(40));
    let large = "a".repeat(2 << 20);
    let good = component("cart", "payments");
    let files = [("a.yaml", BOMB), ("b.yaml", &deep), ("c.yaml", &large), ("d.yaml", WRONG), ("e.yaml", &good)];
    let done = import(&test, "shop", &files, PLAIN).await;
    assert!(item(&test, "cart").await.is_some());
    let errors = problems(&done, import::Severity::Error);
    for part in [
        "a.yaml:5:7  the file holds more than 100000 values",
        "b.yaml:1:35  ",
        "c.yaml:1:1  the file is larger than 1048576 bytes",
        "d.yaml:13:10 metadata.title must be text, not a list",
    ] {
        assert!(errors.iter().any(|error| error.starts_with(part)), "{part}: {errors:#?}");
    }
    // One error, one place: nothing that a file says is dropped without a word.
    assert!(done.files.iter().all(|file| !file.problems.is_empty() || !file.created.is_empty()), "{:#?}", done.files);
}
