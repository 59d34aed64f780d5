//! Store errors as refusals. A unique clash and a stale guard are for the use case to understand; what reaches this
//! place is trouble of ours.

use crate::Refusal;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_scim::Code;
use bailiwick_store::Error;

/// Turns a failed read or commit into the answer.
pub(crate) fn of_store(error: Error) -> Refusal {
    match error {
        Error::Budget => {
            Refusal::new(Code::TooMany, "The query takes too long here. Narrow the filter or read by cursor.")
        }
        Error::Full => failure::error(ProductCode::StoreFull, "The disk of the server is full. Nothing was changed."),
        Error::Stale => {
            failure::error(ProductCode::StoreBusy, "Others kept changing the same resource. Nothing was changed.")
        }
        Error::Busy(_) | Error::Unavailable(_) => {
            tracing::warn!(%error, "store not available");
            failure::error(ProductCode::StoreBusy, "The store cannot answer now. Try again in a moment.")
        }
        Error::Unsettled => {
            tracing::warn!(%error, "store not available");
            let detail = "The database went away while the change was being stored: it may have been made. Read the \
                          resource before the change is repeated.";
            failure::error(ProductCode::StoreBusy, detail)
        }
        Error::Broken(_) | Error::Conflict(_) | Error::Version(_) => {
            tracing::error!(%error, "store failed");
            failure::error(ProductCode::Internal, "The server failed. The request id leads to the cause in its log.")
        }
    }
}
