//! Which files a Location points to: those of the folder that is being imported are followed, nothing else is.

/// A file that a Location points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// As it is written.
    pub path: String,
    /// Whether it is a fault when it is not there.
    pub required: bool,
    /// The line where it stands.
    pub line: u32,
    /// The column where it stands.
    pub column: u32,
    /// The field where it stands.
    pub field: String,
}

/// Why a target is not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfollowed {
    /// It is a URL: an import asks no other machine.
    Url,
    /// It lies outside the folder that is imported.
    Outside,
    /// It is a pattern.
    Pattern,
}

impl std::fmt::Display for Unfollowed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Url => "not followed: it is a URL, and an import reads no other machine",
            Self::Outside => "not followed: it lies outside the folder that is imported",
            Self::Pattern => "not followed: it is a pattern; name the files, or import their folder",
        })
    }
}

/// How many Locations may point from one to the next.
pub const DEPTH: usize = 10;

/// The path of a target, seen from the root of the import; `from` is the file that names it.
///
/// # Errors
/// Why it is not followed.
pub fn resolve(from: &str, target: &str) -> Result<String, Unfollowed> {
    let scheme = target.split_once(':').is_some_and(|(scheme, _)| {
        scheme.len() > 1 && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    });
    if scheme || target.starts_with("//") {
        return Err(Unfollowed::Url);
    }
    if target.starts_with('/') || target.contains('\\') || target.as_bytes().get(1) == Some(&b':') {
        return Err(Unfollowed::Outside);
    }
    if target.contains(['*', '?', '[', '{']) {
        return Err(Unfollowed::Pattern);
    }
    let mut steps: Vec<&str> = from.split('/').collect();
    steps.pop();
    steps.retain(|step| !step.is_empty() && *step != ".");
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => drop(steps.pop().ok_or(Unfollowed::Outside)?),
            step => steps.push(step),
        }
    }
    if steps.is_empty() { Err(Unfollowed::Outside) } else { Ok(steps.join("/")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_stay_in_their_folder() {
        for (from, target, expect) in [
            ("catalog-info.yaml", "./a.yaml", Ok("a.yaml")),
            ("x/y/catalog-info.yaml", "../z/a.yaml", Ok("x/z/a.yaml")),
            ("x/catalog-info.yaml", ".//a/./b.yaml", Ok("x/a/b.yaml")),
            ("x/catalog-info.yaml", "../../a.yaml", Err(Unfollowed::Outside)),
            ("catalog-info.yaml", "../a.yaml", Err(Unfollowed::Outside)),
            ("x/c.yaml", "a/../../../etc/passwd", Err(Unfollowed::Outside)),
            ("c.yaml", "/etc/passwd", Err(Unfollowed::Outside)),
            ("c.yaml", "C:\\a", Err(Unfollowed::Outside)),
            ("c.yaml", "a\\..\\..\\b", Err(Unfollowed::Outside)),
            ("c.yaml", ".", Err(Unfollowed::Outside)),
            ("c.yaml", "https://example.com/a.yaml", Err(Unfollowed::Url)),
            ("c.yaml", "file:///etc/passwd", Err(Unfollowed::Url)),
            ("c.yaml", "//example.com/a.yaml", Err(Unfollowed::Url)),
            ("c.yaml", "./*.yaml", Err(Unfollowed::Pattern)),
        ] {
            assert_eq!(resolve(from, target).as_deref(), expect.as_ref().map(|path| *path), "{from} {target}");
        }
    }
}
