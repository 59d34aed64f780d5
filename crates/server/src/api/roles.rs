//! Roles, who holds them by hand, and the role of everybody else.

use super::answer::Answer;
use super::listed::listed;
use super::request::Request;
use super::table::{Access::May, Endpoint, delete, get, handler, put};
use super::wire::{Moment, tag};
use crate::intake::{Failure, Fault};
use bailiwick_app::App;
use bailiwick_app::access::{self, Permit, RoleEntry, RoleRefused};
use bailiwick_domain::policy::Action::{RoleManage, RoleRead, SettingsManage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(super) const ROUTES: &[Endpoint] = &[
    get(May(RoleRead), "/roles", "listRoles", handler!(list))
        .says("Lists the built-in roles and the company's own by name.")
        .lists::<Role>(),
    get(May(RoleRead), "/roles/{name}", "readRole", handler!(read)).says("Shows a role.").gives::<Role>().versioned(),
    put(May(RoleManage), "/roles/{name}", "setRole", handler!(set))
        .says("Makes or changes a role of the company's own. It permits no more than its maker may do.")
        .takes::<RoleNew>()
        .gives::<Role>()
        .versioned(),
    delete(May(RoleManage), "/roles/{name}", "deleteRole", handler!(remove))
        .says("Deletes a role of the company's own that nobody holds.")
        .versioned(),
    get(May(RoleRead), "/default-role", "readDefaultRole", handler!(read_default))
        .says("Shows the role of everybody who has no other.")
        .gives::<DefaultRole>(),
    put(May(SettingsManage), "/default-role", "setDefaultRole", handler!(set_default))
        .says("Chooses the role of everybody who has no other; none for no role at all.")
        .takes::<DefaultRoleNew>()
        .gives::<DefaultRole>(),
    put(May(RoleManage), "/people/{id}/roles/{role}", "giveRole", handler!(give))
        .says("Gives a person a role by hand. The person becomes local: no integration takes them over."),
    delete(May(RoleManage), "/people/{id}/roles/{role}", "takeRole", handler!(take))
        .says("Takes a role that a person holds by hand. The last active admin stays one."),
];

/// A role.
#[derive(Serialize, JsonSchema)]
struct Role {
    /// Name.
    name: String,
    /// Name shown.
    title: String,
    /// Of several roles the one of the highest rank is the strongest; the admin has 100.
    rank: u16,
    /// What it permits: names of actions, with `:owned` behind those that reach only what one's teams own.
    permits: Vec<String>,
    /// Whether it came with the program and cannot be changed.
    builtin: bool,
    /// Whether everybody has it who has no other.
    default: bool,
    /// Last modified; null for a built-in one.
    modified_at: Option<Moment>,
}

fn shown(entry: RoleEntry) -> Role {
    let role = entry.role;
    Role {
        permits: role.permits().iter().map(Permit::to_string).collect(),
        name: role.name,
        title: role.title,
        rank: role.rank,
        builtin: role.builtin,
        default: entry.default,
        modified_at: entry.modified.map(Moment),
    }
}

fn version(app: &App, entry: &RoleEntry) -> String {
    tag(app, &[b"role", entry.role.name.as_bytes(), &entry.version.to_be_bytes(), &[u8::from(entry.default)]])
}

async fn list(request: Request) -> Result<Answer, Failure> {
    let roles = access::list_roles(&request.app, &request.principal).await?;
    listed(&request, roles, |entry| entry.role.name.clone(), shown)
}

async fn read(request: Request) -> Result<Answer, Failure> {
    let entry = access::show_role(&request.app, &request.principal, request.path("name")).await?;
    let tag = version(&request.app, &entry);
    Ok(Answer::json(&shown(entry))?.versioned(&tag))
}

/// A role of the company's own.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RoleNew {
    /// Name shown; the name if nothing is said.
    #[schemars(length(min = 1, max = 100))]
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// Rank.
    #[schemars(range(min = 1, max = 99))]
    rank: u16,
    /// What it permits, such as `catalog.read` and `catalog.edit:owned`.
    #[schemars(length(min = 1, max = 60))]
    permits: Vec<String>,
}

impl From<RoleRefused> for Failure {
    fn from(refused: RoleRefused) -> Self {
        let fault = |fault: bailiwick_domain::policy::RoleFault| Fault {
            pointer: Some(fault.pointer),
            detail: fault.message,
            ..Fault::default()
        };
        Failure::from(refused.refusal).at(refused.faults.into_iter().map(fault).collect())
    }
}

async fn set(request: Request) -> Result<Answer, Failure> {
    let name = request.path("name");
    let document: Map<String, Value> = match serde_json::to_value(request.body::<RoleNew>()?) {
        Ok(Value::Object(document)) => document,
        _ => return Err(Failure::internal()),
    };
    let expected = expected(&request, name).await?;
    let entry = access::set_role(&request.app, &request.principal, name, &document, expected).await?;
    let tag = version(&request.app, &entry);
    Ok(Answer::json(&shown(entry))?.versioned(&tag))
}

/// The version that If-Match asks for, once it was compared with the present one.
async fn expected(request: &Request, name: &str) -> Result<Option<i64>, Failure> {
    if !request.expects_a_version() {
        return Ok(None);
    }
    match access::show_role(&request.app, &request.principal, name).await {
        Ok(entry) => {
            request.expects(&version(&request.app, &entry))?;
            Ok(Some(entry.version))
        }
        Err(refusal) if refusal.status == 404 => {
            request.expects("")?;
            Ok(Some(0))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

async fn remove(request: Request) -> Result<Answer, Failure> {
    let name = request.path("name");
    let expected = expected(&request, name).await?;
    access::delete_role(&request.app, &request.principal, name, expected).await?;
    Ok(Answer::empty())
}

/// The role of everybody who has no other.
#[derive(Serialize, JsonSchema)]
struct DefaultRole {
    /// Name, or `none`.
    role: String,
}

/// A choice of the role of everybody who has no other.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DefaultRoleNew {
    /// Name of a role that permits nothing about access, or `none`.
    role: String,
}

async fn read_default(request: Request) -> Result<Answer, Failure> {
    Answer::json(&DefaultRole { role: access::show_default_role(&request.app, &request.principal).await? })
}

async fn set_default(request: Request) -> Result<Answer, Failure> {
    let chosen: DefaultRoleNew = request.body()?;
    access::set_default_role(&request.app, &request.principal, &chosen.role).await?;
    Answer::json(&DefaultRole { role: chosen.role })
}

async fn give(request: Request) -> Result<Answer, Failure> {
    access::give_role(&request.app, &request.principal, request.path("id"), request.path("role")).await?;
    Ok(Answer::empty())
}

async fn take(request: Request) -> Result<Answer, Failure> {
    access::take_role(&request.app, &request.principal, request.path("id"), request.path("role")).await?;
    Ok(Answer::empty())
}
