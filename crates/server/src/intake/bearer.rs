//! Who calls: the bearer token, and nothing else a client says about itself.

use super::Failure;
use bailiwick_app::{App, Caller, Identified};
use bailiwick_domain::failure::{self, ProductCode};
use http::HeaderMap;
use http::header::AUTHORIZATION;

/// A call that was not let in.
pub(crate) struct Refused {
    pub(crate) failure: Failure,
    /// Whose token it was, if it is one of ours.
    pub(crate) known: Option<Caller>,
}

/// Finds the integration behind the Authorization header. Tokens elsewhere, such as in the query, are never read.
pub(crate) async fn authenticate(app: &App, headers: &HeaderMap) -> Result<Caller, Refused> {
    let token = match bearer(headers) {
        Ok(token) => token,
        Err((code, why)) => {
            let refusal = failure::error(code, why);
            return Err(Refused { failure: Failure::unauthenticated(refusal, true), known: None });
        }
    };
    match app.identify(token).await {
        Identified::Caller(caller) => Ok(caller),
        Identified::Refused { refusal, known } => {
            Err(Refused { failure: Failure::unauthenticated(refusal, token.is_some()), known })
        }
    }
}

/// The token of the one Authorization header (RFC 6750 section 2.1); `None` without a header.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Option<&str>, (ProductCode, &'static str)> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err((ProductCode::HeaderMalformed, "There is more than one Authorization header."));
    }
    let malformed = |why| (ProductCode::TokenMalformed, why);
    let visible = value.to_str();
    let text = visible.map_err(|_| malformed("The Authorization header holds more than visible ASCII characters."))?;
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(malformed("The Authorization header must use the Bearer scheme."));
    }
    let token = token.trim();
    if token.is_empty() {
        return Err(malformed("The Authorization header carries no token."));
    }
    Ok(Some(token))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn exactly_one_bearer_token_is_read() {
        let check = |values: &[&[u8]], expect: Option<Option<&str>>| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
            }
            assert_eq!(bearer(&headers).ok(), expect, "{values:?}");
        };
        check(&[], Some(None));
        check(&[b"Bearer abc"], Some(Some("abc")));
        check(&[b"bEARER   abc "], Some(Some("abc")));
        check(&[b"Bearer"], None);
        check(&[b"Bearer "], None);
        check(&[b"Basic abc"], None);
        check(&[b"abc"], None);
        check(&[b""], None);
        check(&[b"Bearer \xff"], None);
        check(&[b"Bearer a", b"Bearer a"], None);
    }
}
