//! How much work a set of changes is, roughly: what is heavy runs alone, so that nobody waits for it unawares.

use crate::change::{ChangeSet, Dirty, Guard, ItemUpdate, MemberWrite, NewItem, Write};
use bailiwick_domain::ids::Kind;

/// Submissions that may wait for the writer.
pub(crate) const QUEUE: usize = 4_096;
/// How many bytes one batch may hold.
pub(crate) const BATCH_BYTES: usize = 4 << 20;
/// A submission above either of these runs alone.
pub(crate) const ALONE_BYTES: usize = 1 << 20;
pub(crate) const ALONE_ROWS: usize = 2_000;

/// Rows and bytes of a set, roughly.
pub(crate) fn weight(set: &ChangeSet) -> (usize, usize) {
    let mut rows = set.guards.len() + set.events.len();
    let mut bytes = set.events.len() * 1_024;
    // What the sets beside it tell is not in the feed before they are committed.
    if set.guards.iter().any(|guard| matches!(guard, Guard::Feed { .. })) {
        rows += ALONE_ROWS + 1;
    }
    for write in &set.writes {
        let (more, size) = match write {
            Write::InsertResource(new) => (3 + new.columns.email_keys.len(), new.columns.doc.len() * 2),
            Write::UpdateResource(new) => (2 + new.columns.email_keys.len(), new.columns.doc.len() * 2),
            // How many rows follow is not known here: any number may.
            Write::CloseGrants { .. }
            | Write::DeleteItem { .. }
            | Write::MarkDirty(Dirty::All | Dirty::Below(_) | Dirty::Integration(_))
            | Write::Members { change: MemberWrite::Clear, .. }
            | Write::Members { wide: true, .. }
            | Write::DeleteResource { kind: Kind::Group, .. }
            | Write::DeleteIntegration(_) => (ALONE_ROWS + 1, 0),
            Write::Members { change: MemberWrite::Add(keys) | MemberWrite::Remove(keys), .. } => (keys.len() * 2, 0),
            // What leaves is not known here, but that it is not much.
            Write::Members { change: MemberWrite::Set(keys), .. } => (keys.len() * 4, 0),
            Write::CountCalls(counts) => (counts.len(), 0),
            Write::TouchTokens(used) | Write::TouchCredentials(used) => (used.len(), 0),
            Write::InsertItem(NewItem { columns, .. }) | Write::UpdateItem(ItemUpdate { columns, .. }) => {
                let relations = columns.relations.as_ref().map_or(0, Vec::len);
                (4 + relations + columns.aliases.len(), columns.doc.len() * 2)
            }
            Write::Grants(write) => (write.open.len() + write.close.len(), 0),
            Write::Hold { persons, .. }
            | Write::MarkDirty(Dirty::Persons(persons))
            | Write::NoteRemovals { persons, .. }
            | Write::Release { persons }
            | Write::Settle { persons, .. } => (persons.len(), 0),
            Write::PutAnswer(answer) => (1, answer.body.len()),
            Write::PutEntry(entry) => (1, entry.doc.len()),
            _ => (1, 0),
        };
        rows += more;
        bytes += size + more * 64;
    }
    (rows, bytes)
}
