//! Inputs that once broke a target.

use crate::targets;

#[test]
fn empty_and_endless_inputs() {
    for target in [targets::filter, targets::json, targets::patch, targets::path] {
        target(&[]);
        target(&[1; 4096]);
        target(&[0xff; 4096]);
    }
}
