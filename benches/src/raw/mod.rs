//! The bare yardsticks: what the engines alone do with the same rows, measured in the same run.

pub(crate) mod commits;
pub(crate) mod postgres;
pub(crate) mod sqlite;
