//! Invitations.

use super::answer::Answer;
use super::listed::listed;
use super::request::{Request, encoded};
use super::table::{Access::Everybody, Access::May, Endpoint, delete, get, handler, post};
use super::wire::Moment;
use crate::intake::Failure;
use bailiwick_app::access::{self, Acceptance};
use bailiwick_domain::policy::Action::{PersonEdit, TokenRead};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const ROUTES: &[Endpoint] = &[
    get(May(TokenRead), "/invites", "listInvites", handler!(list))
        .says("Lists the open invitations.")
        .lists::<Invite>(),
    post(May(PersonEdit), "/invites", "createInvite", handler!(create))
        .says("Invites an e-mail address. The token is shown this once; it is good for one account and 72 hours.")
        .takes::<InviteNew>()
        .makes::<InviteShown>()
        .once(),
    delete(May(PersonEdit), "/invites/{id}", "revokeInvite", handler!(revoke)).says("Takes an invitation back."),
    post(Everybody, "/invites/accept", "acceptInvite", handler!(accept))
        .says("Accepts an invitation: makes the local account. Of many at once one succeeds.")
        .takes::<InviteAccept>()
        .gives::<InviteAccepted>(),
];

/// An open invitation, without its token.
#[derive(Serialize, JsonSchema)]
struct Invite {
    /// Id, `inv_...`.
    id: String,
    /// The address that was invited.
    email: String,
    /// The person it is for.
    person: Option<String>,
    /// The role that comes with it.
    role: Option<String>,
    /// Who invited.
    created_by: Option<String>,
    /// Made.
    created_at: Moment,
    /// Good until.
    expires_at: Option<Moment>,
}

impl From<access::Invite> for Invite {
    fn from(invite: access::Invite) -> Self {
        Self {
            id: invite.id,
            email: invite.email,
            person: invite.person,
            role: invite.role,
            created_by: invite.by,
            created_at: Moment(invite.created),
            expires_at: invite.expires.map(Moment),
        }
    }
}

/// An invitation that was just made: the only place where its token is shown.
#[derive(Serialize, JsonSchema)]
struct InviteShown {
    #[serde(flatten)]
    about: Invite,
    /// The token: to be sent to whoever is invited.
    token: String,
}

/// Somebody to be invited.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct InviteNew {
    /// E-mail address.
    #[schemars(length(min = 3, max = 320))]
    email: String,
    /// Name shown; the address when nothing is said.
    #[schemars(length(min = 1, max = 200))]
    display: Option<String>,
    /// Role that comes with it, no stronger than one's own.
    role: Option<String>,
}

async fn list(request: Request) -> Result<Answer, Failure> {
    let invites = access::list_invites(&request.app, &request.principal).await?;
    listed(&request, invites, |invite| invite.id.clone(), Invite::from)
}

async fn create(request: Request) -> Result<Answer, Failure> {
    let new: InviteNew = request.body()?;
    let (display, role) = (new.display.as_deref(), new.role.as_deref());
    let made = access::create_invite(&request.app, &request.principal, &new.email, display, role).await?;
    let path = format!("/invites/{}", encoded(&made.invite.id));
    Answer::made(&request, &path, &InviteShown { about: made.invite.into(), token: made.text })
}

async fn revoke(request: Request) -> Result<Answer, Failure> {
    access::revoke_invite(&request.app, &request.principal, request.path("id")).await?;
    Ok(Answer::empty())
}

/// An invitation that is accepted.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct InviteAccept {
    /// The token.
    #[schemars(length(max = 100))]
    token: String,
    /// Name to sign in with.
    #[schemars(length(min = 1, max = 1_000))]
    user_name: String,
    /// Password.
    #[schemars(length(min = 12, max = 1_024))]
    password: String,
    /// Name shown; the one given with the invitation when nothing is said.
    #[schemars(length(min = 1, max = 200))]
    display: Option<String>,
}

/// The account that was made. Sign in with it by POST to `/session`.
#[derive(Serialize, JsonSchema)]
struct InviteAccepted {
    /// Id of the person.
    person: String,
    /// Name to sign in with.
    user_name: Option<String>,
    /// Name shown.
    display: String,
}

async fn accept(request: Request) -> Result<Answer, Failure> {
    let said: InviteAccept = request.body()?;
    let said =
        Acceptance { token: said.token, user_name: said.user_name, password: said.password, display: said.display };
    let person = access::accept_invite(&request.app, said).await?;
    let (user_name, display) = (person.user_name, person.display);
    Answer::json(&InviteAccepted { person: person.id, user_name, display })
}
