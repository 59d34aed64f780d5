//! `tier`, `lifecycle` and `property`, as they are typed.

use super::Json;
use clap::Subcommand;
use std::path::PathBuf;

/// What can be done to an ordered list of tiers or lifecycles.
#[derive(Debug, Subcommand)]
pub(crate) enum LevelCommand {
    /// List them in order
    List {
        #[command(flatten)]
        json: Json,
    },
    /// Show one
    Show {
        /// Alias, as entities say it
        alias: String,
        #[command(flatten)]
        json: Json,
    },
    /// Define one, or change what is said of it
    Set {
        /// Alias, as entities say it: a to z, 0 to 9, - and _, at most 63
        alias: String,
        /// Place in the list: the lowest comes first [default for a new one: behind the last]
        #[arg(long, value_name = "N")]
        index: Option<u32>,
        /// What people call it; none for its alias
        #[arg(long, value_name = "TEXT|none")]
        name: Option<String>,
        /// What it means; none takes it away
        #[arg(long, value_name = "TEXT|none")]
        description: Option<String>,
        #[command(flatten)]
        json: Json,
    },
    /// Take one out of the list; entities that say it keep it until they are changed
    Delete {
        /// Alias
        alias: String,
        #[command(flatten)]
        json: Json,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PropertyCommand {
    /// List properties by name
    List {
        #[command(flatten)]
        json: Json,
    },
    /// Show one with its schema
    Show {
        /// Name
        name: String,
        #[command(flatten)]
        json: Json,
    },
    /// Define a property, or change what is said of it; what is not named stays
    Set {
        /// Name: a letter, then letters, digits, - and _, at most 63
        name: String,
        /// File with the JSON Schema (draft 2020-12) of its values; - reads standard input; none allows any value
        #[arg(long, value_name = "FILE|none")]
        schema: Option<PathBuf>,
        /// What people call it; none takes it away
        #[arg(long, value_name = "TEXT|none")]
        title: Option<String>,
        /// What it means; none takes it away
        #[arg(long, value_name = "TEXT|none")]
        description: Option<String>,
        /// Kind it may stand on, such as component, team or person; may be given several times; all for every kind
        #[arg(long = "kind", value_name = "KIND|all", value_delimiter = ',')]
        kinds: Vec<String>,
        /// Whether files may not set it
        #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        locked: Option<bool>,
        /// Whether pages leave it out
        #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        hidden: Option<bool>,
        #[command(flatten)]
        json: Json,
    },
    /// Take a definition away; values stay until what has them is changed
    Delete {
        /// Name
        name: String,
        #[command(flatten)]
        json: Json,
    },
}
