//! An address that somebody named, taken apart.

use http::Uri;
use std::net::IpAddr;

/// Where to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) secure: bool,
    /// Name or address, without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// With the query.
    pub(super) path: String,
}

impl Target {
    /// Reads an address.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|_| "it is no URL".to_owned())?;
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err("it must begin with https://".to_owned()),
        };
        let authority = uri.authority().ok_or("it names no host")?;
        if authority.as_str().contains('@') {
            return Err("it must not hold a name or password".to_owned());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        if host.is_empty() {
            return Err("it names no host".to_owned());
        }
        let after = &authority.as_str()[authority.host().len()..];
        let port = match after.strip_prefix(':') {
            None => None,
            Some(port) => Some(port.parse().ok().filter(|port| *port > 0).ok_or("its port is no port")?),
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { secure, host, port: port.unwrap_or(if secure { 443 } else { 80 }), path })
    }

    /// The address, when it is no name.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// For the Host header.
    pub(super) fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let usual = if self.secure { 443 } else { 80 };
        if self.port == usual { host } else { format!("{host}:{}", self.port) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let check = |url: &str, expect: Result<(&str, u16, &str, &str), &str>| {
            let found = Target::parse(url);
            let found = found
                .as_ref()
                .map(|target| (target.host.as_str(), target.port, target.path.as_str(), target.authority()));
            match expect {
                Ok((host, port, path, authority)) => {
                    assert_eq!(found, Ok((host, port, path, authority.to_owned())), "{url}");
                }
                Err(why) => assert!(found.as_ref().is_err_and(|found| found.contains(why)), "{url}: {found:?}"),
            }
        };
        check("https://Hooks.example.com/a?b=c", Ok(("hooks.example.com", 443, "/a?b=c", "hooks.example.com")));
        check("https://a.example:8443", Ok(("a.example", 8443, "/", "a.example:8443")));
        check("http://127.0.0.1:9000/x", Ok(("127.0.0.1", 9000, "/x", "127.0.0.1:9000")));
        check("https://[::1]:9/x", Ok(("::1", 9, "/x", "[::1]:9")));
        check("https://a?x=1", Ok(("a", 443, "/?x=1", "a")));
        check("ftp://a", Err("https://"));
        check("a/b", Err("no URL"));
        check("/b", Err("https://"));
        check("", Err("no URL"));
        check("https://user:pass@a/", Err("password"));
        check("https://a:0/", Err("port"));
        check("https://a:99999/", Err(""));
        check("https:///x", Err(""));
        check("https://a b/", Err("no URL"));
    }
}
