//! Reading one resource.

use super::{ManagerShown, Resource, Wants};
use crate::Refusal;
use crate::app::App;
use crate::caller::Caller;
use crate::error::of_store;
use bailiwick_domain::ids::{IntegrationId, Kind};
use bailiwick_scim::{Code, Object};
use bailiwick_store::rows::ResourceRow;
use serde_json::Value;

/// One resource by its id. A foreign id answers exactly like an unknown one.
///
/// # Errors
/// `not-found`, or when the store cannot answer.
pub async fn read_resource(
    app: &App,
    caller: &Caller,
    kind: Kind,
    id: &str,
    wants: Wants,
) -> Result<Resource, Refusal> {
    let row = row(app, caller.integration.id, kind, id, wants.groups).await?;
    complete(app, row, wants).await
}

pub(super) async fn row(
    app: &App,
    integration: IntegrationId,
    kind: Kind,
    id: &str,
    groups: bool,
) -> Result<ResourceRow, Refusal> {
    let row = app.store().resource(integration, kind, id, groups).await.map_err(of_store)?;
    row.ok_or_else(|| not_found(kind))
}

pub(super) fn not_found(kind: Kind) -> Refusal {
    Refusal::new(Code::NotFound, format!("There is no {} with this id.", kind.name()))
}

/// Adds to a row what is computed at reading.
pub(super) async fn complete(app: &App, row: ResourceRow, wants: Wants) -> Result<Resource, Refusal> {
    let etag = etag_of(app, &row);
    let manager = match &row.manager {
        Some(id) if wants.manager => {
            let ids = [id.clone()];
            let found = app.store().member_refs(row.integration, &ids).await.map_err(of_store)?;
            let user = found.into_iter().flatten().find(|found| found.kind == Kind::User);
            Some(ManagerShown { id: id.clone(), display: user.map(|user| user.display) })
        }
        _ => None,
    };
    Ok(Resource { row, etag, manager })
}

/// The entity tag: it changes with the resource and with what its person belongs to.
pub(super) fn etag_of(app: &App, row: &ResourceRow) -> String {
    row.etag(app.etag_key())
}

/// The stored document as an object.
pub(crate) fn document(row: &ResourceRow) -> Result<Object, Refusal> {
    match serde_json::from_str(&row.doc) {
        Ok(Value::Object(document)) => Ok(document),
        _ => Err(of_store(bailiwick_store::Error::Broken(format!("document of resource {}", row.seq)))),
    }
}
