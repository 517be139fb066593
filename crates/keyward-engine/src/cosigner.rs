//! The key of a witness (`keyward witness`): made in the module, kept sealed, used for nothing but cosignatures.
//!
//! It stands in the engine because only the engine makes permits. What a witness decides is in the core
//! (`tlog::WitnessState`); files and connections are the server's part. Whoever calls [`Cosigner::cosign`] has made the new
//! state durable before: a witness that forgets could be made to vouch for two pasts.
use std::sync::Arc;

use keyward_core::algorithm::KeySpec;
use keyward_core::cbor;
use keyward_core::secret::Secret;
use keyward_core::tlog::{
    AddCheckpoint, Cosigning, KeyHistory, NoteSignature, NoteSigner as _, Refusal, SignatureType,
    SignedNote, TreeHead, VerifierKey, WitnessState,
};
use keyward_core::{ErrorCode, Problem};
use minicbor::{Decode, Encode};

use crate::crypto::{Crypto, Held};
use crate::ports::module::{Module, Operation};
use crate::ports::seal::Seal;
use crate::problems::{module_problem, seal_problem};
use crate::signing::{ModuleSigner, ModuleVerifier};

/// The format of key and state this release writes.
const FORMAT: u8 = 1;
/// Bytes of the code before a sealed state.
const CODE: usize = 32;

/// The key file: readable by everybody, of use only with the seal's secret.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct KeyFile {
    #[n(0)]
    format: u8,
    #[n(1)]
    name: String,
    #[n(2)]
    seal: String,
    #[cbor(n(3), with = "minicbor::bytes")]
    slot: Vec<u8>,
    /// The signing key under the ring key (AES-KWP).
    #[cbor(n(4), with = "minicbor::bytes")]
    signing: Vec<u8>,
    /// The key that authenticates the state, likewise.
    #[cbor(n(5), with = "minicbor::bytes")]
    state: Vec<u8>,
}

/// What a witness remembers of one log.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct WitnessedLog {
    /// The log's key history.
    #[n(0)]
    pub keys: String,
    /// Size last cosigned.
    #[n(1)]
    pub size: u64,
    /// Root then.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub root: [u8; 32],
    /// The checkpoint as cosigned; empty if none ever was.
    #[n(3)]
    pub checkpoint: String,
}

/// Everything a witness remembers.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct WitnessMemory {
    /// Format.
    #[n(0)]
    pub format: u8,
    /// Counts the writes.
    #[n(1)]
    pub generation: u64,
    /// Its logs.
    #[n(2)]
    pub logs: Vec<WitnessedLog>,
}

impl Default for WitnessMemory {
    fn default() -> Self {
        Self {
            format: FORMAT,
            generation: 0,
            logs: Vec::new(),
        }
    }
}

/// A witness' key, opened.
pub struct Cosigner {
    crypto: Crypto,
    signing: Held,
    state: Held,
    verifier: VerifierKey,
}

/// A new key and the file that keeps it.
pub struct NewCosigner {
    /// The key, opened.
    pub cosigner: Cosigner,
    /// The file's bytes.
    pub file: Vec<u8>,
}

fn unusable(what: &str) -> Problem {
    Problem::new(ErrorCode::InvalidField)
        .with("field", "witness")
        .with("reason", what)
}

fn binding(name: &str) -> Vec<u8> {
    [b"keyward witness v1".as_slice(), name.as_bytes()].concat()
}

impl Cosigner {
    /// Makes a key and seals it.
    ///
    /// # Errors
    /// The name is none (a URL without scheme, no spaces), the secret breaks the seal's rules, or the module fails.
    pub fn create(
        module: Arc<dyn Module>,
        seal: &dyn Seal,
        secret: &Secret,
        name: &str,
    ) -> Result<NewCosigner, Problem> {
        let crypto = Crypto::new(module);
        let ring = crypto.generate(KeySpec::Aes256).map_err(module_problem)?;
        let signing = crypto.generate(KeySpec::Ed25519).map_err(module_problem)?;
        let state = crypto
            .generate(KeySpec::HmacSha256)
            .map_err(module_problem)?;
        let slot = seal
            .close(
                crypto.permit(),
                crypto.module(),
                ring.handle(),
                secret,
                &binding(name),
            )
            .map_err(|fault| match fault {
                crate::ports::seal::SealFault::Unacceptable(reason) => {
                    Problem::new(ErrorCode::InvalidField)
                        .with("field", "passphrase")
                        .with("reason", reason)
                }
                other => seal_problem(&other),
            })?;
        let file = KeyFile {
            format: FORMAT,
            name: name.to_owned(),
            seal: seal.kind().to_owned(),
            slot,
            signing: crypto.wrap(&ring, &signing).map_err(module_problem)?,
            state: crypto.wrap(&ring, &state).map_err(module_problem)?,
        };
        let verifier = verifier(&crypto, name, &signing)?;
        Ok(NewCosigner {
            cosigner: Self {
                crypto,
                signing,
                state,
                verifier,
            },
            file: cbor::to_vec(&file),
        })
    }

    /// Opens a key file.
    ///
    /// # Errors
    /// `unseal_failed` for a wrong secret, `storage_corrupted` for a file that is none or was changed.
    pub fn open(
        module: Arc<dyn Module>,
        seals: &[Arc<dyn Seal>],
        secret: &Secret,
        file: &[u8],
    ) -> Result<Self, Problem> {
        let corrupted = || Problem::new(ErrorCode::StorageCorrupted);
        let file: KeyFile = cbor::from_slice(file).map_err(|_| corrupted())?;
        if file.format != FORMAT {
            return Err(Problem::new(ErrorCode::SchemaTooNew));
        }
        let crypto = Crypto::new(module);
        let seal = seals.iter().find(|seal| seal.kind() == file.seal);
        let seal = seal.ok_or_else(|| Problem::new(ErrorCode::UnsealFailed))?;
        let opened = seal
            .open(
                crypto.permit(),
                crypto.module(),
                &file.slot,
                secret,
                &binding(&file.name),
            )
            .map_err(|fault| seal_problem(&fault))?;
        let (_root, ring) = (crypto.hold(opened.root), crypto.hold(opened.ring));
        let unwrap = |blob: &[u8], spec| {
            crypto
                .unwrap_key(&ring, blob, spec)
                .map_err(|_| corrupted())
        };
        let signing = unwrap(&file.signing, KeySpec::Ed25519)?;
        let state = unwrap(&file.state, KeySpec::HmacSha256)?;
        let verifier = verifier(&crypto, &file.name, &signing)?;
        Ok(Self {
            crypto,
            signing,
            state,
            verifier,
        })
    }

    /// The key by which its cosignatures are believed.
    #[must_use]
    pub const fn verifier_key(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Reads a log's key: a verifier key, or a whole key history.
    ///
    /// # Errors
    /// It is neither, or a history that does not verify.
    pub fn log_keys(&self, text: &str) -> Result<KeyHistory, Problem> {
        let text_of = |error: &dyn std::fmt::Display| unusable(&error.to_string());
        if let Ok(key) = VerifierKey::parse(&self.crypto, text.trim()) {
            let origin = keyward_core::tlog::Origin::new(key.name()).map_err(|e| text_of(&e))?;
            return KeyHistory::pinned(origin, key).map_err(|e| text_of(&e));
        }
        KeyHistory::parse(&self.crypto, &self.note_verifier(), text).map_err(|e| text_of(&e))
    }

    fn note_verifier(&self) -> ModuleVerifier<'_> {
        ModuleVerifier {
            crypto: &self.crypto,
        }
    }

    /// Whether a newer history of a known log only adds to what is known: the same pinned key, every known rotation, and
    /// each new one signed by the key before it.
    ///
    /// # Errors
    /// It is no history, or not one that continues `known`.
    pub fn continued(&self, known: &KeyHistory, text: &str) -> Result<KeyHistory, Problem> {
        let offered = self.log_keys(text)?;
        let continues = {
            let mut later = offered.keys();
            known.origin() == offered.origin() && known.keys().all(|key| later.next() == Some(key))
        };
        if continues {
            Ok(offered)
        } else {
            Err(unusable(
                "the key history does not continue the one that is known",
            ))
        }
    }

    /// What is remembered, as the core decides on it.
    ///
    /// # Errors
    /// A history does not verify.
    pub fn state(&self, memory: &WitnessMemory) -> Result<WitnessState, Problem> {
        let mut state = WitnessState::new();
        for log in &memory.logs {
            let head = TreeHead {
                size: log.size,
                root: log.root.into(),
            };
            state.watch(self.log_keys(&log.keys)?, head);
        }
        Ok(state)
    }

    /// Decides on a request.
    ///
    /// # Errors
    /// The refusal, which knows the answer to send.
    pub fn decide(
        &self,
        state: &WitnessState,
        body: &[u8],
    ) -> Result<(AddCheckpoint, Cosigning), Refusal> {
        let request = AddCheckpoint::parse(body)?;
        let cosigning = state.decide(&self.crypto, &self.note_verifier(), &request)?;
        Ok((request, cosigning))
    }

    /// The cosignature at a time, in seconds since 1970, and the checkpoint with it.
    ///
    /// # Errors
    /// The module failed.
    pub fn cosign(
        &self,
        request: &AddCheckpoint,
        cosigning: &Cosigning,
        seconds: u64,
    ) -> Result<(NoteSignature, SignedNote), Problem> {
        let failed = || Problem::new(ErrorCode::ModuleFault);
        let signer = ModuleSigner {
            crypto: &self.crypto,
            key: &self.signing,
        };
        let signature = signer
            .sign(&cosigning.message(seconds))
            .map_err(|_| failed())?;
        let line = NoteSignature::cosignature(&self.verifier, seconds, &signature)
            .map_err(|_| failed())?;
        let mut note = request.checkpoint.clone();
        note.add(line.clone());
        Ok((line, note))
    }

    /// The state's bytes for the disk: authenticated, so that a changed file is found.
    ///
    /// # Errors
    /// The module failed.
    pub fn seal_memory(&self, memory: &WitnessMemory) -> Result<Vec<u8>, Problem> {
        let payload = cbor::to_vec(memory);
        let mut bytes = self.code(&payload)?.to_vec();
        bytes.extend_from_slice(&payload);
        Ok(bytes)
    }

    /// Reads what [`Cosigner::seal_memory`] gave.
    ///
    /// # Errors
    /// `storage_corrupted` if one bit of it is another.
    pub fn open_memory(&self, bytes: &[u8]) -> Result<WitnessMemory, Problem> {
        let corrupted = || Problem::new(ErrorCode::StorageCorrupted);
        let (code, payload) = bytes.split_first_chunk::<CODE>().ok_or_else(corrupted)?;
        if !crate::crypto::digests_equal(code, &self.code(payload)?) {
            return Err(corrupted());
        }
        let memory: WitnessMemory = cbor::from_slice(payload).map_err(|_| corrupted())?;
        if memory.format == FORMAT {
            Ok(memory)
        } else {
            Err(Problem::new(ErrorCode::SchemaTooNew))
        }
    }

    fn code(&self, payload: &[u8]) -> Result<[u8; CODE], Problem> {
        let code = self
            .crypto
            .mac(&self.state, &[b"keyward witness state v1", payload])
            .map_err(module_problem)?;
        code.first_chunk::<CODE>()
            .copied()
            .ok_or_else(|| Problem::new(ErrorCode::ModuleFault))
    }
}

/// The public half, as a cosigning key.
fn verifier(crypto: &Crypto, name: &str, key: &Held) -> Result<VerifierKey, Problem> {
    let spki = crypto
        .bytes(Operation::PublicKey { key: key.handle() })
        .map_err(module_problem)?;
    let public = spki
        .last_chunk::<32>()
        .ok_or_else(|| Problem::new(ErrorCode::ModuleFault))?;
    VerifierKey::new(crypto, name, SignatureType::CosignatureV1, *public)
        .map_err(|error| unusable(&format!("{error}: a name is like `witness.example/w1`")))
}
