//! `webhook`, as it is typed.

use super::Json;
use clap::Subcommand;

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
