//! Fuzz targets for everything that reads foreign text: filters, PATCH paths, PATCH requests, JSON bodies, YAML
//! files.
//!
//! Each target is a function from bytes to nothing that panics when a promise of the parser is broken, and a test that
//! feeds it. `cargo test -p bailiwick-fuzz` runs each for a second; `cargo xtask fuzz --minutes 20` for longer. A
//! failure prints the input and the seed; put the input into `regressions.rs`, where it stays.

pub mod soup;
pub mod targets;

#[cfg(test)]
mod regressions;

#[cfg(test)]
mod fuzz {
    use crate::targets;

    /// Runs a target on random bytes for as long as the environment says.
    macro_rules! target {
        ($name:ident) => {
            #[test]
            fn $name() {
                bolero::check!().for_each(|bytes: &[u8]| targets::$name(bytes));
            }
        };
    }

    target!(filter);
    target!(json);
    target!(patch);
    target!(path);
    target!(yaml);
}
