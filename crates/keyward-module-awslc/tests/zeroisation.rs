//! After a release, no fragment of the key is anywhere in the process: heap, slab, stacks, anything mapped and readable.
//!
//! The needles are every 8-byte window of the secret parts, in either byte order (big numbers are kept in words). They are
//! held masked, and what is read is masked before it is compared, so that the search itself holds no fragment. A control
//! scan before the release must find each key: it proves that the search sees what is there.
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::os::unix::fs::FileExt;

use common::{Rig, bytes, key};
use der::asn1::{AnyRef, OctetStringRef, UintRef};
use der::{Decode, Reader, SliceReader};
use keyward_core::algorithm::{KeySpec, SignatureScheme};
use keyward_core::secret::Secret;
use keyward_engine::ports::module::{KeyHandle, Module, Operation, Output};

const MASK: u8 = 0xa5;
const MASKS: u64 = u64::from_ne_bytes([MASK; 8]);

/// Masked windows, each with the name of the secret it comes from.
struct Needles {
    windows: HashMap<u64, &'static str>,
    /// Which low halves occur at all: spares most lookups.
    filter: Vec<bool>,
}

impl Needles {
    fn new() -> Self {
        Self {
            windows: HashMap::new(),
            filter: vec![false; 1 << 16],
        }
    }

    fn add(&mut self, name: &'static str, secret: &[u8]) {
        for window in secret.windows(8) {
            let forward = u64::from_le_bytes(window.try_into().unwrap()) ^ MASKS;
            let backward = u64::from_be_bytes(window.try_into().unwrap()) ^ MASKS;
            for masked in [forward, backward] {
                self.filter[usize::from(masked as u16)] = true;
                self.windows.insert(masked, name);
            }
        }
    }

    /// Where in the process each secret shows: name to number of windows found, and the mappings they were found in.
    fn scan(&self) -> BTreeMap<&'static str, (usize, Vec<String>)> {
        let mut found: BTreeMap<&'static str, (usize, Vec<String>)> = BTreeMap::new();
        let memory = File::open("/proc/self/mem").unwrap();
        let mut chunk = vec![0_u8; 1 << 20];
        for line in std::fs::read_to_string("/proc/self/maps").unwrap().lines() {
            let (range, rest) = line.split_once(' ').unwrap();
            if !rest.starts_with('r') || rest.contains("[vvar") || rest.contains("[vsyscall") {
                continue;
            }
            let (from, to) = range.split_once('-').unwrap();
            let (mut at, to) = (
                u64::from_str_radix(from, 16).unwrap(),
                u64::from_str_radix(to, 16).unwrap(),
            );
            while at < to {
                let want = usize::try_from((to - at).min(chunk.len() as u64)).unwrap();
                let Ok(got) = memory.read_at(&mut chunk[..want], at) else {
                    break;
                };
                self.search(&chunk[..got], |name| {
                    let entry = found.entry(name).or_default();
                    entry.0 += 1;
                    if entry.1.last().map(String::as_str) != Some(line) {
                        entry.1.push(line.to_owned());
                    }
                });
                // The buffer lies in the memory that is scanned: it must hold nothing when its own turn comes.
                chunk.fill(0);
                std::hint::black_box(&mut chunk);
                if got <= 7 || at + got as u64 >= to {
                    break;
                }
                // Windows that straddle two reads are seen by the second.
                at += got as u64 - 7;
            }
        }
        found
    }

    fn search(&self, chunk: &[u8], mut hit: impl FnMut(&'static str)) {
        let mut window = 0_u64;
        for (index, byte) in chunk.iter().enumerate() {
            window = (window >> 8) | (u64::from(*byte ^ MASK) << 56);
            if index >= 7
                && self.filter[usize::from(window as u16)]
                && let Some(name) = self.windows.get(&window)
            {
                hit(name);
            }
        }
    }
}

/// Looks at the canonical material of a key, through the port's own wrapping, and forgets it again.
///
/// Looking leaves unmasked windows on the looker's own stack. So it happens on a thread that wipes its stack before it ends:
/// on the threads that use the module nothing is wiped but by the module, and nothing is put there but by the module.
fn look(rig: &Rig, held: KeyHandle, see: impl FnOnce(&[u8]) + Send) {
    let kek = rig.generate(KeySpec::Aes256);
    let blob = rig.wrap_key(kek, held);
    let Output::Secret(secret) = rig.approved(Operation::UnwrapBytes { kek, blob: &blob }) else {
        panic!("not a secret")
    };
    std::thread::scope(|scope| {
        let looker = scope.spawn(|| {
            see(secret.expose());
            wipe_own_stack();
        });
        looker.join().expect("the looker ends");
    });
    rig.module.release(kek);
}

/// Overwrites what finished calls left below the caller's frame.
#[inline(never)]
fn wipe_own_stack() {
    let mut below = [0_u8; 256 * 1024];
    std::hint::black_box(&mut below);
}

/// The secret parts of a kind's canonical material: no headers, no public parts.
fn secret_parts(spec: KeySpec, material: &[u8], mut part: impl FnMut(&[u8])) {
    match spec {
        KeySpec::MlKem512 | KeySpec::MlKem768 | KeySpec::MlKem1024 => {
            let secret = (material.len() - 96) / 768 * 384;
            part(&material[..secret]);
            part(&material[material.len() - 32..]);
        }
        KeySpec::Ed25519 => part(&material[material.len() - 32..]),
        _ if spec.is_pair() => {
            let inner = AnyRef::from_der(material).unwrap().sequence(
                |info: &mut SliceReader<'_>| -> der::Result<Vec<u8>> {
                    let _version: u8 = info.decode()?;
                    let _algorithm: AnyRef<'_> = info.decode()?;
                    let inner: &OctetStringRef = info.decode()?;
                    Ok(inner.as_bytes().to_vec())
                },
            );
            let inner = Secret::new(inner.unwrap());
            let mut reader = SliceReader::new(inner.expose()).unwrap();
            reader
                .sequence(|body: &mut SliceReader<'_>| -> der::Result<()> {
                    let _version: u8 = body.decode()?;
                    if der::Tag::peek(body)? == der::Tag::OctetString {
                        let scalar: &OctetStringRef = body.decode()?;
                        part(scalar.as_bytes());
                    } else {
                        let _modulus: UintRef<'_> = body.decode()?;
                        let _exponent: UintRef<'_> = body.decode()?;
                        // d, p, q, d mod p-1, d mod q-1, q^-1 mod p
                        for _ in 0..6 {
                            part(body.decode::<UintRef<'_>>()?.as_bytes());
                        }
                    }
                    body.drain(body.remaining_len())
                })
                .unwrap();
        }
        _ => part(material),
    }
}

/// Uses a key in every way its kind allows, so that whatever a use leaves behind is there to be found.
fn use_it(rig: &Rig, spec: KeySpec, held: KeyHandle) {
    for scheme in SignatureScheme::of(spec) {
        rig.sign(held, *scheme, b"message");
    }
    match spec {
        KeySpec::Aes128 | KeySpec::Aes256 => {
            let sealed = rig.encrypt(held, b"aad", b"text");
            rig.decrypt(held, b"aad", &sealed).unwrap();
        }
        KeySpec::HmacSha256 | KeySpec::HmacSha384 | KeySpec::HmacSha512 => {
            rig.mac(held, &[b"message"]);
            let info = b"info";
            let operation = Operation::DeriveKey {
                key: held,
                info,
                spec: KeySpec::Aes256,
            };
            rig.module.release(key(rig.approved(operation)));
        }
        KeySpec::EcP256 | KeySpec::EcP384 | KeySpec::EcP521 => {
            let peer = rig.public(held);
            let operation = Operation::Agree {
                key: held,
                peer: &peer,
                info: b"",
            };
            rig.module.release(key(rig.done(operation).unwrap().output));
        }
        KeySpec::MlKem512 | KeySpec::MlKem768 | KeySpec::MlKem1024 => {
            let public = rig.public(held);
            let Output::Encapsulated {
                ciphertext,
                key: shared,
            } = rig.approved(Operation::Encapsulate {
                spec,
                public: &public,
            })
            else {
                panic!("not an encapsulation")
            };
            rig.module.release(shared);
            let operation = Operation::Decapsulate {
                key: held,
                ciphertext: &ciphertext,
            };
            rig.module.release(key(rig.approved(operation)));
        }
        _ => {}
    }
    if let KeySpec::Aes128 | KeySpec::Aes192 | KeySpec::Aes256 = spec {
        let secret = Secret::new(b"a user's bytes".to_vec());
        let blob = bytes(rig.approved(Operation::WrapBytes {
            kek: held,
            bytes: &secret,
        }));
        rig.approved(Operation::UnwrapBytes {
            kek: held,
            blob: &blob,
        });
    }
}

/// One key of each kind, born here, used, and one more of each that came in wrapped.
fn populate(rig: &Rig, needles: &mut Needles) -> Vec<KeyHandle> {
    let mut held = Vec::new();
    for spec in KeySpec::ALL {
        if matches!(spec, KeySpec::MlDsa44 | KeySpec::MlDsa65 | KeySpec::MlDsa87) {
            continue;
        }
        let born = rig.generate(spec);
        let kek = rig.generate(KeySpec::Aes256);
        let blob = rig.wrap_key(kek, born);
        let brought = key(rig.approved(Operation::UnwrapKey {
            kek,
            blob: &blob,
            spec,
        }));
        rig.module.release(kek);
        for key in [born, brought] {
            use_it(rig, spec, key);
        }
        look(rig, born, |material| {
            secret_parts(spec, material, |part| needles.add(spec.as_str(), part));
        });
        held.extend([born, brought]);
    }
    held
}

/// A tree whose root seed is known to the search, and its successor without one leaf.
fn plant_tree(rig: &Rig, needles: &mut Needles) -> (KeyHandle, KeyHandle) {
    let state = rig.generate(KeySpec::Aes256);
    let whole = key(rig.approved(Operation::TreeCreate));
    let blob = bytes(rig.approved(Operation::TreeSeal {
        tree: whole,
        key: state,
        aad: b"",
    }));
    let operation = Operation::Decrypt {
        key: state,
        aad: b"",
        sealed: &blob,
    };
    let Output::Secret(stored) = rig.approved(operation) else {
        panic!("not a secret")
    };
    needles.add("root seed", &stored.expose()[stored.len() - 32..]);
    let leaf = key(rig.approved(Operation::TreeLeaf {
        tree: whole,
        leaf: 77,
        info: b"",
    }));
    look(rig, leaf, |material| needles.add("leaf key", material));
    rig.module.release(leaf);
    let punctured = key(rig.approved(Operation::TreePuncture {
        tree: whole,
        leaves: &[77],
    }));
    rig.module.release(state);
    (whole, punctured)
}

// One test: another one's keys in the same process would be found as well.
#[test]
fn after_a_release_no_fragment_of_any_key_is_left_in_the_process() {
    let rig = Rig::with(common::EXCEPTION);
    let mut needles = Needles::new();
    let mut held = populate(&rig, &mut needles);
    // And on a thread that is gone by then: its stack stays mapped.
    held.extend(std::thread::scope(|scope| {
        scope
            .spawn(|| populate(&rig, &mut needles))
            .join()
            .expect("the thread ends")
    }));
    let (whole, punctured) = plant_tree(&rig, &mut needles);

    let before = needles.scan();
    for spec in KeySpec::ALL {
        let born = !matches!(spec, KeySpec::MlDsa44 | KeySpec::MlDsa65 | KeySpec::MlDsa87);
        assert_eq!(
            before.contains_key(spec.as_str()),
            born,
            "control: {spec:?}"
        );
    }
    assert!(
        before.contains_key("root seed"),
        "control: the root seed is held"
    );
    assert!(!before.contains_key("leaf key"), "{:?}", before["leaf key"]);

    for key in held {
        rig.module.release(key);
    }
    rig.module.release(whole);
    let after = needles.scan();
    assert!(after.is_empty(), "left behind: {after:#?}");
    assert_eq!(
        rig.module.held_keys(),
        1,
        "the punctured tree is still held"
    );
    rig.module.release(punctured);
}
