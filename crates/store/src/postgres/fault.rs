//! What a failure of the driver or the server means to the store. Messages name no statement, no value, no secret.

use crate::error::Error;
use tokio_postgres::error::SqlState;

/// What is to be done about a session after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The statement failed, the session is good.
    Keep,
    /// The server no longer takes the statements prepared in this session: prepare them anew.
    Forget,
    /// The session is gone, or leads to where nothing can be written.
    Close,
}

/// What a failure means for its session.
pub(super) fn verdict(error: &tokio_postgres::Error) -> Verdict {
    let Some(failure) = error.as_db_error() else {
        // Whatever the driver itself stumbles over leaves the connection in a state that nobody knows, except for a
        // value that it could not encode or decode.
        let own = error.to_string();
        let harmless = own.contains("serializing") || own.starts_with("expected ");
        return if harmless { Verdict::Keep } else { Verdict::Close };
    };
    let code = failure.code();
    match code.code() {
        "26000" => Verdict::Forget,
        "0A000" if failure.message().contains("cached plan") => Verdict::Forget,
        "25006" | "57P01" | "57P02" | "57P03" | "57P05" | "25P03" => Verdict::Close,
        other if other.starts_with("08") => Verdict::Close,
        _ => Verdict::Keep,
    }
}

/// The failure as callers of the store see it.
pub(super) fn of(error: &tokio_postgres::Error) -> Error {
    let Some(failure) = error.as_db_error() else {
        return Error::Unavailable(match verdict(error) {
            Verdict::Close => "the connection to the database broke".to_owned(),
            _ => format!("the database driver failed: {error}"),
        });
    };
    let code = failure.code();
    match code.code() {
        "53100" => return Error::Full,
        "40001" | "40P01" | "55P03" => return Error::Busy("another process is writing to the store".to_owned()),
        _ => {}
    }
    Error::Unavailable(match code.code() {
        "25006" => "the database takes no writes".to_owned(),
        "25P03" | "57P01" | "57P02" | "57P05" => "the database ended the connection".to_owned(),
        "57014" => "the database took too long".to_owned(),
        "57P03" => "the database is starting or stopping".to_owned(),
        "53200" => "the database has no memory left".to_owned(),
        "53300" => "the database has too many connections".to_owned(),
        // These speak of tables, columns and rights, never of values.
        other if other.starts_with("42") => {
            format!("the database refused a statement: {} ({other})", failure.message())
        }
        other => format!("the database refused a statement ({other})"),
    })
}

/// Whether the server stopped the statement: its time was used up.
pub(super) fn is_out_of_time(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&SqlState::QUERY_CANCELED)
}

/// Whether a unique index refused the statement.
pub(super) fn is_unique_clash(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&SqlState::UNIQUE_VIOLATION)
}
