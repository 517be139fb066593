//! Names of a log's resources, and entry bundles.

use crate::support::entry;
use keyward_core::tlog::{
    BundleError, BundleId, LogPath, MAX_ENTRY_BYTES, TileError, TileId, append_entry, read_bundle,
};
use proptest::prelude::*;

#[test]
fn names_are_those_of_the_specification() {
    let tile = |level, index, width| TileId::new(level, index, width).unwrap().to_string();
    assert_eq!(tile(0, 1_234_067, 256), "tile/0/x001/x234/067");
    assert_eq!(tile(0, 1_234_067, 1), "tile/0/x001/x234/067.p/1");
    assert_eq!(tile(63, 0, 255), "tile/63/000.p/255");
    assert_eq!(tile(1, 999, 256), "tile/1/999");
    assert_eq!(tile(1, 1000, 256), "tile/1/x001/000");
    assert_eq!(
        tile(2, u64::MAX, 7),
        "tile/2/x018/x446/x744/x073/x709/x551/615.p/7"
    );
    assert_eq!(
        BundleId::new(273, 112).unwrap().to_string(),
        "tile/entries/273.p/112"
    );
    assert_eq!(LogPath::parse("checkpoint"), Some(LogPath::Checkpoint));
    assert_eq!(TileId::new(64, 0, 1), Err(TileError::LevelOutOfRange));
    assert_eq!(TileId::new(0, 0, 0), Err(TileError::WidthOutOfRange));
    assert_eq!(TileId::new(0, 0, 257), Err(TileError::WidthOutOfRange));
}

#[test]
fn a_resource_has_no_second_name() {
    for path in [
        "",
        "/checkpoint",
        "checkpoint/",
        "Checkpoint",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/+1/000",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/1000",
        "tile/0/x000/000",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/0/x001//000",
        "tile/0/x01/000",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/00",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/+1",
        "tile/0/000.p/1/",
        "tile/0/000.p/1.p/1",
        "tile/0/000/",
        "tile/0/../000",
        "tile/0/+01",
        "tile/data/000",
        "tile/entries",
        "tile/entries/",
        "tile/entries/0",
        "tile/entries/000.p/256",
        "tile/8/0/000",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/x018/x446/x744/x073/x709/x551/x615/000",
        " tile/0/000",
        "tile/0/000\n",
        "tile/0/٠٠٠",
    ] {
        assert_eq!(LogPath::parse(path), None, "{path:?}");
    }
}

#[test]
fn bundles_that_are_cut_or_padded_are_refused() {
    let mut bundle = Vec::new();
    for at in 0..3 {
        append_entry(&mut bundle, &entry(at)).unwrap();
    }
    append_entry(&mut bundle, b"").unwrap();
    assert_eq!(
        read_bundle(&bundle, 4).unwrap(),
        [&entry(0)[..], &entry(1), &entry(2), b""]
    );
    for length in 0..bundle.len() {
        assert!(read_bundle(&bundle[..length], 4).is_err(), "{length} bytes");
    }
    assert_eq!(read_bundle(&bundle, 3), Err(BundleError::WrongCount));
    assert_eq!(read_bundle(&bundle, 5), Err(BundleError::WrongCount));
    assert_eq!(
        read_bundle(&[&bundle[..], &[0]].concat(), 5),
        Err(BundleError::Truncated)
    );
    assert_eq!(read_bundle(&[0, 2, 1], 1), Err(BundleError::Truncated));
    assert_eq!(read_bundle(&[], 0), Ok(vec![]));
}

#[test]
fn the_longest_entry_fits_and_a_longer_one_does_not() {
    let mut bundle = Vec::new();
    append_entry(&mut bundle, &[7; MAX_ENTRY_BYTES]).unwrap();
    assert_eq!(read_bundle(&bundle, 1).unwrap(), [&[7; MAX_ENTRY_BYTES]]);
    assert_eq!(
        append_entry(&mut bundle, &[7; MAX_ENTRY_BYTES + 1]),
        Err(BundleError::EntryTooLong)
    );
    assert_eq!(
        bundle.len(),
        MAX_ENTRY_BYTES + 2,
        "a refused entry leaves the bundle as it was"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn names_round_trip(level in 0u8..64, index in any::<u64>(), small in 0u64..2000, width in 1u16..=256) {
        for index in [index, small] {
            let tile = TileId::new(level, index, width).unwrap();
            prop_assert_eq!(LogPath::parse(&tile.to_string()), Some(LogPath::Tile(tile)));
            let bundle = BundleId::new(index, width).unwrap();
            prop_assert_eq!(LogPath::parse(&bundle.to_string()), Some(LogPath::Entries(bundle)));
        }
    }

    #[test]
    fn arbitrary_paths_and_bundles_never_panic(path in ".{0,70}", bytes in proptest::collection::vec(any::<u8>(), 0..200), count in 0u16..300) {
        if let Some(parsed) = LogPath::parse(&path) {
            prop_assert_eq!(parsed.to_string(), path);
        }
        let _ = read_bundle(&bytes, count);
    }
}
