//! `team`, `entity` and `ownership`, as they are typed.

use super::Json;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum TeamCommand {
    /// List teams by title
    List {
        #[command(flatten)]
        listing: Listing,
        /// Directly below this team
        #[arg(long, value_name = "TEAM")]
        parent: Option<String>,
    },
    /// Show one: names, parent, members with the origin of each membership, groups that feed it
    Show {
        /// Id, name or alias; names it had before lead to it, too
        team: String,
        /// Show members of the teams below, too
        #[arg(long)]
        below: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Make a team
    Create {
        /// Name: letters, digits, dashes, dots and underscores, at most 63
        name: String,
        #[command(flatten)]
        said: Said,
        /// Namespace [default: default]
        #[arg(long, value_name = "NAME")]
        namespace: Option<String>,
        /// The team above it
        #[arg(long, value_name = "TEAM")]
        parent: Option<String>,
        /// What it answers for
        #[arg(long, value_name = "TEXT")]
        responsibilities: Option<String>,
        #[command(flatten)]
        json: Json,
    },
    /// Change a team; another name leaves the old one as an alias
    Set {
        /// Id, name or alias
        team: String,
        #[command(flatten)]
        said: Said,
        /// Another name
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// The team above it
        #[arg(long, value_name = "TEAM|none")]
        parent: Option<String>,
        /// What it answers for
        #[arg(long, value_name = "TEXT|none")]
        responsibilities: Option<String>,
        #[command(flatten)]
        json: Json,
    },
    /// Delete a team and end its memberships
    Delete(Gone),
    /// Show what happened to a team, the newest first
    History {
        /// Id, name or alias
        team: String,
        /// Most entries
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        #[command(flatten)]
        json: Json,
    },
    /// Who belongs to a team by hand
    #[command(subcommand)]
    Member(MemberCommand),
    /// Feed a team by a group: whoever is in the group, nested groups included, joins
    Feed {
        /// Id, name or alias of the team
        team: String,
        /// Id of the group, or its displayName where only one group has it
        group: String,
        /// manager, contributor or another word
        #[arg(long, default_value = "contributor")]
        role: String,
        #[command(flatten)]
        json: Json,
    },
    /// End a feed
    Unfeed {
        /// Id, name or alias of the team
        team: String,
        /// Id of the group, or its displayName where only one group has it
        group: String,
        #[command(flatten)]
        json: Json,
    },
    /// Make a team of every group whose name matches a pattern, fed by the group; repeating it does what is left
    Adopt {
        /// Name of the integration
        #[arg(long, value_name = "NAME")]
        integration: String,
        /// Pattern of group names; * stands for anything
        #[arg(long, default_value = "*")]
        pattern: String,
        /// manager, contributor or another word
        #[arg(long, default_value = "contributor")]
        role: String,
        #[command(flatten)]
        json: Json,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum MemberCommand {
    /// Make a person a member by hand, or give the membership another role
    Add {
        /// Id, name or alias of the team
        team: String,
        /// Id, userName or e-mail address of the person
        person: String,
        /// manager, contributor or another word
        #[arg(long, default_value = "contributor")]
        role: String,
        #[command(flatten)]
        json: Json,
    },
    /// Take a membership by hand away
    Remove {
        /// Id, name or alias of the team
        team: String,
        /// Id, userName or e-mail address of the person
        person: String,
        #[command(flatten)]
        json: Json,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum EntityCommand {
    /// List entities by title
    List {
        #[command(flatten)]
        listing: Listing,
        /// Of these kinds, separated by commas; of all but teams if nothing is said
        #[arg(long, value_name = "KINDS")]
        kind: Option<String>,
        /// Owned by this team itself
        #[arg(long, value_name = "TEAM")]
        owner: Option<String>,
        /// Directly part of this system or domain: a system by name, anything by reference with its kind
        #[arg(long, value_name = "X")]
        part_of: Option<String>,
    },
    /// Show one: owner and where it is inherited from, what it depends on, what depends on it
    Show {
        /// Id, kind:namespace/name, or for components name or alias alone
        entity: String,
        #[command(flatten)]
        json: Json,
    },
    /// Make an entity
    Create {
        /// Kind: component, system, domain, api, resource or another word
        kind: String,
        /// Name: letters, digits, dashes, dots and underscores, at most 63
        name: String,
        /// Namespace [default: default]
        #[arg(long, value_name = "NAME")]
        namespace: Option<String>,
        #[command(flatten)]
        said: Said,
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        json: Json,
    },
    /// Change an entity; another name leaves the old one as an alias
    Set {
        /// Id, kind:namespace/name, or for components name or alias alone
        entity: String,
        #[command(flatten)]
        said: Said,
        #[command(flatten)]
        place: Place,
        /// Another name
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        #[command(flatten)]
        json: Json,
    },
    /// Delete an entity
    Delete(Gone),
    /// Show what happened to an entity, the newest first
    History {
        /// Id, kind:namespace/name, or for components name or alias alone
        entity: String,
        /// Most entries
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        #[command(flatten)]
        json: Json,
    },
}

/// What to list.
#[derive(Debug, Args)]
pub(crate) struct Listing {
    /// Title, name or alias contains this
    #[arg(long, value_name = "TEXT")]
    pub(crate) search: Option<String>,
    /// Filter in the language of SCIM, such as 'tags eq "payments"'
    #[arg(long, value_name = "FILTER")]
    pub(crate) filter: Option<String>,
    /// Most of them
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// What both teams and entities say.
#[derive(Debug, Default, Args)]
pub(crate) struct Said {
    /// What people call it; none takes it away
    #[arg(long, value_name = "TEXT|none")]
    pub(crate) title: Option<String>,
    /// What it is; none takes it away
    #[arg(long, value_name = "TEXT|none")]
    pub(crate) description: Option<String>,
    /// Type within its kind, such as service; none takes it away
    #[arg(long = "type", value_name = "TYPE|none")]
    pub(crate) item_type: Option<String>,
    /// Tag, or KEY=VALUE; may be given several times and replaces all there were, none takes them away
    #[arg(long = "tag", value_name = "TAG|KEY=VALUE|none")]
    pub(crate) tags: Vec<String>,
    /// Further name; may be given several times
    #[arg(long = "alias", value_name = "NAME")]
    pub(crate) aliases: Vec<String>,
    /// Link; may be given several times and replaces all there were, none takes them away
    #[arg(long = "link", value_name = "URL|TITLE=URL|none")]
    pub(crate) links: Vec<String>,
    /// How to reach who answers, such as slack=#payments; may be given several times and replaces all there were, none
    /// takes them away
    #[arg(long = "contact", value_name = "TYPE=ADDRESS|none")]
    pub(crate) contacts: Vec<String>,
    /// Annotation; none takes it away; may be given several times
    #[arg(long = "annotation", value_name = "KEY=TEXT|KEY=none")]
    pub(crate) annotations: Vec<String>,
    /// Label; none takes it away; may be given several times
    #[arg(long = "label", value_name = "KEY=TEXT|KEY=none")]
    pub(crate) labels: Vec<String>,
    /// Property that is defined; JSON or plain text, none takes it away; may be given several times
    #[arg(long = "property", value_name = "NAME=VALUE|NAME=none")]
    pub(crate) properties: Vec<String>,
    /// File of a JSON merge patch for everything else; - reads standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) document: Option<PathBuf>,
}

/// Where an entity belongs.
#[derive(Debug, Default, Args)]
pub(crate) struct Place {
    /// Team, or a person as user:NAME or by e-mail address
    #[arg(long, value_name = "OWNER|none")]
    pub(crate) owner: Option<String>,
    /// The system it is part of
    #[arg(long, value_name = "SYSTEM|none")]
    pub(crate) system: Option<String>,
    /// The domain a system is part of
    #[arg(long, value_name = "DOMAIN|none")]
    pub(crate) domain: Option<String>,
    /// The domain above a domain
    #[arg(long, value_name = "DOMAIN|none")]
    pub(crate) parent: Option<String>,
    /// Tier; one of the list, where tiers are defined
    #[arg(long, value_name = "TIER|none")]
    pub(crate) tier: Option<String>,
    /// Lifecycle; one of the list, where lifecycles are defined
    #[arg(long, value_name = "LIFECYCLE|none")]
    pub(crate) lifecycle: Option<String>,
    /// Tool it is run with; may be given several times and replaces all there were, none takes them away
    #[arg(long = "tool", value_name = "NAME=URL|none")]
    pub(crate) tools: Vec<String>,
    /// What it needs, and why; may be given several times and replaces all there were, none takes them away
    #[arg(long = "depends-on", value_name = "ENTITY|ENTITY=NOTE|none")]
    pub(crate) depends_on: Vec<String>,
    /// API it offers; may be given several times and replaces all there were, none takes them away
    #[arg(long = "provides", value_name = "API|API=NOTE|none")]
    pub(crate) provides: Vec<String>,
    /// API it uses; may be given several times and replaces all there were, none takes them away
    #[arg(long = "consumes", value_name = "API|API=NOTE|none")]
    pub(crate) consumes: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Gone {
    /// Id, name or reference
    pub(crate) item: String,
    /// Do it; without this the command only says what would go
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}

/// What nobody answers for.
#[derive(Debug, Args)]
pub(crate) struct OwnershipArgs {
    /// In this state; in any if nothing is said
    #[arg(long, value_name = "STATE", value_parser = ["unowned", "owner-missing", "owner-inactive", "owned-by-person", "team-empty", "team-without-manager"])]
    pub(crate) state: Option<String>,
    /// Of these kinds, separated by commas; of all if nothing is said
    #[arg(long, value_name = "KINDS")]
    pub(crate) kind: Option<String>,
    /// Most of them
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) json: Json,
}
