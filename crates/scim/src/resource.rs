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

/// A foreign name as it may stand in a note or an error: shortened and on one line, so that it can neither flood a log
/// nor forge a line of it.
pub(crate) fn shown(name: &str) -> String {
    const CHARACTERS: usize = 80;
    let visible = |character: char| if character.is_control() { char::REPLACEMENT_CHARACTER } else { character };
    let mut shown: String = name.chars().take(CHARACTERS).map(visible).collect();
    if name.chars().nth(CHARACTERS).is_some() {
        shown.push_str("...");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn foreign_names_stay_short_and_on_one_line() {
        assert_eq!(shown("userName"), "userName");
        assert_eq!(shown("a\nb"), "a\u{fffd}b");
        assert_eq!(shown(&"é".repeat(81)), format!("{}...", "é".repeat(80)));
    }
}
