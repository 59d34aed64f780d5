//! Where the store is and under which URL the server is reached: flags first, then the environment, then what is known.

use crate::args::StoreArgs;
use crate::out::{Failure, refused};
use bailiwick_store::{DatabaseUrl, Location};
use std::path::{Path, PathBuf};

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
    /// Where the store is, when something named it.
    chosen: Option<Location>,
    /// The environment.
    pub(crate) environment: Environment,
}

impl Config {
    /// Flags come before the environment.
    pub(crate) fn new(flags: &StoreArgs, environment: Environment) -> Result<Self, Failure> {
        let chosen = match (&flags.data, &flags.database_url) {
            (Some(_), Some(_)) => {
                return Err(Failure::Usage("--data and --database-url exclude each other".to_owned()));
            }
            (Some(dir), None) => Some(folder("--data", dir)?),
            (None, Some(url)) => Some(database("--database-url", url)?),
            (None, None) => environment.location()?,
        };
        Ok(Self { chosen, environment })
    }

    /// Where the store is.
    pub(crate) fn location(&self) -> Location {
        self.chosen.clone().unwrap_or_else(|| Location::Folder(PathBuf::from(DEFAULT_DIR)))
    }

    /// Where the store is, if a flag or the environment named it.
    pub(crate) fn named(&self) -> Option<&Location> {
        self.chosen.as_ref()
    }

    /// The same with another folder.
    pub(crate) fn with_dir(&self, dir: PathBuf) -> Self {
        Self { chosen: Some(Location::Folder(dir)), environment: self.environment.clone() }
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

impl Environment {
    fn location(&self) -> Result<Option<Location>, Failure> {
        match (&self.data, &self.database_url) {
            (Some(_), Some(_)) => {
                refused("BAILIWICK_DATA and BAILIWICK_DATABASE_URL name two stores: unset one of them")
            }
            (Some(dir), None) => folder("BAILIWICK_DATA", Path::new(dir)).map(Some),
            (None, Some(url)) => database("BAILIWICK_DATABASE_URL", url).map(Some),
            (None, None) => Ok(None),
        }
    }
}

/// How a store is named where two have to be told apart: `sqlite:DIR`, or the URL of a database.
pub(crate) fn location(from: &str, text: &str) -> Result<Location, Failure> {
    let Some(dir) = text.strip_prefix("sqlite:") else {
        return match text.contains("://") {
            true => database(from, text),
            false => refused(format!("{from} must be sqlite:DIR for a folder, or begin with postgres://")),
        };
    };
    match dir {
        "" => refused(format!("{from} names no folder: write sqlite:DIR")),
        // An absolute path may be written as a URL; a host has no meaning here.
        dir if dir.starts_with("///") => folder(from, Path::new(&dir[2..])),
        dir if dir.starts_with("//") => refused(format!("{from} must be sqlite:DIR, without // before the folder")),
        dir => folder(from, Path::new(dir)),
    }
}

/// A folder, unless what was typed is meant for something else: a folder of that name must not come to be.
fn folder(from: &str, dir: &Path) -> Result<Location, Failure> {
    let text = dir.to_string_lossy();
    let database = ["postgres:", "postgresql:"].iter().any(|scheme| text.starts_with(scheme));
    if database && from.starts_with("--data") {
        return refused("--data takes a folder; for a database use --database-url URL");
    }
    if database && from.starts_with("BAILIWICK") {
        return refused(format!("{from} takes a folder; for a database use BAILIWICK_DATABASE_URL"));
    }
    if text.contains("://") || text.starts_with("sqlite:") || database {
        return refused(format!("{from} takes the path of a folder, not a URL"));
    }
    Ok(Location::Folder(dir.to_owned()))
}

/// A database. Nothing that was typed is repeated: it may hold a password.
fn database(from: &str, url: &str) -> Result<Location, Failure> {
    let known = ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
    if !known {
        return refused(format!("{from} must begin with postgres://; for a folder use --data DIR"));
    }
    match DatabaseUrl::parse(url) {
        Ok(url) => Ok(Location::Postgres(url)),
        Err(reason) => refused(format!("{from} {reason}")),
    }
}

/// Where a store is, for people and logs.
pub(crate) fn shown(location: &Location) -> String {
    match location {
        Location::Folder(dir) => dir.display().to_string(),
        Location::Postgres(url) => url.to_string(),
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

    fn dir(dir: &str) -> Location {
        Location::Folder(PathBuf::from(dir))
    }

    #[test]
    fn a_flag_comes_before_the_environment() {
        const URL: &str = "postgres://ada@db.example/catalog";
        let url = || Location::Postgres(DatabaseUrl::parse(URL).unwrap());
        let check = |flags: &StoreArgs, environment: Environment, expect: Location| {
            assert_eq!(Config::new(flags, environment).unwrap().location(), expect);
        };
        check(&flags(None, None), Environment::default(), dir("./bailiwick-data"));
        check(&flags(None, None), environment(Some("e"), None), dir("e"));
        check(&flags(None, None), environment(None, Some(URL)), url());
        check(&flags(Some("f"), None), environment(Some("e"), None), dir("f"));
        check(&flags(Some("f"), None), environment(None, Some(URL)), dir("f"));
        check(&flags(Some("f"), None), environment(None, Some("nonsense")), dir("f"));
        check(&flags(None, Some(URL)), environment(Some("e"), None), url());
        let config = Config::new(&flags(None, None), environment(None, None)).unwrap();
        assert!(config.named().is_none());
        assert_eq!(config.public_url(Some("https://flag.example/")).unwrap().unwrap(), "https://flag.example");
        assert_eq!(config.public_url(None).unwrap().unwrap(), "https://env.example");
        assert!(config.public_url(Some("nonsense")).is_err());
    }

    fn line(result: Result<impl std::fmt::Debug, Failure>) -> String {
        match result {
            Err(Failure::Refused(line) | Failure::Usage(line)) => line,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_cannot_be_meant_is_answered_in_words() {
        let check = |data: Option<&str>, url: Option<&str>, expect: &str| {
            let flag = line(Config::new(&flags(data, url), Environment::default()));
            assert!(flag.contains(expect), "{flag}");
            assert!(line(Config::new(&flags(None, None), environment(data, url))).contains("BAILIWICK_DATA"));
            assert!(!flag.contains("hush"), "{flag}");
        };
        check(Some("postgres://u:hush@h/d"), None, "--database-url");
        check(Some("postgresql:hush"), None, "--database-url");
        check(Some("sqlite:hush"), None, "folder");
        check(Some("mysql://u:hush@h/d"), None, "folder");
        check(None, Some("./hush"), "--data DIR");
        check(None, Some("sqlite:hush"), "--data DIR");
        check(None, Some("mysql://u:hush@h/d"), "postgres://");
        check(None, Some("host=x password=hush"), "postgres://");
        check(None, Some("postgres://u:hush@h:port/d"), "--database-url");
        check(Some("hush"), Some("postgres://u:hush@h/d"), "exclude");
        assert!(matches!(Config::new(&flags(Some("f"), Some("x")), Environment::default()), Err(Failure::Usage(_))));
    }

    #[test]
    fn either_kind_of_store_has_one_word() {
        assert_eq!(location("--from", "sqlite:./data").unwrap(), dir("./data"));
        assert_eq!(location("--from", "sqlite:/data").unwrap(), dir("/data"));
        assert_eq!(location("--from", "sqlite:///data").unwrap(), dir("/data"));
        assert!(matches!(location("--from", "postgres://ada@db.example/catalog"), Ok(Location::Postgres(_))));
        for text in ["", "./data", "sqlite:", "sqlite://data", "sqlite:postgres://x", "mysql://x", "data"] {
            assert!(line(location("--from", text)).starts_with("--from "), "{text}");
        }
    }
}
