//! A request as its handler sees it: who asks for what, read and checked as far as the table says.

use super::read;
use super::table::{Endpoint, FILTER_CHARS, Form, KIND_CHARS, KINDS_CHARS, Param};
use crate::intake::{Failure, Fault, decode, split};
use bailiwick_app::App;
use bailiwick_app::feed::webhooks::Courier;
use bailiwick_domain::ids::Millis;
use bailiwick_domain::policy::Principal;
use bailiwick_scim::etag::Precondition;
use bailiwick_scim::{Code, Error, text};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::HeaderMap;
use http::header::IF_MATCH;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::net::IpAddr;
use std::sync::Arc;

/// Rows of a page when nothing is said.
const PAGE_DEFAULT: i64 = 100;
/// Most rows of a page.
const PAGE_MAX: i64 = 1_000;
/// Longest cursor, in characters.
pub(super) const CURSOR_CHARS: usize = 4_096;

/// Parameters of every paged route.
pub(super) const PAGING: &[Param] = &[
    super::table::param("limit", Form::Number(1, PAGE_MAX), "Most items of a page; 100 if nothing is said."),
    super::table::param("cursor", Form::Text(CURSOR_CHARS), "Where to go on: `next_cursor` of the page before."),
    super::table::param("total", Form::Flag, "Whether to count all items, too, which may take longer."),
];

/// A request.
#[derive(Debug)]
pub(crate) struct Request {
    /// The use cases, acting for the caller in this request.
    pub(crate) app: App,
    /// Who asks. On a route for everybody: nobody, who may do nothing.
    pub(crate) principal: Arc<Principal>,
    /// Where the connection comes from.
    pub(crate) address: IpAddr,
    pub(super) api: Arc<super::Api>,
    pub(super) endpoint: &'static Endpoint,
    pub(super) segments: Vec<(&'static str, String)>,
    pub(super) query: Vec<(&'static Param, String)>,
    pub(super) headers: HeaderMap,
    pub(super) bytes: Bytes,
    pub(super) json: Value,
    /// Whether the second form of the answer was asked for.
    pub(super) second: bool,
}

/// Which page.
#[derive(Debug)]
pub(crate) struct Page<K> {
    /// Most items.
    pub(crate) limit: u32,
    /// Behind which item; `None` from the beginning.
    pub(crate) after: Option<K>,
    /// Whether to count all.
    pub(crate) total: bool,
}

impl Request {
    /// What the braces of the path stand for, decoded.
    pub(crate) fn path(&self, name: &str) -> &str {
        self.segments.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// A parameter of the query, as it was said.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(param, _)| param.name == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that is a number.
    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.param(name)?.parse().ok()
    }

    /// A parameter that is `true` or `false`; absent is false.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.param(name) == Some("true")
    }

    /// A parameter that is a moment.
    pub(crate) fn instant(&self, name: &str) -> Option<Millis> {
        text::read_instant(self.param(name)?).map(Millis)
    }

    /// Whether the second form of the answer was asked for by Accept.
    pub(crate) fn wants_second_form(&self) -> bool {
        self.second
    }

    /// Who carries what is sent out.
    pub(super) fn courier(&self) -> &dyn Courier {
        &*self.api.courier
    }

    /// A header; its values joined by commas.
    pub(super) fn header(&self, name: &http::HeaderName) -> Option<String> {
        header(&self.headers, name)
    }

    /// What the braces of the path stand for, all of them.
    pub(super) fn filled(&self) -> &[(&'static str, String)] {
        &self.segments
    }

    /// The parameters of the query, as they were said.
    pub(super) fn said(&self) -> impl Iterator<Item = (&str, &str)> {
        self.query.iter().map(|(param, value)| (param.name, value.as_str()))
    }

    /// The body as it came.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The JSON body as a wire type.
    ///
    /// # Errors
    /// The place that does not fit.
    pub(crate) fn body<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        read::typed(&self.json).map_err(|(pointer, why)| {
            let place = if pointer.is_empty() { "The body".to_owned() } else { format!("\"{pointer}\" of the body") };
            let refusal = Error::new(Code::ValueInvalid, format!("{place} does not fit: {why}."));
            let fault = Fault { pointer: Some(pointer), detail: format!("{why}."), ..Fault::default() };
            Failure::from(refusal).at(vec![fault])
        })
    }

    /// The JSON body as it is.
    pub(crate) fn json(&self) -> &Value {
        &self.json
    }

    /// The text body.
    ///
    /// # Errors
    /// When it is not UTF-8.
    pub(crate) fn text(&self) -> Result<&str, Failure> {
        std::str::from_utf8(&self.bytes)
            .map_err(|_| Error::new(Code::ValueInvalid, "The body is not UTF-8. Nothing else is read.").into())
    }

    /// Which page was asked for.
    ///
    /// # Errors
    /// A cursor that is not ours, or belongs to another query.
    pub(crate) fn page<K: DeserializeOwned>(&self) -> Result<Page<K>, Failure> {
        let limit = u32::try_from(self.number("limit").unwrap_or(PAGE_DEFAULT)).unwrap_or(1);
        let after = self.param("cursor").map(|cursor| self.place_behind(cursor)).transpose()?;
        Ok(Page { limit, after, total: self.flag("total") })
    }

    fn place_behind<K: DeserializeOwned>(&self, cursor: &str) -> Result<K, Failure> {
        let invalid = || {
            Error::new(Code::CursorInvalid, "This cursor is damaged, or belongs to another query or to another caller.")
        };
        let (body, sealed) = cursor.split_once('.').ok_or_else(invalid)?;
        let body = URL_SAFE_NO_PAD.decode(body).map_err(|_| invalid())?;
        if self.cursor_seal(&body) != sealed {
            return Err(invalid().into());
        }
        Ok(serde_json::from_slice(&body).map_err(|_| invalid())?)
    }

    /// The cursor of the page behind this place.
    pub(super) fn cursor_behind<K: Serialize>(&self, place: &K) -> String {
        // A place is numbers and strings: it always serialises.
        let body = serde_json::to_vec(place).unwrap_or_default();
        format!("{}.{}", URL_SAFE_NO_PAD.encode(&body), self.cursor_seal(&body))
    }

    /// What proves that a cursor is ours: over its content, the caller, and all that must stay the same between pages.
    fn cursor_seal(&self, body: &[u8]) -> String {
        let same: Vec<(&str, &str)> = self.lasting().collect();
        let same = serde_json::to_vec(&(&self.segments, same)).unwrap_or_default();
        let (operation, caller) = (self.endpoint.operation.as_bytes(), self.principal.id.as_bytes());
        self.app.seal(&[b"api cursor", operation, caller, &same, body])
    }

    /// The parameters that say what is listed, not which part of it.
    fn lasting(&self) -> impl Iterator<Item = (&str, &str)> {
        let paging = |name: &str| PAGING.iter().any(|param| param.name == name);
        let query = self.query.iter().filter(move |(param, _)| !paging(param.name));
        query.map(|(param, value)| (param.name, value.as_str()))
    }

    /// The next page for the Link header (RFC 8288).
    pub(super) fn next_link(&self, cursor: &str) -> String {
        let mut url = format!("{}/api/v1", self.app.public_url());
        for segment in self.endpoint.path.split('/').skip(1) {
            url.push('/');
            match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                Some(name) => url.push_str(&encoded(self.path(name))),
                None => url.push_str(segment),
            }
        }
        let kept = self.query.iter().filter(|(param, _)| param.name != "cursor");
        let pairs = kept.map(|(param, value)| (param.name, value.as_str())).chain([("cursor", cursor)]);
        let query: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        format!("<{url}?{}>; rel=\"next\"", query.join("&"))
    }

    /// Refuses unless the version named by If-Match, if one is, is the present one. What is written afterwards must
    /// carry the guard that holds this true.
    ///
    /// # Errors
    /// Another version is there.
    pub(crate) fn expects(&self, tag: &str) -> Result<(), Failure> {
        let Some(said) = self.header(&IF_MATCH) else { return Ok(()) };
        if Precondition::parse_if_match(&said).matches(tag) {
            return Ok(());
        }
        let detail = "Somebody changed this since the version that If-Match names. Read it again first.";
        Err(Error::new(Code::PreconditionFailed, detail).into())
    }

    /// Whether If-Match is said at all.
    pub(crate) fn expects_a_version(&self) -> bool {
        self.headers.contains_key(IF_MATCH)
    }
}

/// The values of a header, joined by commas; `None` without one.
pub(super) fn header(headers: &HeaderMap, name: &http::HeaderName) -> Option<String> {
    let mut values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let first = values.next()?;
    Some(values.fold(first, |all, value| all + "," + &value))
}

/// Percent-encodes a value for a path segment or a query.
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Reads the query against what the route takes.
///
/// # Errors
/// A parameter that is unknown, repeated or malformed.
pub(super) fn query(endpoint: &'static Endpoint, said: Option<&str>) -> Result<Vec<(&'static Param, String)>, Failure> {
    let invalid = |detail: String| Failure::from(Error::new(Code::ParameterInvalid, detail));
    let paging: &'static [Param] = if endpoint.paged() { PAGING } else { &[] };
    let mut found: Vec<(&'static Param, String)> = Vec::new();
    for (name, value) in split(said.unwrap_or_default()) {
        let decoded = decode(name, true).zip(decode(value, true));
        let (name, value) = decoded.ok_or_else(|| invalid("The query string is not UTF-8 when decoded.".to_owned()))?;
        let param = endpoint.query.iter().chain(paging).find(|param| param.name == name);
        let Some(param) = param else {
            let known: Vec<&str> = endpoint.query.iter().chain(paging).map(|param| param.name).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(invalid(format!("There is no parameter \"{}\" here; there is: {known}.", shown(&name))));
        };
        if found.iter().any(|(other, _)| other.name == param.name) {
            return Err(invalid(format!("The parameter {} is there twice.", param.name)));
        }
        check(param.form, &value).map_err(|why| invalid(format!("The parameter {} must be {why}.", param.name)))?;
        found.push((param, value));
    }
    let missing =
        endpoint.query.iter().find(|param| param.required && !found.iter().any(|(there, _)| there.name == param.name));
    match missing {
        Some(param) => {
            Err(invalid(format!("The parameter {} is missing; it must be {}.", param.name, allowed(param.form))))
        }
        None => Ok(found),
    }
}

fn is_kind(word: &str) -> bool {
    (1..=KIND_CHARS).contains(&word.len())
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && word.starts_with(|first: char| first.is_ascii_alphabetic())
}

fn check(form: Form, value: &str) -> Result<(), String> {
    let fits = match form {
        Form::Text(longest) => value.chars().count() <= longest && !value.contains('\0'),
        Form::Number(least, most) => {
            let plain = value.bytes().enumerate().all(|(at, byte)| byte.is_ascii_digit() || at == 0 && byte == b'-');
            plain && value.parse::<i64>().is_ok_and(|number| (least..=most).contains(&number))
        }
        Form::Flag => matches!(value, "true" | "false"),
        Form::Instant => text::read_instant(value).is_some(),
        Form::Word(words) => words.contains(&value),
        Form::Kinds => value.len() <= KINDS_CHARS && (value.is_empty() || value.split(',').all(is_kind)),
        Form::Filter => value.chars().count() <= FILTER_CHARS,
    };
    if fits { Ok(()) } else { Err(allowed(form)) }
}

/// What a parameter may say, in words.
fn allowed(form: Form) -> String {
    match form {
        Form::Text(longest) => format!("at most {longest} characters without NUL"),
        Form::Number(least, most) => format!("a whole number from {least} to {most}"),
        Form::Flag => "true or false".to_owned(),
        Form::Instant => "a moment such as 2026-03-01T00:00:00Z".to_owned(),
        Form::Word(words) => format!("one of: {}", words.join(", ")),
        Form::Kinds => {
            format!("kinds such as component,api: a letter, then letters and digits, at most {KINDS_CHARS} in all")
        }
        Form::Filter => format!("a filter of at most {FILTER_CHARS} characters"),
    }
}

/// A name from outside, cut to a length that fits a sentence.
fn shown(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_checked() {
        let check = |form: Form, value: &str, expect: bool| {
            assert_eq!(super::check(form, value).is_ok(), expect, "{form:?} {value}");
        };
        check(Form::Number(1, 1_000), "1", true);
        check(Form::Number(1, 1_000), "1000", true);
        for bad in ["0", "1001", "", "+1", "1.0", "x", "-", "99999999999999999999"] {
            check(Form::Number(1, 1_000), bad, false);
        }
        check(Form::Number(-5, 5), "-5", true);
        check(Form::Flag, "true", true);
        check(Form::Flag, "True", false);
        check(Form::Instant, "2026-03-01T00:00:00Z", true);
        check(Form::Instant, "yesterday", false);
        check(Form::Word(&["open", "done"]), "open", true);
        check(Form::Word(&["open", "done"]), "", false);
        check(Form::Text(3), "äöü", true);
        check(Form::Text(3), "abcd", false);
        check(Form::Text(3), "\0", false);
        check(Form::Kinds, "", true);
        check(Form::Kinds, "component,API", true);
        for bad in
            ["component,", ",", "a b", "api:x", "1api", "component,2", &"k".repeat(64), &["component"; 30].join(",")]
        {
            check(Form::Kinds, bad, false);
        }
        check(Form::Filter, &"ü".repeat(2_000), true);
        check(Form::Filter, &"x".repeat(2_001), false);
    }

    #[test]
    fn what_is_not_plain_is_encoded() {
        assert_eq!(encoded("a-b_c.d~e"), "a-b_c.d~e");
        assert_eq!(encoded("component:default/a b+ü"), "component%3Adefault%2Fa%20b%2B%C3%BC");
    }
}
