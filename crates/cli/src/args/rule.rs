//! `rule` and `access`, as they are typed.

use super::values::since;
use super::{Json, Since};
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum RuleCommand {
    /// List the mapping rules in force
    List {
        #[command(flatten)]
        json: Json,
    },
    /// Show a rule, or the whole file
    Show {
        /// Id of the rule; without it the whole file as it was applied
        id: Option<String>,
        /// As they were in this version; without it those in force
        #[arg(long, value_name = "N")]
        version: Option<u64>,
        #[command(flatten)]
        json: Json,
    },
    /// Say what the rules of a file would do; exit 1 if they would remove an admin, empty a team or exceed the guard
    Preview {
        /// The file, YAML or JSON; - reads standard input
        file: PathBuf,
        #[command(flatten)]
        json: Json,
    },
    /// Put the rules of a file in force
    Apply {
        /// The file, YAML or JSON; - reads standard input
        file: PathBuf,
        /// Basis of the preview that was looked at: refused if anything changed since
        #[arg(long, value_name = "BASIS")]
        basis: Option<String>,
        /// What that preview found dangerous is meant
        #[arg(long, requires = "basis")]
        accept_dangers: bool,
        /// Why
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        /// Wait until everybody is evaluated
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Say what the rules of a file would give to one person
    Try {
        /// The file, YAML or JSON; - reads standard input; without it the rules in force
        file: Option<PathBuf>,
        /// Id, userName or e-mail address of the person
        #[arg(long, value_name = "X")]
        person: String,
        #[command(flatten)]
        json: Json,
    },
    /// List the versions of the rules
    Versions {
        #[command(flatten)]
        json: Json,
    },
    /// Put an old version in force again, as a new one
    Restore {
        /// Number of the version
        version: u64,
        /// Basis of the preview that was looked at
        #[arg(long, value_name = "BASIS")]
        basis: Option<String>,
        /// What that preview found dangerous is meant
        #[arg(long, requires = "basis")]
        accept_dangers: bool,
        /// Wait until everybody is evaluated
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Tell what is odd about the rules in force, or about those of a file
    Lint {
        /// The file, YAML or JSON; - reads standard input
        file: Option<PathBuf>,
        #[command(flatten)]
        json: Json,
    },
    /// Tell how many persons are still to be evaluated
    Progress {
        #[command(flatten)]
        json: Json,
    },
    /// List the rules whose review is due
    Reviews {
        /// Every rule
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Record that somebody looked at a rule and what they decided
    Review {
        /// Id of the rule
        id: String,
        /// keep, change or remove
        #[arg(long, value_name = "DECISION", value_parser = ["keep", "change", "remove"])]
        decision: String,
        /// Why
        #[arg(long, value_name = "TEXT", default_value = "")]
        note: String,
        #[command(flatten)]
        json: Json,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AccessArgs {
    /// The moment: 2026-03-01, 2026-03-01T12:00:00Z or a span ago such as 7d [default: now]
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub(crate) at: Option<Since>,
    /// Only this person: id, userName or e-mail address; who left for good by id alone
    #[arg(long, value_name = "X")]
    pub(crate) person: Option<String>,
    /// Only members of this team, by id or title
    #[arg(long, value_name = "TEAM")]
    pub(crate) team: Option<String>,
    /// Print CSV
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}
