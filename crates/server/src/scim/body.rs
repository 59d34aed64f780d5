//! Bodies as SCIM reads them.

use crate::intake::internal;
use crate::limits;
use bailiwick_app::Call;
use bailiwick_scim::{Error, json};
use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Reads the JSON. What cannot be read is noted in the journal by length and digest only.
pub(super) async fn parse(call: &mut Call, bytes: Bytes) -> Result<Value, Error> {
    let parsed = if bytes.len() < limits::PARSE_INLINE_BYTES {
        json::parse(&bytes)
    } else {
        let copy = bytes.clone();
        let work = tokio::task::spawn_blocking(move || json::parse(&copy));
        work.await.unwrap_or_else(|_| Err(internal()))
    };
    if parsed.is_err() {
        call.heard_bytes(bytes.len(), &Sha256::digest(&bytes).into());
    }
    parsed
}
