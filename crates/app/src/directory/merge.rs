//! Sorting over several kinds of resource: the sorted heads of all are merged.

use super::read;
use crate::Refusal;
use bailiwick_scim::Object;
use bailiwick_scim::sort::{self, Sort};
use bailiwick_store::rows::ResourceRow;
use serde_json::json;

/// Puts the rows of all kinds, sorted each, into one order. A kind that lacks the attribute has no value there.
pub(super) fn merge(sort: &Sort, kinds: Vec<Vec<ResourceRow>>) -> Result<Vec<ResourceRow>, Refusal> {
    let rows = kinds.into_iter().flatten();
    let mut keyed = rows.map(|row| Ok((object(&row)?, row))).collect::<Result<Vec<_>, Refusal>>()?;
    // Stable: rows that are equal keep the order of their kinds and rows.
    keyed.sort_by(|(left, _), (right, _)| sort::compare(sort, left, right));
    Ok(keyed.into_iter().map(|(_, row)| row).collect())
}

/// The resource as far as it can be sorted by.
fn object(row: &ResourceRow) -> Result<Object, Refusal> {
    let mut object = read::document(row)?;
    object.insert("id".to_owned(), row.id.as_str().into());
    let meta = json!({
        "resourceType": row.kind.name(),
        "created": row.created.to_string(),
        "lastModified": row.modified.to_string(),
    });
    object.insert("meta".to_owned(), meta);
    Ok(object)
}
