//! Query strings: decoded once, strictly, and shown without what is nobody's business.

use crate::intake::{decode, split};
use crate::limits;
use bailiwick_scim::quirks::{Quirk, Quirks, Repairs};
use bailiwick_scim::redact::redact_filter;
use bailiwick_scim::schema::Registry;
use bailiwick_scim::{Code, Error};

/// The pairs of a query string. Form style (a plus means a space) is a leniency: most clients encode like that.
pub(super) fn pairs(
    query: Option<&str>,
    quirks: Quirks,
    repairs: &mut Repairs,
) -> Result<Vec<(String, String)>, Error> {
    let Some(query) = query else { return Ok(Vec::new()) };
    let form = quirks.has(Quirk::QueryForm);
    if form && query.contains('+') {
        repairs.note(Quirk::QueryForm, "a plus in the query was read as a space");
    }
    if form && (query.is_empty() || query.ends_with('&')) {
        repairs.note(Quirk::QueryForm, "the query ends where another parameter should begin");
    }
    split(query)
        .map(|(name, value)| {
            let decoded = decode(name, form).zip(decode(value, form));
            decoded.ok_or_else(|| Error::new(Code::ParameterInvalid, "The query string is not UTF-8 when decoded."))
        })
        .collect()
}

/// The query as the journal keeps it: parameters of the protocol with their values, without secrets; of all others
/// only the name, because a token or password may stand there.
pub(super) fn redacted(registry: &Registry, query: &str) -> String {
    const PLAIN: [&str; 7] =
        ["attributes", "excludedAttributes", "sortBy", "sortOrder", "startIndex", "count", "cursor"];
    let mut out = String::new();
    for (name, value) in split(query) {
        out.push(if out.is_empty() { '?' } else { '&' });
        let name = decode(name, true).unwrap_or_else(|| name.to_owned());
        out.push_str(&name);
        out.push('=');
        let value = decode(value, true).unwrap_or_default();
        if name.eq_ignore_ascii_case("filter") {
            out.push_str(&redact_filter(registry, &value));
        } else if PLAIN.iter().any(|plain| name.eq_ignore_ascii_case(plain)) {
            out.push_str(&value);
        } else {
            out.push('…');
        }
    }
    if let Some((end, _)) = out.char_indices().nth(limits::TARGET_CHARS) {
        out.truncate(end);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_decoded_once() {
        let check = |query: &str, form: bool, expect: Option<&[(&str, &str)]>, repairs: usize| {
            let quirks = if form { Quirks::all() } else { Quirks::none() };
            let mut noted = Repairs::default();
            let found = pairs(Some(query), quirks, &mut noted).ok();
            let expect: Option<Vec<(String, String)>> = expect
                .map(|pairs| pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect());
            assert_eq!((found, noted.0.len()), (expect, repairs), "{query}");
        };
        check("", true, Some(&[]), 1);
        check("a=b&c", true, Some(&[("a", "b"), ("c", "")]), 0);
        check("a=b&", true, Some(&[("a", "b")]), 1);
        check("filter=userName+eq+%22a%2Bb%22", true, Some(&[("filter", "userName eq \"a+b\"")]), 1);
        check("filter=userName+eq", false, Some(&[("filter", "userName+eq")]), 0);
        check("a=%2541", true, Some(&[("a", "%41")]), 0);
        check("a=100%&b=%zz", true, Some(&[("a", "100%"), ("b", "%zz")]), 0);
        check("a=b=c", true, Some(&[("a", "b=c")]), 0);
        check("a=%C3%BC", true, Some(&[("a", "ü")]), 0);
        check("a=%C3", true, None, 0);
        check("%FF=a", true, None, 0);
    }

    #[test]
    fn the_journal_sees_no_secret() {
        let registry = Registry::standard();
        let check = |query: &str, expect: &str| assert_eq!(redacted(&registry, query), expect, "{query}");
        check("attributes=userName&count=5", "?attributes=userName&count=5");
        check("access_token=secret&startIndex=1", "?access_token=…&startIndex=1");
        check("filter=userName+eq+%22a%22", "?filter=userName eq \"a\"");
        assert!(!redacted(&registry, "FILTER=password%20eq%20%22hunter2%22").contains("hunter2"));
        assert!(redacted(&registry, &"x=1&".repeat(5_000)).chars().count() <= limits::TARGET_CHARS);
    }
}
