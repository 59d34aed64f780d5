//! A server with one caller, and what most tests do with it.

use bailiwick_domain::preset::Preset;
use bailiwick_scim::schema::Registry;
use bailiwick_testkit::{Answer, Client, TestApp, TestOptions};
use serde_json::{Value, json};

pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// The extension of [`World::with_badges`].
pub(crate) const BADGE: &str = "urn:example:params:scim:schemas:Badge";
pub(crate) const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
pub(crate) const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
pub(crate) const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
pub(crate) const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
/// Where links point to.
pub(crate) const BASE: &str = "https://bailiwick.example.com/scim/v2";
/// An id in our form that no resource has.
pub(crate) const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// A running server and a caller. Paths are below the base: `/Users`.
pub(crate) struct World {
    pub(crate) test: TestApp,
    pub(crate) client: Client,
    made: u32,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(TestOptions::default()).await
    }

    pub(crate) async fn strict() -> Self {
        Self::with(TestOptions::preset(Preset::Strict)).await
    }

    pub(crate) async fn with(options: TestOptions) -> Self {
        let test = TestApp::with(options).await;
        let client = test.client();
        Self { test, client, made: 0 }
    }

    /// With an extension of User that has an attribute of every type and of every kind of mutability and return.
    pub(crate) async fn with_badges() -> Self {
        Self::with(TestOptions { registry: badges(&[]), ..TestOptions::default() }).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.client.get(&format!("/scim/v2{path}")).await
    }

    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> Answer {
        self.client.post(&format!("/scim/v2{path}"), body).await
    }

    pub(crate) async fn put(&mut self, path: &str, body: &Value) -> Answer {
        self.client.put(&format!("/scim/v2{path}"), body).await
    }

    pub(crate) async fn delete(&mut self, path: &str) -> Answer {
        self.client.delete(&format!("/scim/v2{path}")).await
    }

    /// PATCH with these operations.
    pub(crate) async fn patch(&mut self, path: &str, operations: Value) -> Answer {
        self.client.patch(&format!("/scim/v2{path}"), &patch_op(operations)).await
    }

    /// Any bytes as a body.
    pub(crate) async fn raw_body(&mut self, method: &str, path: &str, body: impl Into<Vec<u8>>) -> Answer {
        self.client.send(method, &format!("/scim/v2{path}"), &[], Some(body.into().into())).await
    }

    pub(crate) async fn with_headers(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
    ) -> Answer {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, Some(*value))).collect();
        let body = (!body.is_null()).then(|| body.to_string().into());
        self.client.send(method, &format!("/scim/v2{path}"), &headers, body).await
    }

    /// The resource as it is read.
    pub(crate) async fn read(&mut self, path: &str) -> Value {
        self.get(path).await.expect(200).json()
    }

    /// A User of this name with more attributes; its id.
    pub(crate) async fn user(&mut self, name: &str, more: Value) -> String {
        self.post("/Users", &user(name, more)).await.expect(201).id()
    }

    /// A User nobody needs the name of; its path.
    pub(crate) async fn someone(&mut self, more: Value) -> String {
        self.made += 1;
        let id = self.user(&format!("someone{}", self.made), more).await;
        format!("/Users/{id}")
    }

    /// A Group with these members; its id.
    pub(crate) async fn group(&mut self, name: &str, members: &[&str]) -> String {
        self.post("/Groups", &group(name, members)).await.expect(201).id()
    }

    /// A list, its query encoded.
    pub(crate) async fn list(&mut self, path: &str, query: &[(&str, &str)]) -> Answer {
        let pairs: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        self.get(&format!("{path}?{}", pairs.join("&"))).await
    }

    /// The same in a SearchRequest.
    pub(crate) async fn search(&mut self, path: &str, query: Value) -> Answer {
        let mut body = query;
        body["schemas"] = json!([SEARCH]);
        self.post(&format!("{path}/.search"), &body).await
    }

    /// The names a filter finds, sorted; asked for in the address and in a message.
    pub(crate) async fn found(&mut self, path: &str, filter: &str) -> Vec<String> {
        let listed = self.list(path, &[("filter", filter)]).await.expect(200).json();
        let searched = self.search(path, json!({ "filter": filter })).await.expect(200).json();
        assert_eq!(listed["Resources"], searched["Resources"], "{filter}");
        assert_eq!(
            listed["totalResults"],
            listed["Resources"].as_array().map(Vec::len).unwrap_or_default(),
            "{filter}"
        );
        let mut names = names(&listed);
        names.sort_unstable();
        names
    }
}

/// The names in a list, in its order.
pub(crate) fn names(list: &Value) -> Vec<String> {
    let name = |resource: &Value| {
        let name = resource.get("userName").or_else(|| resource.get("displayName")).and_then(Value::as_str);
        name.unwrap_or_default().to_owned()
    };
    list["Resources"].as_array().map(|resources| resources.iter().map(name).collect()).unwrap_or_default()
}

pub(crate) fn user(name: &str, more: Value) -> Value {
    let mut body = json!({ "schemas": [USER], "userName": name });
    merge(&mut body, more);
    body
}

pub(crate) fn group(name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    json!({ "schemas": [GROUP], "displayName": name, "members": members })
}

pub(crate) fn patch_op(operations: Value) -> Value {
    json!({ "schemas": [PATCH_OP], "Operations": operations })
}

fn merge(body: &mut Value, more: Value) {
    if let (Value::Object(body), Value::Object(more)) = (body, more) {
        body.extend(more);
    }
}

/// Percent-encoding of everything that is not plain.
pub(crate) fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// The ids in `members`, sorted.
pub(crate) fn member_ids(group: &Value) -> Vec<String> {
    let members = group["members"].as_array().cloned().unwrap_or_default();
    let mut ids: Vec<String> = members.iter().map(|member| text(&member["value"])).collect();
    ids.sort_unstable();
    ids
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no string: {value}")).to_owned()
}

pub(crate) trait AnswerExt {
    /// The id of the resource in the body.
    fn id(&self) -> String;
}

impl AnswerExt for Answer {
    #[track_caller]
    fn id(&self) -> String {
        text(&self.at("/id"))
    }
}

/// Holds a refusal against RFC 7644 section 3.12. An empty `scim_type` means that there must be none.
#[track_caller]
pub(crate) fn refusal(answer: &Answer, status: u16, scim_type: &str) {
    let shown = answer.text();
    assert_eq!(answer.status, status, "{shown}");
    assert_eq!(answer.header("content-type"), Some("application/scim+json"), "{shown}");
    assert_eq!(answer.at("/schemas"), json!([ERROR]), "{shown}");
    assert_eq!(answer.at("/status"), json!(status.to_string()), "{shown}");
    let expect = if scim_type.is_empty() { Value::Null } else { json!(scim_type) };
    assert_eq!(answer.at("/scimType"), expect, "{shown}");
    assert!(answer.at("/detail").as_str().is_some_and(|detail| !detail.is_empty()), "{shown}");
}

/// The standard schemas, [`BADGE`] and more documents.
pub(crate) fn badges(more: &[Value]) -> Registry {
    let mut documents = vec![json!({
        "id": BADGE,
        "name": "Badge",
        "attributes": [
            { "name": "number", "type": "integer" },
            { "name": "weight", "type": "decimal" },
            { "name": "since", "type": "dateTime" },
            { "name": "photo", "type": "binary" },
            { "name": "page", "type": "reference", "referenceTypes": ["external"] },
            { "name": "lost", "type": "boolean" },
            { "name": "code", "type": "string", "caseExact": true },
            { "name": "tags", "type": "string", "multiValued": true },
            { "name": "issued", "type": "string", "mutability": "immutable" },
            { "name": "seen", "type": "string", "mutability": "readOnly" },
            { "name": "hint", "type": "string", "returned": "request" },
            { "name": "pin", "type": "string", "mutability": "writeOnly", "returned": "never" },
            { "name": "site", "type": "complex", "subAttributes": [
                { "name": "code", "type": "string" }, { "name": "room", "type": "string" }
            ] }
        ]
    })];
    documents.extend_from_slice(more);
    Registry::with_extensions(&documents).unwrap_or_else(|error| panic!("{error}"))
}
