//! What can be typed. The doc comments are the help texts; `docs/reference/cli.md` is rendered from them.

mod access;
mod catalog;
mod guard;
mod import;
mod leaver;
mod person;
mod rule;
mod standards;
mod values;
mod webhook;

pub(crate) use rule::{AccessArgs, RuleCommand};
pub(crate) use webhook::{WebhookCommand, WebhookSet};

#[cfg(test)]
mod tests;

pub(crate) use access::{ApiTokenCommand, InviteCommand, RoleCommand, SessionCommand};
pub(crate) use catalog::{EntityCommand, Gone, Listing, MemberCommand, OwnershipArgs, Place, Said, TeamCommand};
pub(crate) use guard::{HoldCommand, MappingCommand};
pub(crate) use import::{ExportArgs, ImportArgs};
pub(crate) use leaver::{HandoverCommand, LeaverArgs};
pub(crate) use person::{OnePerson, PersonCommand, PersonSet};
pub(crate) use standards::{LevelCommand, PropertyCommand};
pub(crate) use values::{RateLimit, SignInClaim, Since, Switch, level};

use bailiwick_domain::preset::Preset;
use bailiwick_scim::quirks::Quirk;
use clap::{Args, Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A service catalog in which the identity provider is the authority: identity providers push people and groups, rules make
/// teams, roles and ownership of them, and everything that happened can be explained and proven.
///
/// Every command works beside a running server and without one. Exit codes: 0 done, 1 refused or failed (one line on
/// standard error says why), 2 wrong usage.
#[derive(Debug, Parser)]
#[command(name = "bailiwick", version, propagate_version = false, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) store: StoreArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Store")]
pub(crate) struct StoreArgs {
    /// Folder of the store; made if missing [env: BAILIWICK_DATA] [default: ./bailiwick-data]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Database of the store, such as postgres://USER@HOST/DATABASE?sslmode=verify-full; other users of the machine can
    /// read what is typed here, so a URL with a password belongs into the environment [env: BAILIWICK_DATABASE_URL]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) database_url: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server
    Serve(ServeArgs),
    /// Connect identity providers and look after the connections
    #[command(subcommand)]
    Integration(IntegrationCommand),
    /// Make, list, rotate and revoke API tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Read the journal: every write and every refused or failed call
    Log(LogArgs),
    /// Look after persons: the humans behind Users
    #[command(subcommand)]
    Person(PersonCommand),
    /// Look after teams: who belongs to them, and the groups that feed them
    #[command(subcommand)]
    Team(Box<TeamCommand>),
    /// Look after entities: components, systems, domains, APIs, resources
    #[command(subcommand)]
    Entity(Box<EntityCommand>),
    /// Look after the ordered list of tiers: how much an entity matters
    #[command(subcommand)]
    Tier(LevelCommand),
    /// Look after the ordered list of lifecycles: how far an entity has come
    #[command(subcommand)]
    Lifecycle(LevelCommand),
    /// Look after properties that entities, teams and persons may have, each with a JSON Schema
    #[command(subcommand)]
    Property(PropertyCommand),
    /// Tell what nobody answers for, and what only seems to be answered for
    Ownership(OwnershipArgs),
    /// Decide pairs that may be one human
    #[command(subcommand)]
    Conflict(ConflictCommand),
    /// Decide removals that wait because there were too many
    #[command(subcommand)]
    Hold(HoldCommand),
    /// Report who left: when the word came, when access ended, what ended, what is left to do
    Leaver(LeaverArgs),
    /// Hand over what people who left were responsible for
    #[command(subcommand)]
    Handover(HandoverCommand),
    /// Make and recover break-glass admins, who sign in without any identity provider
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Look at roles, make own ones, give and take them
    #[command(subcommand)]
    Role(RoleCommand),
    /// Make, list, rotate and revoke tokens for the API of the catalog
    #[command(subcommand)]
    ApiToken(ApiTokenCommand),
    /// Look at and end sessions of local accounts
    #[command(subcommand)]
    Session(SessionCommand),
    /// Invite people to make a local account
    #[command(subcommand)]
    Invite(InviteCommand),
    /// Preview, apply, explain and review mapping rules
    #[command(subcommand)]
    Rule(RuleCommand),
    /// Tell who has what and through what, now or at a past moment
    Access(AccessArgs),
    /// Claim e-mail domains for integrations
    #[command(subcommand)]
    Domain(DomainCommand),
    /// Prove that the journal is whole
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Send events to other services
    #[command(subcommand)]
    Webhook(WebhookCommand),
    /// Take files into the catalog: catalog-info.yaml, opslevel.yml, a CSV of people, or a folder of them
    Import(ImportArgs),
    /// Write the catalog as descriptors of Backstage
    Export(ExportArgs),
    /// Bring the schema of the store up to date, or move a store between a folder and a database
    Migrate(MigrateArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8700")]
    pub(crate) listen: SocketAddr,
    /// URL under which identity providers reach this server, remembered for the next start
    /// [env: BAILIWICK_PUBLIC_URL] [default: the one given last, else the address listened on]
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Certificate chain, PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Private key of the certificate, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Allow plain HTTP on an address other than loopback: something in front of the server ends TLS
    #[arg(long)]
    pub(crate) plain_http: bool,
    /// Extension schema in the JSON form of RFC 7643; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) schema: Vec<PathBuf>,
    /// Load an invented company through the real endpoint; a store that holds data is not filled again. Without a store
    /// a fresh temporary folder is used
    #[arg(long, conflicts_with = "tls_cert")]
    pub(crate) demo: bool,
    /// Least level of the log on standard error: off, error, warn, info, debug or trace [env: BAILIWICK_LOG]
    /// [default: info, with --demo warn]
    #[arg(long, value_name = "LEVEL", value_parser = values::level)]
    pub(crate) log: Option<tracing::level_filters::LevelFilter>,
    /// Form of the log
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub(crate) log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// A line for people
    Text,
    /// A JSON object a line
    Json,
}

/// Whether to print JSON.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct Json {
    /// Print exactly one JSON value
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum IntegrationCommand {
    /// Connect an identity provider: prints the URL and the token to paste there
    Create {
        /// Name: a to z, 0 to 9 and dashes, at most 63
        name: String,
        /// Which identity provider it is
        #[arg(long, default_value = "generic", value_parser = values::preset())]
        preset: Preset,
        /// Requests a second, or off
        #[arg(long, value_name = "N|off", value_parser = values::rate_limit_or_off)]
        rate_limit: Option<RateLimit>,
        /// Only store what it says, until what would follow was looked at and applied
        #[arg(long)]
        observe: bool,
        /// URL under which the identity provider reaches the server [env: BAILIWICK_PUBLIC_URL] [default: the one the
        /// server was given last]
        #[arg(long, value_name = "URL")]
        public_url: Option<String>,
        #[command(flatten)]
        json: Json,
    },
    /// List all
    List {
        #[command(flatten)]
        json: Json,
    },
    /// Show one: last calls, calls by result, tokens, failures
    Show(Named),
    /// Refuse its calls until it is resumed; nothing it provisioned changes
    Pause(Named),
    /// Take its calls again
    Resume(Named),
    /// Change its settings
    Set {
        /// Name of the integration
        name: String,
        /// Switch a quirk; may be given several times
        #[arg(long, value_name = "NAME=on|off", value_parser = values::quirk)]
        quirk: Vec<(Quirk, bool)>,
        /// Requests a second, off, or default
        #[arg(long, value_name = "N|off|default", value_parser = values::rate_limit)]
        rate_limit: Option<RateLimit>,
        /// Whether userName must be an e-mail address
        #[arg(long, value_name = "on|off")]
        user_name_email: Option<Switch>,
        /// The claim at sign-in and the attribute it must equal, such as oid=externalId
        #[arg(long, value_name = "CLAIM=ATTRIBUTE|none", value_parser = values::sign_in_claim)]
        sign_in_claim: Option<SignInClaim>,
        /// Share of its people in per cent that it may remove within an hour without asking
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=100))]
        guard_percent: Option<u32>,
        /// People it may remove within an hour whatever the share
        #[arg(long, value_name = "N")]
        guard_people: Option<u32>,
        /// Only store what it says from now on, until what would follow was looked at and applied
        #[arg(long)]
        observe: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Show what would follow from what it said while it was only observed
    Observe {
        /// Name of the integration
        name: String,
        /// Most Users, and most persons, that are listed
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
        #[command(flatten)]
        json: Json,
    },
    /// Let follow what was looked at, and end observe mode
    Apply {
        /// Name of the integration
        name: String,
        /// What observe printed
        #[arg(long, value_name = "BASIS")]
        basis: String,
        #[command(flatten)]
        json: Json,
    },
    /// Look at and change which places of its Users fill which fields of persons
    Mapping {
        /// Name of the integration
        name: String,
        #[command(subcommand)]
        command: MappingCommand,
    },
    /// Delete it with everything it provisioned
    Delete {
        /// Name of the integration
        name: String,
        /// Do it; without this the command only says what would go
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        json: Json,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Named {
    /// Name of the integration
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make one more token; it is shown this once
    Create {
        /// Name of the integration
        #[arg(long, value_name = "NAME")]
        integration: String,
        /// What it is for
        #[arg(long, default_value = "token")]
        label: String,
        /// Life span, such as 90d; without it the token does not expire
        #[arg(long, value_name = "SPAN", value_parser = values::span)]
        expires: Option<Duration>,
        #[command(flatten)]
        json: Json,
    },
    /// List tokens, without their text
    List {
        /// Name of the integration; all without it
        #[arg(long, value_name = "NAME")]
        integration: Option<String>,
        #[command(flatten)]
        json: Json,
    },
    /// Make a successor; the old token lives on for the overlap
    Rotate {
        /// Name of the integration
        #[arg(long, value_name = "NAME")]
        integration: String,
        /// Id of the token; may be left out when only one is live
        #[arg(long, value_name = "ID")]
        token: Option<String>,
        /// How long the old token still works
        #[arg(long, value_name = "SPAN", default_value = "24h", value_parser = values::span)]
        overlap: Duration,
        /// Life span of the successor, such as 90d; without it the token does not expire
        #[arg(long, value_name = "SPAN", value_parser = values::span)]
        expires: Option<Duration>,
        #[command(flatten)]
        json: Json,
    },
    /// End a token at once
    Revoke {
        /// Name of the integration
        #[arg(long, value_name = "NAME")]
        integration: String,
        /// Id of the token
        #[arg(long = "token", value_name = "ID", conflicts_with = "id", required_unless_present = "id")]
        token: Option<String>,
        /// Id of the token
        #[arg(value_name = "ID")]
        id: Option<String>,
        #[command(flatten)]
        json: Json,
    },
}

#[derive(Debug, Args)]
#[command(subcommand_negates_reqs = true)]
pub(crate) struct LogArgs {
    #[command(subcommand)]
    pub(crate) command: Option<LogCommand>,
    /// Only of this integration
    #[arg(long, value_name = "NAME")]
    pub(crate) integration: Option<String>,
    /// Only what was refused or failed; begins with equal failures grouped, with cause and what to change
    #[arg(long)]
    pub(crate) failed: bool,
    /// With reads of what is not there, which many identity providers send to test the connection; --target has them, too
    #[arg(long)]
    pub(crate) probes: bool,
    /// Only what concerns this: a userName, a display name, or the id of a resource, person or request
    #[arg(long, value_name = "X")]
    pub(crate) target: Option<String>,
    /// Only since then: a span such as 15m, 24h or 7d, a date (UTC), or an RFC 3339 time
    #[arg(long, value_name = "T", value_parser = values::since)]
    pub(crate) since: Option<Since>,
    /// Go on with what happens from now on; with --json one JSON object a line
    #[arg(long)]
    pub(crate) follow: bool,
    /// Most entries
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// Show everything about one entry
    Show {
        /// Number of an entry (evt_12), or id of a request
        id: String,
        #[command(flatten)]
        json: Json,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConflictCommand {
    /// List pairs that wait for a decision
    List {
        /// Decided ones, too
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Show a pair: both sides, and what each decision would do
    Show {
        /// Id of the pair
        id: String,
        #[command(flatten)]
        json: Json,
    },
    /// They are one human: the User joins the person
    Link {
        /// Id of the pair
        id: String,
        /// Why, for who looks later
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        #[command(flatten)]
        json: Json,
    },
    /// They are two humans
    Keep {
        /// Id of the pair
        id: String,
        /// Why, for who looks later
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        #[command(flatten)]
        json: Json,
    },
    /// They are two humans, and the one who signs in here takes another userName
    Rename {
        /// Id of the pair
        id: String,
        /// The new userName of the person here
        #[arg(value_name = "USERNAME")]
        user_name: String,
        /// Why, for who looks later
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        #[command(flatten)]
        json: Json,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Make a break-glass admin; recovery codes are shown this once
    Create {
        /// Name to sign in with
        name: String,
        /// E-mail address
        #[arg(long)]
        email: Option<String>,
        /// Name shown
        #[arg(long, value_name = "NAME")]
        display: Option<String>,
        #[command(flatten)]
        password: PasswordArgs,
        #[command(flatten)]
        json: Json,
    },
    /// List the active admins and how they came by it
    List {
        #[command(flatten)]
        json: Json,
    },
    /// Give a break-glass admin a new password and new recovery codes
    Recover {
        /// Name to sign in with
        name: String,
        #[command(flatten)]
        password: PasswordArgs,
        #[command(flatten)]
        json: Json,
    },
}

/// Where the password comes from; a terminal is asked when neither is given.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct PasswordArgs {
    /// Read the password from the first line of standard input
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// Make a strong password and print it this once
    #[arg(long, conflicts_with = "password_stdin")]
    pub(crate) generate: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DomainCommand {
    /// Claim a domain: its addresses are this integration's to give
    Claim {
        /// The domain
        domain: String,
        /// Name of the integration
        #[arg(long, value_name = "NAME")]
        integration: String,
        #[command(flatten)]
        json: Json,
    },
    /// List claimed domains
    List {
        #[command(flatten)]
        json: Json,
    },
    /// Give up a claim
    Release {
        /// The domain
        domain: String,
        #[command(flatten)]
        json: Json,
    },
}

/// With --from or --to everything is moved, the identity of the store included, so that tokens, ETags and cursors go on
/// working. It takes a store that no server uses and one that is empty, and verifies counts and seal before anything is
/// made permanent. When only one of the two is given, --data, --database-url or the environment names the other.
#[derive(Debug, Args)]
pub(crate) struct MigrateArgs {
    /// Store to copy: sqlite:DIR or postgres://...
    #[arg(long, value_name = "STORE")]
    pub(crate) from: Option<String>,
    /// Empty store to fill: sqlite:DIR, made if missing, or postgres://...
    #[arg(long, value_name = "STORE")]
    pub(crate) to: Option<String>,
    /// Say on standard error what was copied, table by table; a terminal is told anyway
    #[arg(long)]
    pub(crate) progress: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Check every sealed event and the chain of blocks; exit 1 names the first bad record
    Verify {
        #[command(flatten)]
        json: Json,
    },
    /// Print events and blocks as JSON, one object a line
    Export {
        /// Only events after this sequence
        #[arg(long, value_name = "SEQ", default_value_t = 0)]
        after: i64,
    },
}
