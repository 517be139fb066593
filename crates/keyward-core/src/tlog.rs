//! The tamper-evident log: an RFC 6962 Merkle tree in the C2SP forms, without any I/O.
//!
//! It is for appending records and proving later, to someone who trusts only a public key, that a
//! record is in the log and that nothing before it was changed. It holds the tree ([`Frontier`],
//! proofs), its storage form ([`TileId`], [`TileWriter`], [`Tiles`]), the signed statements about
//! it ([`SignedNote`], [`Checkpoint`], [`KeyHistory`]), and what lets others vouch for it
//! ([`WitnessState`], [`LogProof`], [`Policy`]).
//!
//! It must never compute a hash or a signature itself ([`Sha256`], [`NoteSigner`] and
//! [`NoteVerifier`] are handed in), read a clock (timestamps are arguments), or know what an entry
//! means: entries are bytes.
//!
//! Specifications: RFC 6962 §2.1, RFC 9162 §2.1; c2sp.org/tlog-tiles, /signed-note,
//! /tlog-checkpoint, /tlog-cosignature, /tlog-witness, /tlog-proof. Read next: `prove.rs` (which
//! hashes make a proof), then `tile_set.rs`.

mod base64;
mod bundle;
mod checkpoint;
mod frontier;
mod hash;
mod history;
mod key;
mod line;
mod log_proof;
mod node;
mod note;
mod policy;
mod prove;
mod rotation;
mod tile;
mod tile_path;
mod tile_set;
mod tile_writer;
mod verify;
mod witness;
mod witness_wire;

pub use bundle::{BundleError, BundleId, MAX_ENTRY_BYTES, append_entry, read_bundle};
pub use checkpoint::{Checkpoint, CheckpointError, MAX_ORIGIN_BYTES, Origin};
pub use frontier::{Frontier, FrontierError};
pub use hash::{EMPTY_ROOT, Hash, Sha256, TreeHead, leaf_hash, node_hash};
pub use history::{HistoryError, KeyHistory};
pub use key::{KeyError, SignatureType, VerifierKey};
pub use log_proof::{LogProof, LogProofError, VerifiedProof};
pub use node::{MAX_TREE_SIZE, Node};
pub use note::{
    MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES, NoteError, NoteSignature, NoteSigner, NoteVerifier,
    SignedNote, SignerFailed, VerifiedSignature, cosignature_message,
};
pub use policy::{Cosigner, Policy, PolicyError, WitnessedCheckpoint};
pub use prove::{
    HashReader, LeafHashes, TreeError, consistency_nodes, inclusion_nodes, prove_consistency,
    prove_inclusion, root_nodes, tree_root,
};
pub use rotation::{Rotation, RotationError};
pub use tile::{TILE_WIDTH, Tile, TileError, TileId};
pub use tile_path::LogPath;
pub use tile_set::{TileSetError, Tiles, VerifiedTiles};
pub use tile_writer::{ResumeError, TileWriter};
pub use verify::{ProofError, verify_consistency, verify_inclusion};
pub use witness::{Cosigning, Refusal, WitnessState};
pub use witness_wire::{
    AddCheckpoint, AddCheckpointReply, MAX_PROOF_LINES, RequestError, WireReply,
};
