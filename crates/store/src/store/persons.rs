//! Reads of persons and of the conflict queue.

use super::{Engine, Store};
use crate::error::Error;
use crate::query::PersonQuery;
use crate::rows::{CandidateRow, ConflictRow, PersonRow, UserOfPerson};
use bailiwick_domain::ids::IntegrationId;

impl Store {
    /// A person by id.
    pub async fn person_by_id(&self, id: &str) -> Result<Option<PersonRow>, Error> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.person_by_id(id),
        }
    }

    /// A person by row.
    pub async fn person(&self, seq: i64) -> Result<Option<PersonRow>, Error> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.person(seq),
        }
    }

    /// Persons in order of their rows.
    pub async fn persons(&self, query: PersonQuery) -> Result<Vec<PersonRow>, Error> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.persons(query).await,
        }
    }

    /// The Users of a person.
    pub async fn person_users(&self, seq: i64) -> Result<Vec<UserOfPerson>, Error> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.person_users(seq),
        }
    }

    /// Everybody, closed persons apart, who answers to this name or one of these addresses, both as unique keys.
    pub async fn candidates(&self, user_name_key: &str, email_keys: &[String]) -> Result<Vec<CandidateRow>, Error> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.candidates(user_name_key, email_keys),
        }
    }

    /// The active persons who hold the admin role by hand.
    pub async fn active_admins(&self) -> Result<Vec<PersonRow>, Error> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.active_admins(),
        }
    }

    /// The conflict queue, oldest first; of one state or whole.
    pub async fn conflicts(&self, state: Option<&str>) -> Result<Vec<ConflictRow>, Error> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.conflicts(state.map(str::to_owned)).await,
        }
    }

    /// A pair of the conflict queue.
    pub async fn conflict(&self, id: &str) -> Result<Option<ConflictRow>, Error> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.conflict(id),
        }
    }

    /// What an admin decided about a User of this name, latest first: pairs that were kept apart, and pairs by which a
    /// User not yet stored is linked when it comes.
    pub async fn decided_pairs(
        &self,
        integration: IntegrationId,
        user_name_key: &str,
    ) -> Result<Vec<ConflictRow>, Error> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.decided_pairs(integration, user_name_key),
        }
    }
}
