//! Every target on its seeds, on every regression, and on seeds with random damage: the same inputs in every run.
#![allow(clippy::disallowed_methods, reason = "a test may read its environment")]
use std::path::Path;

use keyward_fuzz::{TARGETS, Target};

/// xorshift64*: repeatable, and not random for anybody who must not know.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let value = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(value).unwrap() % below.max(1)
    }
}

/// Values that sit at the edges of encodings.
const EDGES: &[u8] = &[
    0, 1, 0x17, 0x18, 0x1b, 0x1f, 0x20, 0x3b, 0x40, 0x5b, 0x5f, 0x7f, 0x80, 0x9b, 0x9f, 0xbb, 0xbf,
    0xf6, 0xff, b'\n', b'"', b'{', b'%',
];

fn damage(dice: &mut Dice, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = seeds[dice.roll(seeds.len())].clone();
    for _ in 0..=dice.roll(4) {
        let at = dice.roll(bytes.len());
        match dice.roll(9) {
            _ if bytes.is_empty() => bytes.push(EDGES[dice.roll(EDGES.len())]),
            0 => bytes[at] ^= 1 << dice.roll(8),
            1 => bytes[at] = EDGES[dice.roll(EDGES.len())],
            2 => bytes.truncate(at),
            3 => bytes.insert(at, EDGES[dice.roll(EDGES.len())]),
            4 => drop(bytes.remove(at)),
            5 => {
                // a stretch of it again
                let end = (at + 1 + dice.roll(24)).min(bytes.len());
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            6 => {
                // the end of another one
                let other = &seeds[dice.roll(seeds.len())];
                bytes.truncate(at);
                bytes.extend(&other[dice.roll(other.len()).min(other.len())..]);
            }
            7 => bytes[at] = u8::try_from(dice.roll(256)).unwrap(),
            _ => {
                let end = (at + 8).min(bytes.len());
                let value = EDGES[dice.roll(EDGES.len())];
                bytes[at..end].fill(value);
            }
        }
    }
    bytes
}

/// Runs one input, and says which it was if it fails.
fn run(target: &Target, bytes: &[u8]) {
    let held = std::panic::catch_unwind(|| (target.run)(bytes));
    if held.is_err() {
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        panic!("{} fails on {} bytes: {text}", target.name, bytes.len());
    }
}

fn check(target: &Target) {
    let seeds = (target.seeds)();
    assert!(!seeds.is_empty());
    for seed in &seeds {
        run(target, seed);
    }
    let regressions = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("regressions")
        .join(target.name);
    for entry in std::fs::read_dir(regressions).into_iter().flatten() {
        run(target, &std::fs::read(entry.unwrap().path()).unwrap());
    }
    let times = std::env::var("KEYWARD_FUZZ_TIMES").map_or(1, |text| text.parse().unwrap());
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for _ in 0..u64::from(target.rounds) * times {
        run(target, &damage(&mut dice, &seeds));
    }
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                check(TARGETS.iter().find(|target| target.name == stringify!($name)).unwrap());
            }
        )*

        #[test]
        fn every_target_is_tested_and_has_a_libfuzzer_target() {
            let tested = [$(stringify!($name)),*];
            let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, tested);
            let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
            let manifest = std::fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
            for name in names {
                assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
                assert!(fuzz.join(format!("fuzz_targets/{name}.rs")).exists(), "{name}");
            }
        }
    };
}

targets! {
    commands rows records ciphertext tree damaged_store notes proofs tiles segments rest pem certificates policy config
    assess_detect assess_servers assess_services assess_manifests
}
