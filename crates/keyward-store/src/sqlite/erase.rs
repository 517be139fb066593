//! Wiping what SQLite's `secure_delete` leaves behind.
//!
//! `secure_delete` zeroes a cell that is deleted and a page that is freed. It does not zero the copy that stays in a
//! page's unallocated middle when rebalancing moves a live cell to another page; once that cell is deleted in its
//! new place, the old copy would still be readable. So before pages leave the journal, the unallocated middle of every
//! changed b-tree page is zeroed here, in a transaction of its own.
//!
//! Pieces of at most three bytes between cells ("fragments") are not looked for.
use std::ops::Range;

use rusqlite::{Connection, OptionalExtension};

use super::fault::Failure;

/// The greatest number of pages a database of ours may have.
///
/// A page does not say whether it is a b-tree page: that is known from what points to it. But every other kind
/// begins with a page number of four bytes, and below 2^25 the first of those is 0 or 1, never a b-tree page's type.
pub(super) const MOST_PAGES: u32 = (1 << 25) - 1;

/// Size of the header in front of the first page's b-tree header.
const FILE_HEADER: usize = 100;

/// Zeroes the unallocated middle of those pages where it is not zero yet. Answers how many needed it.
///
/// Must run inside a write transaction.
pub(super) fn wipe_pages(connection: &Connection, pages: &[u32]) -> Result<usize, Failure> {
    let mut read = connection.prepare_cached("SELECT data FROM sqlite_dbpage WHERE pgno = ?1")?;
    let mut write =
        connection.prepare_cached("UPDATE sqlite_dbpage SET data = ?2 WHERE pgno = ?1")?;
    let mut wiped = 0_usize;
    for number in pages {
        let page = read
            .query_row([number], |row| {
                Ok(stale_part(row.get_ref(0)?.as_blob()?, *number))
            })
            .optional()?;
        let Some(Some((mut page, stale))) = page else {
            continue;
        };
        let Some(bytes) = page.get_mut(stale) else {
            continue;
        };
        bytes.fill(0);
        write.execute((number, &page))?;
        wiped = wiped.saturating_add(1);
    }
    Ok(wiped)
}

/// A copy of the page and which part of it to zero; none if it is clean or no b-tree page.
fn stale_part(page: &[u8], number: u32) -> Option<(Vec<u8>, Range<usize>)> {
    let unallocated = unallocated(page, number)?;
    let dirty = page.get(unallocated.clone())?.iter().any(|byte| *byte != 0);
    dirty.then(|| (page.to_vec(), unallocated))
}

/// Where a b-tree page holds nothing: between the end of its cell pointers and its first cell.
fn unallocated(page: &[u8], number: u32) -> Option<Range<usize>> {
    let header = if number == 1 { FILE_HEADER } else { 0 };
    let byte = |offset: usize| {
        page.get(header.checked_add(offset)?)
            .copied()
            .map(usize::from)
    };
    let pair = |offset: usize| Some(byte(offset)? << 8 | byte(offset.checked_add(1)?)?);
    let header_size = match byte(0)? {
        0x02 | 0x05 => 12_usize,
        0x0a | 0x0d => 8,
        _ => return None,
    };
    let pointers = pair(3)?.checked_mul(2)?;
    let start = header.checked_add(header_size)?.checked_add(pointers)?;
    let end = match pair(5)? {
        0 => 1 << 16,
        end => end,
    };
    (start <= end && end <= page.len()).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(kind: u8, cells: u8, content: u16) -> Vec<u8> {
        let mut page = vec![0xee; 512];
        page[0] = kind;
        page[1..3].fill(0);
        page[3..5].copy_from_slice(&[0, cells]);
        page[5..7].copy_from_slice(&content.to_be_bytes());
        page
    }

    #[test]
    fn the_unallocated_middle_lies_between_pointers_and_cells() {
        assert_eq!(unallocated(&page(0x0d, 3, 400), 2), Some(14..400));
        assert_eq!(unallocated(&page(0x0a, 0, 512), 2), Some(8..512));
        assert_eq!(unallocated(&page(0x05, 1, 14), 2), Some(14..14));
        assert_eq!(unallocated(&page(0x02, 1, 20), 2), Some(14..20));
        let mut first = vec![0; 100];
        first.extend_from_slice(&page(0x0d, 2, 300));
        assert_eq!(unallocated(&first, 1), Some(112..300));
    }

    #[test]
    fn other_and_impossible_pages_are_left_alone() {
        for kind in [0, 1, 3, 4, 6, 0x0b, 0xff] {
            assert_eq!(unallocated(&page(kind, 1, 400), 2), None);
        }
        assert_eq!(unallocated(&page(0x0d, 200, 300), 2), None);
        assert_eq!(unallocated(&page(0x0d, 1, 513), 2), None);
        assert_eq!(unallocated(&page(0x0d, 1, 0), 2), None);
        assert_eq!(unallocated(&[0x0d, 0, 0], 2), None);
        assert_eq!(unallocated(&[], 2), None);
    }
}
