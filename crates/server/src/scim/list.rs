//! Queries: `GET` of a list and `POST .search`, for one resource type or for all (RFC 7644 sections 3.4.2 and 3.4.3).

use super::exchange::Exchange;
use super::resources::hear;
use super::response::{self, Pieces};
use super::view::{Names, View};
use super::{Ask, body, query};
use crate::intake::Failure;
use axum::response::Response;
use bailiwick_app::directory::{self, Wants};
use bailiwick_domain::ids::Kind;
use bailiwick_scim::list::{ListPage, write_list};
use bailiwick_scim::search::Query;
use bailiwick_scim::{Code, Error};
use http::StatusCode;
use serde_json::Value;

/// `GET` of a list.
pub(super) async fn get(exchange: &mut Exchange, kinds: &[Kind]) -> Result<Response, Failure> {
    let quirks = exchange.call.caller.integration.quirks;
    let pairs = query::pairs(exchange.query.as_deref(), quirks, &mut exchange.call.repairs)?;
    let query = Query::from_pairs(pairs, quirks, &mut exchange.call.repairs)?;
    answer(exchange, kinds, query).await
}

/// `POST .search`: the same in a body, so that no personal data stands in an address.
pub(super) async fn search(exchange: &mut Exchange, kinds: &[Kind], ask: Ask) -> Result<Response, Failure> {
    let length = ask.body.len();
    let message = body::parse(&mut exchange.call, ask.body).await?;
    hear(exchange, kinds.first().copied().filter(|_| kinds.len() == 1), &message, length);
    let Value::Object(message) = message else {
        return Err(Error::new(Code::JsonSyntax, "The body of a search must be a JSON object.").into());
    };
    let quirks = exchange.call.caller.integration.quirks;
    let query = Query::from_message(message, quirks, &mut exchange.call.repairs)?;
    answer(exchange, kinds, query).await
}

async fn answer(exchange: &mut Exchange, kinds: &[Kind], query: Query) -> Result<Response, Failure> {
    let names = Names { attributes: query.attributes.clone(), excluded: query.excluded.clone() };
    let app = exchange.scim.app.clone();
    let shapes = exchange.scim.shapes;
    let views = kinds.iter().map(|&kind| Ok((kind, View::new(&app, shapes, kind, &names)?)));
    let views: Vec<(Kind, View<'_>)> = views.collect::<Result<_, Error>>()?;
    let wants = views.iter().map(|(_, view)| view.wants()).fold(Wants::ROW, |all, one| Wants {
        groups: all.groups || one.groups,
        members: all.members || one.members,
        manager: all.manager || one.manager,
    });
    let listing = directory::list_resources(&app, &mut exchange.call, kinds, &query, wants).await?;
    exchange.mark("read");
    let page = ListPage {
        total: listing.total,
        start_index: listing.start_index,
        items_per_page: listing.resources.len() as u64,
        next_cursor: listing.next_cursor,
        previous_cursor: None,
    };
    let mut out = Pieces::default();
    write_list(&page, std::iter::empty::<&str>(), &mut out.text);
    // The list was written empty; its resources go between the last brackets, straight from the rows.
    let close = out.text.strip_suffix("]}").map(str::len).ok_or_else(Failure::internal)?;
    out.text.truncate(close);
    for (position, resource) in listing.resources.iter().enumerate() {
        if position > 0 {
            out.text.push(',');
        }
        let view = views.iter().find(|(kind, _)| *kind == resource.row.kind).ok_or_else(Failure::internal)?;
        view.1.write(resource, &mut out).await?;
        out.spill();
    }
    out.text.push_str("]}");
    Ok(response::pieces(StatusCode::OK, out))
}
