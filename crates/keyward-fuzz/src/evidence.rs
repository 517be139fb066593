//! What auditors and witnesses exchange: notes, checkpoints, keys, proofs, tiles, bundles, segments.
use keyward_core::cbor;
use keyward_core::tlog::{
    AddCheckpoint, AddCheckpointReply, BundleId, Checkpoint, KeyHistory, LogPath, LogProof,
    NoteVerifier, Policy, Sha256, SignedNote, Tile, TileId, Tiles, VerifierKey, leaf_hash,
    read_bundle,
};
use keyward_engine::segment::Segment;
use keyward_tls::default_provider;
use rustls::crypto::hash::{Hash, HashAlgorithm};

use crate::installation;

/// The module's SHA-256; and signatures are taken for good, so that what lies behind them is reached.
struct Crypto(&'static dyn Hash);

impl Crypto {
    fn new() -> Self {
        let provider = default_provider();
        let sha256 = provider
            .cipher_suites
            .iter()
            .filter_map(|suite| suite.tls13())
            .map(|suite| suite.common.hash_provider)
            .find(|hash| hash.algorithm() == HashAlgorithm::SHA256);
        Self(sha256.expect("SHA-256"))
    }
}

impl Sha256 for Crypto {
    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32] {
        let digest = self.0.hash(&parts.concat());
        digest.as_ref().try_into().expect("32 bytes")
    }
}

impl NoteVerifier for Crypto {
    fn verify(&self, _public_key: &[u8; 32], _message: &[u8], _signature: &[u8; 64]) -> bool {
        true
    }
}

/// What is accepted writes itself as it was.
fn same(written: &str, bytes: &[u8]) {
    assert_eq!(written.as_bytes(), bytes, "one meaning has one spelling");
}

pub(crate) fn notes(bytes: &[u8]) {
    let crypto = Crypto::new();
    if let Ok(note) = SignedNote::parse(bytes) {
        same(&note.to_string(), bytes);
        let _ = Checkpoint::parse(note.text());
    }
    if let Ok(add) = AddCheckpoint::parse(bytes) {
        same(&add.to_string(), bytes);
    }
    if let Some((first, body)) = bytes.split_first() {
        for status in [200, 409, 404, 403, 400, 422, u16::from(*first)] {
            let _ = AddCheckpointReply::parse(status, body);
        }
    }
    let Ok(text) = core::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(checkpoint) = Checkpoint::parse(text) {
        same(&checkpoint.to_string(), bytes);
    }
    if let Ok(key) = VerifierKey::parse(&crypto, text) {
        same(&key.to_string(), bytes);
    }
    if let Ok(history) = KeyHistory::parse(&crypto, &crypto, text) {
        same(&history.to_string(), bytes);
        assert!(history.keys().next().is_some());
    }
    if let Some(path) = LogPath::parse(text) {
        same(&path.to_string(), bytes);
    }
}

pub(crate) fn note_seeds() -> Vec<Vec<u8>> {
    let checkpoint = installation::checkpoint();
    let text = checkpoint.split("\n\n").next().unwrap_or_default();
    [
        checkpoint.to_owned(),
        format!("{text}\n"),
        format!("old 3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n{checkpoint}"),
        installation::keys().to_owned(),
        installation::verifier_key().to_owned(),
        "tile/0/x001/067.p/5".to_owned(),
        "tile/entries/000".to_owned(),
        checkpoint
            .split("\n\n")
            .nth(1)
            .unwrap_or_default()
            .to_owned(),
    ]
    .map(String::into_bytes)
    .to_vec()
}

/// A proof file, verified for the entry of its index.
pub(crate) fn proofs(bytes: &[u8]) {
    let Ok(proof) = LogProof::parse(bytes) else {
        return;
    };
    same(&proof.to_string(), bytes);
    let crypto = Crypto::new();
    let history = KeyHistory::parse(&crypto, &crypto, installation::keys()).expect("a history");
    let policy = Policy::new(vec![history], Vec::new(), 0).expect("a policy");
    let _ = proof.verify(&crypto, &crypto, &policy, leaf_hash(&crypto, b"entry"));
}

pub(crate) fn proof_seeds() -> Vec<Vec<u8>> {
    vec![installation::proof().as_bytes().to_vec()]
}

/// `level, index (8), width (2), size (8)`, then the bytes of a tile or of a bundle.
pub(crate) fn tiles(bytes: &[u8]) {
    let Some((head, rest)) = bytes.split_first_chunk::<19>() else {
        return;
    };
    let number = |range: core::ops::Range<usize>| {
        head[range]
            .iter()
            .fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte))
    };
    let (index, size) = (number(1..9), number(11..19));
    let width = u16::from_be_bytes([head[9], head[10]]);
    if let Ok(entries) = read_bundle(rest, width) {
        assert_eq!(entries.len(), usize::from(width));
        let total: usize = entries.iter().map(|entry| entry.len() + 2).sum();
        assert_eq!(total, rest.len());
    }
    let _ = BundleId::new(index, width);
    let Ok(id) = TileId::new(head[0], index, width) else {
        return;
    };
    if let Ok(tile) = Tile::from_bytes(id, rest) {
        assert_eq!(tile.to_bytes(), rest);
    }
    let Ok(mut set) = Tiles::new(size) else {
        return;
    };
    if set.insert(id, rest).is_ok() {
        let crypto = Crypto::new();
        let _ = set.verify(&crypto, &[7; 32].into());
    }
}

pub(crate) fn tile_seeds() -> Vec<Vec<u8>> {
    let head = |level: u8, index: u64, width: u16, size: u64| {
        let mut out = vec![level];
        out.extend(index.to_be_bytes());
        out.extend(width.to_be_bytes());
        out.extend(size.to_be_bytes());
        out
    };
    vec![
        [head(0, 0, 3, 3), vec![9; 96]].concat(),
        [head(0, 1, 4, 260), vec![9; 128]].concat(),
        [head(0, 0, 2, 2), vec![0, 1, 7, 0, 2, 8, 8]].concat(),
        [head(1, 0, 1, 256), vec![9; 32]].concat(),
    ]
}

pub(crate) fn segments(bytes: &[u8]) {
    let Ok(segment) = cbor::from_slice::<Segment>(bytes) else {
        return;
    };
    let again = cbor::from_canonical::<Segment>(&cbor::to_vec(&segment));
    assert_eq!(again.as_ref(), Ok(&segment));
    let crypto = Crypto::new();
    let _ = KeyHistory::parse(&crypto, &crypto, &segment.keys);
    let Ok(mut set) = SignedNote::parse(segment.checkpoint.as_bytes())
        .map_err(drop)
        .and_then(|note| Checkpoint::parse(note.text()).map_err(drop))
        .and_then(|checkpoint| Tiles::new(checkpoint.head.size).map_err(drop))
    else {
        return;
    };
    for tile in &segment.tiles {
        let id = TileId::new(tile.level, tile.index, tile.width);
        let _ = id.map(|id| set.insert(id, &tile.hashes));
    }
    let _ = set.verify(&crypto, &[7; 32].into());
}

pub(crate) fn segment_seeds() -> Vec<Vec<u8>> {
    vec![installation::segment()]
}
