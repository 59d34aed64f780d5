//! Reads of what else is kept: documents of the admins, credentials, positions of consumers, answers, lists of persons.

use super::Store;
use crate::change::CredentialKind;
use crate::error::Error;
use crate::query::{EntryQuery, PersonListQuery};
use crate::rows::{AnswerRow, CredentialRow, EntryRow, PersonPage, PersonRow};

fn not_yet() -> Error {
    Error::Unavailable("not yet".to_owned())
}

impl Store {
    /// A document of the admins.
    pub async fn entry(&self, collection: &str, id: &str) -> Result<Option<EntryRow>, Error> {
        let _ = (collection, id);
        Err(not_yet())
    }

    /// Documents of the admins in the order of their ids.
    pub async fn entries(&self, query: EntryQuery) -> Result<Vec<EntryRow>, Error> {
        let _ = query;
        Err(not_yet())
    }

    /// The credential of that digest and its person, whatever state they are in.
    pub async fn credential_by_digest(
        &self,
        digest: &[u8; 32],
    ) -> Result<Option<(CredentialRow, Option<PersonRow>)>, Error> {
        let _ = digest;
        Err(not_yet())
    }

    /// The credentials of a person, oldest first.
    pub async fn credentials(&self, person: i64) -> Result<Vec<CredentialRow>, Error> {
        let _ = person;
        Err(not_yet())
    }

    /// The credentials of a kind, oldest first.
    pub async fn credentials_of_kind(&self, kind: CredentialKind) -> Result<Vec<CredentialRow>, Error> {
        let _ = kind;
        Err(not_yet())
    }

    /// The hash of the password of a person with a local account.
    pub async fn local_account(&self, person: i64) -> Result<Option<String>, Error> {
        let _ = person;
        Err(not_yet())
    }

    /// Whose recovery code has this digest, and whether it was used.
    pub async fn recovery_code(&self, digest: &[u8; 32]) -> Result<Option<(i64, bool)>, Error> {
        let _ = digest;
        Err(not_yet())
    }

    /// How far a consumer has read the feed.
    pub async fn position(&self, consumer: &str) -> Result<Option<i64>, Error> {
        let _ = consumer;
        Err(not_yet())
    }

    /// The answer given to a request of a caller with an idempotency key.
    pub async fn answer(&self, caller: &str, key: &str) -> Result<Option<AnswerRow>, Error> {
        let _ = (caller, key);
        Err(not_yet())
    }

    /// A page of persons in the order of their rows.
    pub async fn person_page(&self, query: PersonListQuery) -> Result<PersonPage, Error> {
        let _ = query;
        Err(not_yet())
    }
}
