//! Arguments of `leaver` and `handover`.

use super::{Json, Since, values};
use bailiwick_domain::handover::TaskState;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct LeaverArgs {
    /// Everything about one: id, e-mail address or userName of the person
    #[arg(long, value_name = "X")]
    pub(crate) person: Option<String>,
    /// Who left since then: a span such as 24h or 30d, a date (UTC), or an RFC 3339 time
    #[arg(long, value_name = "T", default_value = "30d", conflicts_with = "person", value_parser = values::since)]
    pub(crate) since: Since,
    /// Most leavers
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) limit: u32,
    /// Print comma-separated values
    #[arg(long, conflicts_with_all = ["json", "person"])]
    pub(crate) csv: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HandoverCommand {
    /// List hand-overs with who could take them on
    List {
        /// Only those in this state, or all
        #[arg(long, value_name = "STATE", default_value = "open", value_parser = states())]
        state: State,
        /// Only what this person left: id, e-mail address or userName
        #[arg(long, value_name = "X")]
        person: Option<String>,
        /// Only of this thing: id or reference
        #[arg(long, value_name = "X")]
        item: Option<String>,
        /// Only those that this person or team looks after: id
        #[arg(long, value_name = "ID")]
        assignee: Option<String>,
        /// Most hand-overs
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        #[command(flatten)]
        json: Json,
    },
    /// Show one with every suggestion and its reasons
    Show {
        /// Id of the hand-over
        id: String,
        #[command(flatten)]
        json: Json,
    },
    /// Somebody takes it on: with a successor the thing is theirs in the same step
    Done {
        /// Id of the hand-over
        id: String,
        /// Who takes it on: a team, or a person by id, e-mail address or userName
        #[arg(long, value_name = "X")]
        successor: Option<String>,
        /// Why
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        #[command(flatten)]
        json: Json,
    },
    /// Nobody has to take it on
    Decline {
        /// Id of the hand-over
        id: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        #[command(flatten)]
        json: Json,
    },
    /// Name who looks after it; it stays open
    Assign {
        /// Id of the hand-over
        id: String,
        /// A team, or a person by id, e-mail address or userName
        to: String,
        #[command(flatten)]
        json: Json,
    },
}

/// A state, or every one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State(pub(crate) Option<TaskState>);

fn states() -> impl TypedValueParser<Value = State> {
    let names = TaskState::ALL.iter().map(|state| state.as_str()).chain(["all"]);
    PossibleValuesParser::new(names).map(|name| State(TaskState::from_text(&name)))
}
