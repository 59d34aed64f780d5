//! Reads of grants, and of what they follow from: persons with their Users and groups, what is to be evaluated again,
//! who is held.

use super::Store;
use crate::error::Error;
use crate::rows::{GrantRow, GroupWeb, HeldRow, PersonRow, StateRow, SubjectRow};
use bailiwick_domain::ids::{IntegrationId, Millis};
use bailiwick_domain::mapping::GrantKind;

fn not_yet() -> Error {
    Error::Unavailable("not yet".to_owned())
}

impl Store {
    /// The grants of a person in the order of their rows: the open ones, or all there ever were.
    pub async fn grants_of(&self, person: i64, open_only: bool) -> Result<Vec<GrantRow>, Error> {
        let _ = (person, open_only);
        Err(not_yet())
    }

    /// The open grants of persons, in the order of persons and rows.
    pub async fn grants_of_many(&self, persons: &[i64]) -> Result<Vec<GrantRow>, Error> {
        let _ = persons;
        Err(not_yet())
    }

    /// What a person held at a moment.
    pub async fn grants_at(&self, person: i64, at: Millis) -> Result<Vec<GrantRow>, Error> {
        let _ = (person, at);
        Err(not_yet())
    }

    /// What everybody held at a moment, with the ids of the persons, in the order of the grants' rows behind `after`.
    pub async fn grants_all_at(&self, at: Millis, after: i64, limit: u32) -> Result<Vec<(String, GrantRow)>, Error> {
        let _ = (at, after, limit);
        Err(not_yet())
    }

    /// Who holds an object now, with every grant of it: so many persons in the order of their rows behind
    /// `after_person`.
    pub async fn holders(
        &self,
        kind: GrantKind,
        object: &str,
        after_person: i64,
        limit: u32,
    ) -> Result<Vec<(PersonRow, GrantRow)>, Error> {
        let _ = (kind, object, after_person, limit);
        Err(not_yet())
    }

    /// How many active persons belong to each team, by the id of the team; teams without any are left out. Of these
    /// teams, or of all.
    pub async fn team_sizes(&self, teams: Option<&[String]>) -> Result<Vec<(String, u64)>, Error> {
        let _ = teams;
        Err(not_yet())
    }

    /// Every change of a person's state, in order.
    pub async fn person_states(&self, person: i64) -> Result<Vec<StateRow>, Error> {
        let _ = person;
        Err(not_yet())
    }

    /// Everything that the grants of persons depend on, in the order of their rows. Persons that are not there are left
    /// out. Meant for up to 1,000.
    pub async fn subjects(&self, persons: &[i64]) -> Result<Vec<SubjectRow>, Error> {
        let _ = persons;
        Err(not_yet())
    }

    /// These groups and all that are above them, with the edges between them.
    pub async fn groups_above(&self, groups: &[i64]) -> Result<GroupWeb, Error> {
        let _ = groups;
        Err(not_yet())
    }

    /// Persons to be evaluated again, in the order of their rows behind `after`.
    pub async fn dirty(&self, after: i64, limit: u32) -> Result<Vec<i64>, Error> {
        let _ = (after, limit);
        Err(not_yet())
    }

    /// How many persons are to be evaluated again.
    pub async fn dirty_count(&self) -> Result<u64, Error> {
        Err(not_yet())
    }

    /// Whom a hold holds.
    pub async fn held(&self, hold: &str) -> Result<Vec<HeldRow>, Error> {
        let _ = hold;
        Err(not_yet())
    }

    /// How these persons are held; those that are not are left out.
    pub async fn held_by(&self, persons: &[i64]) -> Result<Vec<HeldRow>, Error> {
        let _ = persons;
        Err(not_yet())
    }

    /// The persons who lost something through an integration at or after a moment within the last day, each once.
    pub async fn removals(&self, integration: IntegrationId, since: Millis) -> Result<Vec<i64>, Error> {
        let _ = (integration, since);
        Err(not_yet())
    }

    /// How many active Users of an integration were created before a moment.
    pub async fn users_older_than(&self, integration: IntegrationId, before: Millis) -> Result<u64, Error> {
        let _ = (integration, before);
        Err(not_yet())
    }
}
