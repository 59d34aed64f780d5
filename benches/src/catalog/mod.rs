//! A company for the catalog's figures: teams, entities, groups with members, and mapping rules.

pub(crate) mod company;
pub(crate) mod decision;
pub(crate) mod leaver;
pub(crate) mod rules;
