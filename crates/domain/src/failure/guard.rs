//! The rows of the codes about attributes that an identity provider owns, and about what was held.

use super::Failure;
use crate::preset::Preset;

/// What can be wrong with changing what an identity provider keeps, or with deciding what it removed.
pub(super) const GUARD: &[Failure] = &[
    Failure {
        code: "apply-stale",
        cause: "The directory or the catalog changed since the difference was shown.",
        remedy: "Look at the difference again with `bailiwick integration observe NAME` and apply that one.",
        hints: &[],
        more: "An integration in observe mode is applied exactly as it was looked at: the basis names the state that \
               the difference was made from. Whatever the identity provider sent since belongs to the difference, so \
               it has to be seen first.",
    },
    Failure {
        code: "hold-decided",
        cause: "The hold was decided already, or the persons named do not wait in it.",
        remedy: "Look at it with `bailiwick hold show ID`.",
        hints: &[],
        more: "Of two decisions about one hold, or about one person in it, the first counts. A person leaves a hold \
               when it is approved or rejected, and when the identity provider takes back what it said.",
    },
    Failure {
        code: "managed-attribute",
        cause: "The identity provider owns this field of the person, so it cannot be changed here.",
        remedy: "Change it in the identity provider, or take the field out of the integration's attribute mapping.",
        hints: &[
            (Preset::Entra, "Change it in Entra, or take the field out of the integration's attribute mapping."),
            (
                Preset::Okta,
                "Change it in Okta's profile, or take the field out of the integration's attribute mapping.",
            ),
            (Preset::Google, "Change it in the Google Admin console, or take the field out of the attribute mapping."),
        ],
        more: "What the attribute mapping of an integration fills belongs to its identity provider: a change here \
               would be undone with the next one it sends. `bailiwick integration mapping show NAME` shows which \
               fields those are and where in a User each comes from. Fields that are not mapped are free.",
    },
    Failure {
        code: "mapping-form",
        cause: "The attribute mapping cannot be understood.",
        remedy: "Correct the places that the answer names and send the mapping again.",
        hints: &[],
        more: "A mapping is an object from fields to rules: a SCIM path of a User, or an object with `path`, `lower` or \
               `join` and, if something is to stand in where the User says nothing, `default`. Everything that is \
               wrong with it is told at once, each with its place.",
    },
];
