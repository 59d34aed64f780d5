//! Cursors (RFC 9865): opaque, tied to the caller and the query, no state on the server.

use crate::Refusal;
use crate::app::App;
use crate::caller::Caller;
use bailiwick_domain::ids::Kind;
use bailiwick_scim::search::Query;
use bailiwick_scim::{Code, etag};
use bailiwick_store::query::Position;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// How long a cursor lives; announced as cursorTimeout.
const LIFE_MS: i64 = bailiwick_scim::limits::CURSOR_SECONDS as i64 * 1000;

/// The place where the next page begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Cursor {
    /// Which of the kinds asked for.
    pub(super) kind: usize,
    /// After which row; `None` at the first row of that kind.
    pub(super) after: Option<Position>,
    /// The total found by the first page.
    pub(super) total: u64,
    /// When the cursor was made.
    at: i64,
}

/// Makes the cursor of the next page.
pub(super) fn write(
    app: &App,
    caller: &Caller,
    kinds: &[Kind],
    query: &Query,
    kind: usize,
    after: Option<Position>,
    total: u64,
) -> String {
    let cursor = Cursor { kind, after, total, at: app.clock().now().0 };
    // A cursor is numbers, strings and JSON values: it always serialises.
    let body = serde_json::to_vec(&cursor).unwrap_or_default();
    let mut text = URL_SAFE_NO_PAD.encode(&body);
    text.push('.');
    text.push_str(&seal(app, caller, kinds, query, &body));
    text
}

/// Reads a cursor of this caller and this query.
pub(super) fn read(app: &App, caller: &Caller, kinds: &[Kind], query: &Query, text: &str) -> Result<Cursor, Refusal> {
    let invalid = || {
        Refusal::new(Code::CursorInvalid, "This cursor is damaged, or belongs to another query or another integration.")
    };
    let (body, sealed) = text.split_once('.').ok_or_else(invalid)?;
    let body = URL_SAFE_NO_PAD.decode(body).map_err(|_| invalid())?;
    if seal(app, caller, kinds, query, &body) != sealed {
        return Err(invalid());
    }
    let cursor: Cursor = serde_json::from_slice(&body).map_err(|_| invalid())?;
    if app.clock().now().0.saturating_sub(cursor.at) > LIFE_MS {
        return Err(Refusal::new(Code::CursorExpired, "This cursor has expired. Start again without one."));
    }
    Ok(cursor)
}

/// The part of the cursor that proves it is ours: over its content, the caller and everything that must stay the same
/// between pages.
fn seal(app: &App, caller: &Caller, kinds: &[Kind], query: &Query, body: &[u8]) -> String {
    let same = (
        caller.integration.id,
        kinds,
        &query.filter,
        &query.sort_by,
        query.descending,
        &query.attributes,
        &query.excluded,
    );
    let same = serde_json::to_vec(&same).unwrap_or_default();
    let tag = etag::tag(app.etag_key(), &[b"cursor", &same, body]);
    tag.trim_start_matches("W/").trim_matches('"').to_owned()
}
