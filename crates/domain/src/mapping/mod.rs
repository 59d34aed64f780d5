//! From what identity providers say to what somebody has: grants by mapping rules and feeds.
//!
//! Pure. [`rule`] is a rule as written, [`parse()`] reads a file of them, [`Compiled`] makes a set of them ready, [`evaluate()`] says what one
//! [`Subject`] is to have, [`diff()`] what must change for that, [`Effects`] what the change means. [`grant`] is what a
//! person has and how it came. Preview, guard and the real change call the same functions.

pub mod compiled;
pub mod diff;
pub mod effects;
pub mod evaluate;
pub mod grant;
pub mod lint;
pub mod parse;
pub mod pattern;
pub mod rule;
pub mod subject;

pub use compiled::{Compiled, Feed, TeamEntry, Teams, World};
pub use diff::{Diff, HeldGrant, diff};
pub use effects::{Danger, Effects};
pub use evaluate::{GroupMatches, evaluate};
pub use grant::{Grant, GrantKind, Origin, Step, StepKind};
pub use lint::{Lint, lint};
pub use parse::{Vocabulary, parse};
pub use rule::{GroupTest, Rule, RuleSet, Then, When};
pub use subject::{Closure, GroupNode, Subject, SubjectGroup, SubjectUser, Web, closure};

#[cfg(test)]
mod tests;
