//! Rows of a page, also where the page's own account of them is damaged
//! (<https://www.sqlite.org/fileformat2.html>, section 1.6).
//!
//! After its header and the pointers to its rows, a page has room that nothing is in, and then its content: rows and free
//! blocks, with a few odd bytes between them. So a row whose pointer was hit lies in the content where no other row and
//! no free block is. What was deleted lies in a free block or before the content, and is not looked for there.

use std::ops::Range;

use super::wal_frames::{PAGE, part};

/// Type of a table's leaf, the only kind of page that holds rows.
const TABLE_LEAF: u8 = 13;

const HEADER: usize = 8;

/// Tells whether this is the type of a page that holds rows, or was before one bit of it became another. A page on which
/// a long row goes on begins with 0.
fn is_leaf(kind: u8) -> bool {
    (kind ^ TABLE_LEAF).count_ones() <= 1
}

fn two(page: &[u8; PAGE], at: usize) -> usize {
    usize::from(u16::from_be_bytes(part(&page[at..])))
}

/// Page by its parts.
struct Leaf<'a> {
    page: &'a [u8; PAGE],
    /// Offsets that its pointers give, each once.
    pointers: Vec<usize>,
    /// Offset at which its content begins.
    content: usize,
    /// Free blocks in order; none where their chain is damaged.
    free: Option<Vec<Range<usize>>>,
}

/// Returns the bytes of each row of a page that may hold statements. `at_pointer` gives the bytes of the row to which a
/// pointer leads, `whole` those of a statement that its checksum proves to begin there.
pub(super) fn rows(
    page: &[u8; PAGE],
    at_pointer: &dyn Fn(usize) -> Option<Range<usize>>,
    whole: &dyn Fn(usize) -> Option<Range<usize>>,
) -> Vec<Range<usize>> {
    if !is_leaf(page[0]) {
        return Vec::new();
    }
    let leaf = Leaf::of(page);
    let pointed = leaf.pointers.iter().filter_map(|at| at_pointer(*at));
    let mut rows: Vec<Range<usize>> = pointed.collect();
    if leaf.is_filled_by(&rows) {
        return rows;
    }
    let standing = rows.iter().filter(|row| leaf.is_in_use(row)).cloned();
    let standing: Vec<_> = standing.collect();
    if standing.len() < rows.len() && leaf.is_filled_by(&standing) {
        // More pointers were counted than there are.
        return standing;
    }
    if let Some(all) = leaf.counted_too_few(&rows, whole) {
        return all;
    }
    let lost = leaf.count().saturating_sub(rows.len());
    leaf.find_lost(&mut rows, lost, whole);
    rows
}

impl<'a> Leaf<'a> {
    fn of(page: &'a [u8; PAGE]) -> Self {
        let mut leaf = Self {
            page,
            pointers: Vec::new(),
            content: two(page, 5),
            free: None,
        };
        for slot in 0..leaf.count() {
            leaf.pointers.extend(leaf.pointer(slot));
        }
        leaf.pointers.sort_unstable();
        leaf.pointers.dedup();
        leaf.free = leaf.free_blocks();
        leaf
    }

    /// Returns the number of rows, as the page says.
    fn count(&self) -> usize {
        two(self.page, 3).min((PAGE - HEADER) / 2)
    }

    fn pointer(&self, slot: usize) -> Option<usize> {
        let at = HEADER + 2 * slot;
        let pointer = (at + 2 <= PAGE).then(|| two(self.page, at));
        pointer.filter(|to| (HEADER..PAGE).contains(to))
    }

    fn free_blocks(&self) -> Option<Vec<Range<usize>>> {
        let mut blocks: Vec<Range<usize>> = Vec::new();
        let mut at = two(self.page, 1);
        while at != 0 {
            let before = blocks.last().map_or(HEADER, |block| block.end);
            if at < before || at + 4 > PAGE {
                return None;
            }
            let size = two(self.page, at + 2);
            if size < 4 || at + size > PAGE {
                return None;
            }
            blocks.push(at..at + size);
            at = two(self.page, at);
        }
        Some(blocks)
    }

    /// Tells whether the content is these rows, the free blocks, and as many odd bytes as the page says: so nothing is
    /// missing, and nothing too much.
    fn is_filled_by(&self, rows: &[Range<usize>]) -> bool {
        let Some(free) = &self.free else {
            return false;
        };
        let parts = rows.iter().chain(free).map(Range::len).sum::<usize>();
        self.content + parts + usize::from(self.page[7]) == PAGE
    }

    /// Tells whether a row is in the content, and in no free block.
    fn is_in_use(&self, row: &Range<usize>) -> bool {
        let free = self.free.as_deref().unwrap_or_default();
        row.start >= self.content && !free.iter().any(|block| overlap(block, row))
    }

    /// Adds the rows to which the pointers after the last one counted lead, if they fill the page.
    fn counted_too_few(
        &self,
        rows: &[Range<usize>],
        whole: &dyn Fn(usize) -> Option<Range<usize>>,
    ) -> Option<Vec<Range<usize>>> {
        let mut all = rows.to_vec();
        for slot in self.count().. {
            let row = whole(self.pointer(slot)?)?;
            if !self.is_in_use(&row) || all.iter().any(|known| overlap(known, &row)) {
                return None;
            }
            all.push(row);
            if self.is_filled_by(&all) {
                return Some(all);
            }
        }
        None
    }

    /// Adds as many statements as have lost their pointers.
    fn find_lost(
        &self,
        rows: &mut Vec<Range<usize>>,
        lost: usize,
        whole: &dyn Fn(usize) -> Option<Range<usize>>,
    ) {
        // What is free is not known.
        let Some(free) = &self.free else { return };
        let most = rows.len() + lost;
        let mut at = self.content.max(HEADER);
        while at < PAGE && rows.len() < most {
            let mut taken = rows.iter().chain(free);
            if let Some(taken) = taken.find(|taken| taken.contains(&at)) {
                at = taken.end;
                continue;
            }
            match whole(at) {
                Some(row) if self.is_in_use(&row) => {
                    at = row.end;
                    rows.push(row);
                }
                _ => at += 1,
            }
        }
    }
}

fn overlap(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start < other.end && other.start < one.end
}
