//! What is true of a folder: its files, their rights, the lock, a loss of power.

mod files;
mod power;

use crate::support::{Bench, Place, START, open};
use bailiwick_store::{Error, Location, Role, Store};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

/// A store in a folder, which goes with it.
async fn folder(role: Role) -> (PathBuf, Bench) {
    let bench = Bench::at(Place::folder(), role).await;
    let Location::Folder(dir) = bench.place.location() else { panic!("a folder is no database") };
    (dir, bench)
}

/// Opens the store in a folder.
async fn at(dir: &Path, role: Role) -> Result<Store, Error> {
    open(Location::Folder(dir.to_owned()), role, &Arc::new(AtomicI64::new(START))).await
}

async fn refusal(dir: &Path, role: Role) -> Error {
    at(dir, role).await.map(drop).unwrap_err()
}
