//! Effective access of somebody, explained without trying it.

use super::principal;
use super::require;
use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use crate::manage::{invalid, missing};
use bailiwick_domain::catalog::schema;
use bailiwick_domain::policy::{Action, Decision, HeldRole, Object, Principal, decide};
use bailiwick_store::rows::ItemRow;
use serde_json::{Map, Value};

/// Most items above one another.
const PARENTS_MAX: usize = 32;

/// What a decision is asked about.
#[derive(Clone, Debug)]
pub enum About {
    /// Nothing in particular.
    Nothing,
    /// Anything at all.
    Anything,
    /// A team or entity, by id.
    Item(String),
    /// A person, by id.
    Person(String),
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Explained {
    /// Whether it is permitted, and why.
    pub decision: Decision,
    /// All roles the person holds, the strongest first.
    pub roles: Vec<HeldRole>,
}

/// Decides for a person, whatever credential they use, and says why. Everybody may ask about themselves.
///
/// # Errors
/// No permission, an unknown person, action or object, or when the store cannot answer.
pub async fn explain_decision(
    app: &App,
    principal: &Principal,
    person: &str,
    action: &str,
    about: &About,
) -> Result<Explained, Refusal> {
    let row = super::give::person_row(app, person).await?;
    require(app, principal, Action::AccessRead, &Object::Person { seq: row.seq }).await?;
    let action = Action::from_text(action).ok_or_else(|| {
        let known: Vec<&str> = Action::ALL.iter().map(|action| action.as_str()).collect();
        invalid(format!("There is no such action. There is: {}.", known.join(", ")))
    })?;
    let whose = principal::of_person(app, &row.id, &row).await?;
    let decision = match about {
        About::Nothing => decide(&whose, action, &Object::None),
        About::Anything => decide(&whose, action, &Object::Any),
        About::Person(id) => {
            let other = super::give::person_row(app, id).await?;
            decide(&whose, action, &Object::Person { seq: other.seq })
        }
        About::Item(id) => on_item(app, &whose, action, id).await?,
    };
    Ok(Explained { decision, roles: whose.roles })
}

async fn on_item(app: &App, whose: &Principal, action: Action, id: &str) -> Result<Decision, Refusal> {
    let item = app.store().item(id).await.map_err(of_store)?;
    let shown: String = id.chars().filter(|c| !c.is_control()).take(80).collect();
    let item = item.ok_or_else(|| missing(format!("There is no team or entity with the id \"{shown}\".")))?;
    let owners = owners(app, &item).await?;
    let document: Map<String, Value> = serde_json::from_str(&item.doc).unwrap_or_default();
    let document = schema::searched(&document, &item.id, None);
    let on = Object::Item {
        seq: item.seq,
        kind: &item.kind,
        owner: owners.0,
        owner_person: owners.1,
        document: Some(&document),
    };
    Ok(decide(whose, action, &on))
}

/// The rows of the team and the person that own an item: its own owner, else its system's, else its domain's. For a
/// team its parent.
///
/// # Errors
/// When the store cannot answer.
pub async fn owners(app: &App, item: &ItemRow) -> Result<(Option<i64>, Option<i64>), Refusal> {
    if item.kind == "team" {
        return Ok((item.parent.as_ref().map(|parent| parent.seq), None));
    }
    let mut found = (item.owner.as_ref().map(|owner| owner.seq), item.owner_person);
    let mut parent = item.parent.as_ref().map(|parent| parent.seq);
    // A system or a domain above: two steps, more where domains are nested, never round in a ring.
    for _ in 0..PARENTS_MAX {
        let (None, None, Some(above)) = (found.0, found.1, parent) else { break };
        let Some(row) = app.store().item_by_seq(above).await.map_err(of_store)? else { break };
        found = (row.owner.as_ref().map(|owner| owner.seq), row.owner_person);
        parent = row.parent.as_ref().map(|parent| parent.seq);
    }
    Ok(found)
}
