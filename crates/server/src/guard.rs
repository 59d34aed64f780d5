//! What every request must fulfil before it is routed: its framing and its Host header are beyond doubt.

use crate::wire::Link;
use bailiwick_domain::failure::ProductCode;
use http::header::{EXPECT, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Version};

/// Why a request is not looked at any further. The connection is closed behind the answer, because nobody can be sure
/// where the next request would begin.
pub(crate) fn refuse(parts: &Parts, link: &Link) -> Option<(ProductCode, &'static str)> {
    if link.take() {
        return Some((ProductCode::HeaderMalformed, "The length of the body is given more than once."));
    }
    let mut codings = parts.headers.get_all(TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next()
        && (codings.next().is_some() || !coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked"))
    {
        return Some((ProductCode::HeaderMalformed, "Transfer-Encoding must be chunked and nothing else."));
    }
    let mut expectations = parts.headers.get_all(EXPECT).iter();
    if !expectations.all(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue")) {
        return Some((ProductCode::Expectation, "Expect may ask for 100-continue and nothing else."));
    }
    refuse_host(parts.version, &parts.headers).map(|why| (ProductCode::HostMissing, why))
}

fn refuse_host(version: Version, headers: &HeaderMap) -> Option<&'static str> {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if version == Version::HTTP_10 => None,
        (None, _) => Some("The Host header is missing."),
        (Some(_), Some(_)) => Some("There is more than one Host header."),
        (Some(host), None) if valid_host(host) => None,
        (Some(_), None) => Some("The Host header is no host name."),
    }
}

/// A host name or address with an optional port (RFC 9110 section 7.2).
fn valid_host(host: &HeaderValue) -> bool {
    let Ok(text) = host.to_str() else { return false };
    let (name, port) = match text.strip_prefix('[') {
        Some(address) => match address.split_once(']') {
            Some((address, rest)) if address.parse::<std::net::Ipv6Addr>().is_ok() => (address, rest),
            _ => return false,
        },
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port_fits = match port.strip_prefix(':') {
        Some(digits) => digits.is_empty() || digits.parse::<u16>().is_ok(),
        None => port.is_empty(),
    };
    let name_fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:%!$&'()*+,;=".contains(&byte);
    !name.is_empty() && name.bytes().all(name_fits) && port_fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        let check = |hosts: &[&str], fits: bool| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(HOST, HeaderValue::from_bytes(host.as_bytes()).unwrap());
            }
            assert_eq!(refuse_host(Version::HTTP_11, &headers).is_none(), fits, "{hosts:?}");
        };
        for fits in ["a", "a.example:8700", "127.0.0.1", "[::1]:80", "[::1]", "xn--bcher-kva.example", "a:"] {
            check(&[fits], true);
        }
        for bad in ["", "a b", "a/b", "a@b", "[::1", "[x]", "a:b", "a:99999", "ü", ":80", "[::1]x"] {
            check(&[bad], false);
        }
        check(&[], false);
        check(&["a", "a"], false);
        assert!(refuse_host(Version::HTTP_10, &HeaderMap::new()).is_none());
    }

    #[test]
    fn transfer_codings() {
        let check = |codings: &[&str], fits: bool| {
            let link = Link::new(([127, 0, 0, 1], 1).into(), None);
            let mut request = http::Request::builder().header(HOST, "a");
            for coding in codings {
                request = request.header(TRANSFER_ENCODING, *coding);
            }
            let parts = request.body(()).unwrap().into_parts().0;
            assert_eq!(refuse(&parts, &link).is_none(), fits, "{codings:?}");
        };
        check(&[], true);
        check(&["chunked"], true);
        check(&["Chunked"], true);
        check(&["gzip, chunked"], false);
        check(&["chunked", "chunked"], false);
        check(&["identity"], false);
    }
}
