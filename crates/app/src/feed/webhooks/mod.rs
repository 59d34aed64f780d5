//! Webhooks: events sent to addresses that admins name, signed, in order, at least once.
//!
//! A webhook is a document of the admins with its secret, which is shown once when it is made and stands in no event,
//! list or answer afterwards. Each has a position of its own in the feed ([`work`]): a slow one delays nobody else.

mod courier;
mod manage;
mod record;
mod send;
mod work;

pub use courier::{Courier, Delivered, Parcel};
pub use manage::{
    Change, Created, NewWebhook, Report, change, create, delete, deliveries, find, list, networks, redeliver, rotate,
    set_networks, test,
};
pub use record::{Delivery, Health, Webhook};
pub use send::{signature, verify_secret};
pub use work::run;
