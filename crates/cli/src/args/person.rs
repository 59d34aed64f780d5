//! `person`, as it is typed.

use super::Json;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum PersonCommand {
    /// List persons
    List {
        /// Only those whose name, address or id contains this
        #[arg(long, value_name = "X")]
        search: Option<String>,
        /// Filter in the language of SCIM over their fields, such as 'department eq "Payments"'
        #[arg(long, value_name = "FILTER")]
        filter: Option<String>,
        /// Only those standing so
        #[arg(long, value_name = "STATE", value_parser = ["active", "inactive", "closed"])]
        state: Option<String>,
        /// Most persons
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        #[command(flatten)]
        json: Json,
    },
    /// Show one: fields with their sources, Users, groups, roles, teams, pairs waiting for a decision
    Show {
        /// Id, userName or e-mail address
        #[arg(value_name = "X")]
        id: String,
        #[command(flatten)]
        json: Json,
    },
    /// Make a person by hand, without an account; an identity provider may take them over later
    Create {
        /// Name shown
        display: String,
        /// E-mail address
        #[arg(long)]
        email: Option<String>,
        #[command(flatten)]
        json: Json,
    },
    /// Change what no identity provider and no rule decides about
    Set {
        /// Id, userName or e-mail address
        #[arg(value_name = "X")]
        id: String,
        #[command(flatten)]
        change: PersonSet,
        #[command(flatten)]
        json: Json,
    },
    /// Switch off a person that no integration provisions: sessions, tokens and invitations end at once
    Deactivate(OnePerson),
    /// Switch on a person that was switched off here
    Activate(OnePerson),
    /// Show what happened to a person, the newest first
    History {
        /// Id, userName or e-mail address
        #[arg(value_name = "X")]
        id: String,
        /// Most entries
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        #[command(flatten)]
        json: Json,
    },
}

/// What to change of a person.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct PersonSet {
    /// Name shown
    #[arg(long, value_name = "NAME")]
    pub(crate) display: Option<String>,
    /// E-mail address; none takes it away
    #[arg(long, value_name = "ADDRESS|none")]
    pub(crate) email: Option<String>,
    /// Field such as title or property:badge; JSON or plain text, none takes it away; may be given several times
    #[arg(long = "field", value_name = "NAME=VALUE|NAME=none")]
    pub(crate) fields: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct OnePerson {
    /// Id, userName or e-mail address
    #[arg(value_name = "X")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) json: Json,
}
