//! Reads, a file per room.

pub(crate) mod persons;
