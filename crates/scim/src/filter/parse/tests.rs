use super::*;

fn check(text: &str, expect: &str) {
    let read = |text: &str| parse(text, Quirks::none(), &mut Repairs::default());
    let filter = read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(filter.to_string(), expect, "{text}");
    assert_eq!(read(expect).as_ref(), Ok(&filter), "{expect}");
}

fn refuse(text: &str, expect: &str) {
    for quirks in [Quirks::none(), Quirks::all()] {
        let error = parse(text, quirks, &mut Repairs::default()).expect_err(text);
        assert_eq!((error.code, error.status), (expect, 400), "{text}: {error}");
    }
}

#[test]
fn the_corpus_is_read_as_it_says() {
    let corpus = include_str!("../../../../../fixtures/filters.txt");
    let mut cases = 0;
    for (number, line) in corpus.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (text, expect) = line.split_once(" => ").unwrap_or_else(|| panic!("line {}: no arrow", number + 1));
        match expect.strip_prefix('!') {
            Some(code) => refuse(text, code),
            None => check(text, expect),
        }
        cases += 1;
    }
    assert!(cases > 100, "only {cases} cases");
}

#[test]
fn bare_words_stand_for_strings_behind_eq() {
    let lenient = |text: &str| {
        let mut repairs = Repairs::default();
        let filter = parse(text, Quirks::all(), &mut repairs)?;
        assert_eq!(repairs.0.len(), 1, "{text}");
        assert!(repairs.0[0].note.contains("userName") && !repairs.0[0].note.contains("bob"));
        Ok::<_, Error>(filter.to_string())
    };
    let check = |text: &str, expect: &str| {
        assert_eq!(lenient(text).as_deref(), Ok(expect));
        let strict = parse(text, Quirks::none(), &mut Repairs::default());
        assert_eq!(strict.map_err(|error| error.code), Err("filter-syntax"), "{text}");
    };
    check("userName eq bob", r#"userName eq "bob""#);
    check("userName EQ bob@example.com and active eq true", r#"userName eq "bob@example.com" and active eq true"#);
    check("(userName eq 007)", r#"userName eq "007""#);
    check("userName eq True", r#"userName eq "True""#);
    check(r"userName eq a\b,c+d/e", r#"userName eq "a\\b,c+d/e""#);
    check("userName eq 1.", r#"userName eq "1.""#);
}

#[test]
fn the_limits_hold_at_their_edge() {
    let nested = |depth: usize| format!("{}a pr{}", "(".repeat(depth), ")".repeat(depth));
    check(&nested(FILTER_DEPTH), "a pr");
    refuse(&nested(FILTER_DEPTH + 1), "filter-too-complex");
    refuse(&"not (".repeat(FILTER_DEPTH + 1), "filter-too-complex");
    refuse(&"(".repeat(FILTER_BYTES), "filter-too-complex");
    refuse(&"a[".repeat(FILTER_BYTES / 2), "filter-syntax");

    let terms = |count: usize| vec!["a pr"; count].join(" or ");
    check(&terms(FILTER_TERMS), &terms(FILTER_TERMS));
    refuse(&terms(FILTER_TERMS + 1), "filter-too-complex");

    let long = |bytes: usize| format!("a eq \"{}\"", "x".repeat(bytes - 7));
    check(&long(FILTER_BYTES), &long(FILTER_BYTES));
    refuse(&long(FILTER_BYTES + 1), "filter-too-complex");

    // Folding would put the alternative one level deeper than it was written.
    let folded = |depth: usize| format!("{}e[a pr or b pr].c pr{}", "not (".repeat(depth), ")".repeat(depth));
    assert!(parse(&folded(FILTER_DEPTH - 2), Quirks::none(), &mut Repairs::default()).is_ok());
    refuse(&folded(FILTER_DEPTH - 1), "filter-too-complex");
}

#[test]
fn errors_name_the_place_and_never_the_value() {
    let check = |text: &str, expect: &str| {
        let error = parse(text, Quirks::none(), &mut Repairs::default()).expect_err(text);
        assert!(error.detail.contains(expect), "{text}: {error}");
        assert!(!error.detail.contains("hunter2"), "{error}");
    };
    check("a eq hunter2", "character 6: a string in double quotes");
    check("\u{e4} eq \"hunter2\"", "character 1: this is not the name");
    check("a eq \"hunter2\" hunter2", "character 16: `and`, `or` or the end");
    check("a hunter2 1", "character 3: this is not a comparison operator");
    check("not hunter2 pr", "character 5: `not` must be followed");
    check("e[f[hunter2 pr]]", "character 4: square brackets cannot be nested");
    check("a eq 1e999", "character 6: the number is too large");
    check("", "character 1: an attribute or an opening bracket is expected");
}
