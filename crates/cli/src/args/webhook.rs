//! `webhook`, as it is typed.

use super::{Json, Switch};
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum WebhookCommand {
    /// List webhooks
    List {
        #[command(flatten)]
        json: Json,
    },
    /// Make a webhook, beginning with what happens from now on; its secret is shown this once
    Create {
        /// Where to: https, to a public address or to one of the networks that were allowed
        url: String,
        /// Kind of events; one that ends in * stands for all that begin so
        #[arg(long = "kind", value_name = "KIND", required = true)]
        kinds: Vec<String>,
        /// What it is for
        #[arg(long, value_name = "TEXT", default_value = "")]
        description: String,
        #[command(flatten)]
        json: Json,
    },
    /// Show a webhook and how it fares
    Show {
        /// Id of the webhook
        id: String,
        #[command(flatten)]
        json: Json,
    },
    /// Change a webhook; one that is switched on again goes on where it stood
    Set {
        /// Id of the webhook
        id: String,
        #[command(flatten)]
        change: WebhookSet,
        #[command(flatten)]
        json: Json,
    },
    /// Give it another secret, shown this once; for a day messages are signed with both
    Rotate {
        /// Id of the webhook
        id: String,
        #[command(flatten)]
        json: Json,
    },
    /// List its last 50 deliveries, the newest first
    Deliveries {
        /// Id of the webhook
        id: String,
        #[command(flatten)]
        json: Json,
    },
    /// Deliver an event once more, now and out of turn
    Redeliver {
        /// Id of the webhook
        id: String,
        /// Event, such as evt_12
        event: String,
        #[command(flatten)]
        json: Json,
    },
    /// Delete a webhook with its deliveries
    Delete {
        /// Id of the webhook
        id: String,
        #[command(flatten)]
        json: Json,
    },
    /// Send a message of the type webhook:test at once, and say whether it arrived
    Test {
        /// Id of the webhook
        id: String,
        #[command(flatten)]
        json: Json,
    },
    /// Show or set the networks that are not public and may be called all the same
    Networks {
        /// Networks such as 10.1.0.0/16, separated by commas; none for none
        #[arg(value_name = "NETWORKS|none")]
        networks: Option<String>,
        #[command(flatten)]
        json: Json,
    },
}

/// What to change of a webhook.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct WebhookSet {
    /// Where to
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Kind of events; may be given several times and replaces all there were
    #[arg(long = "kind", value_name = "KIND")]
    pub(crate) kinds: Vec<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// Whether events are delivered
    #[arg(long, value_name = "on|off")]
    pub(crate) active: Option<Switch>,
}
