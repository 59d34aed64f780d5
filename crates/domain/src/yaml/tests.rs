//! Values with their places, limits, hostile files, and what is written is read again.

use super::*;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

fn one(text: &str) -> Node {
    let mut found = read(text, &Limits::default()).unwrap_or_else(|fault| panic!("{fault} in {text}"));
    assert_eq!(found.len(), 1, "{text}");
    found.remove(0)
}

fn check(text: &str, expect: &Json) {
    assert_eq!(one(text).to_json(Version::V1_2), *expect, "{text}");
}

/// `place message` of the first fault.
fn check_fault(text: &str, place: (u32, u32), message: &str) {
    let begin = shown(text);
    let fault = read(text, &Limits::default()).expect_err(&begin);
    assert_eq!((fault.line, fault.column), place, "{begin}: {fault}");
    assert!(fault.message.contains(message), "{begin}: {fault}");
}

#[test]
fn values_of_the_core_schema() {
    check(
        "a: 1\nb: [x, 'y', \"z\\u0041\"]\nc: {d: true, e: ~}\nf:\n",
        &json!({
            "a": 1, "b": ["x", "y", "zA"], "c": {"d": true, "e": null}, "f": null
        }),
    );
    check(
        "- 0\n- -1\n- 1.5\n- +1\n- 012\n- 0x1F\n- 1e3\n- 1.10\n- .inf\n- 12345678901234567890123\n",
        &json!([0, -1, 1.5, "+1", "012", "0x1F", "1e3", "1.10", ".inf", "12345678901234567890123"]),
    );
    check(
        "[yes, no, on, off, y, True, FALSE, null, Null, 12:30, 2026-11-22]",
        &json!(["yes", "no", "on", "off", "y", true, false, null, null, "12:30", "2026-11-22"]),
    );
    check("['1', \"true\", 'null', '']", &json!(["1", "true", "null", ""]));
    check(
        "[!!str 1, !!int 7, !!float 1.5, !!bool true, !!null ~, ! 5, !!str]",
        &json!(["1", 7, 1.5, true, null, "5", ""]),
    );
    check("!!map {a: !!seq [1]}", &json!({"a": [1]}));
    check("a: |\n  one\n   two\nb: >-\n  one\n  two\n", &json!({"a": "one\n two\n", "b": "one two"}));
    check("\u{feff}a: ü\r\nb: 名前\r\n", &json!({"a": "ü", "b": "名前"}));
    check("%YAML 1.1\n---\na: 1\n...\n", &json!({"a": 1}));
}

#[test]
fn the_text_is_kept_as_it_stands() {
    let node = one("a: yes\nb: 1.10\nc: 'off'\nd: ~\ne: On\n");
    let field = |key: &str| node.get(key).expect(key);
    assert_eq!(field("a").as_str(), Some("yes"));
    assert_eq!(field("b").as_str(), Some("1.10"));
    assert_eq!(field("d").as_str(), None);
    assert_eq!(field("d").text(), Some("~"));
    assert_eq!(field("a").as_bool(Version::V1_2), None);
    assert_eq!(field("a").as_bool(Version::V1_1), Some(true));
    assert_eq!(field("c").as_bool(Version::V1_1), None);
    assert_eq!(field("e").to_json(Version::V1_1), json!(true));
    assert_eq!(field("e").to_json(Version::V1_2), json!("On"));
    assert_eq!(node.get("x"), None);
}

#[test]
fn places() {
    let text = "a: 1\nlist:\n  - x\n  - {k: v}\n---\nüü: [1, 22]\n";
    let found = read(text, &Limits::default()).unwrap();
    let place = |node: &Node| (node.line, node.column);
    let list = found[0].get("list").unwrap().items().unwrap();
    assert_eq!(place(&found[0]), (1, 1));
    assert_eq!(place(&list[0]), (3, 5));
    assert_eq!(place(list[1].get("k").unwrap()), (4, 9));
    assert_eq!(place(&found[1]), (6, 1));
    assert_eq!(place(&found[1].get("üü").unwrap().items().unwrap()[1]), (6, 9));
}

#[test]
fn anchors_and_merge_keys() {
    check("a: &x {k: 1, l: 2}\nb: *x\n", &json!({"a": {"k": 1, "l": 2}, "b": {"k": 1, "l": 2}}));
    check(
        "- &x {k: 1, l: 2}\n- &y {k: 5, m: 6}\n- {<<: *x, l: 3}\n- {<<: [*y, *x], n: 7}\n",
        &json!([
            {"k": 1, "l": 2}, {"k": 5, "m": 6}, {"l": 3, "k": 1}, {"n": 7, "k": 5, "m": 6, "l": 2}
        ]),
    );
    check("{'<<': 1}", &json!({"<<": 1}));
    check_fault("a: *nowhere\n", (1, 4), "unknown anchor");
    check_fault("a: &x [*x]\n", (1, 8), "not complete");
    check_fault("&x a: 1\n---\nb: *x\n", (3, 4), "unknown anchor");
    check_fault("&x a: 1\n...\nb: *x\n", (3, 4), "not complete before it in its document");
    check_fault("{<<: 5}", (1, 6), "merges mappings");
    check_fault("{<<: {a: 1}, <<: {b: 1}}", (1, 14), "stands twice");
}

#[test]
fn what_is_refused() {
    check_fault("a: 1\nb: 2\na: 3\n", (3, 1), "the key \"a\" stands twice");
    check_fault("a: 1\n'a': 3\n", (2, 1), "stands twice");
    check_fault("{[1]: 2}", (1, 2), "a key must be text, not a list");
    check_fault("? {a: 1}\n: 2\n", (1, 3), "a key must be text, not a mapping");
    check_fault("a: !!python/object:os.system x\n", (1, 30), "the tag \"tag:yaml.org,2002:python/object:os.system\"");
    check_fault("a: !secret x\n", (1, 12), "the tag \"!secret\" is not known");
    check_fault("a: !!binary aGk=\n", (1, 13), "not known");
    check_fault("a: !!int x\n", (1, 10), "not what its tag !!int says");
    check_fault("a: !!seq {b: 1}\n", (1, 10), "not known for a mapping");
    check_fault("a: b\0c\n", (1, 5), "U+0000");
    check_fault("a: x\nb: \"y\\0\"\n", (2, 4), "U+0000");
    check_fault("a: \u{1b}[2J\n", (1, 4), "U+001B");
    check_fault("a:\n\t- b\n", (2, 2), "not YAML");
    check_fault("a: [1, 2\nb: 3\n", (2, 2), "not YAML");
    check_fault("a: 'open\n", (1, 4), "not YAML");
    check_fault("a: b: c\n", (1, 5), "not YAML");
    for text in ["", "\n", "# only words\n", "\u{feff}"] {
        assert_eq!(read(text, &Limits::default()), Ok(Vec::new()), "{text:?}");
    }
}

#[test]
fn limits_hold() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(read(&nested(32), &Limits::default()).is_ok());
    check_fault(&nested(33), (1, 33), "more than 32 levels");
    check_fault(&"- ".repeat(100_000), (1, 65), "more than 32 levels");
    check_fault(&"[".repeat(1_000_000), (1, 256), "recursion limit");
    check_fault(&"{a: ".repeat(100_000), (1, 1_021), "recursion limit");
    check_fault(&"? ".repeat(100_000), (1, 65), "more than 32 levels");
    check_fault(&"x".repeat((1 << 20) + 1), (1, 1), "larger than 1048576 bytes");
    let many = "---\na\n".repeat(1_001);
    check_fault(&many, (2_001, 1), "more than 1000 documents");
    check_fault(&format!("[{}]", "1,".repeat(100_000)), (1, 199_999 + 1), "more than 100000 values");
    let alias_depth = format!("- &a {}\n- {}*a{}\n", nested(20), "[".repeat(15), "]".repeat(15));
    check_fault(&alias_depth, (2, 18), "levels deep by an alias");
}

#[test]
fn bombs_do_not_go_off() {
    let mut laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..10 {
        let copies = vec![format!("*a{}", level - 1); 9].join(", ");
        laughs.push_str(&format!("a{level}: &a{level} [{copies}]\n"));
    }
    check_fault(&laughs, (5, 9), "values once its aliases are followed");
    let long = format!("- &a {}\n{}", "x".repeat(500_000), "- *a\n".repeat(1_000));
    check_fault(&long, (16, 3), "bytes of text once its aliases are followed");
    let merges = format!(
        "- &a {{{}}}\n{}",
        (0..5_000).map(|n| format!("k{n}: 1,")).collect::<String>(),
        "- {<<: *a}\n".repeat(30)
    );
    check_fault(&merges, (9, 8), "values once its aliases are followed");
    let anchors: String = (0..30).map(|n| format!("&n{n} [")).collect();
    let inside = format!("{anchors}{}{}", "1,".repeat(10_000), "]".repeat(30));
    assert!(read(&inside, &Limits::default()).unwrap_err().message.contains("values once"));
}

#[test]
fn a_bad_document_leaves_the_others() {
    let text = "a: 1\n---\nb: [\n---\nc: 3\nc: 4\n---\n# nothing\n---\nd: !x 1\n---\ne: 5\n";
    let found: Vec<String> = documents(text, &Limits::default())
        .iter()
        .map(|document| match document {
            Ok(node) => node.to_json(Version::V1_2).to_string(),
            Err(fault) => format!("{}:{}", fault.line, fault.column),
        })
        .collect();
    assert_eq!(found, [r#"{"a":1}"#, "4:1", "6:1", "null", "10:7", r#"{"e":5}"#]);
}

#[test]
fn words_are_written_so_that_nobody_misreads_them() {
    let quoted = [
        "yes",
        "no",
        "on",
        "n",
        "012",
        "1e3",
        "12:30",
        "null",
        "~",
        "",
        "true",
        "2026-11-22",
        "a: b",
        "- x",
        "#x",
        "x ",
        "a#b",
        "0x1F",
        "1_000",
        ".5",
        "=",
        "<<",
        "ü",
        "None",
        "a:",
    ];
    for text in quoted {
        assert_eq!(write(&json!({"k": text})), format!("k: '{text}'\n"));
    }
    for text in
        ["Component", "web-x", "component:default/name", "https://example.com/a", "/Engineering", "a (b)", "x.y"]
    {
        assert_eq!(write(&json!({"k": text})), format!("k: {text}\n"));
    }
    for (text, expect) in [("it's", "'it''s'"), ("tab\there", "\"tab\\there\""), ("\u{202e}x", "\"\\u202ex\"")] {
        assert_eq!(write(&json!(text)), format!("{expect}\n"));
    }
}

#[test]
fn structure_and_blocks_are_written_plainly() {
    let value = json!({
        "numbers": [0, -1, 1.5],
        "text": "one\n  two\n\nthree\n",
        "stripped": "one\ntwo",
        "kept": "one\n\n",
        "odd": " lead\nx",
        "empty": [{}, [], [[1, [2]], {"a": [{"b": null}]}]],
    });
    let expect = r#"numbers:
  - 0
  - -1
  - 1.5
text: |
  one
    two

  three
stripped: |-
  one
  two
kept: |+
  one

odd: " lead\nx"
empty:
  - {}
  - []
  - - - 1
      - - 2
    - a:
        - b: null
"#;
    assert_eq!(write(&value), expect);
    check(expect, &value);
}

#[test]
fn keys_of_any_length() {
    let value = json!({"k".repeat(1_500): {"<<": 1, "a b": [1]}, "": 0, "multi\nline": "x", "é".repeat(1_200): [1]});
    check(&write(&value), &value);
    assert_eq!(write_all(&[json!({"a": 1}), json!("x\ny\n"), json!(null)]), "---\na: 1\n---\n|\n  x\n  y\n---\nnull\n");
}

fn any_json() -> impl Strategy<Value = Json> {
    let text = prop_oneof![
        "[a-zA-Z0-9 ~:#,\\-\\[\\]{}&*!|>'\"%@`.+_=<?\n\t]{0,12}",
        "[ -~\n]{0,30}",
        any::<String>().prop_map(|text| text.replace('\0', "")),
        prop_oneof![
            "yes",
            "NO",
            "12:30",
            "1_0",
            "0b1",
            "1\\.",
            "-\\.inf",
            "\\.nan",
            "true",
            "x: y",
            " ",
            "\n",
            "a\n\n\n",
            "\u{85}",
            "\u{2028}x",
            "\u{feff}"
        ],
    ];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<f64>().prop_filter("finite", |value| value.is_finite()).prop_map(Json::from),
        text.clone().prop_map(Json::from),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            prop::collection::vec((text.clone(), inner), 0..6)
                .prop_map(|entries| Json::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_again(value in any_json()) {
        let text = write(&value);
        let found = read(&text, &Limits::default());
        prop_assert_eq!(found.as_ref().map(|nodes| nodes.iter().map(|node| node.to_json(Version::V1_2)).collect::<Vec<_>>()), Ok(vec![value.clone()]), "{}", text);
        prop_assert_eq!(Node::from_json(&value).to_json(Version::V1_2), value.clone());
        prop_assert_eq!(write(&value), text);
    }

    #[test]
    fn several_documents_are_read_again(values in prop::collection::vec(any_json(), 0..4)) {
        let found = read(&write_all(&values), &Limits::default()).unwrap();
        prop_assert_eq!(found.iter().map(|node| node.to_json(Version::V1_2)).collect::<Vec<_>>(), values);
    }

    #[test]
    fn nothing_panics(text in prop_oneof!["[a-c0-1 :,\\-\\[\\]{}&*!|>'\"%@?#\n\t~.<]{0,40}", any::<String>()]) {
        for document in documents(&text, &Limits::default()).into_iter().flatten() {
            let json = document.to_json(Version::V1_2);
            prop_assert_eq!(one(&write(&json)).to_json(Version::V1_2), json);
        }
    }
}
