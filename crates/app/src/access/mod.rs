//! Access: who calls outside SCIM, what they may do, and what gives it to them.
//!
//! [`identify_api`] turns a bearer token into a [`Principal`], [`require`] asks the one decision point of
//! `domain::policy`. Every use case of the catalog takes a principal and asks.

pub(crate) mod admins;
mod api_tokens;
mod attempts;
mod cache;
mod explain;
mod give;
mod identify;
mod invites;
mod own;
mod password;
mod people;
mod principal;
mod require;
mod roles;
mod sessions;
mod state;
mod terms;

pub use api_tokens::{
    ApiToken, ApiTokenMade, LIFE, LIFE_MAX, NewApiToken, OVERLAP_MAX, create_personal_token, create_service_token,
    list_personal_tokens, list_service_tokens, revoke_api_token, rotate_api_token,
};
pub use bailiwick_domain::policy::{
    self, Action, Decision, HeldRole, Object, Permit, PersonOf, Principal, PrincipalKind, Reach, Reason, Role, Scope,
    Scopes, decide, permits,
};
pub use explain::{About, Explained, explain_decision};
pub use give::{give_role, take_role};
pub use identify::{NotIdentified, identify_api};
pub use invites::{Acceptance, Invite, InviteMade, accept_invite, create_invite, list_invites, revoke_invite};
pub use people::{
    PeopleQuery, PersonChange, PersonDetail, activate_person, change_person, create_person, deactivate_person,
    list_people, show_person,
};
pub use require::require;
pub(crate) use roles::default_role_at;
pub use roles::{
    RoleEntry, RoleRefused, delete_role, list_roles, set_default_role, set_role, show_default_role, show_role,
};
pub use sessions::{
    Secret, SessionMade, SignIn, SignInRefused, end_session, end_sessions, list_sessions, sign_in, sign_out,
};

pub(crate) use give::grant as grant_by_hand;
pub(crate) use invites::within_held;
pub(crate) use password::hash as hash_password;
pub(crate) use roles::hold_within_own;
pub(crate) use state::State as AccessState;
