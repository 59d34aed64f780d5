//! From the body of a POST or PUT to the resource that is kept (RFC 7643 sections 2 and 3, RFC 7644 sections 3.3 and
//! 3.5.1).
//!
//! [`accept`] reads a whole body, [`coerce`] one value of it (PATCH uses it too), [`finish`] brings a resource into its
//! final form after any write.

mod accept;
mod coerce;
mod finish;
mod shapes;

pub use accept::accept;
pub use coerce::{coerce, coerce_merge, coerce_one};
pub use finish::{carry_immutable, check_immutable, finish};

/// A foreign name as it may stand in a note or an error: shortened, so that it cannot flood a log.
pub(crate) fn shown(name: &str) -> String {
    const CHARACTERS: usize = 80;
    match name.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{}...", &name[..end]),
        None => name.to_owned(),
    }
}
