//! Filters over items: the store answers as the catalog's own schema does in memory.

use crate::support::{Bench, item, on_each_engine};
use bailiwick_domain::catalog::properties::{Definition, Definitions};
use bailiwick_domain::catalog::{Entity, Owner, schema};
use bailiwick_scim::text::match_key;
use bailiwick_store::Write;
use bailiwick_store::change::{ItemUpdate, NewItem};
use bailiwick_store::query::ItemQuery;
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn definitions() -> Definitions {
    let define = |name: &str, schema: Value| {
        Definition::from_json(name, json!({ "schema": schema }).as_object().unwrap()).unwrap()
    };
    Definitions::compile(vec![
        define("cost-center", json!({ "type": "string" })),
        define("replicas", json!({ "type": "integer" })),
        define("ratio", json!({ "type": "number" })),
        define("critical", json!({ "type": "boolean" })),
        define("languages", json!({ "type": "array", "items": { "type": "string" } })),
    ])
    .unwrap()
}

fn documents() -> Vec<Value> {
    vec![
        json!({ "kind": "team", "name": "payments", "title": "Payments", "tags": ["money"] }),
        json!({ "kind": "team", "name": "night", "namespace": "ops", "responsibilities": "Pagers" }),
        json!({ "kind": "component", "name": "Cart", "title": "The Cart", "owner": "payments", "type": "service",
            "tier": "gold", "lifecycle": "Production", "tags": ["payments", { "key": "lang", "value": "Go" }],
            "links": [{ "url": "https://x.example", "type": "runbook" }], "aliases": ["Old cart"],
            "properties": { "cost-center": "42A", "replicas": 3, "ratio": 0.5, "critical": true,
                "languages": ["go", "c"] } }),
        json!({ "kind": "component", "name": "strasse", "title": "STRASSE",
            "owner": "ops/night", "tags": [{ "key": "os", "value": "go" }],
            "properties": { "replicas": 30, "critical": false } }),
        json!({ "kind": "api", "name": "stock", "owner": "ann@example.com", "description": "100% of _all_",
            "contacts": [{ "type": "email", "address": "a@b.c" }] }),
        json!({ "kind": "system", "name": "shop", "owner": "nobody", "domain": "retail" }),
    ]
}

/// An item whose columns follow from a document.
fn from_document(document: &Value) -> NewItem {
    let entity = Entity::from_document(document.as_object().unwrap()).unwrap();
    let mut new = item(entity.kind().as_str(), &entity.reference.name);
    new.columns.namespace.clone_from(&entity.reference.namespace);
    let document = entity.to_document();
    new.columns.title = entity.shown().to_owned();
    new.columns.title_key = match_key(entity.shown()).into_owned();
    new.columns.keys = Value::Object(schema::comparison_keys(&document)).to_string();
    new.columns.doc = Value::Object(document).to_string();
    new.columns.owner_ref = match &entity.owner {
        Some(Owner::Team(team)) => Some(team.to_string()),
        Some(Owner::Person(person)) => Some(format!("user:{person}")),
        None => None,
    };
    new
}

async fn found(bench: &Bench, filter: &str) -> BTreeSet<String> {
    let filter = schema::filter(filter, &definitions()).unwrap();
    let query = ItemQuery { filter: Some(filter), limit: 100, total: true, ..ItemQuery::default() };
    let page = bench.store.items(query).await.unwrap();
    assert_eq!(page.total, Some(page.rows.len() as u64));
    page.rows.into_iter().map(|row| row.id).collect()
}

const FILTERS: &[&str] = &[
    r#"kind eq "component" and tags eq "payments" and owner eq "Payments""#,
    r#"kind eq "TEAM" or kind sw "ap""#,
    r#"name eq "cart""#,
    r#"name co "ST" and not (title pr)"#,
    r#"not (name ew "e")"#,
    r#"id eq "api-stock""#,
    r#"namespace eq "default""#,
    r#"namespace ne "default""#,
    r#"owner pr"#,
    r#"not (owner pr)"#,
    r#"owner eq "ops/night""#,
    r#"owner co "@example""#,
    r#"owner eq "nobody" and domain eq "retail""#,
    r#"tags eq "go""#,
    r#"tags ne "go""#,
    r#"tags[key eq "lang" and value eq "go"]"#,
    r#"tags[key eq "os" and value eq "GO"]"#,
    r#"tags[not (key pr)]"#,
    r#"tags pr and tier pr"#,
    r#"tier eq "gold" and lifecycle eq "production""#,
    r#"description co "% of _""#,
    r#"aliases eq "OLD CART""#,
    r#"links.type eq "runbook""#,
    r#"links[url sw "https:" and type eq "runbook"]"#,
    r#"contacts.address eq "A@B.C""#,
    r#"responsibilities eq "pagers""#,
    r#"properties.cost-center eq "42A""#,
    r#"properties.cost-center eq "42a""#,
    r#"properties.replicas gt 2 and properties.replicas lt 10"#,
    r#"properties.replicas ge 3"#,
    r#"properties.ratio eq 0.5"#,
    r#"properties.critical eq true"#,
    r#"properties.critical eq false or properties.languages eq "c""#,
    r#"not (properties.critical eq true)"#,
    r#"properties.languages co "g""#,
    r#"properties.replicas pr"#,
];

#[test]
fn sql_and_memory_find_the_same_items() {
    on_each_engine(|bench| async move {
        let documents = documents();
        let all = documents.iter().map(|document| Write::InsertItem(from_document(document))).collect();
        let rows = bench.commit(all).await.inserted;
        let some = FILTERS.len();
        let mut matched = 0;
        for text in FILTERS {
            let filter = schema::filter(text, &definitions()).unwrap();
            let expect: BTreeSet<String> = documents
                .iter()
                .zip(&rows)
                .filter(|(document, (id, _))| {
                    let entity = Entity::from_document(document.as_object().unwrap()).unwrap();
                    schema::matches(&filter, &entity, id)
                })
                .map(|(_, (id, _))| id.clone())
                .collect();
            matched += usize::from(!expect.is_empty());
            assert_eq!(found(&bench, text).await, expect, "{text}");
        }
        assert!(matched * 10 > some * 8, "most filters find something: {matched} of {some}");
        // An owner is called as it is called today.
        let mut renamed = from_document(&documents[0]).columns;
        renamed.name = "Money".to_owned();
        renamed.name_key = "money".to_owned();
        bench.commit(vec![Write::UpdateItem(ItemUpdate { seq: rows[0].1, columns: renamed })]).await;
        assert_eq!(found(&bench, r#"owner eq "money""#).await, BTreeSet::from(["component-Cart".to_owned()]));
        assert!(found(&bench, r#"owner eq "payments""#).await.is_empty());
        let since = r#"meta.created gt "2001-01-01T00:00:00Z" and kind eq "api""#;
        assert_eq!(found(&bench, since).await, BTreeSet::from(["api-stock".to_owned()]));
    });
}
