//! What can be typed about holds, observe mode and attribute mappings.

use super::Json;
use clap::Subcommand;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum HoldCommand {
    /// List holds that wait for a decision
    List {
        /// Decided ones, too
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Show one: why it waits, who waits in it and what would become of them
    Show {
        /// Id of the hold
        id: String,
        /// Most persons
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        #[command(flatten)]
        json: Json,
    },
    /// Carry out what was held
    Approve {
        /// Id of the hold
        id: String,
        /// Only of the person of this id, userName or e-mail address; may be given several times
        #[arg(long, value_name = "X")]
        person: Vec<String>,
        #[command(flatten)]
        json: Json,
    },
    /// Take nothing away, until the identity provider says something new
    Reject {
        /// Id of the hold
        id: String,
        /// Why, for who looks later
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        json: Json,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum MappingCommand {
    /// Show it
    Show {
        #[command(flatten)]
        json: Json,
    },
    /// Show what the mapping of a file would change for whom
    Preview {
        /// JSON file: an object from fields such as title, cost_center or property:badge to what fills them: a SCIM path,
        /// {"path": P, "default": TEXT}, {"lower": P} or {"join": [P, ...], "with": TEXT}; null takes a field out
        file: PathBuf,
        #[command(flatten)]
        json: Json,
    },
    /// Put the mapping of a file in force
    Set {
        /// JSON file: an object from fields such as title, cost_center or property:badge to what fills them: a SCIM path,
        /// {"path": P, "default": TEXT}, {"lower": P} or {"join": [P, ...], "with": TEXT}; null takes a field out
        file: PathBuf,
        #[command(flatten)]
        json: Json,
    },
    /// Go back to the attributes of the RFC
    Reset {
        #[command(flatten)]
        json: Json,
    },
}
