//! How fast the module is through its port: the ceiling that `keyward bench` holds operations against.
//!
//! It works on keys made for this and released at the end; no stored key is reachable from here.
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use keyward_core::algorithm::{KeySpec, SignatureScheme};
use keyward_core::{ErrorCode, Problem};

use crate::permit::{Permit, PermitScope};
use crate::ports::module::{KeyHandle, Module, Operation, Output};
use crate::problems::module_problem;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measured {
    /// AES-256-GCM over so many bytes.
    Encrypt(usize),
    /// A signature over a message of 64 bytes.
    Sign(KeySpec),
}

impl Measured {
    const fn spec(self) -> KeySpec {
        match self {
            Self::Encrypt(_) => KeySpec::Aes256,
            Self::Sign(spec) => spec,
        }
    }
}

/// A key made for the measurement.
struct Ephemeral<'m> {
    module: &'m dyn Module,
    permit: Permit,
    key: KeyHandle,
}

impl Drop for Ephemeral<'_> {
    fn drop(&mut self) {
        self.module.release(self.key);
    }
}

impl Ephemeral<'_> {
    fn once(&self, what: Measured, message: &[u8]) -> bool {
        let done = match what {
            Measured::Encrypt(_) => {
                let mut out = Vec::with_capacity(message.len().saturating_add(64));
                self.module.operate(
                    &self.permit,
                    Operation::Encrypt {
                        key: self.key,
                        aad: &[0; 40],
                        plaintext: message,
                        out: &mut out,
                    },
                )
            }
            Measured::Sign(spec) => {
                let Some(scheme) = SignatureScheme::of(spec).first().copied() else {
                    return false;
                };
                self.module.operate(
                    &self.permit,
                    Operation::Sign {
                        key: self.key,
                        scheme,
                        message,
                    },
                )
            }
        };
        done.is_ok()
    }
}

/// Times per second that the module does it, on so many threads for so long.
///
/// # Errors
/// `module_fault` if it does not do it at all.
pub fn rate(
    module: &dyn Module,
    what: Measured,
    threads: usize,
    length: Duration,
) -> Result<f64, Problem> {
    let permit = Permit::new(PermitScope::Custody);
    let made = module
        .operate(&permit, Operation::Generate { spec: what.spec() })
        .map_err(module_problem)?;
    let Output::Key(key) = made.output else {
        return Err(Problem::new(ErrorCode::ModuleFault));
    };
    let key = Ephemeral {
        module,
        permit,
        key,
    };
    let message = vec![
        7;
        match what {
            Measured::Encrypt(bytes) => bytes,
            Measured::Sign(_) => 64,
        }
    ];
    if !key.once(what, &message) {
        return Err(Problem::new(ErrorCode::ModuleFault));
    }
    let (stop, count) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut own = 0_u64;
                while !stop.load(Ordering::Relaxed) && key.once(what, &message) {
                    own = own.saturating_add(1);
                }
                count.fetch_add(own, Ordering::Relaxed);
            });
        }
        std::thread::sleep(length);
        stop.store(true, Ordering::Relaxed);
    });
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let count = count.load(Ordering::Relaxed) as f64;
    Ok(count / length.as_secs_f64())
}
