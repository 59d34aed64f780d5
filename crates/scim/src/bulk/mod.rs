//! Bulk (RFC 7644 section 3.7): the request, the order of execution, the answer.
//!
//! [`parse`] reads the message, [`order`] says which operations must run before which (and which only together),
//! [`substitute`] puts the ids of created resources in the place of `bulkId:` references, [`result`] and [`response`]
//! write the answer. Running the operations is the caller's part.

mod plan;
mod request;

pub use plan::{order, references, substitute};
pub use request::{BulkOperation, BulkRequest, Method, Refused, parse};

use crate::error::Error;
use serde_json::{Value, json};

/// The entry of one processed operation (RFC 7644 section 3.7.3). `location` is left out for a POST that failed;
/// `status` is a string on the wire.
#[must_use]
pub fn result(
    method: &str,
    bulk_id: Option<&str>,
    location: Option<&str>,
    version: Option<&str>,
    status: u16,
    error: Option<&Error>,
) -> Value {
    let mut entry = json!({"method": method});
    let mut put = |key: &str, value: Value| {
        if let Some(entry) = entry.as_object_mut() {
            entry.insert(key.to_owned(), value);
        }
    };
    for (key, text) in [("bulkId", bulk_id), ("version", version), ("location", location)] {
        if let Some(text) = text {
            put(key, Value::from(text));
        }
    }
    put("status", Value::from(status.to_string()));
    if let Some(error) = error {
        put("response", error.body());
    }
    entry
}

/// The body of the answer (RFC 7644 section 3.7).
#[must_use]
pub fn response(results: Vec<Value>) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"], "Operations": results})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn results() {
        let created = result("POST", Some("a"), Some("https://x/Users/1"), Some("W/\"1\""), 201, None);
        assert_eq!(
            created,
            json!({"method": "POST", "bulkId": "a", "version": "W/\"1\"", "location": "https://x/Users/1", "status": "201"})
        );
        let error = Error::new(Code::Uniqueness, "The userName is taken.");
        let failed = result("POST", Some("b"), None, None, error.status, Some(&error));
        assert_eq!(failed["status"], "409");
        assert_eq!(failed["response"]["scimType"], "uniqueness");
        assert_eq!(failed["response"]["status"], "409");
        assert!(failed.get("location").is_none());
        let whole = response(vec![created, failed]);
        assert_eq!(whole["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]));
        assert_eq!(whole["Operations"].as_array().map(Vec::len), Some(2));
        assert_eq!(response(Vec::new())["Operations"], json!([]));
    }
}
