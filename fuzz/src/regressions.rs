//! Inputs that once broke a target, or the target's own idea of what can arrive.

use crate::targets;

#[test]
fn empty_and_endless_inputs() {
    for target in [targets::filter, targets::json, targets::patch, targets::path] {
        target(&[]);
        target(&[1; 4096]);
        target(&[0xff; 4096]);
    }
}

/// A manager with `value` and `VALUE`: refused by the JSON reader, so nothing behind it has to tell them apart.
#[test]
fn one_key_in_two_spellings() {
    targets::json(&[1, 1, 1, 1, 17, 9, 2, 21, 0, 0, 4]);
}
