//! What can be wrong with what the catalog is told.

use super::Failure;

pub(super) const CATALOG: &[Failure] = &[
    Failure {
        code: "document-invalid",
        cause: "The document of a team, an entity or a definition does not fit.",
        remedy: "Correct what the answer names: every fault is told with its place and reason.",
        hints: &[],
        more: "A document is taken whole or not at all. A place is a JSON pointer such as /links/0/url. Owners, parents, \
               systems and domains that are set by hand must be there; dependencies, and what an import says, may \
               point to what is not there yet.",
    },
    Failure {
        code: "membership-managed",
        cause: "The person belongs to the team through a group, a rule or an import, so that the membership cannot be \
                taken away by hand.",
        remedy: "Take the person out of the group at the identity provider, or change the rule or the imported file \
                 that the answer names.",
        hints: &[],
        more: "A membership may have several origins, and all of them are shown. What somebody gave by hand can be \
               taken by hand; what a directory, a mapping rule or an imported file gives comes back as long as it says \
               so. A source that is no more gives its memberships up when it is imported empty with \
               --accept-removals.",
    },
];
