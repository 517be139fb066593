//! Every stored row of every release decodes as its type and encodes again to the same bytes.
//!
//! The rows are those of `tests/golden/<release>/rows.txt`; `tests/golden.rs` says how they are made.
use std::collections::BTreeMap;
use std::path::Path;

use keyward_core::object::{
    Anchor, CertificateBinding, Edge, Object, Principal, Realm, RealmCounters, Token, Usage,
    Version,
};
use keyward_core::outcome::PolicyText;
use keyward_core::record::{Body, Header};
use keyward_core::tlog::{Frontier, TILE_WIDTH, Tile, TileId};

use super::*;
use crate::committer::{LaneRealmRow, LaneRow, LogBatchRow};
use crate::custody::{KeyringRow, LedgerEntry, SlotRow, TreeRow};
use crate::init::Installation;
use crate::segment::Segment;

struct Stored {
    table: u8,
    key: Vec<u8>,
    value: Vec<u8>,
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
        .collect()
}

fn releases() -> Vec<(std::path::PathBuf, Vec<Stored>)> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut releases = Vec::new();
    for entry in std::fs::read_dir(golden).unwrap() {
        let path = entry.unwrap().path();
        let Ok(text) = std::fs::read_to_string(path.join("rows.txt")) else {
            continue;
        };
        let rows = text.lines().map(|line| {
            let fields: Vec<&str> = line.split(' ').collect();
            Stored {
                table: fields[0].parse().unwrap(),
                key: unhex(fields[1]),
                value: unhex(fields[3]),
            }
        });
        releases.push((path, rows.collect()));
    }
    assert!(!releases.is_empty());
    releases
}

/// Decodes and encodes; the bytes must be the same.
fn same<T: Encode<()> + for<'b> Decode<'b, ()>>(kind: &'static str, bytes: &[u8]) -> &'static str {
    let value: T = cbor::from_slice(bytes).unwrap_or_else(|error| panic!("{kind}: {error}"));
    assert_eq!(cbor::to_vec(&value), bytes, "{kind}");
    kind
}

/// Which kind of row this is, once it has been decoded and encoded as such.
fn kind(row: &Stored) -> &'static str {
    let table = Table::ALL.into_iter().find(|t| t.number() == row.table);
    let table = table.expect("a table's number is never given up");
    if table == Table::LogBatch {
        return batch(&row.value);
    }
    if table == Table::LogTile {
        let (level, index) = (
            row.key[4],
            u64::from_be_bytes(*row.key.last_chunk().unwrap()),
        );
        let id = TileId::new(level, index, TILE_WIDTH).unwrap();
        assert_eq!(
            Tile::from_bytes(id, &row.value).unwrap().to_bytes(),
            row.value
        );
        return "tile";
    }
    let payload = &row.value[32..];
    match (table, row.key.as_slice()) {
        (Table::Meta, b"installation") => same::<Installation>("installation", payload),
        (Table::Meta, b"log-keys") => same::<String>("log keys", payload),
        (Table::Realm, _) => same::<Realm>("realm", payload),
        (Table::Principal, _) => same::<Principal>("principal", payload),
        (Table::Token, _) => same::<Token>("token", payload),
        (Table::Anchor, _) => same::<Anchor>("anchor", payload),
        (Table::CertificateBinding, _) => same::<CertificateBinding>("binding", payload),
        (Table::Object, _) => same::<Object>("object", payload),
        (Table::Version, _) => same::<Version>("version", payload),
        (Table::Name, _) => same::<Pointer>("name", payload),
        (Table::Usage, key) if key.len() == 16 => same::<RealmCounters>("realm counters", payload),
        (Table::Usage, _) => same::<Usage>("usage", payload),
        (Table::Epoch, _) => same::<EpochRow>("epoch", payload),
        (Table::Policy, _) => same::<PolicyText>("policy", payload),
        (Table::Lane, _) => lane(payload),
        (Table::LaneRealm, _) => same::<LaneRealmRow>("lane realm", payload),
        (Table::Due, _) => same::<DueJob>("due", payload),
        (Table::Custody, key) if key.starts_with(b"slot") => same::<SlotRow>("seal slot", payload),
        (Table::Custody, b"ring") => same::<KeyringRow>("keyring", payload),
        (Table::Custody, _) => same::<TreeRow>("tree", payload),
        (Table::Ledger, _) => same::<LedgerEntry>("ledger", payload),
        (Table::Idempotency, _) => same::<IdempotencyRow>("idempotency", payload),
        (Table::Edge, key) if key.starts_with(b"p") => {
            same::<Pointer>("principal of realm", payload)
        }
        (Table::Edge, _) => same::<Edge>("edge", payload),
        // Kinds that came later are named here by whoever adds them.
        _ => "other",
    }
}

fn lane(payload: &[u8]) -> &'static str {
    let row: LaneRow = cbor::from_slice(payload).unwrap();
    let frontier = Frontier::from_bytes(&row.frontier).unwrap();
    assert_eq!(frontier.to_bytes(), row.frontier);
    assert_eq!(frontier.size(), row.size);
    same::<LaneRow>("lane", payload)
}

fn batch(bytes: &[u8]) -> &'static str {
    let batch: LogBatchRow = cbor::from_slice(bytes).unwrap();
    for record in &batch.records {
        same::<Header>("record header", &record.entry);
        if let Some(body) = &record.body {
            same::<Body>("record body", body);
        }
    }
    same::<LogBatchRow>("log batch", bytes)
}

#[test]
fn every_kind_of_row_of_every_release_decodes_and_encodes_to_the_same_bytes() {
    for (release, rows) in releases() {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for row in &rows {
            *seen.entry(kind(row)).or_default() += 1;
        }
        for kind in [
            "installation",
            "log keys",
            "realm",
            "principal",
            "token",
            "anchor",
            "binding",
            "object",
            "version",
            "name",
            "realm counters",
            "usage",
            "epoch",
            "policy",
            "lane",
            "lane realm",
            "due",
            "seal slot",
            "keyring",
            "tree",
            "ledger",
            "idempotency",
            "principal of realm",
            "log batch",
            "tile",
        ] {
            assert!(seen.contains_key(kind), "{}: no {kind}", release.display());
        }
    }
}

#[test]
fn the_archived_segment_of_every_release_decodes_and_encodes_to_the_same_bytes() {
    for (release, _) in releases() {
        let bytes = std::fs::read(release.join("segment.cbor")).unwrap();
        let segment: Segment = cbor::from_slice(&bytes).unwrap();
        assert_eq!(
            (segment.format, segment.records.len() as u64),
            (1, 256 - segment.from)
        );
        same::<Segment>("segment", &bytes);
    }
}
