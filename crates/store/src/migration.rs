//! The steps of the schema, the same on every engine, and what a store that has taken some of them tells. How they are
//! run is in `sqlite::migrate` and `postgres::migrate`.

use crate::error::Error;
use crate::sql::Sql;
use bailiwick_scim::text;

/// One step of the schema.
#[derive(Debug)]
pub(crate) struct Migration {
    pub(crate) number: i64,
    pub(crate) name: &'static str,
    pub(crate) sql: Sql,
    /// The oldest Bailiwick that may run on a store with this step.
    pub(crate) oldest: &'static str,
}

/// The files of a step have the same name on both engines.
macro_rules! migration {
    ($number:literal, $name:literal, $file:literal, $oldest:literal) => {
        Migration {
            number: $number,
            name: $name,
            sql: Sql::each(
                include_str!(concat!("../../../migrations/sqlite/", $file)),
                include_str!(concat!("../../../migrations/postgres/", $file)),
            ),
            oldest: $oldest,
        }
    };
}

pub(crate) const MIGRATIONS: &[Migration] = &[
    migration!(1, "base", "0001_base.sql", "0.1.0"),
    migration!(2, "search", "0002_search.sql", "0.1.0"),
    migration!(3, "catalog", "0003_catalog.sql", "0.1.0"),
];

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A step that a store has taken, as it remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) number: i64,
    pub(crate) checksum: String,
    pub(crate) oldest: String,
}

/// Refuses a store that a newer Bailiwick made unfit for this one, and one whose steps are not those of this program.
/// `text` chooses the engine.
pub(crate) fn check(taken: &[Taken], text: fn(&Sql) -> &'static str) -> Result<(), Error> {
    for Taken { number, checksum: stored, oldest } in taken {
        match MIGRATIONS.iter().find(|migration| migration.number == *number) {
            Some(Migration { name, sql, .. }) if checksum(text(sql)) != *stored => {
                return Err(Error::Broken(format!("its migration {number} ({name}) is not the one of this program")));
            }
            None if triple(oldest) > triple(VERSION) => {
                return Err(Error::Version(format!(
                    "the store needs bailiwick {oldest} or newer, this is bailiwick {VERSION}"
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether a store that has taken these steps lacks one.
pub(crate) fn lacks_any(taken: &[Taken]) -> bool {
    MIGRATIONS.iter().any(|migration| taken.iter().all(|step| step.number != migration.number))
}

/// What every store holds besides its rows; a fresh store has nothing to key again, so its Unicode is the newest.
pub(crate) fn settings(entropy: &dyn Fn(&mut [u8])) -> [(&'static str, String); 3] {
    let mut id = [0; 16];
    entropy(&mut id);
    let mut key = [0; 32];
    entropy(&mut key);
    let store_id = bailiwick_domain::ids::prefixed_id("sto_", id);
    [("store_id", store_id), ("etag_key", hex(&key)), ("unicode", text::UNICODE.to_owned())]
}

/// The id of the store and the key of its ETags, as they are stored.
pub(crate) fn identity(store_id: String, etag_key: &str) -> Result<(String, [u8; 32]), Error> {
    let key = unhex(etag_key).ok_or_else(|| Error::Broken("its etag_key is not 64 hexadecimal digits".to_owned()))?;
    Ok((store_id, key))
}

/// FNV-1a: it tells that a released migration was edited, not that somebody attacked it.
pub(crate) fn checksum(sql: &str) -> String {
    let hash = sql
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{hash:016x}")
}

fn triple(version: &str) -> [u64; 3] {
    let mut parts = version.split(['.', '-', '+']).map(|part| part.parse().unwrap_or(0));
    [(); 3].map(|()| parts.next().unwrap_or(0))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// The 32 bytes behind 64 hexadecimal digits.
fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut out = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (index, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert!(triple("0.10.0") > triple("0.9.9"));
        assert!(triple("1.0.0-rc.1") >= triple("1.0.0"));
        assert_eq!(triple("x"), [0, 0, 0]);
    }

    #[test]
    fn hexadecimal_round_trip() {
        let bytes: [u8; 32] = std::array::from_fn(|index| u8::try_from(index * 7).unwrap());
        assert_eq!(unhex(&hex(&bytes)), Some(bytes));
        assert_eq!(unhex("zz"), None);
    }

    #[test]
    fn migrations_are_numbered_without_gap() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(migration.number, i64::try_from(index).unwrap() + 1);
        }
    }

    #[test]
    fn a_store_is_judged_by_its_steps() {
        let first = &MIGRATIONS[0];
        let step = |number, checksum: &str, oldest: &str| Taken {
            number,
            checksum: checksum.to_owned(),
            oldest: oldest.to_owned(),
        };
        let known = step(1, &checksum(first.sql.postgres), "0.1.0");
        let judge = |taken: &[Taken]| check(taken, |sql| sql.postgres);
        assert!(judge(&[]).is_ok());
        assert!(judge(&[known.clone(), step(9_999, "", "0.0.1")]).is_ok());
        assert!(matches!(judge(&[known.clone(), step(9_999, "", "99.0.0")]), Err(Error::Version(_))));
        assert!(matches!(judge(&[step(1, &checksum(first.sql.sqlite), "0.1.0")]), Err(Error::Broken(_))));
        assert!(lacks_any(&[known]));
    }
}
