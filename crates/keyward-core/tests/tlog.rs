//! The tamper-evident log against a naive tree, against published vectors, and against attackers.

#[path = "tlog/support.rs"]
mod support;

#[path = "tlog/frontier.rs"]
mod frontier;
#[path = "tlog/history.rs"]
mod history;
#[path = "tlog/names.rs"]
mod names;
#[path = "tlog/notes.rs"]
mod notes;
#[path = "tlog/others.rs"]
mod others;
#[path = "tlog/proof_file.rs"]
mod proof_file;
#[path = "tlog/texts.rs"]
mod texts;
#[path = "tlog/tiles.rs"]
mod tiles;
#[path = "tlog/tree.rs"]
mod tree;
#[path = "tlog/vectors.rs"]
mod vectors;
#[path = "tlog/wire.rs"]
mod wire;
#[path = "tlog/witness.rs"]
mod witness;
