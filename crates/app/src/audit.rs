//! Proof: verifying the seal and exporting what it covers.

use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use bailiwick_store::rows::{Export, VerifyReport};

/// Checks every sealed event against its block, and the chain of blocks.
///
/// # Errors
/// When the store cannot answer; a broken seal is no error but part of the report.
pub async fn verify(app: &App) -> Result<VerifyReport, Refusal> {
    app.store().verify().await.map_err(of_store)
}

/// Events after a sequence, oldest first, with everything that is needed to check them elsewhere: one page of an export.
///
/// # Errors
/// When the store cannot answer.
pub async fn export(app: &App, after: i64, limit: u32) -> Result<Export, Refusal> {
    app.store().export(after, limit).await.map_err(of_store)
}
