//! Whose turn it is when several wait for the same thing.

use crate::error::Error;
use std::collections::VecDeque;

/// What waits in one lane comes in order, and lanes take turns, so that no integration with many slow searches keeps
/// the others waiting longer than the search that runs.
pub(crate) type Lane = i64;

/// The lane of what no integration asks for, and of what is short.
pub(crate) const COMMON: Lane = 0;

/// Of one lane this many may wait.
const LONGEST: usize = 256;

/// What waits.
#[derive(Debug)]
pub(crate) struct Lanes<T> {
    lanes: VecDeque<(Lane, VecDeque<T>)>,
}

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        Self { lanes: VecDeque::new() }
    }
}

impl<T> Lanes<T> {
    pub(crate) fn push(&mut self, lane: Lane, item: T) -> Result<(), Error> {
        let position = self.lanes.iter().position(|(known, _)| *known == lane);
        let position = position.unwrap_or_else(|| {
            self.lanes.push_back((lane, VecDeque::new()));
            self.lanes.len() - 1
        });
        let items = &mut self.lanes[position].1;
        if items.len() >= LONGEST {
            return Err(Error::Busy("too many searches are waiting".to_owned()));
        }
        items.push_back(item);
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    /// What is next.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let (lane, mut items) = self.lanes.pop_front()?;
        let item = items.pop_front();
        if !items.is_empty() {
            self.lanes.push_back((lane, items));
        }
        item
    }

    /// Lets go of what need not wait any more.
    pub(crate) fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        self.lanes.iter_mut().for_each(|(_, items)| items.retain(&keep));
        self.lanes.retain(|(_, items)| !items.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_take_turns() {
        let mut lanes = Lanes::default();
        for (lane, name) in [(1, "a1"), (1, "a2"), (1, "a3"), (2, "b1"), (COMMON, "c1"), (2, "b2"), (2, "gone")] {
            lanes.push(lane, name).unwrap();
        }
        lanes.retain(|name| *name != "gone");
        let told: Vec<&str> = std::iter::from_fn(|| lanes.pop()).collect();
        assert_eq!(told, ["a1", "b1", "c1", "a2", "b2", "a3"]);
    }

    #[test]
    fn a_lane_is_bounded() {
        let mut lanes = Lanes::default();
        for _ in 0..LONGEST {
            lanes.push(1, ()).unwrap();
        }
        assert!(matches!(lanes.push(1, ()), Err(Error::Busy(_))));
        lanes.push(2, ()).unwrap();
    }
}
