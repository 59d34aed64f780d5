//! What every door does with a request before it knows what is asked for: whose token, what pace, how large a body; and
//! the refusal that any of it may end in.

mod bearer;
mod entity;
mod failure;
mod query;
mod rate;

pub(crate) use bearer::{authenticate, bearer};
pub(crate) use entity::{Entity, check_media};
pub(crate) use failure::{Failure, Fault, caught, internal};
pub(crate) use query::{decode, decode_segment, split};
pub(crate) use rate::Rates;
