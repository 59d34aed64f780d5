//! Imports and exports over the REST API.

use super::*;

const TEAM: &str =
    "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: payments}\nspec: {type: team, children: []}\n";
const BAD: &str =
    "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: cart}\nspec: {type: service}\n";

fn body(text: &str) -> Value {
    json!({"source": "ci", "files": [{"path": "catalog-info.yaml", "text": text}]})
}

#[tokio::test]
async fn files_are_imported_and_the_catalog_is_exported() {
    let app = TestApp::start().await;
    let mut admin = app.service("admin").await;
    let mut dry = body(&format!("{TEAM}{BAD}"));
    dry["dry_run"] = json!(true);
    let planned = admin.post("/api/v1/imports", &dry).await.expect(200);
    assert_eq!((planned.at("/dry_run"), planned.at("/counts/created")), (json!(true), json!(1)));
    assert_eq!(admin.get("/api/v1/export").await.expect(200).at("/items"), json!([]));
    let done = admin.post("/api/v1/imports", &body(&format!("{TEAM}{BAD}"))).await.expect(200);
    assert_eq!(
        (done.at("/refused"), done.at("/counts/created"), done.at("/counts/refused")),
        (json!(true), json!(1), json!(2))
    );
    let problem = done.at("/files/0/problems/0");
    let expect =
        json!({"severity": "error", "line": 9, "column": 7, "field": "spec.lifecycle", "message": "is missing"});
    assert_eq!(problem, expect);
    let list = admin.get("/api/v1/export?kind=group").await.expect(200);
    assert_eq!(list.at("/items/0/metadata/name"), "payments");
    let yaml = admin.send("GET", "/api/v1/export", &[("accept", Some("application/yaml"))], None).await.expect(200);
    assert_eq!(yaml.header("content-type"), Some("application/yaml"));
    assert!(yaml.text().starts_with("---\napiVersion: backstage.io/v1alpha1\nkind: Group\n"), "{}", yaml.text());
    is_problem(&admin.get("/api/v1/export?kind=a-b").await.expect(400), "value-invalid");
    for (bad, at) in [
        (json!({"source": "No", "files": []}), "source"),
        (json!({"source": "ci", "files": [{"path": "../x.yaml", "text": ""}]}), "path"),
        (json!({"source": "ci", "files": [{"path": "x.yaml", "text": ""}, {"path": "x.yaml", "text": ""}]}), "twice"),
        (json!({"source": "ci", "files": [{"path": "x.yaml"}]}), "text"),
        (json!({"source": "ci", "files": [], "dryrun": true}), "dryrun"),
    ] {
        let answer = admin.post("/api/v1/imports", &bad).await.expect(400);
        is_problem(&answer, "value-invalid");
        assert!(answer.text().contains(at), "{at}: {}", answer.text());
    }
}

#[tokio::test]
async fn who_may_only_read_imports_nothing() {
    let app = TestApp::start().await;
    let answer = app.service("viewer").await.post("/api/v1/imports", &body(TEAM)).await.expect(403);
    is_problem(&answer, "forbidden");
}
