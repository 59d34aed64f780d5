//! Owners that no document names: people to whom a mapping rule gives what a filter finds.

use super::owners::EffectiveOwner;
use super::{document, standards};
use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use crate::mapping;
use bailiwick_domain::catalog::schema;
use bailiwick_domain::mapping::{GrantKind, Then};
use bailiwick_scim::filter::{Resolved, matches};
use bailiwick_store::rows::ItemRow;
use std::collections::BTreeMap;
use tokio::sync::OnceCell;

/// A filter of mapping rules that finds an item: who was given it owns the item, besides its owner by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenOwner {
    /// The filter.
    pub filter: String,
    /// Ids of the rules that give it.
    pub rules: Vec<String>,
    /// Active people who have it now.
    pub people: u64,
}

/// The filters of the rules in force.
#[derive(Debug, Default)]
pub(super) struct Given(Vec<Filter>);

#[derive(Debug)]
struct Filter {
    text: String,
    resolved: Resolved,
    rules: Vec<String>,
    people: OnceCell<u64>,
}

impl Given {
    /// Rules that cannot be evaluated give nothing anew, and a filter that no longer fits the properties that are defined
    /// makes nothing anybody's: so does the policy read it.
    pub(super) async fn read(app: &App) -> Result<Self, Refusal> {
        let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
        if let Ok(rules) = mapping::current(app).await {
            for rule in &rules.set().rules {
                for then in &rule.then {
                    if let Then::Own { own } | Then::Team { own: Some(own), .. } = then {
                        texts.entry(own.clone()).or_default().push(rule.id.clone());
                    }
                }
            }
        }
        if texts.is_empty() {
            return Ok(Self::default());
        }
        let definitions = standards(app).await?.properties;
        let filter = |(text, mut rules): (String, Vec<String>)| {
            rules.dedup();
            let resolved = schema::filter(&text, &definitions).ok()?;
            Some(Filter { text, resolved, rules, people: OnceCell::new() })
        };
        Ok(Self(texts.into_iter().filter_map(filter).collect()))
    }

    /// What finds an item and is held by anybody who is active. `owner` is its owner by name.
    pub(super) async fn of(
        &self,
        app: &App,
        row: &ItemRow,
        owner: Option<&EffectiveOwner>,
    ) -> Result<Vec<GivenOwner>, Refusal> {
        let mut found = Vec::new();
        if self.0.is_empty() || row.kind == "team" {
            return Ok(found);
        }
        let owner = owner.and_then(|owner| owner.owner.as_domain());
        let searched = schema::searched(&document(row)?, &row.id, owner.as_ref());
        for filter in self.0.iter().filter(|filter| matches(&filter.resolved, &searched)) {
            let count = || app.store().active_holders(GrantKind::Ownership, &filter.text);
            let people = *filter.people.get_or_try_init(count).await.map_err(of_store)?;
            if people > 0 {
                found.push(GivenOwner { filter: filter.text.clone(), rules: filter.rules.clone(), people });
            }
        }
        Ok(found)
    }
}
