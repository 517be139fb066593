//! Signatures and message authentication codes: made by the current version, checked by whichever made them.
use std::sync::Arc;

use keyward_core::algorithm::{Indicator, KeySpec, Service, SignatureScheme};
use keyward_core::command::{Mac, Sign, Verify, VerifyMac};
use keyward_core::decide::use_key::{self, Use, may_use};
use keyward_core::object::{Object, Realm};
use keyward_core::outcome::Outcome;
use keyward_core::secret::Secret;
use keyward_core::{ErrorCode, Problem};

use super::use_key::sizes;
use crate::cache::VersionEntry;
use crate::cost::is_long;
use crate::crypto::{Crypto, Held};
use crate::engine::Stop;
use crate::permit::Permit;
use crate::pool::{Computed, Stamp, Task, Verdict};
use crate::ports::module::{Done, ModuleFault, Operation, Output};
use crate::problems::module_problem;
use crate::work::Work;

/// Signatures or codes as they were made.
pub(super) struct Made {
    pub(super) version: u32,
    pub(super) scheme: Option<SignatureScheme>,
    pub(super) each: Vec<Result<Vec<u8>, Problem>>,
}

/// A version that may have made a signature or code, with what checks it.
pub(super) struct Candidate {
    spec: KeySpec,
    version: Arc<VersionEntry>,
    /// For codes; a signature needs the public key only.
    key: Option<Arc<Held>>,
}

/// One signature or code to check.
pub(super) struct Check<'a> {
    pub(super) candidates: Arc<Vec<Candidate>>,
    pub(super) message: &'a [u8],
    pub(super) proof: &'a [u8],
}

impl Candidate {
    /// The key itself, where checking needs it, and its version.
    pub(super) fn key(&self) -> Result<(&Held, u32), Problem> {
        let key = self.key.as_deref();
        let key = key.ok_or_else(|| Problem::new(ErrorCode::Internal))?;
        Ok((key, self.version.version.number))
    }
}

impl Work<'_> {
    pub(super) fn sign(&mut self, command: &Sign) -> Result<Outcome, Stop> {
        let (realm, entry) = self.decided_key(&command.realm, &command.key)?;
        self.payload_bytes = Some(command.message.len() as u64);
        sizes(command.message.len(), 0)?;
        let made = self.made(
            &realm,
            &entry.object,
            Service::Sign,
            command.scheme,
            &[&command.message],
        )?;
        let signature = only(made.each)?;
        Ok(Outcome::Signature {
            signature,
            scheme: made
                .scheme
                .ok_or_else(|| Problem::new(ErrorCode::Internal))?,
            key: entry.object.id,
            version: made.version,
        })
    }

    pub(super) fn mac(&mut self, command: &Mac) -> Result<Outcome, Stop> {
        let (realm, entry) = self.decided_key(&command.realm, &command.key)?;
        self.payload_bytes = Some(command.message.len() as u64);
        sizes(command.message.len(), 0)?;
        let messages = [&command.message];
        let made = self.made(&realm, &entry.object, Service::Mac, None, &messages)?;
        Ok(Outcome::Mac {
            mac: only(made.each)?,
            key: entry.object.id,
            version: made.version,
        })
    }

    pub(super) fn verify(&mut self, command: &Verify) -> Result<Outcome, Stop> {
        let (realm, entry) = self.decided_key(&command.realm, &command.key)?;
        self.payload_bytes = Some(command.message.len() as u64);
        sizes(command.message.len(), 0)?;
        let wanted = Use {
            service: Service::Verify,
            accept_compromised: command.accept_compromised,
        };
        let object = &entry.object;
        let candidates = self.candidates(&realm, object, wanted, command.version)?;
        let scheme = self.scheme(object, command.scheme)?;
        let check = Check {
            candidates,
            message: command.message.expose(),
            proof: &command.signature,
        };
        let version = only(self.checked(object, Service::Verify, Some(scheme), &[check])?)?;
        self.target_version = Some(version);
        Ok(Outcome::Verified {
            scheme: Some(scheme),
            key: object.id,
            version,
        })
    }

    pub(super) fn verify_mac(&mut self, command: &VerifyMac) -> Result<Outcome, Stop> {
        let (realm, entry) = self.decided_key(&command.realm, &command.key)?;
        self.payload_bytes = Some(command.message.len() as u64);
        sizes(command.message.len(), 0)?;
        let wanted = Use {
            service: Service::VerifyMac,
            accept_compromised: command.accept_compromised,
        };
        let object = &entry.object;
        let check = Check {
            candidates: self.candidates(&realm, object, wanted, command.version)?,
            message: command.message.expose(),
            proof: &command.mac,
        };
        let version = only(self.checked(object, Service::VerifyMac, None, &[check])?)?;
        self.target_version = Some(version);
        Ok(Outcome::Verified {
            scheme: None,
            key: object.id,
            version,
        })
    }

    /// The scheme that is meant, noted in the record.
    pub(super) fn scheme(
        &mut self,
        object: &Object,
        wanted: Option<SignatureScheme>,
    ) -> Result<SignatureScheme, Problem> {
        let spec = object
            .spec
            .ok_or_else(|| Problem::new(ErrorCode::UsageNotPermitted).with("usage", "sign"))?;
        let scheme = use_key::scheme(spec, wanted)?;
        self.detail = Some(scheme.as_str().to_owned());
        Ok(scheme)
    }

    /// Signs or authenticates messages with the current version, here or in the pool.
    pub(super) fn made(
        &mut self,
        realm: &Realm,
        object: &Object,
        service: Service,
        wanted: Option<SignatureScheme>,
        messages: &[&Secret],
    ) -> Result<Made, Stop> {
        let version = self.version(object, object.current)?;
        let use_of = Use {
            service,
            accept_compromised: false,
        };
        let spec = may_use(
            object,
            &version.version,
            realm,
            &self.open.facts,
            use_of,
            self.moment,
        )?;
        let scheme = match service {
            Service::Sign => Some(self.scheme(object, wanted)?),
            _ => None,
        };
        let key = self.material(object, &version)?;
        let number = version.version.number;
        let stamp = Stamp::Version(object.id, number);
        let bytes = messages
            .iter()
            .fold(0_usize, |sum, message| sum.saturating_add(message.len()));
        let permit = self.permit(object.exception);
        let each = if let Some(Computed::Each(done)) = self.computed_for(stamp) {
            done
        } else if self.open.pool.is_some() && is_long(spec, service, messages.len(), bytes) {
            let crypto = self.open.crypto.clone();
            let owned: Vec<Secret> = messages
                .iter()
                .map(|message| Secret::new(message.expose().to_vec()))
                .collect();
            let run = Box::new(move || {
                let of = owned
                    .iter()
                    .map(|message| make(&crypto, &permit, &key, scheme, message));
                Computed::Each(of.collect())
            });
            return Err(Stop::Compute(Task { stamp, bytes, run }));
        } else {
            let crypto = &self.open.crypto;
            let of = messages
                .iter()
                .map(|message| make(crypto, &permit, &key, scheme, message));
            of.collect()
        };
        let each = each.into_iter().map(|done| self.bytes_of(done));
        Ok(Made {
            version: number,
            scheme,
            each: each.collect::<Result<_, Problem>>()?,
        })
    }

    /// What one item came to. A fault that is not the item's own refuses the whole command.
    fn bytes_of(
        &mut self,
        done: Result<Done, ModuleFault>,
    ) -> Result<Result<Vec<u8>, Problem>, Problem> {
        let done = match done {
            Err(ModuleFault::Refused) => return Ok(Err(Problem::new(ErrorCode::ModuleFault))),
            other => other.map_err(module_problem)?,
        };
        self.used(done.indicator);
        match done.output {
            Output::Bytes(bytes) => Ok(Ok(bytes)),
            _ => Err(Problem::new(ErrorCode::ModuleFault)),
        }
    }

    /// The versions that may have made a signature or code, newest first: the one named, or the newest that are usable.
    pub(super) fn candidates(
        &mut self,
        realm: &Realm,
        object: &Object,
        wanted: Use,
        version: Option<u32>,
    ) -> Result<Arc<Vec<Candidate>>, Problem> {
        let numbers = match version {
            Some(number) if number == 0 || number > object.current => {
                return Err(
                    Problem::new(ErrorCode::VersionNotFound).with("version", number.to_string())
                );
            }
            Some(number) => number..=number,
            None => use_key::candidates(object.current),
        };
        let (mut usable, mut refusal) = (Vec::new(), None);
        for number in numbers.rev() {
            let version = self.version(object, number)?;
            let facts = &self.open.facts;
            match may_use(object, &version.version, realm, facts, wanted, self.moment) {
                Ok(spec) => {
                    let key = match wanted.service {
                        Service::Verify => None,
                        _ => Some(self.material(object, &version)?),
                    };
                    usable.push(Candidate { spec, version, key });
                }
                Err(problem) => {
                    refusal.get_or_insert(problem);
                }
            }
        }
        match refusal {
            Some(problem) if usable.is_empty() => Err(problem),
            _ => Ok(Arc::new(usable)),
        }
    }

    /// Checks signatures or codes, here or in the pool: the version that made each, or why it does not verify.
    pub(super) fn checked(
        &mut self,
        object: &Object,
        service: Service,
        scheme: Option<SignatureScheme>,
        checks: &[Check<'_>],
    ) -> Result<Vec<Result<u32, Problem>>, Stop> {
        let spec = object
            .spec
            .ok_or_else(|| Problem::new(ErrorCode::Internal))?;
        let (mut operations, mut bytes) = (0_usize, 0_usize);
        for check in checks {
            let tries = check.candidates.len();
            operations = operations.saturating_add(tries);
            bytes = bytes.saturating_add(check.message.len().saturating_mul(tries));
        }
        let permit = self.permit(object.exception);
        let stamp = Stamp::Version(object.id, object.current);
        let verdicts = if let Some(Computed::Verdicts(verdicts)) = self.computed_for(stamp) {
            verdicts
        } else if self.open.pool.is_some() && is_long(spec, service, operations, bytes) {
            let crypto = self.open.crypto.clone();
            let owned: Vec<_> = checks
                .iter()
                .map(|check| {
                    let message = Secret::new(check.message.to_vec());
                    (Arc::clone(&check.candidates), message, check.proof.to_vec())
                })
                .collect();
            let run = Box::new(move || {
                let of = owned.iter().map(|(candidates, message, proof)| {
                    let check = Check {
                        candidates: Arc::clone(candidates),
                        message: message.expose(),
                        proof,
                    };
                    verdict(&crypto, &permit, scheme, &check)
                });
                Computed::Verdicts(of.collect())
            });
            return Err(Stop::Compute(Task { stamp, bytes, run }));
        } else {
            let crypto = &self.open.crypto;
            let of = checks
                .iter()
                .map(|check| verdict(crypto, &permit, scheme, check));
            of.collect()
        };
        let invalid = match service {
            Service::VerifyMac => ErrorCode::MacInvalid,
            _ => ErrorCode::SignatureInvalid,
        };
        let mut each = Vec::with_capacity(verdicts.len());
        for verdict in verdicts {
            let verdict = verdict.map_err(module_problem)?;
            self.used(verdict.indicator);
            each.push(verdict.version.ok_or_else(|| Problem::new(invalid)));
        }
        Ok(each)
    }

    /// Notes that the module served this command, and its word.
    pub(super) fn used(&mut self, indicator: Indicator) {
        self.used_module = true;
        self.indicator = self.indicator.and(indicator);
        if self.exceptional {
            // A key with a non-approved exception never yields an approved record, whatever it was used for.
            self.indicator = self.indicator.and(Indicator::NotApproved);
        }
    }

    /// What the pool computed for this command, if it is about the same thing as what is decided now.
    pub(super) fn computed_for(&mut self, stamp: Stamp) -> Option<Computed> {
        let (about, computed) = self.computed.take()?;
        (about == stamp).then_some(computed)
    }
}

fn make(
    crypto: &Crypto,
    permit: &Permit,
    key: &Held,
    scheme: Option<SignatureScheme>,
    message: &Secret,
) -> Result<Done, ModuleFault> {
    let key = key.handle();
    let message = message.expose();
    let operation = match scheme {
        Some(scheme) => Operation::Sign {
            key,
            scheme,
            message,
        },
        None => Operation::Mac {
            key,
            parts: &[message],
        },
    };
    crypto.operate(permit, operation)
}

/// Tries the candidates in order until one fits.
fn verdict(
    crypto: &Crypto,
    permit: &Permit,
    scheme: Option<SignatureScheme>,
    check: &Check<'_>,
) -> Result<Verdict, ModuleFault> {
    let mut indicator = Indicator::NotApplicable;
    for candidate in &*check.candidates {
        let version = &candidate.version.version;
        let (good, word) = match tried(crypto, permit, scheme, check, candidate) {
            // A code of another length, a signature that is none: it does not verify, and that is all there is to say.
            Err(ModuleFault::Refused) => (false, Indicator::NotApplicable),
            other => other?,
        };
        indicator = indicator.and(word);
        if good {
            return Ok(Verdict {
                version: Some(version.number),
                indicator,
            });
        }
    }
    Ok(Verdict {
        version: None,
        indicator,
    })
}

fn tried(
    crypto: &Crypto,
    permit: &Permit,
    scheme: Option<SignatureScheme>,
    check: &Check<'_>,
    candidate: &Candidate,
) -> Result<(bool, Indicator), ModuleFault> {
    let missing = ModuleFault::Failed("a version without what checks its signatures");
    let operation = match (scheme, &candidate.key) {
        (Some(scheme), _) => Operation::Verify {
            spec: candidate.spec,
            public: candidate.version.version.public.as_deref().ok_or(missing)?,
            scheme,
            message: check.message,
            signature: check.proof,
        },
        (None, Some(key)) => Operation::VerifyMac {
            key: key.handle(),
            parts: &[check.message],
            mac: check.proof,
        },
        (None, None) => return Err(missing),
    };
    let done = crypto.operate(permit, operation)?;
    match done.output {
        Output::Verdict(good) => Ok((good, done.indicator)),
        _ => Err(ModuleFault::Failed(
            "another kind of output than the operation gives",
        )),
    }
}

/// The answer of the only item.
fn only<T>(each: Vec<Result<T, Problem>>) -> Result<T, Problem> {
    each.into_iter()
        .next()
        .unwrap_or_else(|| Err(Problem::new(ErrorCode::Internal)))
}
