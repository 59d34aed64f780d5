//! Reads, a file per room.

mod events;
mod integrations;
pub(crate) mod persons;
pub(crate) mod resources;
mod settings;
