//! The rows of the codes about hand-overs.

use super::Failure;

/// What can be wrong with a decision about what somebody left behind.
pub(super) const HANDOVERS: &[Failure] = &[
    Failure {
        code: "handover-decided",
        cause: "The hand-over was decided already, or the person came back.",
        remedy: "Read it again; what is to change now is changed at the thing itself.",
        hints: &[],
        more: "A hand-over is decided once. Of two who decide at the same moment the second gets this answer and nothing \
               of theirs happens. When a person comes back, what is still open is closed as returned.",
    },
    Failure {
        code: "handover-open",
        cause: "The thing is still the person's to look after, and no successor was named who could take it.",
        remedy: "Name a successor, decline the hand-over, or change the thing itself first.",
        hints: &[],
        more: "Done without a successor says that somebody else looks after the thing by now, and that is checked: an \
               entity has another owner, a team another active manager or member, a mapping rule another owner in the \
               rule file.",
    },
];
