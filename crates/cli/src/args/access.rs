//! `role`, `api-token`, `session`, `invite`.

use super::{Json, values};
use clap::Subcommand;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Subcommand)]
pub(crate) enum RoleCommand {
    /// List roles, the strongest first
    List {
        #[command(flatten)]
        json: Json,
    },
    /// Show what a role permits
    Show {
        /// Name of the role
        name: String,
        #[command(flatten)]
        json: Json,
    },
    /// Make or change a role of the company's own from a file with name, title, rank and permits
    Set {
        /// File, YAML or JSON; - reads standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        json: Json,
    },
    /// Delete a role of the company's own that nobody holds
    Delete {
        /// Name of the role
        name: String,
        #[command(flatten)]
        json: Json,
    },
    /// Give a person a role by hand
    Give {
        /// Name of the role
        name: String,
        /// Id, userName or e-mail address of the person
        #[arg(long, value_name = "X")]
        person: String,
        #[command(flatten)]
        json: Json,
    },
    /// Take a role that a person holds by hand
    Take {
        /// Name of the role
        name: String,
        /// Id, userName or e-mail address of the person
        #[arg(long, value_name = "X")]
        person: String,
        #[command(flatten)]
        json: Json,
    },
    /// Show or choose the role of everybody who has no other
    Default {
        /// Name of the role, or none; without it the present one is shown
        name: Option<String>,
        #[command(flatten)]
        json: Json,
    },
    /// List every action that roles permit and scopes name
    Actions {
        #[command(flatten)]
        json: Json,
    },
    /// Say whether a person may do something, and why
    Explain {
        /// Id, userName or e-mail address of the person
        #[arg(long, value_name = "X")]
        person: String,
        /// Action, such as catalog.edit
        action: String,
        /// Id of a team or entity it concerns
        #[arg(long, value_name = "ID")]
        item: Option<String>,
        #[command(flatten)]
        json: Json,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ApiTokenCommand {
    /// Make an API token; it is shown this once
    Create {
        /// Whom it acts as: id, userName or e-mail address of a person
        #[arg(long, value_name = "X", required_unless_present = "service")]
        person: Option<String>,
        /// Name of the service it is for
        #[arg(long, value_name = "NAME", conflicts_with = "person", requires = "role")]
        service: Option<String>,
        /// Role of the service
        #[arg(long, value_name = "NAME", conflicts_with = "person")]
        role: Option<String>,
        /// What it may be used for at most: admin, audit, catalog, metrics, people, read, rules, write, or names of
        /// actions; may be given several times
        #[arg(long, value_name = "SCOPE", value_delimiter = ',', default_value = "read")]
        scope: Vec<String>,
        /// What it is for
        #[arg(long, default_value = "token")]
        label: String,
        /// Life span, at most 366d
        #[arg(long, value_name = "SPAN", default_value = "90d", value_parser = values::span)]
        expires: Duration,
        #[command(flatten)]
        json: Json,
    },
    /// List API tokens, without their text
    List {
        /// Those of this person; without it those of services
        #[arg(long, value_name = "X")]
        person: Option<String>,
        #[command(flatten)]
        json: Json,
    },
    /// Make a successor; the old token lives on for the overlap
    Rotate {
        /// Id of the token
        id: String,
        /// How long the old token still works, at most 30d
        #[arg(long, value_name = "SPAN", default_value = "24h", value_parser = values::span)]
        overlap: Duration,
        /// Life span of the successor, at most 366d
        #[arg(long, value_name = "SPAN", default_value = "90d", value_parser = values::span)]
        expires: Duration,
        #[command(flatten)]
        json: Json,
    },
    /// End an API token at once
    Revoke {
        /// Id of the token
        id: String,
        #[command(flatten)]
        json: Json,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SessionCommand {
    /// List the live sessions of a person
    List {
        /// Id, userName or e-mail address of the person
        #[arg(long, value_name = "X")]
        person: String,
        #[command(flatten)]
        json: Json,
    },
    /// End sessions of a person
    End {
        /// Id, userName or e-mail address of the person
        #[arg(long, value_name = "X")]
        person: String,
        /// Id of the session; all without it
        id: Option<String>,
        #[command(flatten)]
        json: Json,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum InviteCommand {
    /// Invite an e-mail address; the token is shown this once
    Create {
        /// E-mail address
        email: String,
        /// Name shown
        #[arg(long, value_name = "NAME")]
        display: Option<String>,
        /// Role that comes with it
        #[arg(long, value_name = "NAME")]
        role: Option<String>,
        #[command(flatten)]
        json: Json,
    },
    /// List open invitations
    List {
        #[command(flatten)]
        json: Json,
    },
    /// Take an invitation back
    Revoke {
        /// Id of the invitation
        id: String,
        #[command(flatten)]
        json: Json,
    },
}
