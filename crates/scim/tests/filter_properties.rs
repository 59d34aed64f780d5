//! Properties of the filter language: printing and reading are inverse, and no text makes any of it panic.
#![expect(clippy::unwrap_used, reason = "tests")]

use bailiwick_scim::filter::{CompareOp, Filter, Literal, Parsed, Unknown, matches, parse, resolve};
use bailiwick_scim::limits::{FILTER_BYTES, PATH_BYTES};
use bailiwick_scim::path::{AttributePath, PatchPath};
use bailiwick_scim::quirks::{Quirks, Repairs};
use bailiwick_scim::schema::Registry;
use proptest::prelude::*;
use serde_json::{Number, json};

const NAMES: &[&str] = &["value", "type", "primary", "x-y_1", "and", "pr", "Eq"];
const PATHS: &[&str] = &[
    "userName",
    "active",
    "name.givenName",
    "emails",
    "members.$ref",
    "meta.created",
    "or",
    "unknown",
    "urn:ietf:params:scim:schemas:core:2.0:User:emails.type",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
];

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        any::<bool>().prop_map(Literal::Boolean),
        Just(Literal::Null),
        any::<i64>().prop_map(|integer| Literal::Number(integer.into())),
        any::<u64>().prop_map(|integer| Literal::Number(integer.into())),
        any::<f64>().prop_filter_map("finite", Number::from_f64).prop_map(Literal::Number),
        any::<String>().prop_map(Literal::String),
        "[ \\\\\"()\\[\\]a]{0,8}".prop_map(Literal::String),
    ]
}

fn term(paths: &'static [&'static str]) -> impl Strategy<Value = Parsed> {
    let path = proptest::sample::select(paths).prop_map(|path| AttributePath(path.to_owned()));
    let op = proptest::sample::select(CompareOp::ALL);
    prop_oneof![
        path.clone().prop_map(Filter::Present),
        (path, op, literal()).prop_map(|(path, op, literal)| Filter::Compare(path, op, literal)),
    ]
}

/// Filters as the parser gives them: flat, without constants.
fn logic(leaf: impl Strategy<Value = Parsed> + 'static) -> impl Strategy<Value = Parsed> {
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Filter::and),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Filter::or),
            inner.prop_map(Filter::negated),
        ]
    })
}

fn filter() -> impl Strategy<Value = Parsed> {
    let path = proptest::sample::select(PATHS).prop_map(|path| AttributePath(path.to_owned()));
    let values = (path, logic(term(NAMES))).prop_map(|(path, inner)| Filter::Values(path, Box::new(inner)));
    logic(prop_oneof![3 => term(PATHS), 1 => values])
}

/// Text that is nearly a filter, so that the parser is reached behind its first check.
fn nearly() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        proptest::sample::select(
            &[
                "userName",
                "emails",
                "active",
                "emails[",
                "[",
                "]",
                "].value",
                "(",
                ")",
                "not (",
                "and",
                "or",
                "eq",
                "ne",
                "co",
                "pr",
                "gt",
                "true",
                "False",
                "null",
                "1",
                "-1.5e3",
                "1e999",
                "\"x\"",
                "\"",
                "\"\\u0041]\"",
                "bob",
                "'",
                "\u{e9}",
                "urn:a:b",
                ".",
                " ",
            ][..]
        )
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
    ];
    let space = proptest::sample::select(&[" ", " ", " ", ""][..]);
    proptest::collection::vec((token, space), 0..14)
        .prop_map(|tokens| tokens.into_iter().map(|(token, space)| token + space).collect())
}

fn exercise(text: &str) {
    let registry = Registry::standard();
    let resource = json!({"userName": "x", "active": true, "emails": [{"value": "a", "type": "work"}, null, 5]});
    for quirks in [Quirks::none(), Quirks::all()] {
        let mut repairs = Repairs::default();
        if let Ok(filter) = parse(text, quirks, &mut repairs) {
            let printed = filter.to_string();
            if printed.len() <= FILTER_BYTES {
                assert_eq!(parse(&printed, Quirks::none(), &mut Repairs::default()).as_ref(), Ok(&filter), "{printed}");
            }
            for unknown in [Unknown::Refuse, Unknown::Unassigned] {
                if let Ok(resolved) = resolve(&registry, registry.user(), &filter, unknown, quirks, &mut repairs) {
                    let holds = matches(&resolved, resource.as_object().unwrap());
                    assert_ne!(holds, matches(&Filter::negated(resolved), resource.as_object().unwrap()));
                }
            }
        }
        if let Ok(path) = PatchPath::parse(text, quirks, &mut repairs) {
            let printed = path.to_string();
            if printed.len() <= PATH_BYTES {
                assert_eq!(PatchPath::parse(&printed, Quirks::none(), &mut Repairs::default()).as_ref(), Ok(&path));
            }
            let _ = path.resolve(&registry, registry.user(), quirks, &mut repairs);
        }
    }
}

proptest! {
    #[test]
    fn reading_what_was_printed_gives_the_same_filter(filter in filter()) {
        let printed = filter.to_string();
        prop_assume!(printed.len() <= FILTER_BYTES);
        for quirks in [Quirks::none(), Quirks::all()] {
            let mut repairs = Repairs::default();
            let read = parse(&printed, quirks, &mut repairs);
            prop_assert_eq!(read.as_ref(), Ok(&filter), "{}", printed);
            prop_assert!(repairs.0.is_empty());
        }
    }

    #[test]
    fn paths_print_and_read_the_same(
        attribute in proptest::sample::select(PATHS),
        filter in logic(term(NAMES)),
        sub in proptest::option::of(proptest::sample::select(NAMES)),
    ) {
        let path = PatchPath {
            attribute: AttributePath(attribute.to_owned()),
            filter: Some(filter),
            sub: sub.map(str::to_owned),
        };
        let printed = path.to_string();
        prop_assume!(printed.len() <= PATH_BYTES);
        prop_assert_eq!(PatchPath::parse(&printed, Quirks::none(), &mut Repairs::default()), Ok(path), "{}", printed);
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        exercise(&text);
    }

    #[test]
    fn no_text_that_is_nearly_a_filter_panics(text in nearly()) {
        exercise(&text);
    }
}
