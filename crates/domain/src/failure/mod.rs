//! Every failure in words: what happened, and what to change, in the identity provider's own terms where that helps.
//!
//! A failure has a stable code: one of the protocol's ([`bailiwick_scim::Code`]) or one of the product's
//! ([`ProductCode`]). [`failures`] has one row for each; `log --failed`, the integration's page and
//! `docs/reference/errors` all read it.

mod access;
mod catalog;
mod guard;
mod handover;
mod mapping;
mod pages;
mod product;
mod protocol;

pub use pages::{index, page};

use crate::preset::Preset;
use bailiwick_scim::{Code, Error, ScimType};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $status:literal, $scim:expr;)+) => {
        /// What went wrong, where the protocol has no word of its own for it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ProductCode { $($(#[$doc])* $variant,)+ }

        impl ProductCode {
            /// Every code.
            pub const ALL: &[ProductCode] = &[$(ProductCode::$variant,)+];

            /// The stable text of the code.
            #[must_use]
            pub fn as_str(self) -> &'static str { match self { $(ProductCode::$variant => $text,)+ } }

            /// The HTTP status it is answered with.
            #[must_use]
            pub fn status(self) -> u16 { match self { $(ProductCode::$variant => $status,)+ } }

            /// The `scimType` it is answered with, if one fits (RFC 7644 table 9).
            #[must_use]
            pub fn scim_type(self) -> Option<ScimType> { match self { $(ProductCode::$variant => $scim,)+ } }
        }
    };
}

codes! {
    /// The document of an item of the catalog, or of what is defined for them, does not fit.
    DocumentInvalid = "document-invalid", 400, Some(ScimType::InvalidValue);
    /// The difference was made from an older state.
    ApplyStale = "apply-stale", 409, None;
    /// The integration insists on a userName in e-mail form.
    EmailRequiredUserName = "email-required-user-name", 400, Some(ScimType::InvalidValue);
    /// The Expect header asks for something other than 100-continue.
    Expectation = "expectation", 417, None;
    /// The policy does not permit it.
    Forbidden = "forbidden", 403, None;
    /// A group's displayName is empty or holds NUL.
    GroupNameForm = "group-name-form", 400, Some(ScimType::InvalidValue);
    /// The hand-over was decided already.
    HandoverDecided = "handover-decided", 409, None;
    /// The thing still has nobody else to look after it.
    HandoverOpen = "handover-open", 409, None;
    /// The head of the request is larger than the server reads.
    HeadTooLarge = "head-too-large", 431, None;
    /// A header is malformed, or one that may come once came twice.
    HeaderMalformed = "header-malformed", 400, None;
    /// The hold, or what is named of it, was decided already.
    HoldDecided = "hold-decided", 409, None;
    /// The request names no host, or two.
    HostMissing = "host-missing", 400, None;
    /// The integration is paused.
    IntegrationPaused = "integration-paused", 403, None;
    /// An equal request with this Idempotency-Key is being carried out.
    IdempotencyInFlight = "idempotency-in-flight", 409, None;
    /// The Idempotency-Key came before with another request.
    IdempotencyKeyReused = "idempotency-key-reused", 422, None;
    /// A secret that is shown once was shown already.
    IdempotencyShownOnce = "idempotency-shown-once", 409, None;
    /// A fault of the server.
    Internal = "internal", 500, None;
    /// The invitation is unknown, used up, revoked or expired.
    InviteEnded = "invite-ended", 404, None;
    /// The change would leave no active admin.
    LastAdmin = "last-admin", 403, None;
    /// A local person has the userName or e-mail address.
    LocalPerson = "local-person", 409, Some(ScimType::Uniqueness);
    /// An identity provider owns the field.
    ManagedAttribute = "managed-attribute", 409, None;
    /// The attribute mapping cannot be understood.
    MappingForm = "mapping-form", 400, None;
    /// An integration decides about this person.
    ManagedPerson = "managed-person", 409, None;
    /// The role is held by a rule, not by hand.
    ManagedRole = "managed-role", 409, None;
    /// A group or a rule gives the membership, so that it cannot be taken away by hand.
    MembershipManaged = "membership-managed", 409, None;
    /// `/Me` is not offered: a token stands for an integration, not for a user.
    MeNotOffered = "me-not-offered", 501, None;
    /// No form of the answer is among those that Accept names.
    NotAcceptable = "not-acceptable", 406, None;
    /// The store changed since the preview that the caller relies on.
    PreviewStale = "preview-stale", 409, None;
    /// More calls than the integration may make.
    RateLimited = "rate-limited", 429, None;
    /// The request did not arrive in time.
    RequestTimeout = "request-timeout", 408, None;
    /// Somebody still holds the role.
    RoleInUse = "role-in-use", 409, None;
    /// The rules would remove an admin, empty a team or take away more than the guard lets pass.
    RulesDangerous = "rules-dangerous", 409, None;
    /// The rule file cannot be used.
    RulesInvalid = "rules-invalid", 400, None;
    /// Too many failed sign-ins.
    SignInLocked = "sign-in-locked", 429, None;
    /// Name, password or recovery code are wrong.
    SignInRefused = "sign-in-refused", 401, None;
    /// The store cannot take a change at the moment.
    StoreBusy = "store-busy", 503, None;
    /// The disk is full.
    StoreFull = "store-full", 507, None;
    /// The token has expired.
    TokenExpired = "token-expired", 401, None;
    /// A token for the API was used for SCIM.
    TokenForApi = "token-for-api", 401, None;
    /// The token of an integration was used for the API.
    TokenForScim = "token-for-scim", 401, None;
    /// The Authorization header carries no bearer token of our form.
    TokenMalformed = "token-malformed", 401, None;
    /// There is no Authorization header.
    TokenMissing = "token-missing", 401, None;
    /// The token was revoked.
    TokenRevoked = "token-revoked", 401, None;
    /// No integration has this token.
    TokenUnknown = "token-unknown", 401, None;
    /// The userName holds what may not stand in one.
    UserNameForm = "user-name-form", 400, Some(ScimType::InvalidValue);
}

/// An error of the product. `detail` is a sentence; it names the attribute or place, never a secret.
#[must_use]
pub fn error(code: ProductCode, detail: impl Into<String>) -> Error {
    Error { status: code.status(), scim_type: code.scim_type(), code: code.as_str(), detail: detail.into() }
}

/// What is known of one code.
#[derive(Clone, Copy, Debug)]
pub struct Failure {
    /// The stable code.
    pub code: &'static str,
    /// What happened, in one sentence.
    pub cause: &'static str,
    /// What to change, in one sentence, whoever the provider is.
    pub remedy: &'static str,
    /// What to change in the terms of one provider, in one sentence.
    pub hints: &'static [(Preset, &'static str)],
    /// A paragraph for whoever wants to understand it.
    pub more: &'static str,
}

impl Failure {
    /// The remedy in this provider's terms, else the general one.
    #[must_use]
    pub fn remedy_for(&self, preset: Preset) -> &'static str {
        self.hints.iter().find(|(of, _)| *of == preset).map_or(self.remedy, |(_, remedy)| *remedy)
    }

    /// The HTTP status and `scimType` that go with the code.
    #[must_use]
    pub fn answer(&self) -> (u16, Option<ScimType>) {
        let protocol = Code::ALL.iter().find(|code| code.as_str() == self.code);
        let product = || ProductCode::ALL.iter().find(|code| code.as_str() == self.code);
        protocol
            .map(|code| (code.status(), code.scim_type()))
            .or_else(|| product().map(|code| (code.status(), code.scim_type())))
            .unwrap_or((500, None))
    }
}

/// Every failure: one row for every code of the protocol and of the product.
pub fn failures() -> impl Iterator<Item = &'static Failure> {
    [
        protocol::BODIES,
        protocol::QUERIES,
        protocol::CHANGES,
        product::NAMES,
        product::ACCESS,
        product::SERVER,
        access::POLICY,
        handover::HANDOVERS,
        mapping::MAPPING,
        catalog::CATALOG,
        guard::GUARD,
    ]
    .into_iter()
    .flatten()
}

/// The row of a code.
#[must_use]
pub fn failure(code: &str) -> Option<&'static Failure> {
    failures().find(|failure| failure.code == code)
}

/// Cause and remedy of a code, for an integration of this preset. A code that a newer version wrote has neither here.
#[must_use]
pub fn explain(code: &str, preset: Preset) -> (&'static str, &'static str) {
    failure(code).map_or(
        ("This version does not know the code.", "Use the version that wrote the record to read it."),
        |failure| (failure.cause, failure.remedy_for(preset)),
    )
}

#[cfg(test)]
mod tests;
