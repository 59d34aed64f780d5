//! The schemas and resource types that are served.

/// The schemas and resource types that are served. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Registry {}
