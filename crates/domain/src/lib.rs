//! What a company means by its directory: persons, identity rules, failures in words, the audit seal.
//!
//! Pure: data in, data out. This crate must never know wire JSON, SQL, async code or HTTP status codes other than as
//! data. Where to start reading: [`person`] and [`identity`] decide who somebody is, [`failure`] says in words what went
//! wrong, [`event`] names what the change feed tells, [`seal`] makes it provable.
#![deny(missing_docs)]

pub mod attributes;
pub mod catalog;
pub mod descriptor;
pub mod event;
pub mod failure;
pub mod guard;
pub mod handover;
pub mod identity;
pub mod ids;
pub mod mapping;
pub mod names;
pub mod network;
pub mod people;
pub mod person;
pub mod policy;
pub mod preset;
pub mod seal;
pub mod token;
pub mod yaml;
