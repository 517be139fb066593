//! What other implementations made and answered, as kept in `testdata/tlog`.

use crate::support::{Real, Signer, entry, leaves};
use crate::vectors::{base64_hash, hash, hashes, hex, key};
use keyward_core::tlog::{
    AddCheckpoint, AddCheckpointReply, BundleId, Hash, KeyHistory, LogPath, NoteSigner, Origin,
    Refusal, Sha256, SignatureType, SignedNote, TileId, TileWriter, Tiles, TreeHead, VerifiedTiles,
    VerifierKey, WitnessState, append_entry, prove_consistency, prove_inclusion, read_bundle,
    verify_consistency, verify_inclusion,
};
use std::collections::BTreeMap;

const GO: &str = include_str!("../testdata/tlog/go_xmod.txt");
const AICS: &str = include_str!("../testdata/tlog/aics_witness.txt");

/// Newlines are written as two characters there.
fn unescaped(text: &str) -> String {
    text.replace("\\n", "\n")
}

/// Our log with the entries of the Go file, and its tiles at its largest size.
struct AsInGo {
    leaves: Vec<Hash>,
    tiles: BTreeMap<TileId, Vec<u8>>,
    head: TreeHead,
}

impl AsInGo {
    const SIZE: u64 = 70_000;

    fn new() -> Self {
        let leaves = leaves(Self::SIZE);
        let mut writer = TileWriter::new();
        let tiles = writer.append(&Real, &leaves).unwrap();
        let tiles = tiles
            .into_iter()
            .map(|tile| (tile.id(), tile.to_bytes()))
            .collect();
        Self {
            leaves,
            tiles,
            head: writer.head(&Real),
        }
    }

    /// The tiles of a smaller tree, as a log has them that deleted what became full or wider.
    fn verified(&self, head: &TreeHead) -> VerifiedTiles<'_> {
        let mut tiles = Tiles::new(head.size).unwrap();
        for id in TileId::new_in(0, head.size) {
            let wide = TileId::in_tree(id.level(), id.index(), Self::SIZE).unwrap();
            tiles.insert(wide, &self.tiles[&wide]).unwrap();
        }
        tiles.verify(&Real, &head.root).unwrap()
    }
}

/// The fields of all lines of a kind, of which there must be as many as were written.
fn go_lines(kind: &str, count: usize) -> Vec<Vec<&'static str>> {
    let fields = GO
        .lines()
        .map(|line| line.splitn(4, ' ').collect::<Vec<_>>());
    let lines: Vec<_> = fields.filter(|fields| fields[0] == kind).collect();
    assert_eq!(lines.len(), count, "lines of {kind}");
    lines
}

fn go_heads() -> BTreeMap<u64, TreeHead> {
    let head = |fields: &Vec<&str>| TreeHead {
        size: fields[1].parse().unwrap(),
        root: base64_hash(fields[2]),
    };
    go_lines("root", 23)
        .iter()
        .map(head)
        .map(|head| (head.size, head))
        .collect()
}

#[test]
fn trees_and_proofs_made_by_go_agree() {
    let (ours, heads) = (AsInGo::new(), go_heads());
    let number = |text: &str| text.parse::<u64>().unwrap();
    let verified: BTreeMap<u64, VerifiedTiles<'_>> = heads
        .iter()
        .map(|(size, head)| (*size, ours.verified(head)))
        .collect();
    assert_eq!(ours.head, heads[&AsInGo::SIZE]);
    for line in go_lines("inclusion", 69) {
        let (index, head, proof) = (number(line[1]), &heads[&number(line[2])], hashes(line[3]));
        assert_eq!(
            prove_inclusion(&Real, &verified[&head.size], index, head.size).unwrap(),
            proof,
            "{line:?}"
        );
        let leaf = ours.leaves[index as usize];
        assert_eq!(
            verify_inclusion(&Real, leaf, index, head, &proof),
            Ok(()),
            "{line:?}"
        );
    }
    for line in go_lines("consistency", 175) {
        let (old, new, proof) = (
            &heads[&number(line[1])],
            &heads[&number(line[2])],
            hashes(line[3]),
        );
        assert_eq!(
            prove_consistency(&Real, &verified[&new.size], old.size, new.size).unwrap(),
            proof,
            "{line:?}"
        );
        assert_eq!(
            verify_consistency(&Real, old, new, &proof),
            Ok(()),
            "{line:?}"
        );
    }
}

#[test]
fn tiles_made_by_go_agree() {
    let ours = AsInGo::new();
    for line in go_lines("tile", 136) {
        let Some(LogPath::Tile(id)) = LogPath::parse(line[1]) else {
            panic!("{line:?}")
        };
        // Go lists a partial tile at every width it had while the log grew.
        let now = TileId::in_tree(id.level(), id.index(), AsInGo::SIZE).unwrap();
        let then = &ours.tiles[&now][..usize::from(id.width()) * Hash::BYTES];
        assert_eq!(Real.sha256(&[then]).as_slice(), hex(line[2]), "{line:?}");
    }
}

#[test]
fn checkpoints_signed_by_go_verify() {
    for line in GO.lines().filter_map(|line| line.strip_prefix("note ")) {
        let (vkey, text) = line.split_once(' ').unwrap();
        let text = unescaped(text);
        let note = SignedNote::parse(text.as_bytes()).unwrap();
        assert_eq!(note.to_string(), text);
        let history =
            KeyHistory::pinned(Origin::new("example.com/log").unwrap(), key(vkey)).unwrap();
        assert_eq!(
            history.open(&Real, &note).unwrap().head,
            go_heads()[&AsInGo::SIZE]
        );
    }
    go_lines("note", 2);
}

#[test]
fn another_witness_answers_every_request_as_ours_and_cosigns_alike() {
    let rows = || {
        AICS.lines()
            .map(|line| line.split('\t').collect::<Vec<_>>())
    };
    let keys = rows().find(|fields| fields[0] == "keys").unwrap();
    let (log_key, witness) = (key(keys[1]), Signer::witness("witness.example/w", 7));
    assert_eq!(witness.key, key(keys[2]));
    let mut state = WitnessState::new();
    let origin = Origin::new("example.com/log").unwrap();
    state.watch(
        KeyHistory::pinned(origin.clone(), log_key).unwrap(),
        TreeHead::EMPTY,
    );
    let mut cosigned = 0;
    for fields in rows().filter(|fields| fields[0] == "exchange") {
        let (what, body, answer) = (fields[1], unescaped(fields[2]), unescaped(fields[4]));
        let status: u16 = fields[3].parse().unwrap();
        let decided = AddCheckpoint::parse(body.as_bytes())
            .map_err(Refusal::from)
            .and_then(|request| {
                state
                    .decide(&Real, &Real, &request)
                    .map(|cosigning| (request, cosigning))
            });
        let (request, cosigning) = match decided {
            Err(refusal) => {
                assert_eq!(refusal.reply().status, status, "{what}: {refusal}");
                assert!(status != 409 || refusal.reply().body == answer, "{what}");
                continue;
            }
            Ok(decided) => decided,
        };
        assert_eq!(status, 200, "{what}");
        assert_eq!(request.to_string(), body, "what was read is written alike");
        state.commit(&cosigning).unwrap();
        // Their cosignature verifies, and ours at the same time is the same, byte for byte.
        let AddCheckpointReply::Cosigned(lines) =
            AddCheckpointReply::parse(status, answer.as_bytes())
        else {
            panic!("{answer}")
        };
        let (mut theirs, mut ours) = (request.checkpoint.clone(), request.checkpoint);
        let trusted = [witness.key.clone()];
        assert_eq!(
            theirs.add_cosignatures(&Real, &trusted, &lines),
            Ok(1),
            "{what}"
        );
        let time = theirs.verify(&Real, &trusted).unwrap()[0]
            .timestamp
            .unwrap();
        assert_eq!(time, 1_790_000_000);
        ours.cosign(&witness.key, time, &witness).unwrap();
        assert_eq!(ours, theirs);
        assert!(witness.sign(&cosigning.message(time)).is_ok());
        cosigned += 1;
    }
    assert_eq!(cosigned, 11);
    assert_eq!(state.latest(&origin).unwrap().size, 300);
}

#[test]
fn another_implementation_writes_the_same_tiles_and_bundles() {
    let mut writer = TileWriter::new();
    let tiles = writer.append(&Real, &leaves(300)).unwrap();
    let mut ours: BTreeMap<String, Vec<u8>> = tiles
        .into_iter()
        .map(|tile| (tile.id().to_string(), tile.to_bytes()))
        .collect();
    for index in 0..2 {
        let id = BundleId::in_tree(index, 300).unwrap();
        let mut bundle = Vec::new();
        (0..u64::from(id.width()))
            .for_each(|at| append_entry(&mut bundle, &entry(index * 256 + at)).unwrap());
        assert_eq!(
            read_bundle(&bundle, id.width()).unwrap().len(),
            usize::from(id.width())
        );
        ours.insert(id.to_string(), bundle);
    }
    let theirs: BTreeMap<String, Vec<u8>> = AICS
        .lines()
        .filter_map(|line| line.strip_prefix("tile\t")?.split_once('\t'))
        .map(|(path, bytes)| (path.to_owned(), hex(bytes)))
        .collect();
    assert_eq!(theirs.len(), 5);
    assert_eq!(ours, theirs);
}

/// Requests to a witness with real signatures of a log whose leaf hashes are 2a00…, 2a01… and so on
/// (FiloSottile/torchwood, internal/witness/witness_test.go, TestRace).
#[test]
fn requests_of_the_litewitness_tests_are_decided_as_there() {
    let origin =
        "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562";
    let public_key = hex("ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f")
        .try_into()
        .unwrap();
    let log_key = VerifierKey::new(&Real, origin, SignatureType::Ed25519, public_key).unwrap();
    let mut state = WitnessState::new();
    let named = Origin::new(origin).unwrap();
    state.watch(
        KeyHistory::pinned(named.clone(), log_key).unwrap(),
        TreeHead::EMPTY,
    );
    let request = |old: u64, proof: &[&str], size: u64, root: &str, signature: &str| {
        let proof: String = proof.iter().map(|line| format!("{line}\n")).collect();
        let body =
            format!("old {old}\n{proof}\n{origin}\n{size}\n{root}\n\n— {origin} {signature}\n");
        AddCheckpoint::parse(body.as_bytes()).unwrap()
    };
    let first = request(
        0,
        &[],
        1,
        "KgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "UgIom7fPZTqpxWWhyjWduBvTvGVqsokMbqTArsQilegKoFBJQjUFAmQ0+YeSPM3wfUQMFSzVnnNuWRTYrajXpNUbIQY=",
    );
    let shorter = request(
        1,
        &[
            "KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "KgIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        ],
        3,
        "RcCI1Nk56ZcSmIEfIn0SleqtV7uvrlXNccFx595Iwl0=",
        "UgIom2VbtIcdFbwFAy1n7s6IkAxIY6J/GQOTuZF2ORV39d75cbAj2aQYwyJre36kezNobZs4SUUdrcawfAB8WVrx6go=",
    );
    let longer = request(
        1,
        &[
            "KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "+fUDV+k970B4I3uKrqJM4aP1lloPZP8mvr2Z4wRw2LI=",
            "KgQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        ],
        5,
        "QrtXrQZCCvpIgsSmOsah7HdICzMLLyDfxToMql9WTjY=",
        "UgIomw/EOJmWi0i1FQsOj+etB7F8IccFam/jgd6wzRns4QPVmyEZtdvl1U2KEmLOZ/ASRcWJi0tW90dJWAShei7sDww=",
    );
    let decide = |state: &WitnessState, request| state.decide(&Real, &Real, request);
    state.commit(&decide(&state, &first).unwrap()).unwrap();
    // Both are fine on their own; of the two only the one that is committed first is.
    let (slow, fast) = (
        decide(&state, &shorter).unwrap(),
        decide(&state, &longer).unwrap(),
    );
    state.commit(&fast).unwrap();
    assert!(matches!(state.commit(&slow), Err(Refusal::Conflict(_))));
    let root = hash("42bb57ad06420afa4882c4a63ac6a1ec77480b330b2f20dfc53a0caa5f564e36");
    assert_eq!(state.latest(&named), Some(TreeHead { size: 5, root }));
}
