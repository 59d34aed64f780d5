//! What a line of the route table says, and how a path finds its line.

use super::answer::Answer;
use super::request::Request;
use crate::intake::{Failure, decode_segment};
use bailiwick_domain::policy::Action;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use std::pin::Pin;

/// The work of a handler.
pub(crate) type Work = Pin<Box<dyn Future<Output = Result<Answer, Failure>> + Send>>;
/// A handler. Made of an async function by [`handler!`].
pub(crate) type Handler = fn(Request) -> Work;
/// Makes the schema of a wire type.
pub(crate) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// Makes a [`Handler`] of an `async fn(Request) -> Result<Answer, Failure>`.
macro_rules! handler {
    ($work:path) => {
        |request| Box::pin($work(request))
    };
}
pub(crate) use handler;

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody, without a token.
    Everybody,
    /// Whoever is known.
    Known,
    /// Who may do this on anything at all; the use case asks again for what it concerns.
    May(Action),
}

/// A parameter of the query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Param {
    pub(crate) name: &'static str,
    pub(crate) form: Form,
    /// A sentence.
    pub(crate) summary: &'static str,
    /// Whether it must be there.
    pub(crate) required: bool,
}

/// What a parameter may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Any text up to so many characters.
    Text(usize),
    /// A whole number between these.
    Number(i64, i64),
    /// `true` or `false`.
    Flag,
    /// A moment, RFC 3339.
    Instant,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Kinds of items, parted by commas: letters and digits, at most 63 each.
    Kinds,
    /// A filter in the language of RFC 7644 section 3.4.2.2.
    Filter,
}

/// A parameter.
pub(crate) const fn param(name: &'static str, form: Form, summary: &'static str) -> Param {
    Param { name, form, summary, required: false }
}

/// A parameter without which the route cannot be understood.
pub(crate) const fn required(name: &'static str, form: Form, summary: &'static str) -> Param {
    Param { name, form, summary, required: true }
}

/// Longest filter, in characters. Every such text fits the line of a request in any encoding.
pub(crate) const FILTER_CHARS: usize = 2_000;
/// Most characters of kinds parted by commas, and of one of them.
pub(crate) const KINDS_CHARS: usize = 200;
pub(crate) const KIND_CHARS: usize = 63;

/// The body a route takes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Takes {
    Nothing,
    Json(SchemaOf),
    /// Text of one of these media types; the first is assumed when none is said.
    Text(&'static [&'static str]),
}

/// What a route answers when all went well.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Gives {
    Nothing,
    Json(SchemaOf),
    /// Items of this schema with `next_cursor` and, where asked for, `total`.
    Page(SchemaOf),
    /// Text of this media type.
    Text(&'static str),
}

/// A line of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Endpoint {
    pub(crate) method: &'static str,
    /// Below `/api/v1`, with a slash in front; `{name}` stands for one segment.
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    /// Name of the operation, once in the whole table.
    pub(crate) operation: &'static str,
    /// A sentence.
    pub(crate) summary: &'static str,
    pub(crate) query: &'static [Param],
    pub(crate) takes: Takes,
    pub(crate) status: u16,
    pub(crate) gives: Gives,
    /// A second form of the answer, for who asks for it by Accept.
    pub(crate) also: Option<&'static str>,
    /// Whether its answers and changes carry a version.
    pub(crate) versioned: bool,
    /// Whether the answer shows a secret that is shown once.
    pub(crate) once: bool,
    /// Whether it may take long: minutes instead of seconds.
    pub(crate) slow: bool,
    /// Whether bodies may be large.
    pub(crate) large: bool,
    /// Whether it changes something, although it is a POST for other reasons when false.
    pub(crate) writes: bool,
    pub(crate) handler: Handler,
}

/// Endpoints that belong together, with their name in the documentation.
#[derive(Debug)]
pub(crate) struct Group {
    /// One word.
    pub(crate) tag: &'static str,
    /// A sentence.
    pub(crate) about: &'static str,
    pub(crate) endpoints: &'static [Endpoint],
}

const fn endpoint(
    method: &'static str,
    access: Access,
    path: &'static str,
    operation: &'static str,
    handler: Handler,
) -> Endpoint {
    Endpoint {
        method,
        path,
        access,
        operation,
        summary: "",
        query: &[],
        takes: Takes::Nothing,
        status: 204,
        gives: Gives::Nothing,
        also: None,
        versioned: false,
        once: false,
        slow: false,
        large: false,
        writes: !matches!(method.as_bytes(), b"GET"),
        handler,
    }
}

/// A route for GET; HEAD comes with it.
pub(crate) const fn get(access: Access, path: &'static str, operation: &'static str, handler: Handler) -> Endpoint {
    endpoint("GET", access, path, operation, handler)
}

/// A route for POST.
pub(crate) const fn post(access: Access, path: &'static str, operation: &'static str, handler: Handler) -> Endpoint {
    endpoint("POST", access, path, operation, handler)
}

/// A route for PUT.
pub(crate) const fn put(access: Access, path: &'static str, operation: &'static str, handler: Handler) -> Endpoint {
    endpoint("PUT", access, path, operation, handler)
}

/// A route for PATCH: a JSON merge patch (RFC 7396) where the wire type says so.
pub(crate) const fn patch(access: Access, path: &'static str, operation: &'static str, handler: Handler) -> Endpoint {
    endpoint("PATCH", access, path, operation, handler)
}

/// A route for DELETE.
pub(crate) const fn delete(access: Access, path: &'static str, operation: &'static str, handler: Handler) -> Endpoint {
    endpoint("DELETE", access, path, operation, handler)
}

impl Endpoint {
    /// Says in a sentence what it is for.
    pub(crate) const fn says(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    /// Takes these parameters.
    pub(crate) const fn query(mut self, query: &'static [Param]) -> Self {
        self.query = query;
        self
    }

    /// Takes a JSON body.
    pub(crate) const fn takes<T: JsonSchema>(mut self) -> Self {
        self.takes = Takes::Json(schema_of::<T>);
        self
    }

    /// Takes text of one of these media types.
    pub(crate) const fn takes_text(mut self, media: &'static [&'static str]) -> Self {
        self.takes = Takes::Text(media);
        self
    }

    /// Answers 200 with JSON.
    pub(crate) const fn gives<T: JsonSchema>(mut self) -> Self {
        self.status = 200;
        self.gives = Gives::Json(schema_of::<T>);
        self
    }

    /// Answers 201 with JSON.
    pub(crate) const fn makes<T: JsonSchema>(mut self) -> Self {
        self.status = 201;
        self.gives = Gives::Json(schema_of::<T>);
        self
    }

    /// Answers 200 with a page of these.
    pub(crate) const fn lists<T: JsonSchema>(mut self) -> Self {
        self.status = 200;
        self.gives = Gives::Page(schema_of::<T>);
        self
    }

    /// Answers 200 with text of this media type.
    pub(crate) const fn gives_text(mut self, media: &'static str) -> Self {
        self.status = 200;
        self.gives = Gives::Text(media);
        self
    }

    /// Answers with text of this media type, too, for who asks for it by Accept.
    pub(crate) const fn also_text(mut self, media: &'static str) -> Self {
        self.also = Some(media);
        self
    }

    /// Carries a version: ETag, If-None-Match, If-Match.
    pub(crate) const fn versioned(mut self) -> Self {
        self.versioned = true;
        self
    }

    /// Shows a secret once: its answer is never stored.
    pub(crate) const fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// May take minutes.
    pub(crate) const fn slow(mut self) -> Self {
        self.slow = true;
        self
    }

    /// Takes bodies up to the large limit.
    pub(crate) const fn large(mut self) -> Self {
        self.large = true;
        self
    }

    /// Changes nothing, although it is no GET: a preview, a query.
    pub(crate) const fn reads(mut self) -> Self {
        self.writes = false;
        self
    }

    /// Whether it answers pages.
    pub(crate) fn paged(&self) -> bool {
        matches!(self.gives, Gives::Page(_))
    }

    /// Names of what its braces stand for.
    pub(crate) fn path_params(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(braced)
    }
}

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

fn braced(segment: &'static str) -> Option<&'static str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// What a path and a method mean.
#[derive(Debug)]
pub(crate) enum Place {
    /// A line of the table, and what its braces stand for, decoded.
    Found(&'static Endpoint, Vec<(&'static str, String)>),
    /// The path is known and takes other methods.
    Other(Vec<&'static str>),
    /// Nothing.
    Unknown,
}

/// Looks a path below `/api/v1` up, as it was sent. Of several patterns that fit, the one that is literal further on the
/// left is meant. HEAD is served wherever GET is.
pub(crate) fn locate(groups: &'static [Group], path: &str, method: &str) -> Place {
    let method = if method == "HEAD" { "GET" } else { method };
    let segments: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
    let mut best: Vec<&'static Endpoint> = Vec::new();
    for endpoint in groups.iter().flat_map(|group| group.endpoints) {
        if !fits(endpoint.path, &segments) {
            continue;
        }
        match best.first().map(|first| literal(endpoint.path).cmp(&literal(first.path))) {
            None | Some(std::cmp::Ordering::Equal) => best.push(endpoint),
            Some(std::cmp::Ordering::Greater) => best = vec![endpoint],
            Some(std::cmp::Ordering::Less) => {}
        }
    }
    if best.is_empty() {
        return Place::Unknown;
    }
    match best.iter().find(|endpoint| endpoint.method == method) {
        Some(endpoint) => {
            let patterns = endpoint.path[1..].split('/').zip(&segments);
            let filled = patterns.filter_map(|(pattern, said)| Some((braced(pattern)?, decode_segment(said))));
            Place::Found(endpoint, filled.collect())
        }
        None => Place::Other(best.iter().map(|endpoint| endpoint.method).collect()),
    }
}

fn fits(pattern: &str, segments: &[&str]) -> bool {
    let patterns = pattern.strip_prefix('/').unwrap_or(pattern).split('/');
    patterns.clone().count() == segments.len()
        && patterns.zip(segments).all(
            |(pattern, said)| {
                if pattern.starts_with('{') { !said.is_empty() } else { pattern == *said }
            },
        )
}

/// Which segments are literal, the leftmost counting most.
fn literal(pattern: &str) -> Vec<bool> {
    pattern.split('/').map(|segment| !segment.starts_with('{')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn nothing(_: Request) -> Result<Answer, Failure> {
        Ok(Answer::empty())
    }

    const LINES: &[Endpoint] = &[
        get(Access::Known, "/rules", "listRules", handler!(nothing)),
        put(Access::Known, "/rules", "saveRules", handler!(nothing)),
        get(Access::Known, "/rules/{id}", "readRule", handler!(nothing)),
        get(Access::Known, "/rules/versions", "listVersions", handler!(nothing)),
        get(Access::Known, "/rules/versions/{n}", "readVersion", handler!(nothing)),
        post(Access::Known, "/rules/{id}/reviews", "review", handler!(nothing)),
    ];
    static GROUPS: &[Group] = &[Group { tag: "rules", about: "", endpoints: LINES }];

    #[test]
    fn paths_find_their_line() {
        let check = |method: &str, path: &str, expect: &str| {
            let found = match locate(GROUPS, path, method) {
                Place::Found(endpoint, filled) => {
                    let filled: Vec<String> = filled.iter().map(|(name, value)| format!("{name}={value}")).collect();
                    format!("{} {}", endpoint.operation, filled.join(","))
                }
                Place::Other(methods) => methods.join(","),
                Place::Unknown => "unknown".to_owned(),
            };
            assert_eq!(found.trim(), expect, "{method} {path}");
        };
        check("GET", "/rules", "listRules");
        check("HEAD", "/rules", "listRules");
        check("PUT", "/rules", "saveRules");
        check("DELETE", "/rules", "GET,PUT");
        check("GET", "/rules/a%2Fb", "readRule id=a/b");
        check("GET", "/rules/versions", "listVersions");
        check("GET", "/rules/versions/7", "readVersion n=7");
        check("POST", "/rules/versions/reviews", "GET");
        check("POST", "/rules/x/reviews", "review id=x");
        for path in ["", "/", "/rules/", "//rules", "/rules//reviews", "/Rules", "/%72ules", "/rules/x/reviews/y"] {
            check("GET", path, "unknown");
        }
    }
}
