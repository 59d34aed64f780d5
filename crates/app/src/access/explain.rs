//! Effective access of somebody, explained without trying it.

use super::principal;
use super::require;
use crate::Refusal;
use crate::app::App;
use crate::catalog::whose;
use crate::error::of_store;
use crate::manage::{invalid, missing};
use bailiwick_domain::policy::{Action, Decision, HeldRole, Object, Principal, decide};

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

async fn on_item(app: &App, principal: &Principal, action: Action, id: &str) -> Result<Decision, Refusal> {
    let item = app.store().item(id).await.map_err(of_store)?;
    let shown: String = id.chars().filter(|c| !c.is_control()).take(80).collect();
    let item = item.ok_or_else(|| missing(format!("There is no team or entity with the id \"{shown}\".")))?;
    let whose = whose::of_row(app, &item).await?;
    Ok(decide(principal, action, &whose.object()))
}
