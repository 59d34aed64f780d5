//! A pair with everything that speaks for one human or for two, and what each decision would do.

use super::{DECISIONS, link, pair, rename};
use crate::Refusal;
use crate::access::{self, Action, Object, Principal};
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::ids::{IntegrationId, Kind, Millis};
use bailiwick_domain::mapping::{GrantKind, Origin};
use bailiwick_domain::person::{Facts, State, UserView, state_of};
use bailiwick_scim::Object as Document;
use bailiwick_store::query::EventQuery;
use bailiwick_store::rows::{ConflictRow, EventRow, GrantRow, GroupRef, IntegrationRow, PersonRow, ResourceRow};
use serde_json::Value;

/// Events shown of each side.
const EVENTS: u32 = 10;

/// Everything about one pair.
#[derive(Debug)]
pub struct Evidence {
    /// The pair.
    pub pair: ConflictRow,
    /// Name of the integration that spoke.
    pub integration: String,
    /// The User that came, with the person it belongs to so far. Of one that was refused only the name is known.
    pub incoming: Side,
    /// The person it may be.
    pub existing: Side,
    /// What linking would do; why it cannot be done.
    pub if_linked: Result<IfLinked, String>,
    /// Whether the person here could take another name; why not.
    pub renaming: Result<(), String>,
    /// Who decided, if somebody did.
    pub decided: Option<Decided>,
}

/// One side of a pair.
#[derive(Debug, Default)]
pub struct Side {
    /// The person.
    pub person: Option<PersonRow>,
    /// Its Users; of an incoming one only that.
    pub users: Vec<SideUser>,
    /// Teams and roles.
    pub grants: Vec<SideGrant>,
    /// The last events, newest first.
    pub events: Vec<EventRow>,
}

/// A User of one side.
#[derive(Debug)]
pub struct SideUser {
    /// Id.
    pub id: String,
    /// Name of its integration.
    pub integration: String,
    /// userName.
    pub user_name: String,
    /// Name shown.
    pub display: String,
    /// Every address.
    pub emails: Vec<String>,
    /// active.
    pub active: bool,
    /// Whether it decides about the person.
    pub authority: bool,
    /// Its groups.
    pub groups: Vec<GroupRef>,
    /// Since when.
    pub created: Millis,
}

/// A team, role or other thing that a person has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SideGrant {
    /// What kind of thing.
    pub kind: GrantKind,
    /// The team's id, the name of the role.
    pub object: String,
    /// The team's title, else the same.
    pub title: String,
    /// The role in the team, the value of a property.
    pub value: String,
    /// `hand`, `rule:...`, `feed:...`.
    pub origin: String,
}

/// What linking would do.
#[derive(Debug, Default)]
pub struct IfLinked {
    /// Where the person stands now, and where it would.
    pub state: Option<(State, State)>,
    /// The person that would be closed.
    pub closes: Option<String>,
    /// What the person would get: what rules and groups give for the User, and what was given to it by hand.
    pub gains: Vec<SideGrant>,
    /// The User was refused: it is taken when the identity provider sends it again.
    pub waits_for_provider: bool,
}

/// A decision with its words.
#[derive(Debug)]
pub struct Decided {
    /// Who.
    pub by: String,
    /// Why, in their words.
    pub note: Option<String>,
    /// The event it raised: `conflict:link`, `conflict:keep`, `conflict:rename`.
    pub kind: String,
    /// What it did.
    pub did: Value,
}

/// Shows a pair.
///
/// # Errors
/// `forbidden`, an unknown pair, or when the store cannot answer.
pub async fn show_conflict(app: &App, principal: &Principal, id: &str) -> Result<Evidence, Refusal> {
    access::require(app, principal, Action::ConflictRead, &Object::None).await?;
    let pair = pair(app, id).await?;
    let integrations = app.store().integrations().await.map_err(of_store)?;
    let person = app.store().person_by_id(&pair.person).await.map_err(of_store)?;
    let user = match &pair.resource {
        Some(id) => app.store().resource(pair.integration, Kind::User, id, true).await.map_err(of_store)?,
        None => None,
    };
    let mut existing = match &person {
        Some(person) => side(app, &integrations, person).await?,
        None => Side::default(),
    };
    let mut incoming = Side::default();
    if let Some(user) = &user {
        if let Some(own) = user.person.as_ref().filter(|own| own.id != pair.person) {
            let own = app.store().person(own.seq).await.map_err(of_store)?;
            if let Some(own) = own {
                incoming = side(app, &integrations, &own).await?;
            }
        }
        incoming.users = vec![side_user(&integrations, user)?];
        existing.users.retain(|other| other.id != user.id);
    }
    // What was said under this name, refused calls included, tells more than what became of it.
    let target = pair.resource.clone().unwrap_or_else(|| pair.user_name.clone());
    incoming.events = events(app, Some(pair.integration), &target).await?;
    let if_linked = match &person {
        Some(person) => if_linked(app, user.as_ref(), &pair, person, &incoming).await?,
        None => Err("the person is gone".to_owned()),
    };
    Ok(Evidence {
        integration: name(&integrations, pair.integration),
        renaming: renaming(&pair, person.as_ref()),
        decided: decided(app, &pair).await?,
        incoming,
        existing,
        if_linked,
        pair,
    })
}

fn name(integrations: &[IntegrationRow], id: IntegrationId) -> String {
    integrations.iter().find(|row| row.id == id).map_or_else(String::new, |row| row.name.clone())
}

async fn side(app: &App, integrations: &[IntegrationRow], person: &PersonRow) -> Result<Side, Refusal> {
    let mut users = Vec::new();
    for user in app.store().person_users(person.seq).await.map_err(of_store)? {
        let row = app.store().resource(user.integration, Kind::User, &user.id, true).await.map_err(of_store)?;
        users.extend(row.map(|row| side_user(integrations, &row)).transpose()?);
    }
    let grants = app.store().grants_of(person.seq, true).await.map_err(of_store)?;
    Ok(Side {
        users,
        grants: titled(app, grants).await?,
        events: events(app, None, &person.id).await?,
        person: Some(person.clone()),
    })
}

fn side_user(integrations: &[IntegrationRow], row: &ResourceRow) -> Result<SideUser, Refusal> {
    let document: Document = crate::directory::document_of(row)?;
    let facts = Facts::of_user(&document);
    Ok(SideUser {
        id: row.id.clone(),
        integration: name(integrations, row.integration),
        user_name: facts.user_name.unwrap_or_default(),
        display: facts.display_name,
        emails: facts.emails,
        active: row.active,
        authority: row.person.as_ref().is_some_and(|person| person.authority),
        groups: row.groups.clone(),
        created: row.created,
    })
}

/// Grants with the titles of the teams.
async fn titled(app: &App, grants: Vec<GrantRow>) -> Result<Vec<SideGrant>, Refusal> {
    let mut shown = Vec::with_capacity(grants.len());
    for grant in grants {
        let team = match grant.kind {
            GrantKind::Team => app.store().item(&grant.object).await.map_err(of_store)?,
            _ => None,
        };
        shown.push(SideGrant {
            title: team.map_or_else(|| grant.object.clone(), |team| team.title),
            kind: grant.kind,
            object: grant.object,
            value: grant.value,
            origin: grant.origin,
        });
    }
    Ok(shown)
}

async fn events(app: &App, integration: Option<IntegrationId>, target: &str) -> Result<Vec<EventRow>, Refusal> {
    let query = EventQuery { integration, target: Some(target.to_owned()), limit: EVENTS, ..EventQuery::default() };
    app.store().events(query).await.map_err(of_store)
}

/// What linking would do now; the inner error is why it cannot be done.
async fn if_linked(
    app: &App,
    user: Option<&ResourceRow>,
    pair: &ConflictRow,
    person: &PersonRow,
    incoming: &Side,
) -> Result<Result<IfLinked, String>, Refusal> {
    if pair.state != "open" {
        return Ok(Err(format!("the pair was decided already: {}", pair.state)));
    }
    if person.state == State::Closed {
        return Ok(Err("the person is closed".to_owned()));
    }
    let Some(user) = user else {
        return Ok(match pair.resource {
            Some(_) => Err("the User was deleted meanwhile".to_owned()),
            None => Ok(IfLinked { waits_for_provider: true, ..IfLinked::default() }),
        });
    };
    let mut views: Vec<UserView> = Vec::new();
    for other in app.store().person_users(person.seq).await.map_err(of_store)? {
        if other.seq != user.seq {
            views.push(UserView { authority: other.authority, active: other.active });
        }
    }
    views.push(UserView { authority: views.is_empty() && !person.account, active: user.active });
    let mut linked = IfLinked { state: Some((person.state, state_of(&views, person.account))), ..IfLinked::default() };
    if let Some(own) = user.person.as_ref().filter(|own| own.seq != person.seq) {
        if let Err(refusal) = link::present(app, user, own.seq).await {
            return Ok(Err(refusal.detail));
        }
        linked.closes = Some(own.id.clone());
        // A person of one User has by rules and groups exactly what that User brings.
        let held = app.store().grants_of(person.seq, true).await.map_err(of_store)?;
        let has = |grant: &SideGrant| {
            held.iter().any(|held| (held.kind, &held.object, &held.value) == (grant.kind, &grant.object, &grant.value))
        };
        let brings = |grant: &&SideGrant| user.active || !Origin::is_derived(&grant.origin);
        linked.gains = incoming.grants.iter().filter(brings).filter(|grant| !has(grant)).cloned().collect();
    }
    Ok(Ok(linked))
}

fn renaming(pair: &ConflictRow, person: Option<&PersonRow>) -> Result<(), String> {
    if pair.state != "open" {
        return Err(format!("the pair was decided already: {}", pair.state));
    }
    if pair.why != bailiwick_domain::identity::Why::SameUserName.as_str() {
        return Err("they share an address, not a name".to_owned());
    }
    let person = person.filter(|person| person.state != State::Closed).ok_or("the person is closed")?;
    rename::may_rename(person).map_err(|refusal| refusal.detail)
}

async fn decided(app: &App, pair: &ConflictRow) -> Result<Option<Decided>, Refusal> {
    let entry = app.store().entry(DECISIONS, &pair.id).await.map_err(of_store)?;
    Ok(entry.map(|entry| {
        let doc: Value = serde_json::from_str(&entry.doc).unwrap_or_default();
        let said = |key: &str| doc.get(key).and_then(Value::as_str).map(str::to_owned);
        Decided {
            by: said("by").unwrap_or_default(),
            note: said("note"),
            kind: said("kind").unwrap_or_default(),
            did: doc.get("did").cloned().unwrap_or_default(),
        }
    }))
}
