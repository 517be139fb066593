//! Hostile input: any bytes, broken samples, bombs, loops, links. The scanner must end, stay within its
//! bounds, and say what it did not read.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use keyward_assess::detect::{self, Scan};
use keyward_assess::limits::Limits;
use keyward_assess::walk;
use proptest::prelude::*;

/// Scans bytes as a file of a name.
fn scan_bytes(name: &str, data: &[u8]) -> (usize, keyward_assess::finding::Coverage) {
    let limits = Limits {
        unpacked_bytes: 64 << 20,
        ..Limits::default()
    };
    let mut scan = Scan::new(&limits, name, None, data.len() as u64);
    detect::bytes(&mut scan, data);
    (scan.findings.len(), scan.coverage)
}

/// Real samples to break: those of a corpus if one is named, and a few built here.
fn samples() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = vec![
        include_bytes!("data/rsa.p8.der").to_vec(),
        include_bytes!("data/certificate.der").to_vec(),
        include_bytes!("data/pair.jks").to_vec(),
        include_bytes!("data/secret.jceks").to_vec(),
        include_bytes!("data/modern.p12").to_vec(),
        include_bytes!("data/pubring.kbx").to_vec(),
        include_bytes!("data/id_ed25519").to_vec(),
        include_bytes!("data/nested.jar").to_vec(),
        include_bytes!("data/chain.p7b").to_vec(),
        include_bytes!("data/message.gpg").to_vec(),
        include_bytes!("data/jwks.json").to_vec(),
    ];
    if let Some(corpus) = std::env::var_os("KEYWARD_ASSESS_CORPUS").map(PathBuf::from) {
        for part in ["x509", "keys", "ssh", "pgp", "java", "p12", "misc"] {
            for entry in std::fs::read_dir(corpus.join(part))
                .into_iter()
                .flatten()
                .flatten()
            {
                all.extend(
                    std::fs::read(entry.path())
                        .ok()
                        .filter(|data| data.len() < 100_000),
                );
            }
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_survived(data in proptest::collection::vec(any::<u8>(), 0..2048)) {
        scan_bytes("file", &data);
    }

    #[test]
    fn broken_samples_are_survived(
        index in any::<prop::sample::Index>(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<prop::sample::Index>(),
        truncate in any::<bool>(),
    ) {
        let all = samples();
        let mut data = all[index.index(all.len())].clone();
        for (at, value) in edits {
            let at = at.index(data.len());
            data[at] = value;
        }
        if truncate {
            data.truncate(cut.index(data.len()));
        }
        scan_bytes("file", &data);
    }

    #[test]
    fn any_bytes_after_a_magic_are_survived(
        magic in prop::sample::select(vec![
            &b"\xfe\xed\xfe\xed\0\0\0\x02"[..], b"\xce\xce\xce\xce\0\0\0\x02", b"\0\0\0\x02\0\0\0\x14", b"LUKS\xba\xbe\0\x01",
            b"LUKS\xba\xbe\0\x02", b"openssh-key-v1\0", b"PK\x03\x04", b"\x1f\x8b\x08\0", b"SQLite format 3\0",
            b"PACK\0\0\0\x02", b"-----BEGIN PRIVATE KEY-----\n", b"\x30\x82\x04\x00", b"\x99\x01\x0d\x04", b"PuTTY-User-Key-File-3: ",
            b"!<arch>\n", b"\x28\xb5\x2f\xfd", b"SSH PRIVATE KEY FILE FORMAT 1.1\n\0", b"age-encryption.org/v1\n-> ",
        ]),
        rest in proptest::collection::vec(any::<u8>(), 0..4096),
    ) {
        scan_bytes("tpm.priv", &[magic, &rest[..]].concat());
    }
}

#[test]
fn a_gzip_bomb_ends_at_the_limit_and_is_said() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![0_u8; 1 << 20];
    for _ in 0..256 {
        packed.write_all(&zeros).expect("in memory");
    }
    let packed = packed.finish().expect("in memory");
    let (_, coverage) = scan_bytes("bomb.gz", &packed);
    assert!(
        coverage.gap_counts.contains_key("archive-limit"),
        "{:?}",
        coverage.gap_counts
    );
}

#[test]
fn archives_inside_archives_end_at_the_depth_limit_and_are_said() {
    let mut data = b"core".to_vec();
    for _ in 0..20 {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&data).expect("in memory");
        data = packed.finish().expect("in memory");
    }
    let (_, coverage) = scan_bytes("deep.gz", &data);
    assert!(
        coverage.gap_counts.contains_key("archive-limit"),
        "{:?}",
        coverage.gap_counts
    );
}

#[test]
fn a_tree_of_loops_pipes_holes_and_truncated_keystores_is_walked_to_the_end() {
    let root = tempfile::tempdir().expect("temporary directory");
    let at = |name: &str| root.path().join(name);
    std::os::unix::fs::symlink(root.path(), at("loop")).expect("link");
    std::os::unix::fs::symlink("nowhere", at("dangling")).expect("link");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        at("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .expect("fifo");
    let sparse = std::fs::File::create(at("sparse")).expect("file");
    sparse.set_len(1 << 40).expect("a hole of a terabyte");
    let whole = include_bytes!("data/pair.jks");
    std::fs::write(at("cut.jks"), &whole[..whole.len() / 2]).expect("file");
    let outcome = walk::scan(
        &[root.path().to_owned()],
        &walk::Options::default(),
        &Arc::default(),
    )
    .expect("walk");
    assert_eq!(outcome.coverage.symlinks, 2);
    assert_eq!(outcome.coverage.special, 1);
    assert!(
        outcome.coverage.gap_counts.contains_key("malformed"),
        "{:?}",
        outcome.coverage.gap_counts
    );
}

#[test]
fn a_hostile_iteration_count_costs_nothing_and_is_reported() {
    // EncryptedPrivateKeyInfo, PBES2 with PBKDF2 of 2^31 - 1 iterations
    let tlv = |tag: u8, content: &[u8]| {
        [&[tag, u8::try_from(content.len()).expect("short")], content].concat()
    };
    let oid = |arcs: &[u8]| tlv(6, arcs);
    let kdf = tlv(
        0x30,
        &[
            oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 0x0c]),
            tlv(
                0x30,
                &[tlv(4, &[1; 8]), tlv(2, &[0x7f, 0xff, 0xff, 0xff])].concat(),
            ),
        ]
        .concat(),
    );
    let cipher = tlv(
        0x30,
        &[
            oid(&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 0x2a]),
            tlv(4, &[0; 16]),
        ]
        .concat(),
    );
    let algorithm = tlv(
        0x30,
        &[
            oid(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 0x0d]),
            tlv(0x30, &[kdf, cipher].concat()),
        ]
        .concat(),
    );
    let key = tlv(0x30, &[algorithm, tlv(4, &[7; 16])].concat());
    let limits = Limits::default();
    let mut scan = Scan::new(&limits, "key.der", None, key.len() as u64);
    detect::bytes(&mut scan, &key);
    assert!(
        scan.findings.iter().any(|found| found
            .issues
            .iter()
            .any(|issue| issue.rule == "KA-KDF-HOSTILE")),
        "{:?}",
        scan.findings
    );
}

#[test]
fn no_secret_byte_of_a_key_is_in_what_is_reported() {
    let data = include_bytes!("data/rsa.p8.der");
    let limits = Limits::default();
    let mut scan = Scan::new(&limits, "rsa.p8.der", None, data.len() as u64);
    detect::bytes(&mut scan, data);
    assert_eq!(scan.findings.len(), 1);
    let report =
        serde_json::to_string(&scan.findings).expect("json") + &format!("{:?}", scan.findings);
    // the private exponent and primes stand in the second half of the file; no 8 bytes of it may be seen
    for window in data[data.len() / 2..].windows(8) {
        assert!(!report.contains(&keyward_assess::finding::hex(window)));
    }
}
