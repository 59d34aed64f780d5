//! What every engine of the store promises. The modules know the public API only, so that each engine runs the same.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod feed;
mod guards;
mod identity;
mod members;
mod opening;
mod pages;
mod power;
mod processes;
mod removal;
mod resources;
mod seal;
mod support;
