//! Ownership that mapping rules give: filters over the catalog.

use bailiwick_domain::catalog::properties::Definitions;
use bailiwick_domain::catalog::schema;
use bailiwick_domain::mapping::{GrantKind, Origin};
use bailiwick_domain::policy::Own;
use bailiwick_store::rows::GrantRow;
use std::sync::Arc;

/// The filters of a person's grants. One that no longer fits the catalog's schema makes nothing theirs.
pub(super) fn of_grants(grants: &[GrantRow], definitions: &Definitions) -> Vec<Own> {
    let own = grants.iter().filter(|grant| grant.kind == GrantKind::Ownership);
    own.filter_map(|grant| {
        let rule = match Origin::parse(&grant.origin)? {
            Origin::Rule { rule, .. } => rule,
            Origin::Hand | Origin::Feed { .. } => grant.origin.clone(),
        };
        Some(Own { rule, filter: Arc::new(schema::filter(&grant.object, definitions).ok()?) })
    })
    .collect()
}
