//! Teams and entities: what the catalog keeps, who answers for it, who belongs to it.
//!
//! Every use case takes who asks and asks the policy. A document is read whole ([`domain::catalog`]), turned into
//! columns ([`draft`]) and committed with the guards that the decision rested on. A name once given leads to its item
//! for ever: renaming keeps the old one as an alias. Moves in a hierarchy are decided under one guard each (`teams`,
//! `domains`), so that two moves at once never make a circle.
//!
//! [`domain::catalog`]: bailiwick_domain::catalog

mod adopt;
mod change;
mod create;
mod delete;
mod draft;
mod feeds;
mod find;
mod given;
mod health;
mod history;
mod list;
mod members;
mod owners;
mod place;
mod read;
mod standards;
mod successor;
pub(crate) mod then;
pub(crate) mod whose;

pub use adopt::{Adopted, adopt_groups};
pub use change::{change_item, replace_item};
pub use create::create_item;
pub use delete::delete_item;
pub use draft::{Author, Standards};
pub use feeds::{Feed, feed_team, list_feeds, unfeed_team};
pub use find::{find_group, find_item, find_person};
pub use given::GivenOwner;
pub use health::{Health, HealthCounts, HealthPage, HealthQuery, ownership_health};
pub use history::{count_history, history};
pub use list::{Listing, Wanted, list_items};
pub(crate) use members::{CONTRIBUTOR, membership_role};
pub use members::{Member, MemberPage, MemberPlace, Removed, put_member, remove_member, team_members};
pub use owners::{EffectiveOwner, OwnerOf};
pub use read::{Item, dependencies, dependents, read_item};
pub use standards::{
    delete_level, delete_property, levels, properties, property, put_level, put_property, read_level, standards,
};
pub(crate) use successor::{Successor, give, join};

use crate::Refusal;
use crate::access::{self, Action, Principal};
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::catalog::{Fault, Kind};
use bailiwick_domain::event::EventKind;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_scim::{Code, Object};
use bailiwick_store::change::NewEvent;
use bailiwick_store::rows::ItemRow;
use bailiwick_store::{ChangeSet, Committed, Constraint, Error, Guard};
use serde_json::Value;

/// How often a use case reads and decides again.
const ATTEMPTS: usize = 32;

/// Faults told in one sentence; all of them are told apart.
const FAULTS_SAID: usize = 5;

/// Why an item was refused: the refusal, and where a document is at fault each place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The refusal.
    pub refusal: Refusal,
    /// What is wrong with the document, with places.
    pub faults: Vec<Fault>,
}

impl From<Refusal> for Invalid {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, faults: Vec::new() }
    }
}

impl From<Invalid> for Refusal {
    fn from(invalid: Invalid) -> Self {
        invalid.refusal
    }
}

impl From<Vec<Fault>> for Invalid {
    fn from(faults: Vec<Fault>) -> Self {
        let mut said: Vec<String> = faults.iter().take(FAULTS_SAID).map(ToString::to_string).collect();
        if faults.len() > FAULTS_SAID {
            said.push(format!("and {} more", faults.len() - FAULTS_SAID));
        }
        let detail = format!("The document cannot be taken: {}.", said.join("; "));
        Self { refusal: failure::error(ProductCode::DocumentInvalid, detail), faults }
    }
}

/// One fault.
fn at(pointer: &str, message: impl Into<String>) -> Invalid {
    vec![Fault::new(pointer, message)].into()
}

/// An event that a principal caused, about an item.
fn event(app: &App, principal: &Principal, kind: EventKind, item: &str, payload: Value) -> NewEvent {
    NewEvent {
        kind,
        integration: None,
        request: app.request_id(),
        resource: Some(item.to_owned()),
        person: None,
        actor: principal.actor().to_owned(),
        call: None,
        payload,
        salt: app.random(),
    }
}

/// What is told of an item by verb: teams have words of their own.
fn told(kind: &Kind, team: EventKind, entity: EventKind) -> EventKind {
    if kind.is_team() { team } else { entity }
}

/// `None` when a precondition was stale: read and decide again.
async fn commit(app: &App, set: ChangeSet) -> Result<Option<Committed>, Refusal> {
    match app.store().commit(set).await {
        Ok(committed) => Ok(Some(committed)),
        Err(Error::Stale) => Ok(None),
        Err(Error::Conflict(Constraint::ItemName)) => Err(Refusal::new(
            Code::Uniqueness,
            "Another item of this kind has this name or alias. Find it by that name; rename one, or leave the alias out.",
        )),
        Err(error) => Err(of_store(error)),
    }
}

fn gave_up() -> Refusal {
    of_store(Error::Stale)
}

/// The guard of a key as it stands.
async fn guard(app: &App, key: &str, bump: bool) -> Result<Guard, Refusal> {
    let version = app.store().guard(key).await.map_err(of_store)?;
    Ok(Guard::Key { key: key.to_owned(), version, bump })
}

fn missing(detail: impl Into<String>) -> Refusal {
    Refusal::new(Code::NotFound, detail)
}

/// What reading and editing of an item is called.
fn read_action(kind: &Kind) -> Action {
    if kind.is_team() { Action::TeamRead } else { Action::CatalogRead }
}

fn edit_action(kind: &Kind) -> Action {
    if kind.is_team() { Action::TeamEdit } else { Action::CatalogEdit }
}

/// Asks whether the principal may edit an item that is there.
async fn require_edit(app: &App, principal: &Principal, row: &ItemRow) -> Result<(), Refusal> {
    let whose = whose::of_row(app, row).await?;
    access::require(app, principal, edit_action(&kind_of(row)), &whose.object()).await
}

/// The kind of a row; a kind that this version does not know is kept as it is.
fn kind_of(row: &ItemRow) -> Kind {
    Kind::parse(&row.kind).unwrap_or_else(|_| Kind::Other(row.kind.as_str().into()))
}

/// The document of a row.
fn document(row: &ItemRow) -> Result<Object, Refusal> {
    serde_json::from_str(&row.doc)
        .map_err(|_| of_store(Error::Broken(format!("the document of {} is no object", row.id))))
}
