//! Where the store is and under which URL the server is reached: flags first, then the environment, then what is known.

use crate::args::StoreArgs;
use crate::out::{Failure, refused};
use std::path::PathBuf;

/// The folder used when nothing names one.
const DEFAULT_DIR: &str = "./bailiwick-data";

/// What the environment says. It is read here, once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    pub(crate) data: Option<String>,
    pub(crate) database_url: Option<String>,
    pub(crate) public_url: Option<String>,
    pub(crate) log: Option<String>,
}

impl Environment {
    pub(crate) fn read() -> Self {
        Self {
            data: variable("BAILIWICK_DATA"),
            database_url: variable("BAILIWICK_DATABASE_URL"),
            public_url: variable("BAILIWICK_PUBLIC_URL"),
            log: variable("BAILIWICK_LOG"),
        }
    }
}

/// An empty variable counts as unset.
#[expect(clippy::disallowed_methods, reason = "this is the one place where the environment is read")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What is known before the store is open.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The folder of the store, when something named one.
    chosen: Option<PathBuf>,
    /// The environment.
    pub(crate) environment: Environment,
}

impl Config {
    /// Flags come before the environment.
    pub(crate) fn new(flags: &StoreArgs, environment: Environment) -> Result<Self, Failure> {
        let url = match (&flags.data, &flags.database_url) {
            (Some(_), Some(_)) => {
                return Err(Failure::Usage("--data and --database-url exclude each other".to_owned()));
            }
            (Some(_), None) => None,
            (None, Some(url)) => Some(url),
            (None, None) => environment.database_url.as_ref(),
        };
        if url.is_some() {
            return refused(
                "this release keeps its data in a folder (--data DIR); PostgreSQL (--database-url) comes with a later one",
            );
        }
        let chosen = flags.data.clone().or_else(|| environment.data.clone().map(PathBuf::from));
        Ok(Self { chosen, environment })
    }

    /// The folder of the store.
    pub(crate) fn dir(&self) -> PathBuf {
        self.chosen.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_DIR))
    }

    /// Whether a flag or the environment named a folder.
    pub(crate) fn names_store(&self) -> bool {
        self.chosen.is_some()
    }

    /// The same with another folder.
    pub(crate) fn with_dir(&self, dir: PathBuf) -> Self {
        Self { chosen: Some(dir), environment: self.environment.clone() }
    }

    /// The public URL that a flag or the environment asks for, checked.
    pub(crate) fn public_url(&self, flag: Option<&str>) -> Result<Option<String>, Failure> {
        let (text, from) = match (flag, &self.environment.public_url) {
            (Some(text), _) => (text, "--public-url"),
            (None, Some(text)) => (text.as_str(), "BAILIWICK_PUBLIC_URL"),
            (None, None) => return Ok(None),
        };
        match public_url(text) {
            Ok(url) => Ok(Some(url)),
            Err(reason) => refused(format!("{from} {text:?} {reason}")),
        }
    }
}

/// An http or https URL without query, fragment and closing slash. The reason completes "the URL ...".
fn public_url(text: &str) -> Result<String, &'static str> {
    let url = text.trim().trim_end_matches('/');
    let lower = url.to_ascii_lowercase();
    let scheme = ["https://", "http://"].into_iter().find(|scheme| lower.starts_with(scheme));
    let Some(scheme) = scheme else { return Err("must begin with https:// or http://") };
    let rest = &url[scheme.len()..];
    let (host, path) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path));
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) || url.contains(['"', '<', '>', '\\', '^', '`', '{', '|', '}'])
    {
        return Err("holds characters that a URL cannot have");
    }
    if url.contains(['?', '#']) {
        return Err("must have no query and no fragment");
    }
    if host.contains('@') {
        return Err("must hold no credentials");
    }
    if !is_host(host) {
        return Err("names no host");
    }
    if path.split('/').any(|segment| matches!(segment, "." | "..")) || path.starts_with('/') || path.contains("//") {
        return Err("has a path with dots or doubled slashes");
    }
    let path = if path.is_empty() { String::new() } else { format!("/{path}") };
    Ok(format!("{scheme}{}{path}", host.to_ascii_lowercase()))
}

/// A name or address with an optional port.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let Some((address, port)) = rest.split_once(']') else { return false };
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            ("v6", port)
        }
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port_fits =
        port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok_and(|n| n > 0));
    let part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    !host.is_empty() && host.bytes().all(part) && port_fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_urls() {
        let check = |text: &str, expect: &str| assert_eq!(public_url(text), Ok(expect.to_owned()), "{text}");
        check("https://Scim.Example.com/", "https://scim.example.com");
        check("HTTPS://scim.example.com:8443/Base/", "https://scim.example.com:8443/Base");
        check("http://127.0.0.1:8700", "http://127.0.0.1:8700");
        check("http://[::1]:8700//", "http://[::1]:8700");
        for text in [
            "",
            "scim.example.com",
            "ftp://x",
            "https://",
            "https:///x",
            "https://a b",
            "https://a/?q",
            "https://a/#f",
            "https://user:pw@a",
            "https://a:0",
            "https://a:99999",
            "https://[::1",
            "https://[x]:1",
            "https://a/../b",
            "https://a//b",
            "https://é.example",
            "https://a/\u{7}",
        ] {
            assert!(public_url(text).is_err(), "{text}");
        }
    }

    fn flags(data: Option<&str>, url: Option<&str>) -> StoreArgs {
        StoreArgs { data: data.map(PathBuf::from), database_url: url.map(str::to_owned) }
    }

    fn environment(data: Option<&str>, url: Option<&str>) -> Environment {
        Environment {
            data: data.map(str::to_owned),
            database_url: url.map(str::to_owned),
            public_url: Some("https://env.example".to_owned()),
            log: None,
        }
    }

    #[test]
    fn a_flag_comes_before_the_environment() {
        let check = |flags: &StoreArgs, environment: Environment, expect: &str| {
            assert_eq!(Config::new(flags, environment).unwrap().dir(), PathBuf::from(expect));
        };
        check(&flags(None, None), Environment::default(), "./bailiwick-data");
        check(&flags(None, None), environment(Some("e"), None), "e");
        check(&flags(Some("f"), None), environment(Some("e"), None), "f");
        check(&flags(Some("f"), None), environment(None, Some("postgres://x")), "f");
        let config = Config::new(&flags(None, None), environment(None, None)).unwrap();
        assert!(!config.names_store());
        assert_eq!(config.public_url(Some("https://flag.example/")).unwrap().unwrap(), "https://flag.example");
        assert_eq!(config.public_url(None).unwrap().unwrap(), "https://env.example");
        assert!(config.public_url(Some("nonsense")).is_err());
    }

    #[test]
    fn a_database_url_is_answered_in_words() {
        let url = Some("postgres://x");
        assert!(matches!(Config::new(&flags(None, url), Environment::default()), Err(Failure::Refused(_))));
        assert!(matches!(Config::new(&flags(None, None), environment(Some("e"), url)), Err(Failure::Refused(_))));
        assert!(matches!(Config::new(&flags(Some("f"), url), Environment::default()), Err(Failure::Usage(_))));
    }
}
