//! The URL of a database. It may hold a password, so it is never shown whole.

use super::tls::Trust;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{ChannelBinding, SslMode, SslNegotiation, TargetSessionAttrs};

/// How long the address of a host may take to answer, whatever the URL allows.
const CONNECT_TIME: Duration = Duration::from_secs(1);
/// How long data may stay unacknowledged.
const UNHEARD_TIME: Duration = Duration::from_secs(3);

/// `postgres://USER:PASSWORD@HOST:PORT/DATABASE?...`, checked. Shown without its password and parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    targets: Vec<Target>,
    trust: Trust,
    shown: String,
}

/// One of the hosts a URL names.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) config: Config,
    /// The host as errors show it.
    pub(super) shown: String,
    /// Whether nobody can listen between this process and the host.
    near: bool,
}

/// What a URL asks of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Disable,
    Prefer,
    Require,
    VerifyFull,
}

impl DatabaseUrl {
    /// Checks the form of a URL. The reason completes "the database URL ...".
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = Parts::of(text)?;
        let mut draft = Draft::default();
        draft.authority(&parts)?;
        for pair in parts.query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            draft.parameter(&decode(key)?, decode(value)?)?;
        }
        draft.finish()
    }

    /// The hosts in the order in which they are tried.
    pub(super) fn targets(&self) -> &[Target] {
        &self.targets
    }

    pub(super) fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Whether TLS begins without being negotiated.
    pub(super) fn direct_tls(&self) -> bool {
        self.targets.iter().any(|target| target.config.get_ssl_negotiation() == SslNegotiation::Direct)
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

/// The parts of a URL, still percent-encoded.
struct Parts<'a> {
    credentials: Option<&'a str>,
    hosts: &'a str,
    database: &'a str,
    query: &'a str,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Result<Self, String> {
        let Some((scheme, rest)) = text.split_once("://") else {
            let looks_like_a_path = text.contains(['/', '\\']) || !text.contains(':');
            let hint = if looks_like_a_path { " (a folder is named by --data)" } else { "" };
            return Err(format!("must begin with postgres://{hint}"));
        };
        if scheme != "postgres" && scheme != "postgresql" {
            return Err("must begin with postgres:// (bailiwick runs on PostgreSQL and on SQLite)".to_owned());
        }
        let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if !authority.contains('@') && rest.contains('@') || rest.contains('#') {
            let need = "holds a special character where none may be: in user, password and parameters write %2F for /, \
                        %3F for ?, %23 for #, %40 for @";
            return Err(need.to_owned());
        }
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (credentials, hosts) = match authority.rsplit_once('@') {
            Some((credentials, hosts)) => (Some(credentials), hosts),
            None => (None, authority),
        };
        Ok(Self { credentials, hosts, database: path.trim_start_matches('/'), query })
    }
}

/// What was read so far.
#[derive(Default)]
struct Draft {
    base: Option<Config>,
    user: Option<String>,
    hosts: Vec<String>,
    addresses: Vec<IpAddr>,
    ports: Vec<u16>,
    database: Option<String>,
    mode: Option<Mode>,
    root: Option<PathBuf>,
}

impl Draft {
    fn base(&mut self) -> &mut Config {
        self.base.get_or_insert_with(Config::new)
    }

    fn authority(&mut self, parts: &Parts<'_>) -> Result<(), String> {
        if let Some(credentials) = parts.credentials {
            let (user, password) = credentials.split_once(':').map_or((credentials, None), |(u, p)| (u, Some(p)));
            if !user.is_empty() {
                self.user = Some(decode(user)?);
            }
            if let Some(password) = password {
                let password = decode(password)?;
                self.base().password(password);
            }
        }
        for host in parts.hosts.split(',').filter(|_| !parts.hosts.is_empty()) {
            let (name, port) = match host.strip_prefix('[') {
                Some(rest) => {
                    let (name, port) = rest.split_once(']').ok_or("has a bad host: [ without ]")?;
                    (name, port.strip_prefix(':').or((!port.is_empty()).then_some("")))
                }
                None => host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port))),
            };
            self.hosts.push(decode(name)?);
            self.ports.push(port.map_or(Ok(5432), port_of)?);
        }
        if !parts.database.is_empty() {
            self.database = Some(decode(parts.database)?);
        }
        Ok(())
    }

    fn parameter(&mut self, key: &str, value: String) -> Result<(), String> {
        let seconds =
            || value.parse().map(Duration::from_secs).map_err(|_| format!("has a bad {key}: seconds are needed"));
        let bad = |allowed: &str| Err(format!("has a bad {key}: it may be {allowed}"));
        match (key, value.as_str()) {
            ("user", _) => self.user = Some(value),
            ("dbname", _) => self.database = Some(value),
            ("host", _) => self.hosts.extend(value.split(',').map(str::to_owned)),
            ("port", _) => self.ports = value.split(',').map(port_of).collect::<Result<_, _>>()?,
            ("hostaddr", _) => self.addresses = value.split(',').map(address_of).collect::<Result<_, _>>()?,
            ("sslmode", "disable") => self.mode = Some(Mode::Disable),
            ("sslmode", "prefer") => self.mode = Some(Mode::Prefer),
            ("sslmode", "require") => self.mode = Some(Mode::Require),
            ("sslmode", "verify-ca" | "verify-full") => self.mode = Some(Mode::VerifyFull),
            ("sslmode", _) => return bad("disable, prefer, require, verify-ca or verify-full"),
            ("sslrootcert", _) => self.root = Some(PathBuf::from(value)),
            ("target_session_attrs", "any" | "read-write" | "primary") => {}
            ("target_session_attrs", _) => return bad("read-write: bailiwick writes"),
            ("load_balance_hosts", "disable") => {}
            ("load_balance_hosts", _) => return bad("disable: only one of the hosts takes writes"),
            // A certificate that vouches for the name of the host binds the channel to it.
            ("channel_binding", "disable" | "prefer") => {}
            ("channel_binding", _) => return bad("disable or prefer; sslmode=verify-full says who answers"),
            _ => return self.setting(key, &value, seconds),
        }
        Ok(())
    }

    /// Parameters that the driver takes as they are.
    fn setting(
        &mut self,
        key: &str,
        value: &str,
        seconds: impl Fn() -> Result<Duration, String>,
    ) -> Result<(), String> {
        let bad = |allowed: &str| format!("has a bad {key}: it may be {allowed}");
        match key {
            "password" => self.base().password(value),
            "options" => self.base().options(value),
            "application_name" => self.base().application_name(value),
            "sslnegotiation" => {
                let how = match value {
                    "direct" => SslNegotiation::Direct,
                    "postgres" => SslNegotiation::Postgres,
                    _ => return Err(bad("postgres or direct")),
                };
                self.base().ssl_negotiation(how)
            }
            "connect_timeout" => {
                let time = seconds()?;
                if time.is_zero() { self.base() } else { self.base().connect_timeout(time.min(CONNECT_TIME)) }
            }
            "tcp_user_timeout" => {
                let time = value.parse().map(Duration::from_millis).map_err(|_| bad("milliseconds"))?;
                if time.is_zero() { self.base() } else { self.base().tcp_user_timeout(time.min(UNHEARD_TIME)) }
            }
            "keepalives" => {
                let on: i64 = value.parse().map_err(|_| bad("0 or 1"))?;
                self.base().keepalives(on != 0)
            }
            "keepalives_idle" => {
                let time = seconds()?;
                self.base().keepalives_idle(time)
            }
            "keepalives_interval" => {
                let time = seconds()?;
                self.base().keepalives_interval(time)
            }
            "keepalives_retries" => {
                let retries = value.parse().map_err(|_| bad("a number"))?;
                self.base().keepalives_retries(retries)
            }
            _ => return Err(format!("has an unknown parameter {key}")),
        };
        Ok(())
    }

    fn finish(mut self) -> Result<DatabaseUrl, String> {
        let Some(database) = self.database.take().filter(|name| !name.is_empty()) else {
            return Err("names no database: write postgres://USER@HOST/DATABASE".to_owned());
        };
        let mut targets = self.targets()?;
        let mode = self
            .mode
            .unwrap_or_else(|| if targets.iter().all(|target| target.near) { Mode::Prefer } else { Mode::VerifyFull });
        let trust = match (mode, self.root.take()) {
            (Mode::VerifyFull, Some(root)) => Trust::File(root),
            (Mode::VerifyFull, None) => Trust::System,
            (_, Some(_)) => return Err("has sslrootcert, which counts only with sslmode=verify-full".to_owned()),
            (_, None) => Trust::Anybody,
        };
        if self.base().get_ssl_negotiation() == SslNegotiation::Direct && matches!(mode, Mode::Disable | Mode::Prefer) {
            return Err("has sslnegotiation=direct, which needs sslmode=require or verify-full".to_owned());
        }
        for target in &mut targets {
            target.config.dbname(&database).ssl_mode(match mode {
                Mode::Disable => SslMode::Disable,
                Mode::Prefer => SslMode::Prefer,
                Mode::Require | Mode::VerifyFull => SslMode::Require,
            });
        }
        let user = self.user.map_or(String::new(), |user| format!("{user}@"));
        let hosts: Vec<&str> = targets.iter().map(|target| target.shown.as_str()).collect();
        let shown = format!("postgres://{user}{}/{database}", hosts.join(","));
        Ok(DatabaseUrl { targets, trust, shown })
    }

    /// A configuration for each host, so that each has its time and one that hangs does not hide the next.
    fn targets(&mut self) -> Result<Vec<Target>, String> {
        let count = self.hosts.len().max(self.addresses.len());
        if count == 0 || self.hosts.iter().any(String::is_empty) {
            return Err("names no host: write postgres://USER@HOST/DATABASE".to_owned());
        }
        if !self.addresses.is_empty() && !self.hosts.is_empty() && self.addresses.len() != self.hosts.len() {
            return Err("has not as many hostaddr as hosts".to_owned());
        }
        if self.ports.len() > 1 && self.ports.len() != count {
            return Err("has not as many ports as hosts".to_owned());
        }
        let base = self.basis();
        let target = |index: usize| {
            let mut config = base.clone();
            let port = self.ports.get(index).or(self.ports.first()).copied().unwrap_or(5432);
            config.port(port);
            let (host, address) = (self.hosts.get(index), self.addresses.get(index));
            if let Some(host) = host {
                config.host(host);
            }
            if let Some(address) = address {
                config.hostaddr(*address);
            }
            let named = host.cloned().or(address.map(IpAddr::to_string)).unwrap_or_default();
            let near = address.map_or_else(|| is_near(&named), IpAddr::is_loopback);
            let shown = if named.contains(':') { format!("[{named}]:{port}") } else { format!("{named}:{port}") };
            Target { config, shown, near }
        };
        Ok((0..count).map(target).collect())
    }

    /// What is the same for all hosts. A peer that died has to be noticed within seconds.
    fn basis(&mut self) -> Config {
        let user = self.user.clone();
        let base = self.base();
        base.target_session_attrs(TargetSessionAttrs::ReadWrite).channel_binding(ChannelBinding::Prefer);
        if let Some(user) = user {
            base.user(user);
        }
        if base.get_application_name().is_none() {
            base.application_name("bailiwick");
        }
        if base.get_connect_timeout().is_none() {
            base.connect_timeout(CONNECT_TIME);
        }
        if base.get_tcp_user_timeout().is_none() {
            base.tcp_user_timeout(UNHEARD_TIME);
        }
        if base.get_keepalives_idle() > Duration::from_secs(5) {
            base.keepalives_idle(Duration::from_secs(5));
        }
        if base.get_keepalives_interval().is_none() {
            base.keepalives_interval(Duration::from_secs(1));
        }
        if base.get_keepalives_retries().is_none() {
            base.keepalives_retries(3);
        }
        base.clone()
    }
}

/// Whether what is sent to a host stays on this machine.
fn is_near(host: &str) -> bool {
    host.starts_with('/') || host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn port_of(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(port) if port != 0 => Ok(port),
        // It may be a part of a password that was not encoded: it is not shown.
        _ => Err("has a bad port: a number from 1 to 65535 is needed".to_owned()),
    }
}

fn address_of(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| "has a bad hostaddr: an IP address is needed".to_owned())
}

/// Takes the percent-encoding off.
fn decode(text: &str) -> Result<String, String> {
    let bad = || "has a bad %-encoding: % and two hexadecimal digits are needed".to_owned();
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16)).ok_or_else(bad);
        let value = digit()? * 16 + digit()?;
        out.push(u8::try_from(value).map_err(|_| bad())?);
    }
    String::from_utf8(out).ok().filter(|text| !text.contains('\0')).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> DatabaseUrl {
        DatabaseUrl::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"))
    }

    #[test]
    fn what_is_no_url_of_a_database_is_refused_with_one_reason() {
        let check = |text: &str, expect: &str| {
            let why = DatabaseUrl::parse(text).unwrap_err();
            assert!(why.contains(expect) && !why.contains("secret") && !why.contains('\n'), "{text}: {why}");
        };
        check("", "must begin with postgres://");
        check("/var/lib/bailiwick", "--data");
        check("./bailiwick-data", "--data");
        check("bailiwick-data", "--data");
        check("C:\\bailiwick", "--data");
        check("mysql://root@db/bailiwick", "must begin with postgres://");
        check("host=db user=bailiwick", "must begin with postgres://");
        check("postgres://", "no database");
        check("postgres://db", "no database");
        check("postgres://db/", "no database");
        check("postgres:///bailiwick", "no host");
        check("postgres://u@,b/bailiwick", "no host");
        check("postgres://db:port/bailiwick", "bad port");
        check("postgres://db:0/bailiwick", "bad port");
        check("postgres://db:70000/bailiwick", "bad port");
        check("postgres://[::1/bailiwick", "bad host");
        check("postgres://u:secret%zz@db/bailiwick", "bad %-encoding");
        check("postgres://u:se/secret@db/bailiwick", "%2F");
        check("postgres://u:se?secret@db/bailiwick", "%3F");
        check("postgres://u:se#secret@db/bailiwick", "%23");
        check("postgres://u:secret@db/bailiwick?sslmod=disable", "unknown parameter sslmod");
        check("postgres://u:secret@db/bailiwick?sslmode=allow", "bad sslmode");
        check("postgres://db/bailiwick?sslmode=require&sslrootcert=ca.pem", "sslmode=verify-full");
        check("postgres://db/bailiwick?sslmode=prefer&sslnegotiation=direct", "sslnegotiation=direct");
        check("postgres://db/bailiwick?connect_timeout=soon", "bad connect_timeout");
        check("postgres://db/bailiwick?hostaddr=here", "bad hostaddr");
        check("postgres://a,b/bailiwick?hostaddr=127.0.0.1", "as many hostaddr");
        check("postgres://a,b,c/bailiwick?port=1,2", "as many ports");
        check("postgres://db/bailiwick?target_session_attrs=read-only", "bad target_session_attrs");
        check("postgres://a,b/bailiwick?load_balance_hosts=random", "bad load_balance_hosts");
    }

    #[test]
    fn the_password_is_never_shown() {
        let check = |text: &str, expect: &str| {
            let url = parsed(text);
            assert_eq!(url.to_string(), expect);
            assert_eq!(format!("{url:?}"), expect);
        };
        check("postgres://u:secret@db/bailiwick", "postgres://u@db:5432/bailiwick");
        check("postgresql://u:se%2Fcret@db:6000/bailiwick?connect_timeout=1", "postgres://u@db:6000/bailiwick");
        check("postgres://db/bailiwick?user=u&password=secret", "postgres://u@db:5432/bailiwick");
        check("postgres://u:s@a:1,b:2/x", "postgres://u@a:1,b:2/x");
        check("postgres://u@[::1]/x", "postgres://u@[::1]:5432/x");
        check("postgres://u@/x?host=/var/run/postgresql", "postgres://u@/var/run/postgresql:5432/x");
        check("postgres://u@%2Ftmp/x", "postgres://u@/tmp:5432/x");
    }

    #[test]
    fn what_leaves_the_machine_is_encrypted_for_who_is_known() {
        let check = |text: &str, mode: SslMode, trust: Trust| {
            let url = parsed(text);
            assert!(url.targets().iter().all(|target| target.config.get_ssl_mode() == mode), "{text}");
            assert_eq!(*url.trust(), trust, "{text}");
        };
        check("postgres://localhost/x", SslMode::Prefer, Trust::Anybody);
        check("postgres://127.0.0.2,[::1]/x", SslMode::Prefer, Trust::Anybody);
        check("postgres://%2Ftmp/x", SslMode::Prefer, Trust::Anybody);
        check("postgres://db/x", SslMode::Require, Trust::System);
        check("postgres://localhost,db/x", SslMode::Require, Trust::System);
        check("postgres://localhost/x?hostaddr=10.0.0.1", SslMode::Require, Trust::System);
        check("postgres://db/x?sslmode=disable", SslMode::Disable, Trust::Anybody);
        check("postgres://db/x?sslmode=require", SslMode::Require, Trust::Anybody);
        check("postgres://localhost/x?sslmode=verify-ca", SslMode::Require, Trust::System);
        check("postgres://db/x?sslrootcert=/etc/ca.pem", SslMode::Require, Trust::File("/etc/ca.pem".into()));
    }

    #[test]
    fn every_host_has_a_configuration_of_its_own() {
        let url = parsed("postgres://u:p%40ss@a:1,b/x?options=-csearch_path%3Ds&connect_timeout=60");
        let [a, b] = url.targets() else { panic!("two hosts") };
        assert_eq!((a.config.get_ports(), b.config.get_ports()), (&[1][..], &[5432][..]));
        assert_eq!(a.config.get_password(), Some(&b"p@ss"[..]));
        assert_eq!(b.config.get_options(), Some("-csearch_path=s"));
        assert_eq!(b.config.get_connect_timeout(), Some(&CONNECT_TIME));
        assert_eq!(b.config.get_application_name(), Some("bailiwick"));
        assert_eq!(b.config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
    }
}
