//! ListResponse (RFC 7644 section 3.4.2, RFC 9865 section 2).

use std::fmt::Write;

/// What a ListResponse says beside its resources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListPage {
    /// How many resources the query matches in all.
    pub total: u64,
    /// Position of the first resource of this page, from 1; only with index paging.
    pub start_index: Option<u64>,
    /// How many resources this page holds.
    pub items_per_page: u64,
    /// Where the next page begins; only with cursor paging, and not on the last page.
    pub next_cursor: Option<String>,
    /// Where the page before begins; only with cursor paging, and not on the first page.
    pub previous_cursor: Option<String>,
}

/// Writes a ListResponse around resources that are JSON text already. `Resources` is there even when empty: several
/// clients read it without looking.
pub fn write_list(page: &ListPage, resources: impl IntoIterator<Item = impl AsRef<str>>, out: &mut String) {
    out.push_str(r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"]"#);
    number(out, "totalResults", page.total);
    number(out, "itemsPerPage", page.items_per_page);
    if let Some(start) = page.start_index {
        number(out, "startIndex", start);
    }
    for (key, cursor) in [("nextCursor", &page.next_cursor), ("previousCursor", &page.previous_cursor)] {
        if let Some(cursor) = cursor {
            let _ = write!(out, r#","{key}":{}"#, serde_json::Value::from(cursor.as_str()));
        }
    }
    out.push_str(r#","Resources":["#);
    for (position, resource) in resources.into_iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        out.push_str(resource.as_ref());
    }
    out.push_str("]}");
}

fn number(out: &mut String, key: &str, value: u64) {
    // Writing to a string cannot fail.
    let _ = write!(out, r#","{key}":{value}"#);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn check(page: &ListPage, resources: &[&str], expect: Value) {
        let mut out = String::new();
        write_list(page, resources, &mut out);
        assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), expect);
    }

    #[test]
    fn lists() {
        let urn = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
        check(
            &ListPage { start_index: Some(1), ..ListPage::default() },
            &[],
            json!({"schemas": [urn], "totalResults": 0, "itemsPerPage": 0, "startIndex": 1, "Resources": []}),
        );
        let page = ListPage {
            total: 7,
            items_per_page: 2,
            next_cursor: Some("n\"1".to_owned()),
            previous_cursor: Some("p".to_owned()),
            start_index: None,
        };
        check(
            &page,
            &[r#"{"id":"1"}"#, r#"{"id":"2"}"#],
            json!({"schemas": [urn], "totalResults": 7, "itemsPerPage": 2, "nextCursor": "n\"1", "previousCursor": "p",
                "Resources": [{"id": "1"}, {"id": "2"}]}),
        );
    }
}
