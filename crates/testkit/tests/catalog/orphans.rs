//! What names an owner or a parent that is not there: nobody's own, and no way to make it one's own.

use super::*;
use bailiwick_app::access::give_role;
use bailiwick_app::mapping::{self, Apply};

/// Imports one file, as whoever the client is; the answer of the server.
async fn import(client: &mut Client, source: &str, text: &str) -> Value {
    let files = json!([{"path": "catalog-info.yaml", "text": text}]);
    client.post("/api/v1/imports", &json!({"source": source, "files": files})).await.expect(200).json()
}

fn component(name: &str, spec: &str) -> String {
    let kind = "apiVersion: backstage.io/v1alpha1\nkind: Component";
    format!("---\n{kind}\nmetadata: {{name: {name}}}\nspec: {{type: service, lifecycle: production, {spec}}}\n")
}

fn group_file(name: &str, parent: &str) -> String {
    let kind = "apiVersion: backstage.io/v1alpha1\nkind: Group";
    let spec = format!("type: team, parent: {parent}, children: []");
    format!("---\n{kind}\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n")
}

/// Every problem of an import: `line message`.
fn problems(report: &Value) -> Vec<String> {
    let files = report["files"].as_array().unwrap().iter();
    let all = files.flat_map(|file| file["problems"].as_array().unwrap());
    all.map(|one| format!("{} {}", one["line"], one["message"].as_str().unwrap())).collect()
}

/// A rule that gives whoever is in the group everything with the tag `tools`.
async fn tools_belong_to(test: &TestApp, group: &str) {
    let text = format!(
        "version: 1\nrules:\n  - id: tools\n    owner: top\n    when: {{group: {group}}}\n    then: [{{own: 'tags eq \
         \"tools\"'}}]\n"
    );
    let preview = mapping::preview(test.app(), &Principal::host(), &text).await.unwrap();
    let how = Apply { basis: Some(preview.basis), accept_dangers: true, ..Apply::default() };
    mapping::apply_rules(test.app(), &Principal::host(), &text, &how).await.unwrap();
    settle(test).await;
}

/// Ada is a team-member in `top`, above `low`; `other` is not hers, and `gone` was deleted.
async fn company() -> (TestApp, Client, Client, String) {
    let (test, mut admin) = start().await;
    let (user, ada) = provision(&test, "ada").await;
    give_role(test.app(), &Principal::host(), &ada, "team-member").await.unwrap();
    for (name, parent) in [("top", None), ("low", Some("top")), ("other", None), ("gone", None), ("sub", Some("gone"))]
    {
        make(&mut admin, "teams", json!({"name": name, "parent": parent})).await;
    }
    admin.put("/api/v1/teams/top/members/ada", &json!({})).await.expect(204);
    group(&test, "toolers", &[&user]).await;
    tools_belong_to(&test, "toolers").await;
    make(&mut admin, "entities", json!({"kind": "system", "name": "shop", "owner": "gone"})).await;
    make(&mut admin, "entities", json!({"kind": "system", "name": "nobodys"})).await;
    for (name, owner, system, tags) in [
        ("own", Some("top"), None, json!([])),
        ("below", Some("low"), None, json!([])),
        ("mine", Some("user:ada"), None, json!([])),
        ("theirs", Some("other"), None, json!([])),
        ("free", None, None, json!([])),
        ("free-inside", None, Some("nobodys"), json!([])),
        ("lost", Some("gone"), None, json!([])),
        ("lost-inside", None, Some("shop"), json!([])),
        ("lost-tool", Some("gone"), None, json!(["tools"])),
    ] {
        let body = json!({"kind": "component", "name": name, "owner": owner, "system": system, "tags": tags});
        make(&mut admin, "entities", body).await;
    }
    import(&mut admin, "files", &component("lost-person", "owner: user:nobody")).await;
    admin.delete("/api/v1/teams/gone").await.expect(204);
    let member = acting_as(&test, &ada).await;
    (test, admin, member, ada)
}

#[tokio::test]
async fn what_names_an_owner_that_is_not_there_is_nobodys_own() {
    let (_test, mut admin, mut member, ada) = company().await;
    for (name, expect) in [
        ("own", true),
        ("below", true),
        ("mine", true),
        ("free", true),
        ("free-inside", true),
        ("lost-tool", true),
        ("theirs", false),
        ("lost", false),
        ("lost-inside", false),
        ("lost-person", false),
        ("system:shop", false),
        ("system:nobodys", true),
    ] {
        // What is explained is what happens.
        let id = get(&mut admin, &format!("entities/{name}")).await["id"].clone();
        let asked = json!({"person": ada, "action": "catalog.edit", "object": {"item": id}});
        let told = admin.post("/api/v1/decisions", &asked).await.expect(200).json();
        assert_eq!(told["permitted"], expect, "{name}: {told}");
        let answer = member.patch(&format!("/api/v1/entities/{name}"), &json!({"title": "Hers"})).await;
        assert_eq!(answer.status == 200, expect, "{name}: {}", answer.text());
        if !expect {
            assert_eq!(answer.at("/code"), "forbidden", "{name}");
            member.patch(&format!("/api/v1/entities/{name}"), &json!({"owner": "top"})).await.expect(403);
            member.delete(&format!("/api/v1/entities/{name}")).await.expect(403);
            assert_eq!(get(&mut admin, &format!("entities/{name}")).await["title"], Value::Null, "{name}");
        }
    }
    let refused = member.patch("/api/v1/entities/lost", &json!({"title": "x"})).await.expect(403);
    let detail = refused.at("/detail").as_str().unwrap().to_owned();
    assert!(detail.contains("The owner it names is not there."), "{detail}");
    // Who may edit everything gives it an owner, and then it is theirs.
    admin.patch("/api/v1/entities/lost", &json!({"owner": "low"})).await.expect(200);
    member.patch("/api/v1/entities/lost", &json!({"title": "Found"})).await.expect(200);
}

#[tokio::test]
async fn nothing_is_made_for_an_owner_that_is_not_there_by_who_edits_only_their_own() {
    let (test, mut admin, _, _) = company().await;
    let permits = ["catalog.read", "catalog.edit:owned", "team.read", "team.edit:owned", "import.run"];
    admin.put("/api/v1/roles/loader", &json!({"rank": 30, "permits": permits})).await.expect(200);
    let (_, lou) = provision(&test, "lou").await;
    give_role(test.app(), &Principal::host(), &lou, "loader").await.unwrap();
    admin.put("/api/v1/teams/top/members/lou", &json!({})).await.expect(204);
    let mut loader = acting_as(&test, &lou).await;
    let text = [component("a", "owner: low"), component("b", "owner: nowhere"), component("c", "owner: user:nobody")];
    let report = import(&mut loader, "lou", &text.concat()).await;
    assert_eq!(report["files"][0]["created"], json!(["component:default/a"]), "{report}");
    for name in ["b", "c"] {
        admin.get(&format!("/api/v1/entities/{name}")).await.expect(404);
    }
    let refused = problems(&report).into_iter().filter(|one| one.contains("catalog.edit")).count();
    assert_eq!(refused, 2, "{report}");
    // By hand likewise, the owner inherited.
    for (system, status) in [("shop", 403), ("nobodys", 201)] {
        let body = json!({"kind": "component", "name": format!("in-{system}"), "system": system});
        loader.post("/api/v1/entities", &body).await.expect(status);
    }
    // Who may edit everything imports it, and it waits for its owner.
    let report = import(&mut admin, "files", &component("b", "owner: nowhere")).await;
    assert_eq!(report["counts"]["created"], 1, "{report}");
    assert_eq!(get(&mut admin, "ownership?state=owner-missing&kind=component").await["items"][0]["item"]["name"], "b");
}

#[tokio::test]
async fn nobody_inherits_from_a_deleted_team_by_taking_its_name() {
    let (_test, mut admin, mut member, _) = company().await;
    // `gone` is owner of entities still and parent of `sub`: neither a name, nor an alias, nor a renaming takes them.
    for body in [json!({"name": "gone", "parent": "top"}), json!({"name": "new", "parent": "top", "aliases": ["Gone"]})]
    {
        let refused = member.post("/api/v1/teams", &body).await.expect(403);
        let detail = refused.at("/detail").as_str().unwrap().to_owned();
        assert!(detail.contains("still named as owner or parent"), "{detail}");
    }
    for body in [json!({"aliases": ["gone"]}), json!({"name": "gone"})] {
        member.patch("/api/v1/teams/low", &body).await.expect(403);
    }
    member.patch("/api/v1/teams/sub", &json!({"title": "Hers"})).await.expect(403);
    member.patch("/api/v1/entities/lost", &json!({"title": "Hers"})).await.expect(403);
    // Names that nothing waits for are free, and who may edit everything may take these, too.
    member.patch("/api/v1/teams/low", &json!({"aliases": ["lower"]})).await.expect(200);
    admin.patch("/api/v1/teams/low", &json!({"aliases": ["lower", "gone"]})).await.expect(200);
    member.patch("/api/v1/teams/low", &json!({"title": "Low"})).await.expect(200);
    member.patch("/api/v1/entities/lost", &json!({"title": "Hers"})).await.expect(200);
    member.patch("/api/v1/teams/sub", &json!({"title": "Hers"})).await.expect(200);
}

#[tokio::test]
async fn who_is_closed_takes_nothing_on_and_keeps_what_they_left() {
    let (test, mut admin) = start().await;
    let (user, ada) = provision(&test, "ada").await;
    make(&mut admin, "entities", json!({"kind": "component", "name": "till", "owner": "user:ada"})).await;
    test.client().delete(&format!("/scim/v2/Users/{user}")).await.expect(204);
    assert_eq!(person_state(&mut admin, &ada).await, "closed", "found by id");
    let (_, other) = provision(&test, "ada").await;
    assert_ne!(ada, other);
    let new = json!({"kind": "component", "name": "new", "owner": format!("user:{ada}")});
    let refused = admin.post("/api/v1/entities", &new).await.expect(400);
    is_fault(&refused, "/owner", "who is closed takes nothing on");
    // An import that names them waits: nobody there is meant.
    import(&mut admin, "files", &component("filed", &format!("owner: user:{ada}"))).await;
    assert_eq!(get(&mut admin, "entities/filed").await["effective_owner"]["kind"], "missing");
    // What they owned stays theirs through every change, though somebody else has the name.
    admin.patch("/api/v1/entities/till", &json!({"title": "Till"})).await.expect(200);
    let till = get(&mut admin, "entities/till").await["effective_owner"].clone();
    assert_eq!((&till["id"], &till["active"]), (&json!(ada), &json!(false)), "{till}");
}

async fn person_state(client: &mut Client, id: &str) -> Value {
    get(client, &format!("people/{id}")).await["state"].clone()
}

/// A chain of teams, each below the one before, the first below `above`.
fn chain(prefix: &str, above: &str, levels: usize) -> String {
    let mut parent = above.to_owned();
    let mut text = String::new();
    for level in 1..=levels {
        let name = format!("{prefix}{level}");
        text.push_str(&group_file(&name, &parent));
        parent = name;
    }
    text
}

#[tokio::test]
async fn what_named_a_team_before_it_was_there_counts_for_the_depth() {
    let (_test, mut admin) = start().await;
    // Twenty levels wait for `mid`, and thirty-two for `root`.
    assert_eq!(import(&mut admin, "low", &chain("low", "mid", 20)).await["counts"]["created"], 20);
    assert_eq!(import(&mut admin, "deep", &chain("deep", "root", 32)).await["counts"]["created"], 32);
    let upper = chain("up", "start", 12) + &group_file("mid", "up12");
    let report = import(&mut admin, "up", &upper).await;
    assert_eq!(report["counts"]["created"], 12, "{report}");
    let place = upper.lines().position(|line| line.contains("name: mid")).unwrap() + 2;
    let refused: Vec<String> = problems(&report).into_iter().filter(|one| one.contains("32 levels")).collect();
    assert_eq!(refused.len(), 1, "{report}");
    assert!(refused[0].starts_with(&format!("{place} ")), "{place}: {refused:?}");
    assert!(refused[0].contains("1 that are there name this one as their parent"), "{refused:?}");
    admin.get("/api/v1/teams/mid").await.expect(404);
    // One level less fits.
    let report = import(&mut admin, "up", &(chain("up", "start", 12) + &group_file("mid", "up11"))).await;
    assert_eq!(report["counts"]["created"], 1, "{report}");
    assert_eq!(get(&mut admin, "teams/low1").await["part_of"]["reference"], "team:default/mid");
    // By hand the same: as a name, or as an alias of a team that is there.
    let refused = admin.post("/api/v1/teams", &json!({"name": "root"})).await.expect(400);
    is_fault(&refused, "/name", "32 levels");
    team(&mut admin, "plain").await;
    let refused = admin.patch("/api/v1/teams/plain", &json!({"aliases": ["root"]})).await.expect(400);
    is_fault(&refused, "/name", "32 levels");
    assert_eq!(get(&mut admin, "teams?parent=plain").await["items"], json!([]));
}
