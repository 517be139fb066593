//! Every decoder of the product, fed with arbitrary bytes.
//!
//! A target takes bytes, gives them to one decoder (or a few that read the same kind of thing) and checks what must hold
//! of anything that was accepted: mostly that writing it again gives the same bytes. It fails by panicking. The same
//! targets run twice: briefly as ordinary tests (`tests/mutations.rs`), from seeds that are real data with random
//! damage, and at length under libFuzzer (`fuzz/`), which starts from the same seeds.
//!
//! A failure found by either is added to `regressions/<target>/`, which both replay.
#![forbid(unsafe_code)]

mod assess;
mod evidence;
mod installation;
mod rest;
mod server;
mod stored;

/// One kind of input.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name: also that of the libFuzzer target and of the directory of its regressions.
    pub name: &'static str,
    /// Takes one input; panics if something does not hold.
    pub run: fn(&[u8]),
    /// Valid inputs to start from.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// How many inputs an ordinary test run takes.
    pub rounds: u32,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    target("commands", stored::commands, stored::command_seeds, 20_000),
    target("rows", stored::rows, stored::row_seeds, 20_000),
    target("records", stored::records, stored::record_seeds, 20_000),
    target(
        "ciphertext",
        stored::ciphertext,
        stored::ciphertext_seeds,
        20_000,
    ),
    target("tree", stored::tree, stored::tree_seeds, 20_000),
    target(
        "damaged_store",
        installation::damaged,
        installation::seeds,
        40,
    ),
    target("notes", evidence::notes, evidence::note_seeds, 10_000),
    target("proofs", evidence::proofs, evidence::proof_seeds, 10_000),
    target("tiles", evidence::tiles, evidence::tile_seeds, 10_000),
    target(
        "segments",
        evidence::segments,
        evidence::segment_seeds,
        2_000,
    ),
    target("rest", rest::request, rest::seeds, 20_000),
    target("pem", server::pem, server::pem_seeds, 2_000),
    target(
        "certificates",
        server::certificates,
        server::certificate_seeds,
        2_000,
    ),
    target("policy", server::policy, server::policy_seeds, 200),
    target("config", server::config, server::config_seeds, 10_000),
    target("assess_detect", assess::detect, assess::detect_seeds, 1_000),
    target(
        "assess_servers",
        assess::servers,
        assess::server_seeds,
        2_000,
    ),
    target(
        "assess_services",
        assess::services,
        assess::service_seeds,
        2_000,
    ),
    target(
        "assess_manifests",
        assess::manifests,
        assess::manifest_seeds,
        2_000,
    ),
];

const fn target(
    name: &'static str,
    run: fn(&[u8]),
    seeds: fn() -> Vec<Vec<u8>>,
    rounds: u32,
) -> Target {
    Target {
        name,
        run,
        seeds,
        rounds,
    }
}

/// Gives bytes to a target by its name.
///
/// # Panics
/// If there is no such target, or if something does not hold.
pub fn run(name: &str, bytes: &[u8]) {
    let found = TARGETS.iter().find(|target| target.name == name);
    (found.expect("a target of this name").run)(bytes);
}
