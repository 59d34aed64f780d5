//! The PATCH message (RFC 7644 section 3.5.2): operations with their paths parsed, nothing resolved yet.

use crate::error::{Code, Error};
use crate::limits::PATCH_OPERATIONS;
use crate::path::PatchPath;
use crate::quirks::{Quirk, Quirks, Repairs};
use crate::resource::shown;
use serde_json::Value;

/// URN of the PATCH message.
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// What an operation does (RFC 7644 section 3.5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Adds a value or merges an object.
    Add,
    /// Takes values away.
    Remove,
    /// Puts a value in the place of what is there.
    Replace,
}

impl Op {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Replace => "replace",
        }
    }
}

/// One operation of the message.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// What it does.
    pub op: Op,
    /// Where; `None` means the resource itself.
    pub path: Option<PatchPath>,
    /// The value as sent. `Some(Value::Null)` clears.
    pub value: Option<Value>,
}

/// The message: at least one operation, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchRequest {
    /// The operations.
    pub operations: Vec<Operation>,
}

/// Reads the body of a PATCH (RFC 7644 section 3.5.2). Keys may have any letter case.
pub fn parse_request(body: Value, quirks: Quirks, repairs: &mut Repairs) -> Result<PatchRequest, Error> {
    let Value::Object(body) = body else {
        return Err(Error::new(Code::JsonSyntax, "The body of a PATCH must be a JSON object."));
    };
    let (mut schemas, mut operations) = (None, None);
    for (key, value) in body {
        if key.eq_ignore_ascii_case("schemas") {
            schemas = Some(value);
        } else if key.eq_ignore_ascii_case("Operations") {
            operations = Some(value);
        } else {
            unknown_key(&key, quirks, repairs)?;
        }
    }
    require_schema(schemas.as_ref())?;
    let operations = match operations {
        Some(Value::Array(operations)) if !operations.is_empty() => operations,
        _ => return Err(malformed("\"Operations\" must be an array with at least one operation.")),
    };
    if operations.len() > PATCH_OPERATIONS {
        return Err(malformed(format!("A PATCH may hold at most {PATCH_OPERATIONS} operations.")));
    }
    let operations =
        operations.into_iter().map(|operation| read_operation(operation, quirks, repairs)).collect::<Result<_, _>>()?;
    Ok(PatchRequest { operations })
}

fn require_schema(schemas: Option<&Value>) -> Result<(), Error> {
    let named = |schemas: &Vec<Value>| {
        schemas.iter().any(|urn| urn.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(PATCH_OP)))
    };
    match schemas {
        Some(Value::Array(schemas)) if named(schemas) => Ok(()),
        _ => Err(Error::new(Code::MessageSchema, format!("\"schemas\" of a PATCH must be an array with {PATCH_OP}."))),
    }
}

fn read_operation(operation: Value, quirks: Quirks, repairs: &mut Repairs) -> Result<Operation, Error> {
    let Value::Object(operation) = operation else {
        return Err(malformed("Each of \"Operations\" must be an object."));
    };
    let (mut op, mut path, mut value) = (None, None, None);
    for (key, part) in operation {
        if key.eq_ignore_ascii_case("op") {
            op = Some(part);
        } else if key.eq_ignore_ascii_case("path") {
            path = Some(part);
        } else if key.eq_ignore_ascii_case("value") {
            value = Some(part);
        } else {
            unknown_key(&key, quirks, repairs)?;
        }
    }
    let op = match op {
        Some(Value::String(word)) => op_case(&word, quirks, repairs)?,
        _ => return Err(malformed("An operation needs \"op\": add, remove or replace.")),
    };
    let path = match path {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(read_path(&text, quirks, repairs)?),
        Some(_) => return Err(Error::new(Code::PathInvalid, "\"path\" must be a string.")),
    };
    check_shape(op, path.is_some(), value.as_ref())?;
    Ok(Operation { op, path, value })
}

/// What RFC 7644 sections 3.5.2.1 to 3.5.2.3 ask of the parts of one operation.
fn check_shape(op: Op, has_path: bool, value: Option<&Value>) -> Result<(), Error> {
    match (op, value) {
        (Op::Remove, _) if !has_path => Err(Error::new(Code::PatchNoTarget, "A remove operation needs a path.")),
        (Op::Add | Op::Replace, None) => Err(malformed(format!("The {} operation needs a value.", op.as_str()))),
        (Op::Add | Op::Replace, Some(value)) if !has_path && !value.is_object() => {
            Err(Error::new(Code::ValueInvalid, "An operation without a path needs an object of attributes as value."))
        }
        _ => Ok(()),
    }
}

fn read_path(text: &str, quirks: Quirks, repairs: &mut Repairs) -> Result<PatchPath, Error> {
    if text.trim().is_empty() {
        return Err(Error::new(Code::PathInvalid, "The path of a PATCH operation is empty."));
    }
    PatchPath::parse(text, quirks, repairs)
}

/// Quirk `op-case`: Entra writes `Add`, `Replace` and `Remove`.
fn op_case(word: &str, quirks: Quirks, repairs: &mut Repairs) -> Result<Op, Error> {
    let known = [Op::Add, Op::Remove, Op::Replace].into_iter().find(|op| op.as_str().eq_ignore_ascii_case(word));
    match known {
        Some(op) if op.as_str() == word => Ok(op),
        Some(op) if quirks.has(Quirk::OpCase) => {
            repairs.note(Quirk::OpCase, format!("op \"{word}\" read as \"{}\"", op.as_str()));
            Ok(op)
        }
        _ => Err(malformed(format!("\"{}\" is not an operation: use add, remove or replace.", shown(word)))),
    }
}

/// A key of the message that RFC 7644 does not know.
fn unknown_key(key: &str, quirks: Quirks, repairs: &mut Repairs) -> Result<(), Error> {
    if !quirks.has(Quirk::UnknownAttributes) {
        return Err(Error::new(Code::UnknownAttribute, format!("A PATCH message has no \"{}\".", shown(key))));
    }
    repairs.note(Quirk::UnknownAttributes, format!("ignored \"{}\" in the PATCH message", shown(key)));
    Ok(())
}

fn malformed(detail: impl Into<String>) -> Error {
    Error::new(Code::PatchOperationInvalid, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn message(operations: Value) -> Value {
        json!({"schemas": [PATCH_OP], "Operations": operations})
    }

    /// "op path value" of every operation, or the code of the error.
    fn outcome(body: Value, quirks: Quirks) -> String {
        match parse_request(body, quirks, &mut Repairs::default()) {
            Ok(request) => {
                let shown = |operation: &Operation| {
                    let path = operation.path.as_ref().map_or("-".to_owned(), |path| path.attribute.0.clone());
                    let value = operation.value.as_ref().map_or("-".to_owned(), Value::to_string);
                    format!("{} {path} {value}", operation.op.as_str())
                };
                request.operations.iter().map(shown).collect::<Vec<_>>().join("; ")
            }
            Err(error) => error.code.to_owned(),
        }
    }

    #[test]
    fn messages() {
        let check = |body: Value, expect: &str| {
            assert_eq!(outcome(body.clone(), Quirks::all()), expect, "{body}");
            assert_eq!(outcome(body.clone(), Quirks::none()), expect, "strict: {body}");
        };
        check(message(json!([{"op": "add", "path": "title", "value": "x"}])), "add title \"x\"");
        check(message(json!([{"OP": "replace", "Path": "title", "VALUE": null}])), "replace title null");
        check(
            message(json!([{"op": "replace", "path": null, "value": {"active": false}}])),
            "replace - {\"active\":false}",
        );
        check(message(json!([{"op": "remove", "path": "title"}])), "remove title -");
        check(
            message(json!([{"op": "remove", "path": "title"}, {"op": "add", "value": {}}])),
            "remove title -; add - {}",
        );
        check(
            json!({"SCHEMAS": [PATCH_OP.to_uppercase()], "operations": [{"op": "remove", "path": "a"}]}),
            "remove a -",
        );
        check(json!([]), "json-syntax");
        check(json!("x"), "json-syntax");
        check(json!({}), "message-schema");
        check(json!({"Operations": [{"op": "remove", "path": "a"}]}), "message-schema");
        check(json!({"schemas": PATCH_OP, "Operations": [{"op": "remove", "path": "a"}]}), "message-schema");
        check(json!({"schemas": [], "Operations": [{"op": "remove", "path": "a"}]}), "message-schema");
        check(json!({"schemas": ["urn:x"], "Operations": [{"op": "remove", "path": "a"}]}), "message-schema");
        check(json!({"schemas": [PATCH_OP]}), "patch-operation-invalid");
        check(message(json!([])), "patch-operation-invalid");
        check(message(json!({"op": "remove", "path": "a"})), "patch-operation-invalid");
        check(message(json!(["x"])), "patch-operation-invalid");
        check(message(json!([{"path": "a", "value": 1}])), "patch-operation-invalid");
        check(message(json!([{"op": 1, "path": "a", "value": 1}])), "patch-operation-invalid");
        check(message(json!([{"op": "move", "path": "a", "value": 1}])), "patch-operation-invalid");
        check(message(json!([{"op": "add", "path": "a"}])), "patch-operation-invalid");
        check(message(json!([{"op": "replace", "path": "a"}])), "patch-operation-invalid");
        check(message(json!([{"op": "remove"}])), "patch-no-target");
        check(message(json!([{"op": "remove", "value": {"title": "x"}}])), "patch-no-target");
        check(message(json!([{"op": "add", "value": "x"}])), "value-invalid");
        check(message(json!([{"op": "replace", "value": null}])), "value-invalid");
        check(message(json!([{"op": "replace", "value": [{"active": true}]}])), "value-invalid");
    }

    #[test]
    fn paths() {
        let check = |path: Value| {
            let body = message(json!([{"op": "replace", "path": path, "value": "x"}]));
            assert_eq!(outcome(body, Quirks::all()), "path-invalid", "{path}");
        };
        for path in ["", "  ", "/name/givenName", "emails[0]", "emails[0].value", "/emails/0", "emails[", "a..b", ".a"]
        {
            // A bracket that holds no filter is a filter error; everything else is the path's.
            if !path.contains('[') {
                check(json!(path));
            } else {
                let body = message(json!([{"op": "replace", "path": path, "value": "x"}]));
                let outcome = outcome(body, Quirks::all());
                assert!(["path-invalid", "filter-syntax"].contains(&outcome.as_str()), "{path}: {outcome}");
            }
        }
        for path in [json!(1), json!(true), json!(["title"]), json!({"a": 1})] {
            check(path);
        }
    }

    #[test]
    fn op_case_on_and_off() {
        for word in ["Add", "ADD", "aDd"] {
            let body = message(json!([{"op": word, "path": "title", "value": "x"}]));
            let mut repairs = Repairs::default();
            assert!(parse_request(body.clone(), Quirks::all(), &mut repairs).is_ok());
            assert_eq!(repairs.0.len(), 1);
            assert_eq!(repairs.0[0].quirk, "op-case");
            assert_eq!(outcome(body, Quirks::all().without(Quirk::OpCase)), "patch-operation-invalid");
        }
        let mut repairs = Repairs::default();
        let plain = message(json!([{"op": "add", "path": "title", "value": "x"}]));
        assert!(parse_request(plain, Quirks::all(), &mut repairs).is_ok());
        assert!(repairs.0.is_empty());
    }

    #[test]
    fn unknown_keys_are_noted_or_refused() {
        let body = message(json!([{"op": "remove", "path": "title", "name": "x"}]));
        let mut repairs = Repairs::default();
        assert!(parse_request(body.clone(), Quirks::all(), &mut repairs).is_ok());
        assert_eq!(repairs.0[0].quirk, "unknown-attributes");
        assert_eq!(outcome(body, Quirks::none()), "unknown-attribute");
    }

    #[test]
    fn number_of_operations() {
        let operations = |count| message(Value::Array(vec![json!({"op": "remove", "path": "title"}); count]));
        assert!(parse_request(operations(PATCH_OPERATIONS), Quirks::none(), &mut Repairs::default()).is_ok());
        assert_eq!(outcome(operations(PATCH_OPERATIONS + 1), Quirks::none()), "patch-operation-invalid");
    }
}
