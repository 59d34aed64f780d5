//! The rows of the codes about mapping rules.

use super::Failure;

/// What can be wrong with mapping rules, or with when they are applied.
pub(super) const MAPPING: &[Failure] = &[
    Failure {
        code: "preview-stale",
        cause: "People, groups, teams, roles or rules changed since the preview that the request relies on.",
        remedy: "Preview the rules again, look at what would happen now, and apply them with the new basis.",
        hints: &[],
        more: "A preview says what rules would do to the people and groups of that moment. What is applied with its \
               basis is exactly that: if a User, a Group, a membership, a team, a grant or the rules themselves changed \
               meanwhile, or if the file is another one, nothing is applied. Refused calls and mere reads do not count.",
    },
    Failure {
        code: "rules-dangerous",
        cause: "The rules would take the admin role from somebody, leave a team without active members, or take \
                something from more people than the guard lets pass.",
        remedy: "Look at the preview; if it is meant, apply the rules with the basis of that preview and accept the \
                 dangers.",
        hints: &[],
        more: "A rule file with a slip can take everything from everybody within seconds. So a change that removes an \
               admin, empties a team or removes more than the threshold (more than 10 per cent of the people and at \
               least 5, where the integrations do not say otherwise) is applied only by somebody who has seen it. \
               `bailiwick rule preview FILE` exits 1 for the same reasons, so that a pull request can be gated by it.",
    },
    Failure {
        code: "rules-invalid",
        cause: "The rule file has faults; each is named with its line and column.",
        remedy: "Mend the places that the answer names; nothing of the file was applied.",
        hints: &[],
        more: "Unknown keys, unknown teams, roles, properties and integrations, filters that no schema allows and \
               conditions that can never hold are refused, and all faults of a file are told at once. The rules that \
               were in force stay in force.",
    },
];
