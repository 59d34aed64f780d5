//! Proof that the journal is whole.

use super::answer::Answer;
use super::request::Request;
use super::table::{Access::May, Endpoint, get, handler};
use crate::intake::Failure;
use bailiwick_app::audit;
use bailiwick_domain::policy::Action::AuditRead;
use schemars::JsonSchema;
use serde::Serialize;

pub(super) const ROUTES: &[Endpoint] = &[get(May(AuditRead), "/audit/verify", "verifyAudit", handler!(verify))
    .says("Checks every sealed event against its block, and the chain of blocks.")
    .gives::<AuditReport>()
    .slow()];

/// What the seal says.
#[derive(Debug, Serialize, JsonSchema)]
struct AuditReport {
    /// Whether nothing was changed, added or taken away.
    sound: bool,
    /// Blocks checked.
    blocks: u64,
    /// Events covered by them.
    events: u64,
    /// Events not sealed yet; no error.
    unsealed: u64,
    /// Payloads that were erased; no error.
    erased: u64,
    /// The first bad record, in words.
    first_bad: Option<String>,
    /// Hash of the newest block, hexadecimal.
    head: Option<String>,
}

async fn verify(request: Request) -> Result<Answer, Failure> {
    let report = audit::verify(&request.app).await?;
    Answer::json(&AuditReport {
        sound: report.first_bad.is_none(),
        blocks: report.blocks,
        events: report.events,
        unsealed: report.unsealed,
        erased: report.erased,
        first_bad: report.first_bad,
        head: report.head,
    })
}
