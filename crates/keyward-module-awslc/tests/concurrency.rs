//! Many threads at once: no answer is ever another key's, no handle is given twice, and a release waits for nobody's
//! half-done work and leaves nothing usable.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::HashSet;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use common::{Rig, key};
use keyward_core::algorithm::{KeySpec, SignatureScheme};
use keyward_engine::ports::module::{Module, ModuleFault, Operation};

const THREADS: usize = 8;

#[test]
fn keys_made_used_and_released_by_many_threads_never_mix() {
    let rig = Rig::start();
    let seen: Vec<Vec<u64>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let rig = &rig;
                scope.spawn(move || {
                    let mut slots = Vec::new();
                    for round in 0..150_usize {
                        let held = rig.generate(KeySpec::Aes256);
                        let other = rig.generate(KeySpec::Aes256);
                        slots.extend([held.slot, other.slot]);
                        let text = format!("{thread} {round}").into_bytes();
                        let sealed = rig.encrypt(held, b"aad", &text);
                        assert_eq!(rig.decrypt(held, b"aad", &sealed), Ok(text));
                        assert_eq!(
                            rig.decrypt(other, b"aad", &sealed),
                            Err(ModuleFault::Refused)
                        );
                        rig.module.release(held);
                        assert_eq!(
                            rig.decrypt(held, b"aad", &sealed),
                            Err(ModuleFault::NoSuchKey)
                        );
                        rig.module.release(other);
                    }
                    slots
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .collect()
    });
    let slots: Vec<u64> = seen.into_iter().flatten().collect();
    let distinct: HashSet<_> = slots.iter().collect();
    assert_eq!(distinct.len(), slots.len(), "a handle is never given twice");
    assert_eq!(rig.module.held_keys(), 0);
}

#[test]
fn one_key_used_by_many_threads_gives_each_the_right_answer() {
    let rig = Rig::start();
    let mac = rig.generate(KeySpec::HmacSha256);
    let pair = rig.generate(KeySpec::EcP256);
    let public = rig.public(pair);
    let expected = rig.mac(mac, &[b"message"]);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (rig, public, expected) = (&rig, &public, &expected);
            scope.spawn(move || {
                for round in 0..50 {
                    assert_eq!(&rig.mac(mac, &[b"mess", b"age"]), expected);
                    let message = format!("{thread} {round}").into_bytes();
                    let scheme = SignatureScheme::Ecdsa;
                    let signature = rig.sign(pair, scheme, &message);
                    let verdict = rig.verify(KeySpec::EcP256, public, scheme, &message, &signature);
                    assert_eq!(verdict, Ok(true));
                }
            });
        }
    });
}

/// The operation in flight ends as if it had come first; every later one finds no key.
#[test]
fn a_release_during_use_ends_the_use_and_nothing_works_after_it() {
    let rig = Rig::start();
    for _ in 0..40 {
        let pair = rig.generate(KeySpec::EcP256);
        let released = AtomicBool::new(false);
        let (worked, ready) = (AtomicUsize::new(0), Barrier::new(4));
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    ready.wait();
                    loop {
                        let late = released.load(Ordering::SeqCst);
                        let operation = Operation::Sign {
                            key: pair,
                            scheme: SignatureScheme::Ecdsa,
                            message: b"m",
                        };
                        match rig.done(operation) {
                            Ok(_) => {
                                assert!(!late, "a key worked after its release had returned");
                                worked.fetch_add(1, Ordering::Relaxed);
                            }
                            Err(fault) => {
                                assert_eq!(fault, ModuleFault::NoSuchKey);
                                break;
                            }
                        }
                    }
                });
            }
            ready.wait();
            while worked.load(Ordering::Relaxed) < 3 {
                std::hint::spin_loop();
            }
            rig.module.release(pair);
            released.store(true, Ordering::SeqCst);
        });
    }
    assert_eq!(rig.module.held_keys(), 0);
}

/// Wrapping a key under itself takes its lock twice while another thread waits to release it.
#[test]
fn a_key_named_twice_in_one_operation_does_not_block_its_release() {
    let rig = Rig::start();
    for _ in 0..200 {
        let held = rig.generate(KeySpec::Aes256);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while rig
                    .done(Operation::WrapKey {
                        kek: held,
                        key: held,
                    })
                    .is_ok()
                {}
            });
            scope.spawn(|| rig.module.release(held));
        });
    }
}

#[test]
fn trees_are_derived_from_and_punctured_by_many_threads() {
    let rig = Rig::start();
    let tree = key(rig.approved(Operation::TreeCreate));
    let leaf = |tree, leaf| {
        let held = key(rig
            .done(Operation::TreeLeaf {
                tree,
                leaf,
                info: b"",
            })?
            .output);
        let material = rig.export(held);
        rig.module.release(held);
        Ok::<_, ModuleFault>(material)
    };
    let expected: Vec<_> = (0..8).map(|n| leaf(tree, n).unwrap()).collect();
    std::thread::scope(|scope| {
        for thread in 0..THREADS as u64 {
            let (rig, expected, leaf) = (&rig, &expected, &leaf);
            scope.spawn(move || {
                for _ in 0..5 {
                    let leaves = [thread];
                    let operation = Operation::TreePuncture {
                        tree,
                        leaves: &leaves,
                    };
                    let punctured = key(rig.approved(operation));
                    for n in 0..8 {
                        let now = leaf(punctured, n);
                        if n == thread {
                            assert_eq!(now, Err(ModuleFault::Gone));
                        } else {
                            assert_eq!(now.as_ref(), Ok(&expected[n as usize]));
                        }
                    }
                    rig.module.release(punctured);
                }
            });
        }
    });
}
