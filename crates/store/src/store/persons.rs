//! Reads of persons and of the conflict queue.

use super::{SCAN_BUDGET, Store};
use crate::error::Error;
use crate::query::PersonQuery;
use crate::rows::{CandidateRow, ConflictRow, PersonRow, UserOfPerson};
use crate::sql::read::persons;
use crate::ticks;
use bailiwick_domain::ids::IntegrationId;
use bailiwick_scim::text::match_key;

/// Persons that a search looks at in one step: what runs between two steps is short.
const SEARCHED_AT_ONCE: u32 = 1_000;

impl Store {
    /// A person by id.
    pub async fn person_by_id(&self, id: &str) -> Result<Option<PersonRow>, Error> {
        self.engine.one(persons::by_id(id)).await
    }

    /// A person by row.
    pub async fn person(&self, seq: i64) -> Result<Option<PersonRow>, Error> {
        self.engine.one(persons::by_seq(seq)).await
    }

    /// Persons in order of their rows.
    pub async fn persons(&self, query: PersonQuery) -> Result<Vec<PersonRow>, Error> {
        let mut after = query.after.unwrap_or(i64::MIN);
        let Some(wanted) = query.search.as_deref().map(match_key) else {
            return self.engine.scan(SCAN_BUDGET, persons::behind(after, query.limit)).await;
        };
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let deadline = ticks::now() + SCAN_BUDGET;
        let mut found = Vec::new();
        while found.len() < limit {
            let left = deadline.saturating_duration_since(ticks::now());
            if left.is_zero() {
                return Err(Error::Budget);
            }
            let looked_at = self.engine.scan(left, persons::behind(after, SEARCHED_AT_ONCE)).await?;
            let Some(last) = looked_at.last() else { break };
            after = last.seq;
            found.extend(looked_at.into_iter().filter(|person| persons::shows(person, &wanted)));
        }
        found.truncate(limit);
        Ok(found)
    }

    /// The Users of a person.
    pub async fn person_users(&self, seq: i64) -> Result<Vec<UserOfPerson>, Error> {
        self.engine.all(persons::users_of(seq)).await
    }

    /// Everybody, closed persons apart, who answers to this name or one of these addresses, both as unique keys.
    pub async fn candidates(&self, user_name_key: &str, email_keys: &[String]) -> Result<Vec<CandidateRow>, Error> {
        self.engine.all(persons::candidates(user_name_key, email_keys)).await
    }

    /// The persons behind these Users: (User, person). What is no User, or has no person, is left out.
    pub async fn persons_of_users(&self, users: &[i64]) -> Result<Vec<(i64, i64)>, Error> {
        self.engine.all(persons::persons_of_users(users)).await
    }

    /// The active persons who hold the admin role by hand.
    pub async fn active_admins(&self) -> Result<Vec<PersonRow>, Error> {
        self.engine.all(persons::active_admins()).await
    }

    /// The conflict queue, oldest first; of one state or whole.
    pub async fn conflicts(&self, state: Option<&str>) -> Result<Vec<ConflictRow>, Error> {
        self.engine.scan(SCAN_BUDGET, persons::conflicts(state).into_owned()).await
    }

    /// A pair of the conflict queue.
    pub async fn conflict(&self, id: &str) -> Result<Option<ConflictRow>, Error> {
        self.engine.one(persons::conflict(id)).await
    }

    /// What an admin decided about a User of this name, latest first: pairs that were kept apart, and pairs by which a
    /// User not yet stored is linked when it comes.
    pub async fn decided_pairs(
        &self,
        integration: IntegrationId,
        user_name_key: &str,
    ) -> Result<Vec<ConflictRow>, Error> {
        self.engine.all(persons::decided_pairs(integration, user_name_key)).await
    }
}
