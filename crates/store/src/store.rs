//! The store handle.

/// One store = one organisation. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {}
