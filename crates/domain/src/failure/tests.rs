use super::*;
use bailiwick_scim::limits;
use std::collections::HashSet;

fn every_code() -> Vec<&'static str> {
    let protocol = Code::ALL.iter().map(|code| code.as_str());
    protocol.chain(ProductCode::ALL.iter().map(|code| code.as_str())).collect()
}

#[test]
fn every_code_has_exactly_one_row() {
    let mut rows: Vec<&str> = failures().map(|failure| failure.code).collect();
    let mut codes = every_code();
    rows.sort_unstable();
    codes.sort_unstable();
    assert_eq!(rows, codes);
    assert_eq!(codes.iter().collect::<HashSet<_>>().len(), codes.len(), "product and protocol share no code");
}

#[test]
fn codes_are_file_names() {
    for code in every_code() {
        assert!(code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{code}");
    }
}

fn is_one_sentence(text: &str) -> bool {
    // The next sentence would begin with a capital letter behind a full stop.
    let inner = text.trim_end_matches('.');
    let breaks = inner.match_indices(". ").any(|(at, _)| inner[at + 2..].starts_with(|c: char| c.is_uppercase()));
    text.ends_with('.') && !text.ends_with("..") && !breaks && text.starts_with(|c: char| c.is_uppercase() || c == '`')
}

#[test]
fn causes_and_remedies_are_one_sentence() {
    for Failure { code, cause, remedy, hints, more } in failures() {
        for text in [cause, remedy].into_iter().chain(hints.iter().map(|(_, hint)| hint)) {
            assert!(is_one_sentence(text), "{code}: {text}");
        }
        assert!(more.ends_with('.') && more.len() > 60, "{code}: {more}");
        for text in [cause, remedy, more].into_iter().chain(hints.iter().map(|(_, hint)| hint)) {
            assert!(!text.contains("  ") && !text.contains('\n') && text.trim() == *text, "{code}: {text}");
            assert!(!text.contains('|'), "{code}: would break the table");
        }
    }
}

#[test]
fn a_provider_has_at_most_one_hint() {
    for failure in failures() {
        let presets: HashSet<&str> = failure.hints.iter().map(|(preset, _)| preset.as_str()).collect();
        assert_eq!(presets.len(), failure.hints.len(), "{}", failure.code);
        for general in [Preset::Generic, Preset::Strict] {
            assert_eq!(failure.remedy_for(general), failure.remedy, "{}", failure.code);
        }
    }
}

#[test]
fn remedies_come_in_the_terms_of_the_provider() {
    let check = |code: &str, preset: Preset, expect: &str| {
        let (_, remedy) = explain(code, preset);
        assert!(remedy.contains(expect), "{code}: {remedy}");
    };
    check("email-required-user-name", Preset::Entra, "Entra sends mailNickname as userName; map userPrincipalName");
    check("email-required-user-name", Preset::Okta, "Application username format");
    check("email-required-user-name", Preset::Generic, "as userName");
    check("token-expired", Preset::Entra, "Secret Token");
    check("token-expired", Preset::Jumpcloud, "Token Key");
    check("token-expired", Preset::Strict, "bailiwick token rotate");
    check("no-such-code", Preset::Okta, "version");
}

#[test]
fn numbers_in_the_text_are_those_of_the_limits() {
    let grouped = |number: usize| match number {
        0..1_000 => number.to_string(),
        _ => format!("{},{:03}", number / 1_000, number % 1_000),
    };
    let bytes = |number: usize| match number {
        0..1_048_576 => format!("{} KiB", number / 1_024),
        _ => format!("{} MiB", number / 1_048_576),
    };
    for (code, expect) in [
        ("body-too-large", bytes(limits::BODY_BYTES)),
        ("body-too-large", bytes(limits::GROUP_BODY_BYTES)),
        ("body-too-large", bytes(limits::BULK_BODY_BYTES)),
        ("json-too-deep", format!("{} levels", limits::JSON_DEPTH)),
        ("bulk-too-many-operations", grouped(limits::BULK_OPERATIONS)),
        ("patch-operation-invalid", grouped(limits::PATCH_OPERATIONS)),
        ("filter-too-complex", bytes(limits::FILTER_BYTES)),
        ("filter-too-complex", format!("{} levels", limits::FILTER_DEPTH)),
        ("filter-too-complex", format!("{} comparisons", limits::FILTER_TERMS)),
        ("paging-invalid", grouped(limits::PAGE_RESOURCES)),
    ] {
        let Failure { cause, more, .. } = failure(code).unwrap();
        assert!(cause.contains(&expect) || more.contains(&expect), "{code}: {expect}");
    }
}

#[test]
fn errors_carry_status_and_type_of_their_code() {
    for (code, status, scim_type) in [
        (ProductCode::LocalPerson, 409, Some("uniqueness")),
        (ProductCode::LastAdmin, 403, None),
        (ProductCode::UserNameForm, 400, Some("invalidValue")),
        (ProductCode::EmailRequiredUserName, 400, Some("invalidValue")),
        (ProductCode::TokenMalformed, 401, None),
        (ProductCode::RateLimited, 429, None),
        (ProductCode::StoreFull, 507, None),
    ] {
        let error = error(code, "Some detail.");
        assert_eq!((error.status, error.scim_type.map(ScimType::as_str)), (status, scim_type), "{code:?}");
        assert_eq!(error.code, code.as_str());
        assert_eq!(failure(error.code).unwrap().answer(), (error.status, error.scim_type));
    }
}

#[test]
fn every_code_has_a_page() {
    for code in every_code() {
        let page = page(code).unwrap();
        assert!(page.contains(&format!("\n# {code}\n")), "{page}");
        assert!(page.ends_with(".\n") && !page.contains("\n\n\n"), "{page}");
        assert!(index().contains(&format!("| [{code}]({code}.md) | ")));
    }
    assert_eq!(page("no-such-code"), None);
}

#[test]
fn the_form_of_a_page() {
    let expect = "\
<!-- Generated by `cargo xtask gen` from crates/domain/src/failure. -->

# integration-paused

Status 403.

The integration is paused, so nothing was done.

## What to do

Resume it with `bailiwick integration resume NAME`.

* **Microsoft Entra ID**: Resume it with `bailiwick integration resume NAME`, then Start provisioning; Entra may have put \
the job into quarantine meanwhile.
* **Okta**: Resume it with `bailiwick integration resume NAME`, then retry the failed tasks under Dashboard > Tasks.

## Background

A pause keeps the tokens and everything that was provisioned, and refuses every call. It is meant for the hour in which \
a directory does wrong. Pause the provider too if it may last longer: most of them count failures and slow down.
";
    assert_eq!(page("integration-paused").as_deref(), Some(expect));
}
