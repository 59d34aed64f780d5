//! Making a connection, and saying why it failed in words that help.

use super::session::{Session, Usage};
use super::tls::Tls;
use super::url::{DatabaseUrl, Target};
use crate::error::Error;
use crate::store::Entropy;
use std::error::Error as _;
use std::fmt;
use std::io;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_postgres::error::DbError;

/// The oldest PostgreSQL that will do.
const OLDEST: u32 = 15;

/// Makes connections to the database of a URL.
pub(super) struct Connector {
    url: DatabaseUrl,
    tls: Tls,
    entropy: Entropy,
    /// Tells those who wait before they try again that somebody got through.
    reached: Notify,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Connector {
    pub(super) fn new(url: &DatabaseUrl, entropy: Entropy) -> Result<Self, Error> {
        let tls = Tls::new(url.trust(), url.direct_tls())?;
        Ok(Self { url: url.clone(), tls, entropy, reached: Notify::new() })
    }

    /// Connects to the first host that takes writes; each may take as long as `limit`.
    pub(super) async fn connect(&self, usage: &Usage, limit: Duration) -> Result<Session, Error> {
        let mut failure = None;
        for target in self.url.targets() {
            match timeout(limit, self.reach(target, usage)).await {
                Ok(Ok(session)) => {
                    self.reached.notify_waiters();
                    return Ok(session);
                }
                Ok(Err(error)) => failure = Some(error),
                Err(_) => failure = Some(Error::Unavailable(format!("{} does not answer", target.shown))),
            }
        }
        Err(failure.unwrap_or_else(|| Error::Unavailable("the database URL names no host".to_owned())))
    }

    async fn reach(&self, target: &Target, usage: &Usage) -> Result<Session, Error> {
        let connected = target.config.connect(self.tls.clone()).await;
        let (client, connection) = connected.map_err(|error| Error::Unavailable(explain(target, &error)))?;
        let version = connection.parameter("server_version").unwrap_or_default().to_owned();
        if major(&version) < OLDEST {
            let version = version.split(' ').next().unwrap_or_default();
            let shown = &target.shown;
            return Err(Error::Unavailable(format!("PostgreSQL {OLDEST} or newer is needed, {shown} runs {version}")));
        }
        let session = Session::new(client, connection, self.tls.clone(), usage);
        session.simple(&usage.settings).await?;
        Ok(session)
    }

    /// Waits before a new attempt: between a half and the whole of this span, so that not all come again at once, and
    /// not after somebody else got through.
    pub(super) async fn pause(&self, span: Duration) {
        let mut byte = [0];
        (self.entropy)(&mut byte);
        let span = span.mul_f64(0.5 + f64::from(byte[0]) / 512.0);
        let _ = timeout(span, self.reached.notified()).await;
    }
}

/// The first number of a version such as "15.13 (Debian 15.13-0+deb12u1)" or "17beta1".
fn major(version: &str) -> u32 {
    let digits = version.find(|other: char| !other.is_ascii_digit()).unwrap_or(version.len());
    version[..digits].parse().unwrap_or(0)
}

/// Why a host could not be used.
fn explain(target: &Target, error: &tokio_postgres::Error) -> String {
    let host = &target.shown;
    if let Some(refusal) = error.as_db_error() {
        return refused(target, refusal);
    }
    let own = error.to_string();
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    if own.contains("TLS") {
        return match cause.as_str() {
            "server does not support TLS" => {
                format!("{host} offers no TLS; to send everything in the clear, add sslmode=disable to the URL")
            }
            cause => format!("no TLS connection to {host}: {cause} (sslmode and sslrootcert say whom to trust)"),
        };
    }
    if cause == "password missing" {
        return format!("{host} asks for a password, and the database URL has none");
    }
    let Some(failure) = error.source().and_then(|cause| cause.downcast_ref::<io::Error>()) else {
        return match cause.as_str() {
            "" => format!("{host} did not answer as PostgreSQL does: {own}"),
            cause => format!("{host} did not answer as PostgreSQL does: {cause}"),
        };
    };
    match failure.kind() {
        io::ErrorKind::PermissionDenied if cause.contains("writes") => {
            format!("{host} takes no writes: it is a standby or set to read-only")
        }
        io::ErrorKind::ConnectionRefused => format!("{host} refuses connections: is PostgreSQL running there?"),
        io::ErrorKind::NotFound => format!("there is no socket of PostgreSQL at {host}"),
        io::ErrorKind::TimedOut => format!("{host} cannot be reached: no answer in time"),
        _ if cause.contains("lookup") || cause.contains("resolve") => {
            format!("the host of {host} is not known: {cause}")
        }
        _ => format!("{host} cannot be reached: {cause}"),
    }
}

/// What the server answered instead of letting the connection in.
fn refused(target: &Target, refusal: &DbError) -> String {
    let host = &target.shown;
    let user = target.config.get_user().unwrap_or("of this process");
    let database = target.config.get_dbname().unwrap_or_default();
    match refusal.code().code() {
        "28P01" => format!("{host} refuses the password of user {user}"),
        "28000" => format!("{host} does not let user {user} into database {database}: {}", refusal.message()),
        "3D000" => format!("there is no database {database} at {host}: CREATE DATABASE {database} makes it"),
        "42501" => format!("user {user} may not connect to database {database} at {host}: it needs GRANT CONNECT"),
        "53300" => format!("{host} has too many connections already (see its max_connections)"),
        "57P03" => format!("the database at {host} is starting or stopping"),
        code => format!("{host} refuses connections: {} ({code})", refusal.message()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_by_their_first_number() {
        let check = |version: &str, expect: u32| assert_eq!(major(version), expect, "{version}");
        check("15.13 (Debian 15.13-0+deb12u1)", 15);
        check("17beta1", 17);
        check("9.6.24", 9);
        check("", 0);
    }
}
