//! A leaver's day: the word of the identity provider, the end of access, what is handed over, and a return. Over the
//! sockets, as the identity provider and the admins call.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bailiwick_app::access::{self, NewApiToken, Principal, Scope, Scopes};
use bailiwick_app::catalog::{self, Author};
use bailiwick_app::leaver;
use bailiwick_domain::catalog::Kind;
use bailiwick_store::rows::ItemRow;
use bailiwick_testkit::{Client, TestApp};
use serde_json::{Value, json};
use std::time::Duration;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// A company in which Ann looks after a few things.
struct Company {
    test: TestApp,
    scim: Client,
    admin: Client,
}

/// A person as the identity provider and the catalog know them.
#[derive(Clone)]
struct Known {
    user: String,
    person: String,
}

impl Company {
    async fn new() -> Self {
        let test = TestApp::start().await;
        let (scim, admin) = (test.client(), test.service("admin").await);
        Self { test, scim, admin }
    }

    async fn hire(&mut self, name: &str, manager: Option<&Known>) -> Known {
        let mut body = json!({
            "schemas": [USER, ENTERPRISE], "userName": format!("{name}@example.com"), "displayName": name,
        });
        if let Some(manager) = manager {
            body[ENTERPRISE] = json!({ "manager": { "value": manager.user } });
        }
        let made = self.scim.post("/scim/v2/Users", &body).await.expect(201);
        let user = made.at("/id").as_str().unwrap().to_owned();
        let person = catalog::find_person(self.test.app(), &format!("{name}@example.com")).await.unwrap();
        Known { user, person: person.id }
    }

    async fn active(&mut self, who: &Known, active: bool) {
        let body =
            json!({ "schemas": [PATCH], "Operations": [{ "op": "replace", "path": "active", "value": active }] });
        self.scim.patch(&format!("/scim/v2/Users/{}", who.user), &body).await.expect(200);
    }

    async fn item(&self, document: Value) -> ItemRow {
        let host = Principal::host();
        let made = catalog::create_item(self.test.app(), &host, document.as_object().unwrap(), Author::Hand).await;
        made.unwrap_or_else(|invalid| panic!("{invalid:?}")).row
    }

    async fn team(&self, name: &str, parent: Option<&str>) -> ItemRow {
        let mut document = json!({ "kind": "team", "name": name });
        if let Some(parent) = parent {
            document["parent"] = json!(parent);
        }
        self.item(document).await
    }

    async fn join(&self, team: &str, who: &Known, role: &str) {
        catalog::put_member(self.test.app(), &Principal::host(), team, &who.person, Some(role)).await.unwrap();
    }

    async fn token_of(&self, who: &Known, label: &str) -> String {
        let new = NewApiToken { label: label.to_owned(), scopes: Scopes::of(vec![Scope::Read]), life: None };
        let made = access::create_personal_token(self.test.app(), &Principal::host(), &who.person, new).await;
        made.unwrap().text
    }

    /// The open tasks of a person: what they were, and of what.
    async fn open(&mut self, who: &Known) -> Vec<Value> {
        let path = format!("/api/v1/handovers?state=open&person={}", who.person);
        let mut items = self.admin.get(&path).await.expect(200).at("/items").as_array().unwrap().clone();
        items.sort_by_key(|item| item["item"]["reference"].to_string());
        items
    }

    async fn owner(&self, name: &str) -> Value {
        let row = catalog::find_item(self.test.app(), name, &Kind::Component, |_| true).await.unwrap();
        serde_json::from_str::<Value>(&row.doc).unwrap()["owner"].clone()
    }
}

fn told(items: &[Value]) -> Vec<(&str, &str)> {
    items.iter().map(|item| (item["duty"].as_str().unwrap(), item["item"]["reference"].as_str().unwrap())).collect()
}

/// Ann manages one team alone, is the only one of another that owns something, is one of two managers of a third, and
/// owns two entities herself.
async fn with_ann() -> (Company, Known, Known, Known) {
    let mut company = Company::new().await;
    let boss = company.hire("boss", None).await;
    let ann = company.hire("ann", Some(&boss)).await;
    let bob = company.hire("bob", Some(&boss)).await;
    company.team("platform", None).await;
    company.team("payments", Some("platform")).await;
    company.team("night-watch", None).await;
    company.team("shared", None).await;
    company.join("platform", &boss, "manager").await;
    company.join("payments", &ann, "manager").await;
    company.join("payments", &bob, "contributor").await;
    company.join("night-watch", &ann, "contributor").await;
    company.join("shared", &ann, "manager").await;
    company.join("shared", &bob, "manager").await;
    company.item(json!({ "kind": "system", "name": "money", "owner": "platform" })).await;
    company.item(json!({ "kind": "component", "name": "ledger", "owner": ann.person, "system": "money" })).await;
    company.item(json!({ "kind": "component", "name": "cron", "owner": "ann@example.com" })).await;
    company.item(json!({ "kind": "component", "name": "pager", "owner": "night-watch" })).await;
    (company, boss, ann, bob)
}

#[tokio::test]
async fn who_leaves_loses_access_in_that_commit_and_leaves_tasks() {
    let (mut company, boss, ann, bob) = with_ann().await;
    let token = company.token_of(&ann, "laptop").await;
    let mut hers = company.test.api_client(&token);
    hers.get("/api/v1/openapi.json").await.expect(200);
    company.active(&ann, false).await;
    hers.get("/api/v1/openapi.json").await.expect(401);

    let open = company.open(&ann).await;
    let expect = [
        ("owner", "component:default/cron"),
        ("owner", "component:default/ledger"),
        ("last-member", "team:default/night-watch"),
        ("manager", "team:default/payments"),
    ];
    assert_eq!(told(&open), expect);
    let best = |item: &Value| (item["suggestions"][0]["name"].clone(), item["suggestions"][0]["relation"].clone());
    // Nothing is above the first: who manages one of her teams. Of the second the owner of the system.
    assert_eq!(best(&open[0]), (json!("bob"), json!("team-manager")));
    assert_eq!(open[0]["suggestions"][1]["reasons"], json!(["is the manager of ann"]));
    assert_eq!(best(&open[1]), (json!("platform"), json!("parent-team")));
    assert_eq!(open[1]["suggestions"][0]["reasons"], json!(["the team above money"]));
    assert_eq!(best(&open[3]), (json!("boss"), json!("team-manager")));
    assert!(open.iter().all(|item| item["settled"] == json!(false) && item["person"]["id"] == json!(ann.person)));
    // Memberships and ownership stay.
    assert_eq!(company.owner("ledger").await, json!(ann.person));

    let report = company.admin.get(&format!("/api/v1/people/{}/leaver", ann.person)).await.expect(200);
    assert_eq!(report.at("/revoked/0/label"), json!("laptop"));
    assert_eq!((report.at("/revoked/0/kind"), report.at("/left_as")), (json!("personal"), json!("inactive")));
    assert_eq!((report.at("/integration"), report.at("/hold")), (json!("first"), Value::Null));
    assert!(report.at("/milliseconds").as_u64().unwrap() < 60_000, "{}", report.text());
    let mut teams: Vec<Value> =
        report.at("/without_effect").as_array().unwrap().iter().map(|gone| gone["title"].clone()).collect();
    teams.sort_by_key(ToString::to_string);
    assert_eq!(teams, [json!("night-watch"), json!("payments"), json!("shared")]);
    assert_eq!(report.at("/handovers").as_array().map(Vec::len), Some(4));
    let list = company.admin.get("/api/v1/leavers").await.expect(200);
    assert_eq!((list.at("/leavers/0/person/id"), list.at("/percentiles/count")), (json!(ann.person), json!(1)));
    assert_eq!(list.at("/leavers/0/open_handovers"), json!(4));
    // Page by page.
    company.active(&bob, false).await;
    let (mut names, mut path) = (Vec::new(), "/api/v1/leavers?limit=1".to_owned());
    loop {
        let page = company.admin.get(&path).await.expect(200);
        names.extend(page.at("/leavers").as_array().unwrap().iter().map(|one| one["person"]["display"].clone()));
        let Some(cursor) = page.at("/next_cursor").as_str().map(str::to_owned) else { break };
        path = format!("/api/v1/leavers?limit=1&cursor={cursor}");
    }
    assert_eq!(names, [json!("bob"), json!("ann")]);
    company.active(&bob, true).await;
    for (who, why) in [(&boss, "has not left")] {
        let answer = company.admin.get(&format!("/api/v1/people/{}/leaver", who.person)).await.expect(404);
        assert!(answer.at("/detail").as_str().unwrap().contains(why), "{}", answer.text());
    }
}

#[tokio::test]
async fn a_successor_has_the_thing_in_the_commit_that_closes_the_task() {
    let (mut company, _, ann, bob) = with_ann().await;
    company.active(&ann, false).await;
    let open = company.open(&ann).await;
    let id = |index: usize| open[index]["id"].as_str().unwrap().to_owned();
    let path = |index: usize, verb: &str| format!("/api/v1/handovers/{}/{verb}", id(index));

    // Done without a successor is a statement, and it is checked.
    let refused = company.admin.post(&path(1, "done"), &json!({})).await.expect(409);
    assert_eq!(refused.at("/code"), json!("handover-open"));
    let refused = company.admin.post(&path(1, "done"), &json!({ "successor": "nobody-at-all" })).await.expect(400);
    assert_eq!(refused.at("/code"), json!("value-invalid"));
    let gone = json!({ "successor": ann.person });
    company.admin.post(&path(1, "done"), &gone).await.expect(400);
    assert_eq!(company.open(&ann).await.len(), 4);

    let body = json!({ "successor": "payments", "note": "they wrote it" });
    let done = company.admin.post(&path(1, "done"), &body).await.expect(200);
    assert_eq!((done.at("/state"), done.at("/decision/successor/name")), (json!("done"), json!("payments")));
    assert_eq!(company.owner("ledger").await, json!("payments"));
    let history = company.admin.get("/api/v1/entities/ledger/history").await.expect(200);
    let items = history.at("/items");
    let change = items.as_array().unwrap().iter().find(|entry| entry["kind"] == "entity:change").unwrap();
    assert_eq!(change["detail"]["changes"][0]["path"], "/owner");
    assert_eq!(change["detail"]["reason"], format!("ann ({}) left, and it was handed over.", ann.person));
    let again = company.admin.post(&path(1, "done"), &body).await.expect(409);
    assert_eq!(again.at("/code"), json!("handover-decided"));

    // A team is managed by persons.
    company.admin.post(&path(3, "done"), &json!({ "successor": "platform" })).await.expect(400);
    company.admin.post(&path(3, "done"), &json!({ "successor": "bob@example.com" })).await.expect(200);
    let host = Principal::host();
    let team = catalog::find_item(company.test.app(), "payments", &Kind::Team, Kind::is_team).await.unwrap();
    let members = catalog::team_members(company.test.app(), &host, &team, false, None, 10).await.unwrap().members;
    let bobs = members.iter().find(|member| member.person.id == bob.person).unwrap();
    assert_eq!(bobs.role, "manager");

    let assigned = company.admin.post(&path(2, "assign"), &json!({ "assignee": "bob@example.com" })).await.expect(200);
    assert_eq!((assigned.at("/state"), assigned.at("/assignee/id")), (json!("open"), json!(bob.person)));
    let list = company.admin.get(&format!("/api/v1/handovers?assignee={}&total=true", bob.person)).await.expect(200);
    assert_eq!((list.at("/total"), list.at("/items/0/id")), (json!(1), json!(id(2))));
    let declined = company.admin.post(&path(0, "decline"), &json!({ "note": "it is off" })).await.expect(200);
    assert_eq!((declined.at("/state"), declined.at("/decision/note")), (json!("declined"), json!("it is off")));
    assert_eq!(company.owner("cron").await, json!("ann@example.com"));

    // Somebody joined by other means: what is left of the task is to close it.
    company.join("night-watch", &bob, "contributor").await;
    let shown = company.admin.get(&format!("/api/v1/handovers/{}", id(2))).await.expect(200);
    assert_eq!((shown.at("/settled"), shown.at("/suggestions")), (json!(true), json!([])));
    company.admin.post(&path(2, "done"), &json!({})).await.expect(200);
    assert!(company.open(&ann).await.is_empty());
}

#[tokio::test]
async fn what_has_another_owner_by_now_is_taken_from_nobody() {
    let (mut company, _, ann, _) = with_ann().await;
    company.active(&ann, false).await;
    let open = company.open(&ann).await;
    let task = open.iter().find(|task| task["item"]["reference"].to_string().contains("ledger")).unwrap();
    let path = format!("/api/v1/handovers/{}/done", task["id"].as_str().unwrap());
    for owner in [json!("platform"), json!("bob@example.com")] {
        company.admin.patch("/api/v1/entities/ledger", &json!({ "owner": owner })).await.expect(200);
        let refused = company.admin.post(&path, &json!({ "successor": "payments" })).await.expect(409);
        assert_eq!(refused.at("/code"), json!("handover-decided"));
        assert!(refused.at("/detail").as_str().unwrap().contains("has another owner by now"), "{}", refused.text());
        assert_eq!(company.owner("ledger").await, owner);
        assert_eq!(company.open(&ann).await.len(), open.len());
    }
    // What nobody owns can be taken on.
    company.admin.patch("/api/v1/entities/ledger", &json!({ "owner": null })).await.expect(200);
    company.admin.post(&path, &json!({ "successor": "payments" })).await.expect(200);
    assert_eq!(company.owner("ledger").await, json!("payments"));
}

#[tokio::test]
async fn who_comes_back_finds_everything_and_no_task_is_left() {
    let (mut company, _, ann, _) = with_ann().await;
    company.active(&ann, false).await;
    let first = company.open(&ann).await;
    let declined = format!("/api/v1/handovers/{}/decline", first[0]["id"].as_str().unwrap());
    company.admin.post(&declined, &json!({})).await.expect(200);
    company.active(&ann, true).await;
    assert!(company.open(&ann).await.is_empty());
    let path = format!("/api/v1/handovers?person={}&state=returned", ann.person);
    assert_eq!(company.admin.get(&path).await.expect(200).at("/items").as_array().map(Vec::len), Some(3));
    let report = company.admin.get(&format!("/api/v1/people/{}/leaver", ann.person)).await.expect(200);
    assert!(report.at("/returned_at").is_string(), "{}", report.text());
    assert_eq!(report.at("/person/state"), json!("active"));
    let team = catalog::find_item(company.test.app(), "payments", &Kind::Team, Kind::is_team).await.unwrap();
    let members = catalog::team_members(company.test.app(), &Principal::host(), &team, false, None, 10).await.unwrap();
    assert!(members.members.iter().any(|member| member.person.id == ann.person && member.role == "manager"));
    // The next time there is a task for each again.
    company.active(&ann, false).await;
    assert_eq!(company.open(&ann).await.len(), 4);
}

#[tokio::test]
async fn a_deletion_leaves_tasks_and_what_was_off_already_leaves_no_second_ones() {
    let (mut company, _, ann, bob) = with_ann().await;
    company.active(&ann, false).await;
    company.scim.delete(&format!("/scim/v2/Users/{}", ann.user)).await.expect(204);
    let open = company.open(&ann).await;
    assert_eq!(open.len(), 4);
    // Her name and her manager are in the task, wherever they have gone.
    assert_eq!((&open[0]["person"]["name"], &open[0]["suggestions"][1]["name"]), (&json!("ann"), &json!("boss")));
    company.item(json!({ "kind": "component", "name": "cart", "owner": bob.person })).await;
    company.scim.delete(&format!("/scim/v2/Users/{}", bob.user)).await.expect(204);
    let open = company.open(&bob).await;
    assert_eq!(told(&open), [("owner", "component:default/cart"), ("manager", "team:default/shared")]);
    let report = company.admin.get(&format!("/api/v1/people/{}/leaver", bob.person)).await.expect(200);
    assert_eq!(report.at("/left_as"), json!("closed"));
    assert_eq!(report.at("/without_effect").as_array().map(Vec::len), Some(2), "{}", report.text());
}

#[tokio::test]
async fn more_than_fits_into_one_commit_is_opened_right_after_it() {
    const THINGS: usize = leaver::AT_ONCE + 50;
    let mut company = Company::new().await;
    let ann = company.hire("ann", None).await;
    for number in 0..THINGS {
        company.item(json!({ "kind": "component", "name": format!("c{number:03}"), "owner": ann.person })).await;
    }
    let count = async |company: &mut Company, state: &str| {
        let path = format!("/api/v1/handovers?person={}&state={state}&total=true&limit=1", ann.person);
        company.admin.get(&path).await.expect(200).at("/total").as_u64().unwrap() as usize
    };
    company.active(&ann, false).await;
    let all_open = async |company: &mut Company, state: &str| {
        // The server looks once a second.
        for _ in 0..100 {
            if count(company, state).await == THINGS {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{} of {THINGS} are {state}", count(company, state).await);
    };
    all_open(&mut company, "open").await;
    company.active(&ann, true).await;
    all_open(&mut company, "returned").await;
    assert_eq!(count(&mut company, "open").await, 0);
    // Nothing is opened twice, by whoever looks.
    company.active(&ann, false).await;
    let beside = company.test.beside(7).await;
    let (one, two) = tokio::join!(leaver::catch_up(company.test.app()), leaver::catch_up(&beside));
    one.and(two).unwrap();
    all_open(&mut company, "open").await;
    leaver::catch_up(company.test.app()).await.unwrap();
    assert_eq!(count(&mut company, "open").await, THINGS);
}

#[tokio::test]
async fn who_may_decide_is_asked_of_the_policy() {
    let (mut company, _, ann, _) = with_ann().await;
    company.active(&ann, false).await;
    let id = company.open(&ann).await[0]["id"].as_str().unwrap().to_owned();
    for role in ["viewer", "auditor"] {
        let mut caller = company.test.service(role).await;
        let answer = caller.post(&format!("/api/v1/handovers/{id}/decline"), &json!({})).await.expect(403);
        assert_eq!(answer.at("/code"), json!("forbidden"), "{role}");
    }
    let mut auditor = company.test.service("auditor").await;
    auditor.get("/api/v1/handovers").await.expect(200);
    auditor.get(&format!("/api/v1/people/{}/leaver", ann.person)).await.expect(200);
    company.admin.get("/api/v1/handovers/hov_none").await.expect(404);
    company.admin.post("/api/v1/handovers/hov_none/done", &json!({})).await.expect(404);
}

#[tokio::test]
async fn who_goes_with_an_integration_leaves_tasks_too() {
    let (mut company, _, ann, bob) = with_ann().await;
    bailiwick_app::manage::delete_integration(company.test.app(), TestApp::INTEGRATION).await.unwrap();
    for _ in 0..100 {
        if company.open(&bob).await.len() == 1 && company.open(&ann).await.len() == 5 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let open = company.open(&ann).await;
    let expect = [
        ("owner", "component:default/cron"),
        ("owner", "component:default/ledger"),
        ("last-member", "team:default/night-watch"),
        ("manager", "team:default/payments"),
        ("manager", "team:default/shared"),
    ];
    assert_eq!(told(&open), expect);
    // Of two managers who go at once both were the last one.
    assert_eq!(told(&company.open(&bob).await), [("manager", "team:default/shared")]);
}
