//! Parents of teams and of domains: no circles, and at most [`LEVELS`] levels.

use super::limits::LEVELS;
use std::collections::HashMap;
use std::fmt;

/// Why something cannot be the parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It is the item itself.
    Itself,
    /// It stands below the item.
    Circle,
    /// The chain would be longer than [`LEVELS`].
    TooDeep,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Itself => f.write_str("it would be its own parent"),
            Self::Circle => f.write_str("it stands below already, so the parents would go round in a circle"),
            Self::TooDeep => write!(f, "there would be more than {LEVELS} levels"),
        }
    }
}

/// Whether `parent` may become the parent of `item` (`None` for a new one). `above` are the parents of the parent,
/// nearest first; `below` is how many levels stand below the item, which a new one has where others named it before.
///
/// # Errors
/// What is wrong with it.
pub fn check(item: Option<i64>, parent: Option<i64>, above: &[i64], below: usize) -> Result<(), Wrong> {
    if item.is_some() && item == parent {
        return Err(Wrong::Itself);
    }
    if item.is_some_and(|item| above.contains(&item)) {
        return Err(Wrong::Circle);
    }
    if usize::from(parent.is_some()) + above.len() + 1 + below > LEVELS {
        return Err(Wrong::TooDeep);
    }
    Ok(())
}

/// How many levels stand below an item, by the parents of everything below it: (item, parent). A circle, which cannot
/// be, counts as too deep.
#[must_use]
pub fn levels_below(item: i64, parents: &[(i64, i64)]) -> usize {
    let mut children: HashMap<i64, Vec<i64>> = HashMap::new();
    for (child, parent) in parents {
        children.entry(*parent).or_default().push(*child);
    }
    let mut level = vec![item];
    let mut deep = 0;
    loop {
        level = level.iter().filter_map(|one| children.get(one)).flatten().copied().collect();
        if level.is_empty() || deep > LEVELS {
            return deep;
        }
        deep += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_never_go_round_nor_too_deep() {
        for (item, parent, above, below, expect) in [
            (None, Some(1), vec![], 0, Ok(())),
            (Some(2), Some(1), vec![], 0, Ok(())),
            (Some(1), Some(1), vec![], 0, Err(Wrong::Itself)),
            (Some(3), Some(1), vec![2, 3], 0, Err(Wrong::Circle)),
            (None, Some(1), (2..=31).collect(), 0, Ok(())),
            (None, Some(1), (2..=32).collect(), 0, Err(Wrong::TooDeep)),
            (None, Some(1), (2..=30).collect(), 1, Ok(())),
            (None, Some(1), (2..=31).collect(), 1, Err(Wrong::TooDeep)),
            (Some(99), Some(1), (2..=21).collect(), 10, Ok(())),
            (Some(99), Some(1), (2..=21).collect(), 11, Err(Wrong::TooDeep)),
            (None, None, vec![], 31, Ok(())),
            (None, None, vec![], 32, Err(Wrong::TooDeep)),
        ] {
            assert_eq!(check(item, parent, &above, below), expect, "{item:?} {parent:?} {above:?} {below}");
        }
    }

    #[test]
    fn levels_are_counted() {
        for (parents, expect) in [
            (vec![], 0),
            (vec![(2, 1), (3, 1)], 1),
            (vec![(4, 3), (3, 1), (2, 1)], 2),
            (vec![(2, 1), (1, 2)], LEVELS + 1),
        ] {
            assert_eq!(levels_below(1, &parents), expect, "{parents:?}");
        }
    }
}
