//! Reads as values, a file per room: what is asked, and what the rows become. Which engine runs them is none of their
//! business.

pub(crate) mod events;
pub(crate) mod grants;
pub(crate) mod integrations;
pub(crate) mod items;
pub(crate) mod keep;
pub(crate) mod leavers;
pub(crate) mod persons;
pub(crate) mod resources;
pub(crate) mod settings;

use crate::error::Error;
use crate::sql::Fields;
use bailiwick_domain::ids::Millis;

/// A number of a type that the column holds more than.
fn narrow<T: TryFrom<i64>>(number: i64) -> Result<T, Error> {
    T::try_from(number).map_err(|_| Error::Broken(format!("a column holds {number}, which is out of its range")))
}

fn maybe_millis(row: &dyn Fields, column: usize) -> Result<Option<Millis>, Error> {
    Ok(row.maybe_int(column)?.map(Millis))
}
