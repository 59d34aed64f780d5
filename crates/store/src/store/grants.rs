//! Reads of grants, and of what they follow from: persons with their Users and groups, what is to be evaluated again,
//! who is held.

use super::{SCAN_BUDGET, Store};
use crate::error::Error;
use crate::rows::{GrantRow, GroupWeb, HeldRow, PersonRow, StateRow, SubjectRow};
use crate::sql::Query;
use crate::sql::read::grants;
use bailiwick_domain::ids::{IntegrationId, Millis};
use bailiwick_domain::mapping::GrantKind;
use futures_util::future::{try_join, try_join3};
use std::collections::HashMap;

/// More persons than this are read as a scan.
const FEW: usize = 16;

impl Store {
    /// The grants of a person in the order of their rows: the open ones, or all there ever were.
    pub async fn grants_of(&self, person: i64, open_only: bool) -> Result<Vec<GrantRow>, Error> {
        self.engine.all(grants::of_person(person, open_only)).await
    }

    /// The open grants of persons, in the order of persons and rows.
    pub async fn grants_of_many(&self, persons: &[i64]) -> Result<Vec<GrantRow>, Error> {
        self.listed(persons, grants::of_persons).await
    }

    /// What a person held at a moment.
    pub async fn grants_at(&self, person: i64, at: Millis) -> Result<Vec<GrantRow>, Error> {
        self.engine.all(grants::at(person, at)).await
    }

    /// What persons held at a moment, in the order of persons and rows.
    pub async fn grants_of_many_at(&self, persons: &[i64], at: Millis) -> Result<Vec<GrantRow>, Error> {
        self.listed(persons, |persons| grants::of_persons_at(persons, at)).await
    }

    /// Whether anybody held something of a kind at a moment.
    pub async fn anybody_held(&self, kind: GrantKind, at: Millis) -> Result<bool, Error> {
        Ok(!self.engine.scan(SCAN_BUDGET, grants::any_at(kind, at)).await?.is_empty())
    }

    /// What everybody held at a moment, with the ids of the persons, in the order of the grants' rows behind `after`.
    pub async fn grants_all_at(&self, at: Millis, after: i64, limit: u32) -> Result<Vec<(String, GrantRow)>, Error> {
        self.engine.scan(SCAN_BUDGET, grants::all_at(at, after, limit)).await
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
        self.engine.scan(SCAN_BUDGET, grants::holders(kind, object, after_person, limit).into_owned()).await
    }

    /// How many hold an object now.
    pub async fn holder_count(&self, kind: GrantKind, object: &str) -> Result<u64, Error> {
        let counted = self.engine.scan(SCAN_BUDGET, grants::holder_count(kind, object).into_owned()).await?;
        Ok(counted.into_iter().next().unwrap_or(0))
    }

    /// How many active persons hold an object now.
    pub async fn active_holders(&self, kind: GrantKind, object: &str) -> Result<u64, Error> {
        let counted = self.engine.scan(SCAN_BUDGET, grants::active_holders(kind, object).into_owned()).await?;
        Ok(counted.into_iter().next().unwrap_or(0))
    }

    /// How many active persons belong to each team, by the id of the team; teams without any are left out. Of these
    /// teams, or of all.
    pub async fn team_sizes(&self, teams: Option<&[String]>) -> Result<Vec<(String, u64)>, Error> {
        self.engine.scan(SCAN_BUDGET, grants::team_sizes(teams).into_owned()).await
    }

    /// Every change of a person's state, in order.
    pub async fn person_states(&self, person: i64) -> Result<Vec<StateRow>, Error> {
        self.engine.all(grants::states(person)).await
    }

    /// Every change of the states of persons, in the order of persons and changes.
    pub async fn person_states_of(&self, persons: &[i64]) -> Result<Vec<StateRow>, Error> {
        self.listed(persons, grants::states_of).await
    }

    /// These persons, in the order of their rows. Who is not there is left out.
    pub async fn persons_by_rows(&self, persons: &[i64]) -> Result<Vec<PersonRow>, Error> {
        self.listed(persons, grants::subjects).await
    }

    /// Everything that the grants of persons depend on, in the order of their rows. Persons that are not there are left
    /// out. Meant for up to 1,000.
    pub async fn subjects(&self, persons: &[i64]) -> Result<Vec<SubjectRow>, Error> {
        let found = self.listed(persons, grants::subjects).await?;
        let rows = try_join3(
            self.listed(persons, grants::users),
            self.listed(persons, grants::memberships),
            self.listed(persons, grants::of_persons),
        );
        let state = try_join(self.listed(persons, grants::held_by), self.listed(persons, grants::dirty_among));
        let ((users, memberships, grants), (held, dirty)) = try_join(rows, state).await?;
        let mut subjects: Vec<SubjectRow> = found.into_iter().map(subject).collect();
        let places: HashMap<i64, usize> =
            subjects.iter().enumerate().map(|(place, subject)| (subject.person.seq, place)).collect();
        let place = |person: i64| places.get(&person).copied();
        for (person, user) in users {
            place(person).into_iter().for_each(|place| subjects[place].users.push(user.clone()));
        }
        for (person, user, group) in memberships {
            place(person).into_iter().for_each(|place| subjects[place].memberships.push((user, group)));
        }
        for grant in grants {
            place(grant.person).into_iter().for_each(|place| subjects[place].grants.push(grant.clone()));
        }
        for held in held {
            place(held.person).into_iter().for_each(|place| subjects[place].held = Some(held.clone()));
        }
        for (person, mark, cause) in dirty {
            if let Some(place) = place(person) {
                subjects[place].dirty = Some(mark);
                subjects[place].cause = cause.map(IntegrationId);
            }
        }
        Ok(subjects)
    }

    /// These groups and all that are above them, with the edges between them.
    pub async fn groups_above(&self, groups: &[i64]) -> Result<GroupWeb, Error> {
        let (groups, edges) =
            try_join(self.listed(groups, grants::groups_above), self.listed(groups, grants::edges_above)).await?;
        Ok(GroupWeb { groups, edges })
    }

    /// Persons to be evaluated again, in the order of their rows behind `after`.
    pub async fn dirty(&self, after: i64, limit: u32) -> Result<Vec<i64>, Error> {
        self.engine.all(grants::dirty(after, limit)).await
    }

    /// Of these, those who were marked after this mark because of what an integration said.
    pub async fn dirty_caused(&self, mark: i64, after: i64, limit: u32) -> Result<Vec<i64>, Error> {
        self.engine.all(grants::dirty_caused(mark, after, limit)).await
    }

    /// How many persons are to be evaluated again.
    pub async fn dirty_count(&self) -> Result<u64, Error> {
        Ok(self.engine.scan(SCAN_BUDGET, grants::dirty_count()).await?.into_iter().next().unwrap_or(0))
    }

    /// Whom a hold holds.
    pub async fn held(&self, hold: &str) -> Result<Vec<HeldRow>, Error> {
        self.engine.scan(SCAN_BUDGET, grants::held(hold).into_owned()).await
    }

    /// How these persons are held; those that are not are left out.
    pub async fn held_by(&self, persons: &[i64]) -> Result<Vec<HeldRow>, Error> {
        self.listed(persons, grants::held_by).await
    }

    /// The persons who lost something through an integration at or after a moment within the last day, each once.
    pub async fn removals(&self, integration: IntegrationId, since: Millis) -> Result<Vec<i64>, Error> {
        self.engine.scan(SCAN_BUDGET, grants::removals(integration, since)).await
    }

    /// Who left a team at or after a moment and is not in it now, at most so many, whatever took the membership.
    pub async fn left_team(&self, team: &str, since: Millis, limit: u32) -> Result<Vec<i64>, Error> {
        self.engine.scan(SCAN_BUDGET, grants::left_team(team, since, limit).into_owned()).await
    }

    /// How many active Users of an integration were created before a moment.
    pub async fn users_older_than(&self, integration: IntegrationId, before: Millis) -> Result<u64, Error> {
        let counted = self.engine.scan(SCAN_BUDGET, grants::users_older_than(integration, before)).await?;
        Ok(counted.into_iter().next().unwrap_or(0))
    }

    /// What concerns a few rows is asked at once, what concerns many waits for its turn.
    async fn listed<'a, T: Send + 'static>(
        &self,
        rows: &'a [i64],
        query: impl Fn(&'a [i64]) -> Query<'a, T>,
    ) -> Result<Vec<T>, Error> {
        match rows.len() {
            0 => Ok(Vec::new()),
            1..=FEW => self.engine.all(query(rows)).await,
            _ => self.engine.scan(SCAN_BUDGET, query(rows).into_owned()).await,
        }
    }
}

fn subject(person: PersonRow) -> SubjectRow {
    SubjectRow {
        person,
        users: Vec::new(),
        memberships: Vec::new(),
        grants: Vec::new(),
        held: None,
        dirty: None,
        cause: None,
    }
}
