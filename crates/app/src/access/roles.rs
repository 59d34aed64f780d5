//! Roles: the built-in ones and the company's own.

use super::require;
use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use crate::manage::{ATTEMPTS, commit_guarded, event, invalid, missing};
use bailiwick_domain::event::EventKind;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_domain::ids::Millis;
use bailiwick_domain::mapping::GrantKind;
use bailiwick_domain::policy::{
    Action, ActionSet, Object, Principal, PrincipalKind, Role, RoleFault, VIEWER, builtin, builtins,
};
use bailiwick_scim::Code;
use bailiwick_store::change::{CredentialKind, EntryWrite};
use bailiwick_store::query::{EntryQuery, EventQuery};
use bailiwick_store::rows::EntryRow;
use bailiwick_store::{ChangeSet, Error, Guard, Write};
use serde_json::{Map, Value, json};

/// The collection of custom roles among the documents of admins.
const ROLES: &str = "role";
/// Most custom roles.
const ROLES_MAX: u32 = 200;
/// Changes of settings read at once.
const EVENTS: u32 = 200;
/// The setting that names the role of everybody who has no other.
pub(super) const DEFAULT_ROLE: &str = "default_role";
/// The word for no role at all.
pub(super) const NO_ROLE: &str = "none";

/// A role as the store has it.
#[derive(Clone, Debug)]
pub struct RoleEntry {
    /// The role.
    pub role: Role,
    /// Version of the document; 0 for a built-in one.
    pub version: i64,
    /// Last modified; built-in ones never.
    pub modified: Option<Millis>,
    /// Whether everybody has it who has no other.
    pub default: bool,
}

/// A refusal, with the places that are wrong when it is about a document.
#[derive(Debug)]
pub struct RoleRefused {
    /// Why.
    pub refusal: Refusal,
    /// Where.
    pub faults: Vec<RoleFault>,
}

impl From<Refusal> for RoleRefused {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, faults: Vec::new() }
    }
}

impl From<RoleRefused> for Refusal {
    fn from(refused: RoleRefused) -> Self {
        refused.refusal
    }
}

impl From<Vec<RoleFault>> for RoleRefused {
    fn from(faults: Vec<RoleFault>) -> Self {
        let said: Vec<String> = faults.iter().map(|fault| format!("{}: {}", fault.pointer, fault.message)).collect();
        Self { refusal: Refusal::new(Code::ValueInvalid, said.join(" ")), faults }
    }
}

/// All roles, the strongest first.
///
/// # Errors
/// No permission, or when the store cannot answer.
pub async fn list_roles(app: &App, principal: &Principal) -> Result<Vec<RoleEntry>, Refusal> {
    require(app, principal, Action::RoleRead, &Object::None).await?;
    let query = EntryQuery { collection: ROLES.to_owned(), limit: ROLES_MAX, ..EntryQuery::default() };
    let custom = app.store().entries(query).await.map_err(of_store)?;
    let default = default_name(app).await?;
    let builtin = builtins().into_iter().map(|role| (role, 0, None));
    let custom = custom.iter().filter_map(|row| Some((read(row)?, row.version, Some(row.modified))));
    let entry = |(role, version, modified): (Role, i64, Option<Millis>)| {
        let default = role.name == default;
        RoleEntry { role, version, modified, default }
    };
    let mut roles: Vec<RoleEntry> = builtin.chain(custom).map(entry).collect();
    roles.sort_by(|a, b| b.role.rank.cmp(&a.role.rank).then_with(|| a.role.name.cmp(&b.role.name)));
    Ok(roles)
}

/// One role by its name.
///
/// # Errors
/// No permission, an unknown role, or when the store cannot answer.
pub async fn show_role(app: &App, principal: &Principal, name: &str) -> Result<RoleEntry, Refusal> {
    require(app, principal, Action::RoleRead, &Object::None).await?;
    let default = default_name(app).await? == name;
    if let Some(role) = builtin(name) {
        return Ok(RoleEntry { role, version: 0, modified: None, default });
    }
    let row = app.store().entry(ROLES, name).await.map_err(of_store)?;
    let found = row.and_then(|row| {
        Some(RoleEntry { role: read(&row)?, version: row.version, modified: Some(row.modified), default })
    });
    found.ok_or_else(|| unknown(name))
}

/// The role of that name, with the version of its document; 0 for a built-in one.
pub(crate) async fn find(app: &App, name: &str) -> Result<Option<(Role, i64)>, Refusal> {
    if let Some(role) = builtin(name) {
        return Ok(Some((role, 0)));
    }
    let row = app.store().entry(ROLES, name).await.map_err(of_store)?;
    Ok(row.and_then(|row| Some((read(&row)?, row.version))))
}

/// The role of that name, or a refusal that says where to look.
pub(crate) async fn named(app: &App, name: &str) -> Result<(Role, i64), Refusal> {
    find(app, name).await?.ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> Refusal {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
    missing(format!("There is no role \"{shown}\". See: bailiwick role list"))
}

/// A role that a newer version wrote and this one cannot read is no role here.
fn read(row: &EntryRow) -> Option<Role> {
    let document: Map<String, Value> = serde_json::from_str(&row.doc).ok()?;
    Role::parse(&row.id, &document).ok()
}

/// What holds a role in its place while something is made to refer to it: whoever deletes it bumps the same key.
pub(crate) async fn hold(app: &App, role: &Role, version: i64) -> Result<Vec<Guard>, Refusal> {
    if role.builtin {
        return Ok(Vec::new());
    }
    let used = used_key(&role.name);
    let seen = app.store().guard(&used).await.map_err(of_store)?;
    Ok(vec![
        Guard::Entry { collection: ROLES.to_owned(), id: role.name.clone(), version },
        Guard::Key { key: used, version: seen, bump: true },
    ])
}

fn used_key(name: &str) -> String {
    format!("role/{name}")
}

/// Refuses what would give somebody more than the giver has: a stronger role, or one that permits what they may not.
pub(crate) fn within_own(principal: &Principal, role: &Role) -> Result<(), Refusal> {
    let wanted = role.everywhere.and(role.owned);
    let more = wanted.without(permitted(principal));
    if role.rank <= principal.rank() && more.is_empty() {
        return Ok(());
    }
    let detail = if more.is_empty() {
        format!("The role \"{}\" is stronger than your own. Ask an admin.", role.name)
    } else {
        format!("The role \"{}\" permits what you may not do yourself: {more}. Ask an admin.", role.name)
    };
    Err(failure::error(ProductCode::Forbidden, detail))
}

/// Refuses to give these roles when one is more than the caller has; what holds them as they were looked at. One that is
/// no more gives nothing.
pub(crate) async fn hold_within_own<'a>(
    app: &App,
    principal: &Principal,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<Guard>, Refusal> {
    let mut guards = Vec::new();
    for name in names {
        let Some((role, version)) = find(app, name).await? else { continue };
        within_own(principal, &role)?;
        guards.extend(hold(app, &role, version).await?);
    }
    Ok(guards)
}

/// Everything the caller may do on everything, as far as the credential goes.
pub(crate) fn permitted(principal: &Principal) -> ActionSet {
    let scopes = principal.scopes.as_ref().map_or(ActionSet::EVERY, |scopes| scopes.actions());
    let held = match principal.kind {
        PrincipalKind::Host => ActionSet::EVERY,
        PrincipalKind::Integration => ActionSet::NONE,
        _ if !principal.active => ActionSet::NONE,
        _ => principal.roles.iter().fold(ActionSet::NONE, |all, held| all.and(held.role.everywhere)),
    };
    held.within(scopes)
}

/// Whether the caller is an admin or the host.
pub(crate) fn is_admin(principal: &Principal) -> bool {
    principal.rank() >= 100
}

/// Makes or changes a custom role. `expected` is the version it must have; 0 for one that must not be there.
///
/// # Errors
/// No permission, a role stronger than the maker's own, a document that is no role, another version, or when the store
/// cannot answer.
pub async fn set_role(
    app: &App,
    principal: &Principal,
    name: &str,
    document: &Map<String, Value>,
    expected: Option<i64>,
) -> Result<RoleEntry, RoleRefused> {
    require(app, principal, Action::RoleManage, &Object::None).await?;
    let role = Role::parse(name, document)?;
    within_own(principal, &role)?;
    if !is_admin(principal) && principal.roles.iter().any(|held| held.role.name == name) {
        return Err(failure::error(ProductCode::Forbidden, "Nobody but an admin changes a role they hold.").into());
    }
    for _ in 0..ATTEMPTS {
        let row = app.store().entry(ROLES, name).await.map_err(of_store)?;
        let version = row.as_ref().map_or(0, |row| row.version);
        if expected.is_some_and(|expected| expected != version) {
            return Err(changed().into());
        }
        let before = row.as_ref().and_then(read);
        if let Some(before) = &before {
            within_own(principal, before)?;
        } else if row.is_none() {
            room(app).await?;
        }
        let document = role.to_document();
        let payload = json!({ "role": name, "before": before.as_ref().map(Role::to_document), "after": document });
        let entry = EntryWrite {
            collection: ROLES.to_owned(),
            id: name.to_owned(),
            parent: None,
            state: None,
            due: None,
            doc: document.to_string(),
        };
        let set = ChangeSet {
            at: app.clock().now(),
            guards: vec![Guard::Entry { collection: ROLES.to_owned(), id: name.to_owned(), version }],
            writes: vec![Write::PutEntry(entry)],
            events: vec![event(app, EventKind::RoleSet, None, None, payload)],
        };
        if before.as_ref() == Some(&role) || commit_guarded(app, set).await?.is_some() {
            app.access().principals.forget();
            return Ok(show_stored(app, name).await?);
        }
    }
    Err(of_store(Error::Stale).into())
}

async fn show_stored(app: &App, name: &str) -> Result<RoleEntry, Refusal> {
    let row = app.store().entry(ROLES, name).await.map_err(of_store)?;
    let default = default_name(app).await? == name;
    let entry = row.and_then(|row| {
        Some(RoleEntry { role: read(&row)?, version: row.version, modified: Some(row.modified), default })
    });
    entry.ok_or_else(|| unknown(name))
}

async fn room(app: &App) -> Result<(), Refusal> {
    let query = EntryQuery { collection: ROLES.to_owned(), limit: ROLES_MAX, ..EntryQuery::default() };
    let there = app.store().entries(query).await.map_err(of_store)?;
    if there.len() < ROLES_MAX as usize {
        return Ok(());
    }
    Err(invalid(format!("There are {ROLES_MAX} custom roles already; delete one first.")))
}

fn changed() -> Refusal {
    Refusal::new(Code::PreconditionFailed, "Somebody changed this role since. Read it again first.")
}

/// Deletes a custom role that nobody holds.
///
/// # Errors
/// No permission, an unknown or built-in role, one that is in use, another version, or when the store cannot answer.
pub async fn delete_role(app: &App, principal: &Principal, name: &str, expected: Option<i64>) -> Result<(), Refusal> {
    require(app, principal, Action::RoleManage, &Object::None).await?;
    if builtin(name).is_some() {
        return Err(invalid(format!("\"{name}\" is built in and cannot be deleted.")));
    }
    for _ in 0..ATTEMPTS {
        let row = app.store().entry(ROLES, name).await.map_err(of_store)?.ok_or_else(|| unknown(name))?;
        if expected.is_some_and(|expected| expected != row.version) {
            return Err(changed());
        }
        let key = used_key(name);
        let seen = app.store().guard(&key).await.map_err(of_store)?;
        let before = read(&row);
        if let Some(role) = &before {
            within_own(principal, role)?;
        }
        unused(app, name).await?;
        let payload = json!({ "role": name, "before": before.as_ref().map(Role::to_document) });
        let set = ChangeSet {
            at: app.clock().now(),
            guards: vec![
                Guard::Entry { collection: ROLES.to_owned(), id: name.to_owned(), version: row.version },
                Guard::Key { key, version: seen, bump: true },
            ],
            writes: vec![Write::DeleteEntry { collection: ROLES.to_owned(), id: name.to_owned() }],
            events: vec![event(app, EventKind::RoleDelete, None, None, payload)],
        };
        if commit_guarded(app, set).await?.is_some() {
            app.access().principals.forget();
            return Ok(());
        }
    }
    Err(of_store(Error::Stale))
}

/// Refuses when a person, a live token, an invitation or the setting refers to the role.
async fn unused(app: &App, name: &str) -> Result<(), Refusal> {
    let in_use =
        |by: String| Err(failure::error(ProductCode::RoleInUse, format!("The role \"{name}\" is in use: {by}.")));
    let holders = app.store().holders(GrantKind::Role, name, i64::MIN, 1).await.map_err(of_store)?;
    if let Some((person, _)) = holders.first() {
        return in_use(format!("{} ({}) holds it", person.display, person.id));
    }
    let now = app.clock().now();
    for kind in [CredentialKind::Service, CredentialKind::Invite] {
        let credentials = app.store().credentials_of_kind(kind).await.map_err(of_store)?;
        let live = credentials.iter().find(|credential| {
            credential.revoked.is_none()
                && credential.expires.is_none_or(|expires| expires > now)
                && super::terms::Terms::parse(&credential.scopes).role.as_deref() == Some(name)
        });
        if let Some(credential) = live {
            return in_use(format!("{} ({}) carries it", credential.label, credential.id));
        }
    }
    match default_name(app).await? == name {
        true => in_use("it is the role of everybody who has no other".to_owned()),
        false => Ok(()),
    }
}

/// Name of the role of everybody who has no other, or `none`.
async fn default_name(app: &App) -> Result<String, Refusal> {
    let said = app.store().setting(DEFAULT_ROLE).await.map_err(of_store)?;
    Ok(said.unwrap_or_else(|| VIEWER.to_owned()))
}

/// Name of the role that everybody has who has no other, now or as it was at a moment; `None` where it was no role.
pub(crate) async fn default_role_at(app: &App, at: Option<Millis>) -> Result<Option<String>, Refusal> {
    let mut name = default_name(app).await?;
    let mut before = None;
    while let Some(at) = at {
        let query = EventQuery {
            kind: Some(EventKind::SettingSet.as_str().to_owned()),
            since: Some(Millis(at.0.saturating_add(1))),
            before,
            limit: EVENTS,
            payloads: true,
            ..EventQuery::default()
        };
        // The newest first: what stands in the last one was so at the moment.
        let events = app.store().events(query).await.map_err(of_store)?;
        let Some(last) = events.last() else { break };
        before = Some(last.seq);
        for payload in events.iter().filter_map(|event| event.payload.as_ref()) {
            if payload["setting"] == DEFAULT_ROLE
                && let Some(earlier) = payload["before"].as_str()
            {
                earlier.clone_into(&mut name);
            }
        }
    }
    Ok(Some(name).filter(|name| name != NO_ROLE))
}

/// Name of the role of everybody who has no other, or `none`.
///
/// # Errors
/// No permission, or when the store cannot answer.
pub async fn show_default_role(app: &App, principal: &Principal) -> Result<String, Refusal> {
    require(app, principal, Action::RoleRead, &Object::None).await?;
    default_name(app).await
}

/// Chooses the role of everybody who has no other; `none` for no role at all. It cannot be one that permits to manage
/// access: that would be given to everybody who comes.
///
/// # Errors
/// No permission, an unknown role, one that permits too much, or when the store cannot answer.
pub async fn set_default_role(app: &App, principal: &Principal, name: &str) -> Result<(), Refusal> {
    const NEVER: ActionSet = ActionSet::of(&[
        Action::IntegrationManage,
        Action::RoleManage,
        Action::RuleManage,
        Action::SettingsManage,
        Action::TokenManage,
        Action::WebhookManage,
        Action::PersonEdit,
        Action::AuditRead,
    ]);
    require(app, principal, Action::SettingsManage, &Object::None).await?;
    for _ in 0..ATTEMPTS {
        let before = default_name(app).await?;
        if before == name {
            return Ok(());
        }
        let mut guards = Vec::new();
        if name != NO_ROLE {
            let (role, version) = named(app, name).await?;
            let too_much = role.everywhere.within(NEVER);
            if !too_much.is_empty() {
                let detail = format!("\"{name}\" permits {too_much}: that cannot be everybody's. Choose another role.");
                return Err(failure::error(ProductCode::Forbidden, detail));
            }
            within_own(principal, &role)?;
            guards = hold(app, &role, version).await?;
        }
        let payload = json!({ "setting": DEFAULT_ROLE, "before": before, "after": name });
        let set = ChangeSet {
            at: app.clock().now(),
            guards,
            writes: vec![Write::SetSetting { key: DEFAULT_ROLE.to_owned(), value: name.to_owned() }],
            events: vec![event(app, EventKind::SettingSet, None, None, payload)],
        };
        if commit_guarded(app, set).await?.is_some() {
            app.access().principals.forget();
            return Ok(());
        }
    }
    Err(of_store(Error::Stale))
}
