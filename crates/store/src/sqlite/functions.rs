//! The two functions of ours that SQL of SQLite may call. Both are pure; no index and no stored column uses them, so that the file
//! stays readable for any SQLite.

use bailiwick_scim::text;
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

use crate::rows::etag;

/// Makes `bailiwick_fold(text)` and `bailiwick_etag(key, id, version, epoch)` known to a connection. Every connection
/// that runs filters needs this once.
pub(crate) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function("bailiwick_fold", 1, flags, |context| {
        let text = context.get_raw(0).as_str_or_null().map_err(user_error)?;
        Ok(text.map(|text| text::match_key(text).into_owned()))
    })?;
    connection.create_scalar_function("bailiwick_etag", 4, flags, |context| {
        let key: [u8; 32] = context.get(0)?;
        let id = context.get_raw(1).as_str().map_err(user_error)?;
        Ok(etag(&key, id, context.get(2)?, context.get(3)?))
    })
}

fn user_error(error: rusqlite::types::FromSqlError) -> rusqlite::Error {
    rusqlite::Error::UserFunctionError(Box::new(error))
}
