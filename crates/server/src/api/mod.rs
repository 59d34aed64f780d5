//! The REST API over HTTP: one door for everything below `/api/v1`.
//!
//! How to add a route:
//!
//! 1. Write a file beside this one for the group (`teams.rs`) with its wire types, its handlers and a table:
//!
//!    ```ignore
//!    pub(super) const ROUTES: &[Endpoint] = &[
//!        get(May(TeamRead), "/teams", "listTeams", handler!(list)).says("Lists teams.").query(QUERY).lists::<Team>(),
//!        post(May(TeamEdit), "/teams", "createTeam", handler!(create)).says("Makes a team.").takes::<NewTeam>().makes::<Team>(),
//!        get(May(TeamRead), "/teams/{ref}", "readTeam", handler!(read)).says("Shows a team.").gives::<Team>().versioned(),
//!        delete(May(TeamEdit), "/teams/{ref}", "deleteTeam", handler!(remove)).says("Deletes a team.").versioned(),
//!    ];
//!    ```
//!
//!    and a line for it in [`GROUPS`]. The action named here is asked of the policy on [`Object::Any`] before the handler
//!    runs; the use case asks again for the object it finds.
//! 2. Wire types derive `Serialize` or `Deserialize` (with `#[serde(deny_unknown_fields)]`) and `JsonSchema`; the doc
//!    comments become the descriptions in the OpenAPI document. A type is an answer or a body, not both: name the body
//!    `NewTeam`, `TeamChange`. Say bounds with `#[schemars(length(min = 1, max = 100))]`, and check them in the use case.
//! 3. A handler is `async fn list(request: Request) -> Result<Answer, Failure>`. It takes what it needs from the request
//!    (`path`, `param`, `number`, `flag`, `instant`, `page`, `body::<T>()`, `text`), calls one use case with
//!    `&request.app` (which acts for the caller: events made with `app.actor()` and `app.request_id()` name them) and
//!    `&request.principal`, and answers [`Answer::json`], [`Answer::made`], [`Answer::page`], [`Answer::empty`] or
//!    [`Answer::text`]. A `Refusal` becomes a [`Failure`] by `?`; `Failure::from(refusal).at(faults)` adds places.
//! 4. A single resource with a version says `.versioned()`: answer with `.versioned(&wire::tag(app, &[id, version]))`, and
//!    before a change call `request.expects(&tag)` and put the guard of the row that was read into the change.
//! 5. A page reads `request.page::<Place>()?` and answers `Answer::page(&request, &items, next, total)`, `next` being the
//!    place of the last item when there are more.
//! 6. An answer that shows a secret once says `.once()`; one that takes minutes `.slow()`; a POST that changes nothing
//!    `.reads()`; a large body `.large()`.
//! 7. `UPDATE=1 cargo test -p bailiwick-server the_document` renews `docs/reference/openapi.json` (`cargo xtask gen` does
//!    it, too). The coverage test in `tests/http/api.rs` calls the route with nobody's, a wrong and a weak token by itself.

mod access;
mod answer;
mod attributes;
mod audit;
mod conflicts;
mod definitions;
mod door;
mod entities;
mod events;
mod handovers;
mod holds;
mod imports;
mod integrations;
mod invites;
mod items;
mod leavers;
mod listed;
mod me;
mod openapi;
mod ownership;
mod people;
mod problem;
mod read;
mod repeat;
mod request;
mod roles;
mod rules;
mod session;
mod stream;
mod table;
mod teams;
mod tokens;
mod webhooks;
mod wire;

use crate::gate::Gate;
use crate::intake::Rates;
use bailiwick_app::App;
use bailiwick_app::feed::webhooks::Courier;
pub(crate) use door::answer as answer_api;
use std::sync::Arc;
use table::Group;
use tokio::sync::Semaphore;

/// Every group of routes. Order is that of the documentation.
static GROUPS: &[Group] = &[
    Group { tag: "service", about: "The service itself.", endpoints: me::ROUTES },
    Group {
        tag: "integrations",
        about: "Connected directories and their SCIM tokens.",
        endpoints: integrations::ROUTES,
    },
    Group { tag: "session", about: "Signing in, and who may do what.", endpoints: session::ROUTES },
    Group { tag: "people", about: "The humans behind Users and accounts.", endpoints: people::ROUTES },
    Group { tag: "roles", about: "Roles, and who holds them by hand.", endpoints: roles::ROUTES },
    Group { tag: "tokens", about: "API tokens of persons and services.", endpoints: tokens::ROUTES },
    Group { tag: "rules", about: "Mapping rules.", endpoints: rules::ROUTES },
    Group { tag: "access", about: "Who has what, and through what.", endpoints: access::ROUTES },
    Group { tag: "invites", about: "Invitations to make a local account.", endpoints: invites::ROUTES },
    Group { tag: "events", about: "The change feed: what happened, and to whom.", endpoints: events::ROUTES },
    Group { tag: "webhooks", about: "Events sent to other services, signed.", endpoints: webhooks::ROUTES },
    Group { tag: "audit", about: "Proof that the journal is whole.", endpoints: audit::ROUTES },
    Group {
        tag: "mappings",
        about: "Which places of a User fill which fields of a person.",
        endpoints: attributes::ROUTES,
    },
    Group {
        tag: "holds",
        about: "What would follow from what integrations said, and waits for somebody.",
        endpoints: holds::ROUTES,
    },
    Group { tag: "imports", about: "Files into the catalog, and the catalog as files.", endpoints: imports::ROUTES },
    Group { tag: "conflicts", about: "Pairs that may be one human.", endpoints: conflicts::ROUTES },
    Group {
        tag: "handovers",
        about: "What people who left were responsible for, and who takes it on.",
        endpoints: handovers::ROUTES,
    },
    Group {
        tag: "leavers",
        about: "Who left, and how long it took until they had no access.",
        endpoints: leavers::ROUTES,
    },
    Group {
        tag: "teams",
        about: "Teams, who belongs to them, and the groups that feed them.",
        endpoints: teams::ROUTES,
    },
    Group {
        tag: "entities",
        about: "What the catalog keeps: components, systems, domains, APIs, resources.",
        endpoints: entities::ROUTES,
    },
    Group {
        tag: "standards",
        about: "What is defined for all items: tiers, lifecycles, properties.",
        endpoints: definitions::ROUTES,
    },
    Group { tag: "ownership", about: "Whether somebody answers for everything.", endpoints: ownership::ROUTES },
];

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct Api {
    app: App,
    gate: Gate,
    rates: Rates,
    /// Carries what is sent to other services.
    courier: Arc<dyn Courier>,
    /// Places for streams of events.
    streams: Arc<Semaphore>,
}

impl Api {
    pub(crate) fn new(app: App, gate: Gate, courier: Arc<dyn Courier>) -> Arc<Self> {
        let streams = Arc::new(Semaphore::new(stream::STREAMS));
        Arc::new(Self { rates: Rates::new(app.clone()), app, gate, courier, streams })
    }
}

/// Every route: method, path below the base, and who may use it, for tests.
pub(crate) fn routes() -> impl Iterator<Item = &'static table::Endpoint> {
    GROUPS.iter().flat_map(|group| group.endpoints)
}

pub use openapi::document as openapi;
pub(crate) use table::Access;
