//! The bulk message (RFC 7644 section 3.7): every operation checked by itself.

use crate::error::{Code, Error};
use crate::limits::BULK_OPERATIONS;
use crate::resource::shown;
use serde_json::Value;
use std::collections::HashSet;
use std::fmt;

/// URN of the bulk message.
const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
/// What a bulk operation may work on.
const ENDPOINTS: [&str; 2] = ["Users", "Groups"];

/// The methods of RFC 7644 section 3.7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Removes a resource.
    Delete,
    /// Changes a resource.
    Patch,
    /// Creates a resource.
    Post,
    /// Replaces a resource.
    Put,
}

impl Method {
    const ALL: [Self; 4] = [Self::Delete, Self::Patch, Self::Post, Self::Put];

    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Patch => "PATCH",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A bulk request.
#[derive(Clone, Debug)]
pub struct BulkRequest {
    /// After how many failures the rest is left undone; `None` means never.
    pub fail_on_errors: Option<u32>,
    /// The operations in the order of the request, those that cannot run included.
    pub operations: Vec<Result<BulkOperation, Refused>>,
}

/// One operation that can be run.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkOperation {
    /// Position in the request, from 0.
    pub index: usize,
    /// What to do.
    pub method: Method,
    /// Endpoint of the resource type: `/Users`.
    pub endpoint: String,
    /// The resource; `None` for a POST. May be a reference, `bulkId:x`.
    pub id: Option<String>,
    /// The client's name for the operation; a POST always has one.
    pub bulk_id: Option<String>,
    /// Acts as If-Match.
    pub version: Option<String>,
    /// The body; `Null` for a DELETE.
    pub data: Value,
}

/// An operation that cannot run, with what its entry in the answer echoes.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Position in the request, from 0.
    pub index: usize,
    /// The method as sent, cut to a sane length; empty if there was none.
    pub method: String,
    /// The bulkId as sent.
    pub bulk_id: Option<String>,
    /// Why.
    pub error: Error,
}

/// Reads a bulk message. An error of one operation is kept in its place; an error of the message refuses it all.
pub fn parse(body: Value) -> Result<BulkRequest, Error> {
    let Value::Object(body) = body else {
        return Err(Error::new(Code::JsonSyntax, "The body of a bulk request must be a JSON object."));
    };
    let (mut schemas, mut operations, mut fail_on_errors) = (None, None, None);
    for (key, value) in body {
        if key.eq_ignore_ascii_case("schemas") {
            schemas = Some(value);
        } else if key.eq_ignore_ascii_case("Operations") {
            operations = Some(value);
        } else if key.eq_ignore_ascii_case("failOnErrors") {
            fail_on_errors = Some(value);
        }
    }
    require_schema(schemas.as_ref())?;
    let fail_on_errors = read_fail_on_errors(fail_on_errors.as_ref())?;
    let operations = match operations {
        Some(Value::Array(operations)) if !operations.is_empty() => operations,
        _ => return Err(malformed("\"Operations\" must be an array with at least one operation.")),
    };
    if operations.len() > BULK_OPERATIONS {
        let detail = format!(
            "The request holds {} operations; maxOperations is {BULK_OPERATIONS}. Send smaller requests.",
            operations.len()
        );
        return Err(Error::new(Code::BulkTooManyOperations, detail));
    }
    let mut created = HashSet::new();
    let read = |(index, operation)| {
        let read = read_operation(index, operation)?;
        match &read.bulk_id {
            Some(bulk_id) if read.method == Method::Post && !created.insert(bulk_id.clone()) => {
                let detail = format!("The bulkId \"{}\" is used by an earlier operation.", shown(bulk_id));
                let (method, bulk_id) = (read.method.to_string(), read.bulk_id.clone());
                Err(Refused { index, method, bulk_id, error: malformed(detail) })
            }
            _ => Ok(read),
        }
    };
    Ok(BulkRequest { fail_on_errors, operations: operations.into_iter().enumerate().map(read).collect() })
}

fn require_schema(schemas: Option<&Value>) -> Result<(), Error> {
    let named = schemas
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .any(|urn| urn.eq_ignore_ascii_case(BULK_REQUEST));
    if named {
        return Ok(());
    }
    Err(Error::new(Code::MessageSchema, format!("\"schemas\" of a bulk request must be an array with {BULK_REQUEST}.")))
}

fn read_fail_on_errors(value: Option<&Value>) -> Result<Option<u32>, Error> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64().and_then(|count| u32::try_from(count).ok()) {
            Some(count) => Ok(Some(count)),
            None => Err(Error::new(Code::ValueInvalid, "\"failOnErrors\" must be an integer that is not negative.")),
        },
    }
}

/// The parts of an operation as sent, before any check.
#[derive(Default)]
struct Parts {
    method: Option<Value>,
    path: Option<Value>,
    bulk_id: Option<Value>,
    version: Option<Value>,
    data: Option<Value>,
}

impl Parts {
    fn of(operation: Value) -> Option<Self> {
        let Value::Object(operation) = operation else { return None };
        let mut parts = Self::default();
        for (key, value) in operation {
            let slot = match key.to_ascii_lowercase().as_str() {
                "method" => &mut parts.method,
                "path" => &mut parts.path,
                "bulkid" => &mut parts.bulk_id,
                "version" => &mut parts.version,
                "data" => &mut parts.data,
                _ => continue,
            };
            *slot = Some(value).filter(|value| !value.is_null());
        }
        Some(parts)
    }
}

fn read_operation(index: usize, operation: Value) -> Result<BulkOperation, Refused> {
    let parts = Parts::of(operation).unwrap_or_default();
    let text = |part: &Option<Value>| part.as_ref().and_then(Value::as_str).map(str::to_owned);
    let method = text(&parts.method).map(|method| shown(&method).to_ascii_uppercase()).unwrap_or_default();
    let bulk_id = text(&parts.bulk_id);
    check_operation(index, parts).map_err(|error| Refused { index, method, bulk_id, error })
}

fn check_operation(index: usize, parts: Parts) -> Result<BulkOperation, Error> {
    let method = read_method(parts.method.as_ref())?;
    let bulk_id = read_text(parts.bulk_id, "bulkId")?;
    let version = read_text(parts.version, "version")?;
    let Some(path) = read_text(parts.path, "path")? else {
        return Err(malformed("A bulk operation needs a path."));
    };
    let (endpoint, id) = read_path(&path)?;
    match (method, &id) {
        (Method::Post, Some(_)) => return Err(malformed("A POST goes to /Users or /Groups, not to a resource.")),
        (Method::Post, None) if bulk_id.is_none() => return Err(malformed("A POST needs a bulkId.")),
        (Method::Put | Method::Patch | Method::Delete, None) => {
            return Err(malformed(format!("A {method} needs the id of a resource in its path.")));
        }
        _ => {}
    }
    let data = match (method, parts.data) {
        (Method::Delete, _) => Value::Null,
        (_, Some(data @ Value::Object(_))) => data,
        _ => return Err(malformed(format!("A {method} needs an object as data."))),
    };
    Ok(BulkOperation { index, method, endpoint, id, bulk_id, version, data })
}

fn read_method(method: Option<&Value>) -> Result<Method, Error> {
    let Some(word) = method.and_then(Value::as_str) else {
        return Err(malformed("A bulk operation needs a method."));
    };
    let known = Method::ALL.into_iter().find(|method| method.as_str().eq_ignore_ascii_case(word));
    known.ok_or_else(|| {
        malformed(format!("\"{}\" is no method of a bulk operation: use POST, PUT, PATCH or DELETE.", shown(word)))
    })
}

fn read_text(value: Option<Value>, name: &str) -> Result<Option<String>, Error> {
    match value {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
        Some(_) => Err(malformed(format!("\"{name}\" must be a string that is not empty."))),
    }
}

/// `/Users` or `/Users/{id}`, relative to the base URL. Nothing is decoded: an id of ours holds no character that
/// would need it.
fn read_path(path: &str) -> Result<(String, Option<String>), Error> {
    let bad = || malformed(format!("\"{}\" is no path of a bulk operation: use /Users or /Users/id.", shown(path)));
    let relative = path.strip_prefix('/').unwrap_or(path);
    if relative.contains(['?', '#', '%', '\\']) || relative.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(bad());
    }
    let (endpoint, id) = match relative.split_once('/') {
        None => (relative, ""),
        Some((endpoint, id)) => (endpoint, id),
    };
    let Some(endpoint) = ENDPOINTS.into_iter().find(|known| *known == endpoint) else {
        let plain = !endpoint.is_empty() && endpoint.chars().all(|c| c.is_ascii_alphanumeric());
        return Err(match plain && !endpoint.eq_ignore_ascii_case("bulk") {
            true => Error::new(Code::NotFound, format!("There is no endpoint \"/{}\".", shown(endpoint))),
            false => bad(),
        });
    };
    if id.contains('/') || id.starts_with('.') {
        return Err(bad());
    }
    Ok((format!("/{endpoint}"), Some(id.to_owned()).filter(|id| !id.is_empty())))
}

fn malformed(detail: impl Into<String>) -> Error {
    Error::new(Code::BulkOperationInvalid, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn message(operations: Value) -> Value {
        json!({"schemas": [BULK_REQUEST], "Operations": operations})
    }

    /// "METHOD endpoint id bulkId version" or the code and status of the error.
    fn outcome(operation: Value) -> String {
        match parse(message(json!([operation]))).expect("the message is sound").operations.remove(0) {
            Ok(read) => format!(
                "{} {} {} {} {}",
                read.method,
                read.endpoint,
                read.id.as_deref().unwrap_or("-"),
                read.bulk_id.as_deref().unwrap_or("-"),
                read.version.as_deref().unwrap_or("-")
            ),
            Err(refused) => format!("{} {}", refused.error.code, refused.error.status),
        }
    }

    #[test]
    fn operations() {
        const BAD: &str = "bulk-operation-invalid 400";
        let check = |operation: Value, expect: &str| assert_eq!(outcome(operation.clone()), expect, "{operation}");
        check(json!({"method": "POST", "path": "/Users", "bulkId": "a", "data": {}}), "POST /Users - a -");
        check(json!({"METHOD": "post", "Path": "/Users/", "BULKID": "a", "Data": {}}), "POST /Users - a -");
        check(json!({"method": "Put", "path": "/Users/1", "version": "W/\"1\"", "data": {}}), "PUT /Users 1 - W/\"1\"");
        check(json!({"method": "PATCH", "path": "/Groups/bulkId:g", "data": {}}), "PATCH /Groups bulkId:g - -");
        check(json!({"method": "DELETE", "path": "/Users/1"}), "DELETE /Users 1 - -");
        check(json!({"method": "DELETE", "path": "/Users/1", "bulkId": null, "data": {"x": 1}}), "DELETE /Users 1 - -");
        check(json!({"method": "DELETE", "path": "Users/1"}), "DELETE /Users 1 - -");
        check(json!({"path": "/Users", "bulkId": "a", "data": {}}), BAD);
        check(json!({"method": 7, "path": "/Users", "bulkId": "a", "data": {}}), BAD);
        check(json!({"method": "GET", "path": "/Users/1"}), BAD);
        check(json!({"method": "OPTIONS", "path": "/Users/1"}), BAD);
        check(json!({"method": "POST", "path": "/Users", "data": {}}), BAD);
        check(json!({"method": "POST", "path": "/Users", "bulkId": "", "data": {}}), BAD);
        check(json!({"method": "POST", "path": "/Users", "bulkId": 5, "data": {}}), BAD);
        check(json!({"method": "POST", "path": "/Users/1", "bulkId": "a", "data": {}}), BAD);
        check(json!({"method": "POST", "path": "/Users/.search", "bulkId": "a", "data": {}}), BAD);
        check(json!({"method": "POST", "path": "/Bulk", "bulkId": "a", "data": {}}), BAD);
        check(json!({"method": "POST", "path": "/Users", "bulkId": "a"}), BAD);
        check(json!({"method": "POST", "path": "/Users", "bulkId": "a", "data": []}), BAD);
        check(json!({"method": "PUT", "path": "/Users/1"}), BAD);
        check(json!({"method": "PATCH", "path": "/Users/1", "data": "x"}), BAD);
        check(json!({"method": "PUT", "path": "/Users", "data": {}}), BAD);
        check(json!({"method": "DELETE", "path": "/Users"}), BAD);
        check(json!({"method": "DELETE", "path": "/Users/1", "version": 1}), BAD);
        check(json!({"method": "DELETE"}), BAD);
        check(json!({"method": "DELETE", "path": ["x"]}), BAD);
        check(json!("x"), BAD);
        check(json!(null), BAD);
        check(json!({"method": "DELETE", "path": "/Nothing/1"}), "not-found 404");
        check(json!({"method": "DELETE", "path": "/Schemas/1"}), "not-found 404");
        for path in [
            "https://example.com/Users/1",
            "//example.com/Users/1",
            "/../Users/1",
            "/Users/../Groups/1",
            "/Users/..",
            "/Users/1/members",
            "/Users/1?attributes=id",
            "/Users/%2e%2e",
            "/Users/a b",
            "/",
        ] {
            check(json!({"method": "DELETE", "path": path}), BAD);
        }
    }

    #[test]
    fn messages() {
        let check = |body: Value, expect: &str| {
            let code = parse(body.clone()).map_or_else(|error| error.code, |_| "ok");
            assert_eq!(code, expect, "{body}");
        };
        let sound = json!([{"method": "DELETE", "path": "/Users/1"}]);
        check(message(sound.clone()), "ok");
        check(json!({"Schemas": [BULK_REQUEST.to_lowercase()], "operations": sound, "other": 1}), "ok");
        check(json!([]), "json-syntax");
        check(json!({"Operations": sound}), "message-schema");
        check(json!({"schemas": BULK_REQUEST, "Operations": sound}), "message-schema");
        check(json!({"schemas": [BULK_REQUEST]}), "bulk-operation-invalid");
        check(message(json!([])), "bulk-operation-invalid");
        check(message(json!({})), "bulk-operation-invalid");
        for (value, expect) in [
            (json!(1), "ok"),
            (json!(0), "ok"),
            (json!(null), "ok"),
            (json!("1"), "value-invalid"),
            (json!(1.5), "value-invalid"),
            (json!(-1), "value-invalid"),
            (json!(true), "value-invalid"),
            (json!(99_999_999_999_u64), "value-invalid"),
        ] {
            check(json!({"schemas": [BULK_REQUEST], "failOnErrors": value, "Operations": sound}), expect);
        }
        let many = |count| message(Value::Array(vec![sound[0].clone(); count]));
        check(many(BULK_OPERATIONS), "ok");
        let error = parse(many(BULK_OPERATIONS + 1)).expect_err("too many");
        assert_eq!((error.status, error.code), (413, "bulk-too-many-operations"));
        assert!(error.detail.contains(&BULK_OPERATIONS.to_string()));
    }

    #[test]
    fn refused_operations_echo_what_was_sent() {
        let operations = json!([
            {"method": "post", "path": "/Users", "bulkId": "a", "data": {}},
            {"method": "get", "path": "/Users/1", "bulkId": "b"},
            {"method": "POST", "path": "/Groups", "bulkId": "a", "data": {}},
            {"method": "PATCH", "path": "/Groups/1", "bulkId": "a", "data": {}},
        ]);
        let request = parse(message(operations)).expect("sound");
        assert!(request.operations[0].is_ok());
        let refused = request.operations[1].as_ref().expect_err("GET");
        assert_eq!((refused.index, refused.method.as_str(), refused.bulk_id.as_deref()), (1, "GET", Some("b")));
        let twice = request.operations[2].as_ref().expect_err("a bulkId used twice");
        assert_eq!((twice.index, twice.method.as_str(), twice.bulk_id.as_deref()), (2, "POST", Some("a")));
        assert!(request.operations[3].is_ok(), "only a POST defines a bulkId");
    }
}
