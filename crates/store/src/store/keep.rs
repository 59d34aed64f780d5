//! Reads of what else is kept: documents of the admins, credentials, positions of consumers, answers, lists of persons.

use super::{SCAN_BUDGET, Store};
use crate::change::CredentialKind;
use crate::error::Error;
use crate::query::{EntryQuery, PersonListQuery};
use crate::rows::{AnswerRow, CredentialRow, EntryRow, PersonPage, PersonRow};
use crate::sql::read::{keep, persons};
use crate::ticks;
use bailiwick_scim::Object;
use bailiwick_scim::filter::matches;
use bailiwick_scim::text::match_key;
use serde_json::{Value, json};

/// More documents than this are read as a scan.
const FEW: u32 = 100;
/// Persons that a listing looks at in one step: what runs between two steps is short.
const LOOKED_AT: u32 = 1_000;

impl Store {
    /// A document of the admins.
    pub async fn entry(&self, collection: &str, id: &str) -> Result<Option<EntryRow>, Error> {
        self.engine.one(keep::entry(collection, id)).await
    }

    /// Documents of the admins in the order of their ids.
    pub async fn entries(&self, query: EntryQuery) -> Result<Vec<EntryRow>, Error> {
        let entries = keep::entries(&query, self.engine.dialect());
        match query.limit <= FEW {
            true => self.engine.all(entries).await,
            false => self.engine.scan(SCAN_BUDGET, entries).await,
        }
    }

    /// The credential of that digest and its person, whatever state they are in.
    pub async fn credential_by_digest(
        &self,
        digest: &[u8; 32],
    ) -> Result<Option<(CredentialRow, Option<PersonRow>)>, Error> {
        self.engine.one(keep::by_digest(digest)).await
    }

    /// The credentials of a person, oldest first.
    pub async fn credentials(&self, person: i64) -> Result<Vec<CredentialRow>, Error> {
        self.engine.all(keep::credentials(person)).await
    }

    /// The credentials of a kind, oldest first.
    pub async fn credentials_of_kind(&self, kind: CredentialKind) -> Result<Vec<CredentialRow>, Error> {
        self.engine.scan(SCAN_BUDGET, keep::credentials_of_kind(kind)).await
    }

    /// The hash of the password of a person with a local account.
    pub async fn local_account(&self, person: i64) -> Result<Option<String>, Error> {
        self.engine.one(keep::local_account(person)).await
    }

    /// Whose recovery code has this digest, and whether it was used.
    pub async fn recovery_code(&self, digest: &[u8; 32]) -> Result<Option<(i64, bool)>, Error> {
        self.engine.one(keep::recovery_code(digest)).await
    }

    /// How far a consumer has read the feed.
    pub async fn position(&self, consumer: &str) -> Result<Option<i64>, Error> {
        self.engine.one(keep::position(consumer)).await
    }

    /// The answer given to a request of a caller with an idempotency key.
    pub async fn answer(&self, caller: &str, key: &str) -> Result<Option<AnswerRow>, Error> {
        self.engine.one(keep::answer(caller, key)).await
    }

    /// A page of persons in the order of their rows.
    pub async fn person_page(&self, query: PersonListQuery) -> Result<PersonPage, Error> {
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let wanted = query.search.as_deref().map(match_key);
        let holds = |person: &PersonRow| {
            wanted.as_deref().is_none_or(|wanted| persons::shows(person, wanted))
                && query.filter.as_ref().is_none_or(|filter| matches(filter, &searched(person)))
        };
        let deadline = ticks::now() + SCAN_BUDGET;
        let (mut page, mut total) = (PersonPage::default(), 0);
        // A total has to look at everybody; the page begins behind `after`.
        let first = query.after.unwrap_or(i64::MIN);
        let mut after = if query.total { i64::MIN } else { first };
        let mut more = false;
        while !more {
            let left = deadline.saturating_duration_since(ticks::now());
            if left.is_zero() {
                return Err(Error::Budget);
            }
            let looked_at = self.engine.scan(left, persons::standing(after, query.state, LOOKED_AT)).await?;
            let Some(last) = looked_at.last() else { break };
            after = last.seq;
            for person in looked_at.into_iter().filter(&holds) {
                total += 1;
                if person.seq > first && page.rows.len() < limit {
                    page.rows.push(person);
                } else if person.seq > first {
                    page.next = page.rows.last().map(|last| last.seq);
                    more = !query.total;
                }
            }
        }
        page.total = query.total.then_some(total);
        Ok(page)
    }
}

/// A person as a filter of a listing looks at it.
fn searched(person: &PersonRow) -> Object {
    let mut out = Object::new();
    let doc: Object = serde_json::from_str(&person.doc).unwrap_or_default();
    let mut properties = Object::new();
    for (name, attribute) in doc.get("attributes").and_then(Value::as_object).into_iter().flatten() {
        let Some(value) = attribute.get("value") else { continue };
        match name.strip_prefix("property:") {
            Some(name) => drop(properties.insert(name.to_owned(), value.clone())),
            None => drop(out.insert(name.clone(), value.clone())),
        }
    }
    for (name, value) in [
        ("id", json!(person.id)),
        ("displayName", json!(person.display)),
        ("userName", json!(person.user_name)),
        ("email", json!(person.email)),
        ("state", json!(person.state.as_str())),
        ("local", json!(person.local)),
        ("admin", json!(person.admin)),
        ("properties", Value::Object(properties)),
    ] {
        if !value.is_null() {
            out.insert(name.to_owned(), value);
        }
    }
    out
}
