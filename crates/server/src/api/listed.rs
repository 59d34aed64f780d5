//! Pages of lists that are short enough to be read as a whole.

use super::answer::Answer;
use super::request::Request;
use crate::intake::Failure;
use serde::Serialize;

/// The page that was asked for, in the order of the keys, which are unique.
///
/// # Errors
/// A cursor that is not ours.
pub(super) fn listed<R, T: Serialize>(
    request: &Request,
    mut rows: Vec<R>,
    key: impl Fn(&R) -> String,
    show: impl Fn(R) -> T,
) -> Result<Answer, Failure> {
    let page = request.page::<String>()?;
    rows.sort_by_cached_key(&key);
    let total = page.total.then_some(rows.len() as u64);
    rows.retain(|row| page.after.as_ref().is_none_or(|after| key(row) > *after));
    let more = rows.len() > page.limit as usize;
    rows.truncate(page.limit as usize);
    let next = rows.last().filter(|_| more).map(key);
    let items: Vec<T> = rows.into_iter().map(show).collect();
    Answer::page(request, &items, next.as_ref(), total)
}
