//! How many operations per second the module does through its port, on one thread and on every core.
//!
//! `cargo run --release -p keyward-module-awslc --example module_rate [seconds]`
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a measuring tool for people"
)]
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use keyward_core::algorithm::{KeySpec, SignatureScheme};
use keyward_engine::permit::{Permit, PermitScope, danger_permit};
use keyward_engine::ports::module::{KeyHandle, Module, Operation, Output};
use keyward_module_awslc::{AwsLcModule, Config};

struct Bench {
    module: AwsLcModule,
    permit: Permit,
    length: Duration,
}

impl Bench {
    fn run(&self, operation: Operation<'_>) -> Output {
        self.module
            .operate(&self.permit, operation)
            .expect("the operation succeeds")
            .output
    }

    fn key(&self, operation: Operation<'_>) -> KeyHandle {
        match self.run(operation) {
            Output::Key(key) => key,
            _ => KeyHandle { module: 0, slot: 0 },
        }
    }

    fn generate(&self, spec: KeySpec) -> KeyHandle {
        self.key(Operation::Generate { spec })
    }

    fn bytes(&self, operation: Operation<'_>) -> Vec<u8> {
        match self.run(operation) {
            Output::Bytes(bytes) => bytes,
            _ => Vec::new(),
        }
    }

    /// Operations per second of `work` on that many threads.
    fn rate(&self, threads: usize, work: &(impl Fn() + Sync)) -> f64 {
        let (stop, count) = (AtomicBool::new(false), AtomicU64::new(0));
        let start = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    let mut own = 0;
                    while !stop.load(Ordering::Relaxed) {
                        work();
                        own += 1;
                    }
                    count.fetch_add(own, Ordering::Relaxed);
                });
            }
            std::thread::sleep(self.length);
            stop.store(true, Ordering::Relaxed);
        });
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let count = count.load(Ordering::Relaxed) as f64;
        count / start.elapsed().as_secs_f64()
    }

    fn report(&self, name: &str, work: impl Fn() + Sync) {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (one, all) = (self.rate(1, &work), self.rate(cores, &work));
        println!(
            "{name:<26}{one:>12.0}/s {:>9.2} µs {all:>12.0}/s on {cores}",
            1e6 / one
        );
    }

    fn signatures(&self) {
        for (name, spec) in [
            ("sign RSA-2048 PSS", KeySpec::Rsa2048),
            ("sign RSA-3072 PSS", KeySpec::Rsa3072),
            ("sign ECDSA P-256", KeySpec::EcP256),
            ("sign ECDSA P-384", KeySpec::EcP384),
            ("sign Ed25519", KeySpec::Ed25519),
        ] {
            let (key, scheme) = (self.generate(spec), SignatureScheme::of(spec)[0]);
            self.report(name, || {
                self.run(Operation::Sign {
                    key,
                    scheme,
                    message: &[7; 256],
                });
            });
        }
        let (spec, scheme) = (KeySpec::EcP256, SignatureScheme::Ecdsa);
        let key = self.generate(spec);
        let public = self.bytes(Operation::PublicKey { key });
        let signature = self.bytes(Operation::Sign {
            key,
            scheme,
            message: b"m",
        });
        self.report("verify ECDSA P-256", || {
            let (public, signature) = (&public, &signature);
            self.run(Operation::Verify {
                spec,
                public,
                scheme,
                message: b"m",
                signature,
            });
        });
    }

    fn custody(&self) {
        let kek = self.generate(KeySpec::Aes256);
        for (name, spec) in [
            ("unwrap AES-256 + release", KeySpec::Aes256),
            ("unwrap P-256 + release", KeySpec::EcP256),
            ("unwrap Ed25519 + release", KeySpec::Ed25519),
            ("unwrap RSA-2048 + release", KeySpec::Rsa2048),
            ("unwrap ML-KEM-768 + rel.", KeySpec::MlKem768),
        ] {
            let blob = self.bytes(Operation::WrapKey {
                kek,
                key: self.generate(spec),
            });
            self.report(name, || {
                self.module.release(self.key(Operation::UnwrapKey {
                    kek,
                    blob: &blob,
                    spec,
                }));
            });
        }
        let tree = self.key(Operation::TreeCreate);
        let punctured = self.key(Operation::TreePuncture {
            tree,
            leaves: &[1000],
        });
        for (name, tree, leaf) in [
            ("tree leaf, whole tree", tree, 5),
            ("tree leaf, beside a hole", punctured, 1001),
        ] {
            self.report(name, || {
                self.module.release(self.key(Operation::TreeLeaf {
                    tree,
                    leaf,
                    info: &[1; 80],
                }));
            });
        }
        self.report("generate AES-256 + rel.", || {
            self.module.release(self.generate(KeySpec::Aes256))
        });
        self.report("generate P-256 + release", || {
            self.module.release(self.generate(KeySpec::EcP256))
        });
    }
}

fn main() {
    let seconds = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(1.0);
    let start = Instant::now();
    let module = AwsLcModule::start(Config::default()).expect("the certified module is linked");
    println!("started with all self-tests in {:.0?}", start.elapsed());
    let permit = danger_permit(PermitScope::Custody);
    let bench = Bench {
        module,
        permit,
        length: Duration::from_secs_f64(seconds),
    };
    let key = bench.generate(KeySpec::Aes256);
    for (name, size) in [
        ("encrypt 32 B", 32),
        ("encrypt 1 KiB", 1024),
        ("encrypt 16 KiB", 16384),
    ] {
        let plaintext = vec![7; size];
        bench.report(name, || {
            let mut out = Vec::with_capacity(size + 28);
            bench.run(Operation::Encrypt {
                key,
                aad: &[1; 40],
                plaintext: &plaintext,
                out: &mut out,
            });
        });
    }
    let mut sealed = Vec::new();
    bench.run(Operation::Encrypt {
        key,
        aad: &[1; 40],
        plaintext: &[7; 1024],
        out: &mut sealed,
    });
    bench.report("decrypt 1 KiB", || {
        bench.run(Operation::Decrypt {
            key,
            aad: &[1; 40],
            sealed: &sealed,
        });
    });
    let mac = bench.generate(KeySpec::HmacSha256);
    bench.report("HMAC-SHA-256 256 B", || {
        bench.run(Operation::Mac {
            key: mac,
            parts: &[&[7; 256]],
        });
    });
    bench.report("SHA-256 256 B", || {
        bench.run(Operation::Sha256 {
            parts: &[&[7; 256]],
        });
    });
    bench.report("random 16 B", || {
        bench.run(Operation::Random { length: 16 });
    });
    bench.report("derive AES-256 + release", || {
        let operation = Operation::DeriveKey {
            key: mac,
            info: &[1; 80],
            spec: KeySpec::Aes256,
        };
        bench.module.release(bench.key(operation));
    });
    bench.signatures();
    bench.custody();
    println!("{:?}", bench.module.memory());
}
