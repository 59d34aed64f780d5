//! Bringing the attributes of persons up to date with their Users and the mapping, when they are looked at anyway.

use super::{follow, settings_guard};
use crate::Refusal;
use crate::app::App;
use crate::mapping::{Outcome, subject};
use bailiwick_domain::attributes::Mapping;
use bailiwick_domain::ids::IntegrationId;
use bailiwick_store::{Guard, Write};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

/// Adds to the outcomes what the mappings of today make of their Users. Who is held waits.
pub(crate) async fn settle(app: &App, outcomes: &mut [Outcome]) -> Result<(), Refusal> {
    let mut known: HashMap<IntegrationId, Option<(Arc<Mapping>, Guard)>> = HashMap::new();
    for outcome in outcomes.iter_mut().filter(|outcome| outcome.row.held.is_none()) {
        let Some(user) = outcome.row.users.iter().find(|user| user.authority) else { continue };
        let effect = match known.entry(user.integration) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(in_effect(app, user.integration).await?),
        };
        let Some((mapping, guard)) = effect else { continue };
        let person = &outcome.row.person;
        if let Some(doc) = follow(mapping, &person.doc, &user.id, &subject::object(&user.doc)) {
            outcome.guards.push(guard.clone());
            outcome.writes.push(Write::SetAttributes { person: person.seq, doc });
        }
    }
    Ok(())
}

/// The mapping of an integration whose word has consequences, and what holds that true.
async fn in_effect(app: &App, id: IntegrationId) -> Result<Option<(Arc<Mapping>, Guard)>, Refusal> {
    let integration = app.integration_now(id).await?.filter(|integration| !integration.observe);
    Ok(integration.map(|integration| {
        let guard = settings_guard(&integration);
        (integration.mapping, guard)
    }))
}
