//! That no record is missing: indexes follow by the tree, and in each realm of each lane the numbers follow from 1.
use std::collections::BTreeMap;

use keyward_core::cbor;
use keyward_core::command::CommandKind;
use keyward_core::ids::RealmId;
use keyward_core::record::{Header, RECORD_VERSION};
use keyward_core::tlog::{KeyHistory, Sha256};

use crate::exit::Failure;
use crate::verify::Crypto;

/// Follows the records of one log.
pub struct Sequence {
    /// Last number by lane and realm.
    last: BTreeMap<(u32, RealmId), u64>,
    /// Whether everything from index 0 on was seen; otherwise a realm's first number is not known.
    whole: bool,
    /// Records that announce a new log key.
    announced: usize,
}

impl Sequence {
    /// From an index on.
    pub fn from(index: u64) -> Self {
        Self {
            last: BTreeMap::new(),
            whole: index == 0,
            announced: 0,
        }
    }

    /// Entries that are known by their hashes only: after them, numbers may have gone on unseen.
    pub fn skip(&mut self) {
        self.last.clear();
        self.whole = false;
    }

    /// Takes the next entry.
    pub fn take(&mut self, index: u64, entry: &[u8]) -> Result<Header, Failure> {
        let header: Header = cbor::from_canonical(entry).map_err(|error| {
            Failure::integrity(format!("record {index} does not decode: {error}"))
        })?;
        if header.format > RECORD_VERSION {
            return Err(Failure::local(
                format!(
                    "record {index} has format {}, and this release reads up to {RECORD_VERSION}",
                    header.format
                ),
                "Verify with a newer release.",
            ));
        }
        let before = self
            .last
            .insert((header.lane, header.realm), header.realm_seq);
        let expected = match before {
            Some(before) => Some(before.saturating_add(1)),
            None => self.whole.then_some(1),
        };
        if expected.is_some_and(|expected| expected != header.realm_seq) {
            return Err(Failure::integrity(format!(
                "record {index} is number {} of its realm, and {} was to come",
                header.realm_seq,
                expected.unwrap_or_default()
            )));
        }
        if header.command == CommandKind::RotateLogKey.number() && header.outcome == 0 {
            self.announced += 1;
        }
        Ok(header)
    }
}

impl Sequence {
    /// At the end: every key that signs up to here must have been announced in the log, if all of the log was seen.
    pub fn finish(&self, history: &KeyHistory, size: u64) -> Result<(), Failure> {
        let signing = history
            .rotations()
            .filter(|(rotation, _)| rotation.from_size <= size)
            .count();
        if self.whole && self.announced < signing {
            return Err(Failure::integrity(format!(
                "the log has had {signing} new keys, and announces only {} of them",
                self.announced
            )));
        }
        Ok(())
    }
}

/// Whether salt and body are the ones recorded.
pub fn check_body(
    crypto: &Crypto,
    index: u64,
    header: &Header,
    salt: &[u8],
    body: &[u8],
) -> Result<(), Failure> {
    if crypto.sha256(&[salt, body]) == header.body_digest {
        Ok(())
    } else {
        Err(Failure::integrity(format!(
            "the body of record {index} is not the one recorded"
        )))
    }
}
