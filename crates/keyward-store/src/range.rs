//! What the adapters share about keys: which keys a prefix covers, and which puts no adapter may accept.
use std::ops::Bound;

use keyward_engine::ports::store::{Batch, Change, StoreFault};

/// The least key greater than every key with this prefix; none if there is no such key (empty, or only `0xff` bytes).
pub(crate) fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let kept = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = prefix.get(..=kept)?.to_vec();
    let last = end.last_mut()?;
    *last = last.checked_add(1)?;
    Some(end)
}

/// Where a scan starts: behind `after` when that lies within or behind the prefix, else at the prefix itself.
pub(crate) fn scan_start<'a>(prefix: &'a [u8], after: Option<&'a [u8]>) -> Bound<&'a [u8]> {
    match after {
        Some(after) if after >= prefix => Bound::Excluded(after),
        _ => Bound::Included(prefix),
    }
}

/// Refuses a put of version 0: that number means "absent" in an expectation, so such a row could not be told from none.
pub(crate) fn refuse_version_zero(batches: &[Batch]) -> Result<(), StoreFault> {
    let zero = |change: &Change| matches!(change, Change::Put { version: 0, .. });
    if batches.iter().any(|batch| batch.changes.iter().any(zero)) {
        return Err(StoreFault::Unavailable(
            "a row cannot be put with version 0, which means absent",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_skips_trailing_ff_bytes() {
        assert_eq!(prefix_end(b"ab"), Some(b"ac".to_vec()));
        assert_eq!(prefix_end(b"a\xff\xff"), Some(b"b".to_vec()));
        assert_eq!(prefix_end(b"\x00"), Some(b"\x01".to_vec()));
        assert_eq!(prefix_end(b"\xff\xff"), None);
        assert_eq!(prefix_end(b""), None);
    }

    #[test]
    fn a_scan_starts_at_the_prefix_unless_after_lies_further() {
        assert_eq!(scan_start(b"b", None), Bound::Included(&b"b"[..]));
        assert_eq!(scan_start(b"b", Some(b"a")), Bound::Included(&b"b"[..]));
        assert_eq!(scan_start(b"b", Some(b"b")), Bound::Excluded(&b"b"[..]));
        assert_eq!(scan_start(b"b", Some(b"c")), Bound::Excluded(&b"c"[..]));
    }
}
