//! The rows of the codes about roles, sign-in and invitations.

use super::Failure;

/// What can be wrong with somebody's permission, or with how they try to get in.
pub(super) const POLICY: &[Failure] = &[
    Failure {
        code: "forbidden",
        cause: "The roles of the caller, or the scopes of the token, do not permit it.",
        remedy: "Ask an admin for a role that permits it, or use a token with the scope that the answer names.",
        hints: &[],
        more: "The answer says which of the caller's roles came near, and which roles would permit it. Everything that \
               no role permits is refused. Roles come from mapping rules or are given by hand; scopes of a token only \
               narrow what its holder may do. `POST /api/v1/decisions` explains a decision without trying it.",
    },
    Failure {
        code: "invite-ended",
        cause: "The invitation was accepted already, was taken back, has expired, or never was one.",
        remedy: "Ask whoever invited you for another invitation.",
        hints: &[],
        more: "An invitation is good for one account and for 72 hours. It ends at once when it is accepted, when an \
               admin takes it back, and when the person it was for is switched off.",
    },
    Failure {
        code: "managed-person",
        cause: "An integration decides about this person, so it cannot be changed by hand here.",
        remedy: "Change the person in the identity provider that the answer names.",
        hints: &[],
        more: "Who is provisioned is switched off and on where they come from: what was changed here by hand would be \
               undone with the next change that the identity provider sends. Persons without any User, made by hand \
               or by an import, are changed here.",
    },
    Failure {
        code: "managed-role",
        cause: "The person holds the role by a mapping rule or by default, not by hand.",
        remedy: "Change the rule that the answer names, or take the person out of the group it looks at.",
        hints: &[],
        more: "A role that was given by hand is taken by hand. One that a rule gives would come back with the next \
               evaluation, so it is refused instead of pretending.",
    },
    Failure {
        code: "role-in-use",
        cause: "Somebody holds the role, so it cannot be deleted.",
        remedy: "Take the role from everybody who holds it, by hand or by changing the rules that give it; then delete \
                 it.",
        hints: &[],
        more: "A role that vanished under its holders would take access away without a word. Service tokens hold their \
               role, too: revoke those or give them another.",
    },
    Failure {
        code: "sign-in-locked",
        cause: "Too many sign-ins failed within a minute.",
        remedy: "Wait as long as Retry-After says and sign in again; if it was not you, tell an admin.",
        hints: &[],
        more: "Ten failures within a minute close an account to sign-ins from the address they came from. Nobody else \
               is kept out: the same account can be signed in to from elsewhere, and other accounts are not concerned. \
               The right password does not help while it lasts.",
    },
    Failure {
        code: "sign-in-refused",
        cause: "The name, the password or the recovery code is wrong, or the account is switched off.",
        remedy: "Try again, or sign in with the identity provider; an admin of the host makes new credentials with \
                 `bailiwick admin recover`.",
        hints: &[],
        more: "The answer does not say which of them is wrong, and an unknown name takes as long as a wrong password, \
               so that nobody learns who has an account. A recovery code is good once.",
    },
    Failure {
        code: "token-for-api",
        cause: "SCIM was called with a token that is for the API of the catalog.",
        remedy: "Use the token of the integration, which begins with bwk_ and was printed by `bailiwick integration \
                 create`.",
        hints: &[],
        more: "What a token is for is told by how it begins: bwk_ is an integration's and for SCIM alone; bwp_ is a \
               person's, bws_ a service's, bwl_ a session, and all three are for the API alone.",
    },
    Failure {
        code: "token-for-scim",
        cause: "The API was called with the token of an integration, which is for SCIM alone.",
        remedy: "Use a personal token, a service token or a session; `bailiwick api-token create` makes a token.",
        hints: &[],
        more: "The token of an integration lies at the identity provider. It must not open anything but SCIM, and \
               SCIM must not be opened by anything that acts for a person.",
    },
];
