//! Patterns of group names: `*` stands for any text and captures it, everything else stands for itself. Names and
//! patterns are compared by their match keys, so letter case does not matter and captures are in that form, too.

use bailiwick_scim::text::match_key;

/// Characters a pattern may have.
pub const PATTERN_CHARACTERS: usize = 200;

/// A pattern ready to match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The literal texts around the stars: one more than there are stars.
    parts: Vec<String>,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// The reason, which completes "the pattern ...".
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("is empty");
        }
        if text.chars().count() > PATTERN_CHARACTERS {
            return Err("is longer than 200 characters");
        }
        if text.contains("**") {
            return Err("holds two stars in a row");
        }
        let key = match_key(text);
        let parts: Vec<String> = key.split('*').map(str::to_owned).collect();
        if parts.len() == 1 { Err("holds no star; use `name`") } else { Ok(Self { parts }) }
    }

    /// How many texts a match captures.
    #[must_use]
    pub fn captures(&self) -> usize {
        self.parts.len() - 1
    }

    /// Whether any name matches.
    #[must_use]
    pub fn matches_everything(&self) -> bool {
        self.parts.iter().all(String::is_empty)
    }

    /// The texts the stars stand for, if the name (a match key) matches. Every star but the last takes as little as it
    /// can.
    #[must_use]
    pub fn captured(&self, name_key: &str) -> Option<Vec<String>> {
        let (first, rest) = self.parts.split_first()?;
        let (last, middle) = rest.split_last()?;
        let inner = name_key.strip_prefix(first.as_str())?.strip_suffix(last.as_str())?;
        let mut captures = Vec::with_capacity(rest.len());
        let mut left = inner;
        for part in middle {
            let at = left.find(part.as_str())?;
            captures.push(left[..at].to_owned());
            left = &left[at + part.len()..];
        }
        captures.push(left.to_owned());
        Some(captures)
    }
}

/// Puts captures in the place of `{1}`, `{2}`, ...
#[must_use]
pub fn fill(template: &str, captures: &[String]) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match placeholder(rest) {
            Some((number, length)) => {
                out.push_str(captures.get(number - 1).map_or("", String::as_str));
                rest = &rest[length..];
            }
            None => {
                out.push('{');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// The greatest number of a placeholder; 0 if there is none.
#[must_use]
pub fn placeholders(template: &str) -> usize {
    let starts = template.match_indices('{').map(|(at, _)| &template[at..]);
    starts.filter_map(placeholder).map(|(number, _)| number).max().unwrap_or(0)
}

/// The number of the placeholder a text begins with, and its length.
fn placeholder(text: &str) -> Option<(usize, usize)> {
    let inner = &text[1..text.find('}')?];
    let number = inner.parse().ok().filter(|number| (1..=99).contains(number))?;
    Some((number, inner.len() + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_capture() {
        let check = |pattern: &str, name: &str, expect: Option<&[&str]>| {
            let found = Pattern::parse(pattern).unwrap().captured(&match_key(name));
            let found = found.as_ref().map(|captures| captures.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(found.as_deref(), expect, "{pattern} {name}");
        };
        check("team-*", "Team-Payments", Some(&["payments"]));
        check("team-*", "team-", Some(&[""]));
        check("team-*", "ateam-x", None);
        check("*-admins", "db-admins", Some(&["db"]));
        check("*-admins", "db-admins-x", None);
        check("*", "anything", Some(&["anything"]));
        check("a*b*c", "a1b2c", Some(&["1", "2"]));
        check("a*b*c", "abbc", Some(&["", "b"]));
        check("a*a", "a", None);
        check("a*a", "aa", Some(&[""]));
        check("x*-*y", "x1-2-3y", Some(&["1", "2-3"]));
        check("GRÜN-*", "grün-x", Some(&["x"]));
    }

    #[test]
    fn captures_fill_templates() {
        let captures = ["a".to_owned(), "b".to_owned()];
        let check = |template: &str, expect: &str| assert_eq!(fill(template, &captures), expect, "{template}");
        check("{1}", "a");
        check("x-{2}-{1}", "x-b-a");
        check("{3}", "");
        check("{x}{1}{", "{x}a{");
        check("plain", "plain");
        for (template, expect) in [("{1}-{2}", 2), ("x", 0), ("{0}", 0), ("{é}{3}", 3), ("{", 0)] {
            assert_eq!(placeholders(template), expect, "{template}");
        }
    }

    #[test]
    fn patterns_have_their_form() {
        for (text, reason) in [("", "empty"), ("plain", "no star"), ("a**", "two stars")] {
            assert!(Pattern::parse(text).unwrap_err().contains(reason), "{text}");
        }
        assert!(Pattern::parse(&format!("{}*", "é".repeat(199))).is_ok());
        assert!(Pattern::parse(&format!("{}*", "é".repeat(200))).is_err());
        assert!(Pattern::parse("*").unwrap().matches_everything());
        assert!(!Pattern::parse("a*").unwrap().matches_everything());
    }

    proptest::proptest! {
        #[test]
        fn a_filled_pattern_is_the_name(name in "[abé-]{0,12}", pattern in "[ab-]{0,3}\\*[ab-]{0,2}(\\*[ab]{1,2})?") {
            if let Ok(parsed) = Pattern::parse(&pattern)
                && let Some(captures) = parsed.captured(&name)
            {
                let mut filled = String::new();
                for (index, part) in parsed.parts.iter().enumerate() {
                    filled.push_str(part);
                    filled.push_str(captures.get(index).map_or("", String::as_str));
                }
                proptest::prop_assert_eq!(filled, name);
            }
        }
    }
}
