//! What a mapping would change, over everybody whom the integration provisions. Nothing is written.

use super::manage::candidate;
use crate::Refusal;
use crate::access::{self, Action, Object as On, Principal};
use crate::app::App;
use crate::error::of_store;
use crate::manage;
use bailiwick_domain::attributes::{Effect, Mapping, Profile};
use bailiwick_domain::ids::{IntegrationId, Kind};
use bailiwick_scim::Object;
use bailiwick_store::query::{From, PageQuery, Position};
use bailiwick_store::rows::ResourceRow;
use serde_json::Value;
use std::collections::HashMap;

/// Users looked at between two steps.
const CHUNK: u64 = 500;

/// What another mapping would change; `null` stands for the standard one.
///
/// # Errors
/// `forbidden`, an unknown integration, `mapping-form`, or when the store cannot answer.
pub async fn preview_mapping(app: &App, principal: &Principal, name: &str, value: &Value) -> Result<Effect, Refusal> {
    access::require(app, principal, Action::IntegrationRead, &On::None).await?;
    let row = manage::find_integration(app, name).await?;
    let mapping = candidate(app, &row.preset, value).await?;
    let mut effect = Effect::default();
    let mut after = None;
    loop {
        let page = page(app, Kind::User, row.id, after).await?;
        add(app, &mapping, &page.rows, &mut effect).await?;
        after = page.next;
        if after.is_none() {
            return Ok(effect);
        }
        tokio::task::yield_now().await;
    }
}

/// The Users of an integration, in chunks.
pub(crate) async fn page(
    app: &App,
    kind: Kind,
    integration: IntegrationId,
    after: Option<Position>,
) -> Result<bailiwick_store::rows::Page, Refusal> {
    let query = PageQuery {
        integration,
        kind,
        filter: None,
        sort: None,
        from: after.map_or(From::Offset(0), From::After),
        count: CHUNK,
        with_groups: true,
        total: false,
        base: app.scim_base().to_owned(),
        etag_key: *app.etag_key(),
    };
    app.store().page(query).await.map_err(of_store)
}

async fn add(app: &App, mapping: &Mapping, users: &[ResourceRow], effect: &mut Effect) -> Result<(), Refusal> {
    let deciding =
        || users.iter().filter_map(|user| Some((user, user.person.as_ref().filter(|person| person.authority)?)));
    let seqs: Vec<i64> = deciding().map(|(_, person)| person.seq).collect();
    let persons = app.store().subjects(&seqs).await.map_err(of_store)?;
    let persons: HashMap<i64, _> = persons.into_iter().map(|row| (row.person.seq, row.person)).collect();
    for (user, person) in deciding() {
        let Some(person) = persons.get(&person.seq) else { continue };
        let document: Object = crate::directory::document_of(user)?;
        let before = Profile::parse(&person.doc);
        let mut after = before.clone();
        after.follow(&user.id, mapping, mapping.derive(&document));
        effect.add(&person.id, &person.display, &before, &after);
    }
    Ok(())
}
