//! Everybody whom an integration in observe mode concerns, one by one: the difference that an admin looks through.

use super::adopt::find;
use super::{named, observed};
use crate::Refusal;
use crate::access::{self, Action, Object, Principal};
use crate::app::App;
use crate::attributes::page;
use crate::holds::evaluate;
use crate::holds::show::{HeldPerson, HeldThing, Names, part};
use bailiwick_domain::identity::Linking;
use bailiwick_domain::ids::Kind;
use bailiwick_domain::mapping::effects::having_after;
use bailiwick_store::query::Position;
use bailiwick_store::rows::ResourceRow;
use serde_json::Value;

/// A User that has no person yet, and what would become of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedUser {
    /// Row: the place in the list.
    pub seq: i64,
    /// Id of the User.
    pub id: String,
    /// Its userName.
    pub user_name: String,
    /// Whether it is switched on.
    pub active: bool,
    /// `create`, `link` or `refused`.
    pub would: &'static str,
    /// Id of the person it would join, or of the one it would wait for.
    pub person: Option<String>,
    /// Pairs that would be opened in the conflict queue.
    pub conflicts: u64,
    /// Teams, roles and the like that its person would get by it.
    pub gains: Vec<HeldThing>,
}

/// So many of the Users without a person behind that row, and where to go on.
///
/// # Errors
/// `forbidden`, an unknown integration, or when the store cannot answer.
pub async fn observed_users(
    app: &App,
    principal: &Principal,
    name: &str,
    after: Option<i64>,
    limit: u32,
) -> Result<(Vec<ObservedUser>, Option<i64>), Refusal> {
    access::require(app, principal, Action::IntegrationRead, &Object::None).await?;
    let integration = named(app, name).await?;
    let most = limit as usize;
    let mut users: Vec<ResourceRow> = Vec::new();
    let mut place = after.map(|seq| Position { seq, key: Value::Null });
    // One more than asked for tells whether there are more.
    while users.len() <= most {
        let read = page(app, Kind::User, integration.id, place).await?;
        users.extend(read.rows.into_iter().filter(|user| user.person.is_none()));
        place = read.next;
        if place.is_none() {
            break;
        }
        tokio::task::yield_now().await;
    }
    let more = users.len() > most;
    users.truncate(most);
    let outcomes = evaluate::of_strangers(app, &users).await?;
    let (mut shown, mut names) = (Vec::with_capacity(users.len()), Names::default());
    for (user, outcome) in users.iter().zip(outcomes) {
        let (_, facts, who) = find(app, &integration, user).await?;
        let (would, person, pairs) = match who.linking {
            Linking::New { conflicts } => ("create", None, conflicts.len()),
            Linking::Attach { person, conflicts, .. } => ("link", Some(person), conflicts.len()),
            Linking::Refuse { person, .. } => ("refused", Some(person), 1),
        };
        let gains = having_after(&[], &outcome.diff);
        names.learn(app, gains.keys()).await?;
        shown.push(ObservedUser {
            seq: user.seq,
            id: user.id.clone(),
            user_name: facts.user_name.unwrap_or_default(),
            active: user.active,
            would,
            person,
            conflicts: pairs as u64,
            gains: match would {
                // Nobody gets anything before the pair is decided.
                "refused" => Vec::new(),
                _ => gains.keys().map(|thing| names.of(thing)).collect(),
            },
        });
    }
    let next = shown.last().map(|user| user.seq).filter(|_| more);
    Ok((shown, next))
}

/// So many of the persons who wait with changes behind that row, and where to go on.
///
/// # Errors
/// `forbidden`, an unknown integration, or when the store cannot answer.
pub async fn observed_persons(
    app: &App,
    principal: &Principal,
    name: &str,
    after: Option<i64>,
    limit: u32,
) -> Result<(Vec<HeldPerson>, Option<i64>), Refusal> {
    access::require(app, principal, Action::IntegrationRead, &Object::None).await?;
    let integration = named(app, name).await?;
    part(app, &observed(integration.id), after, limit).await
}
