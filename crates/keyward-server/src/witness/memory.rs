//! What a witness remembers, and in which order it becomes durable.
//!
//! One request at a time: decide on what is remembered, write the new memory beside the old one, sync it, rename it over the
//! old one, sync the directory, and only then sign. Two requests can therefore never be answered from the same memory.
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use keyward_core::Problem;
use keyward_core::tlog::{Cosigning, Refusal, WireReply, WitnessState};
use keyward_engine::cosigner::{Cosigner, WitnessMemory, WitnessedLog};
use keyward_engine::ports::clock::Clock as _;
use parking_lot::Mutex;

use crate::clock::SystemClock;
use crate::parts::StartError;

/// Refused requests kept as evidence; more would only fill the disk.
const EVIDENCE_MAX: usize = 100;

/// The memory with its key.
pub(super) struct Memory {
    cosigner: Cosigner,
    path: PathBuf,
    evidence: PathBuf,
    state: Mutex<State>,
    /// Held for as long as the process lives: one witness per directory.
    _lock: File,
}

struct State {
    memory: WitnessMemory,
    decisions: WitnessState,
}

/// Makes a log known, or learns its newer keys.
pub(super) fn watch(
    cosigner: &Cosigner,
    memory: &mut WitnessMemory,
    text: &str,
) -> Result<(), Problem> {
    let keys = cosigner.log_keys(text)?;
    for log in &mut memory.logs {
        let known = cosigner.log_keys(&log.keys)?;
        if known.origin() == keys.origin() {
            // A shorter history than the known one is nothing new, as long as the two agree.
            if cosigner.continued(&keys, &log.keys).is_ok() {
                return Ok(());
            }
            log.keys = cosigner.continued(&known, text)?.to_string();
            return Ok(());
        }
    }
    memory.logs.push(WitnessedLog {
        keys: keys.to_string(),
        size: 0,
        root: keyward_core::tlog::EMPTY_ROOT.into(),
        checkpoint: String::new(),
    });
    Ok(())
}

impl Memory {
    pub(super) fn open(
        cosigner: Cosigner,
        path: PathBuf,
        evidence: PathBuf,
    ) -> Result<Self, StartError> {
        let file_error = |error| StartError::File {
            path: path.clone(),
            error,
        };
        let lock = lock(&path).map_err(file_error)?;
        let bytes = fs::read(&path).map_err(file_error)?;
        let memory = cosigner.open_memory(&bytes)?;
        let decisions = cosigner.state(&memory)?;
        Ok(Self {
            cosigner,
            path,
            evidence,
            state: Mutex::new(State { memory, decisions }),
            _lock: lock,
        })
    }

    pub(super) fn name(&self) -> &str {
        self.cosigner.verifier_key().name()
    }

    pub(super) fn count(&self) -> usize {
        self.state.lock().memory.logs.len()
    }

    /// Makes a log known; durable when it returns.
    pub(super) fn add(&self, text: &str) -> Result<(), StartError> {
        let mut state = self.state.lock();
        let mut memory = state.memory.clone();
        watch(&self.cosigner, &mut memory, text)?;
        if memory != state.memory {
            self.replace(&mut state, memory)?;
        }
        Ok(())
    }

    /// Learns newer keys of a log that is known already; nobody can make it watch another.
    pub(super) fn learn_keys(&self, text: &str) -> WireReply {
        let reply = |status, body: String| WireReply {
            status,
            content_type: "text/plain; charset=utf-8",
            body,
        };
        let mut state = self.state.lock();
        let Ok(keys) = self.cosigner.log_keys(text) else {
            return reply(400, "not a key history\n".to_owned());
        };
        if state.decisions.latest(keys.origin()).is_none() {
            return reply(404, "log is unknown\n".to_owned());
        }
        let mut memory = state.memory.clone();
        if watch(&self.cosigner, &mut memory, text).is_err() {
            tracing::warn!(log = %keys.origin(), "a key history was offered that does not continue the known one");
            return reply(
                422,
                "the history does not continue the known one\n".to_owned(),
            );
        }
        if memory == state.memory {
            return reply(200, String::new());
        }
        match self.replace(&mut state, memory) {
            Ok(()) => {
                tracing::info!(log = %keys.origin(), "the log has a new key, vouched for by the one before");
                reply(200, String::new())
            }
            Err(error) => {
                tracing::error!(%error, "the memory could not be written");
                reply(500, "the witness cannot write its memory\n".to_owned())
            }
        }
    }

    /// The newest checkpoint it cosigned for a log.
    pub(super) fn checkpoint(&self, origin: &str) -> Option<String> {
        let state = self.state.lock();
        let named = |log: &&WitnessedLog| log.checkpoint.lines().next() == Some(origin);
        let found = state.memory.logs.iter().find(named);
        found.map(|log| log.checkpoint.clone())
    }

    /// Answers one request to cosign.
    pub(super) fn add_checkpoint(&self, body: &[u8]) -> WireReply {
        let mut state = self.state.lock();
        let (request, cosigning) = match self.cosigner.decide(&state.decisions, body) {
            Ok(decided) => decided,
            Err(refusal) => {
                self.note_refusal(&refusal, body);
                return refusal.reply();
            }
        };
        let seconds = SystemClock::new().now().wall.0 / 1000;
        let answered = self
            .cosigner
            .cosign(&request, &cosigning, seconds)
            .map_err(StartError::from)
            .and_then(|(line, note)| {
                // CRASH: after this the memory says more than was ever answered, which a log resolves by asking again;
                // before it nothing was answered. The line made above has not left this function.
                let memory = remembered(&state.memory, &cosigning, note.to_string());
                self.write(&memory)?;
                state.memory = memory;
                Ok(line)
            });
        let line = match answered {
            Ok(line) => line,
            Err(error) => {
                tracing::error!(%error, "a checkpoint could not be cosigned");
                return failed();
            }
        };
        // The lock was held since the decision, so nothing came in between.
        if let Err(refusal) = state.decisions.commit(&cosigning) {
            return refusal.reply();
        }
        tracing::info!(log = %cosigning.origin, size = cosigning.to.size, "cosigned");
        WireReply::cosigned(&[line])
    }

    fn note_refusal(&self, refusal: &Refusal, body: &[u8]) {
        match refusal {
            Refusal::Forked(_) | Refusal::Inconsistent(_) => {
                tracing::error!(%refusal, "REFUSED: a log shows another past than it once did");
                if let Err(error) = self.keep_evidence(body) {
                    tracing::error!(%error, "the evidence could not be kept");
                }
            }
            Refusal::Conflict(latest) => {
                tracing::info!(
                    size = latest.size,
                    "told a log the size that was last cosigned"
                );
            }
            _ => tracing::warn!(%refusal, "refused"),
        }
    }

    /// What the log signed, in its own hand.
    fn keep_evidence(&self, body: &[u8]) -> std::io::Result<()> {
        if fs::read_dir(&self.evidence)?.count() >= EVIDENCE_MAX {
            return Ok(());
        }
        let name = format!("{}.request", SystemClock::new().now().wall.0);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(self.evidence.join(name))?;
        file.write_all(body)?;
        file.sync_all()
    }

    fn replace(&self, state: &mut State, mut memory: WitnessMemory) -> Result<(), StartError> {
        memory.generation = memory.generation.saturating_add(1);
        let decisions = self.cosigner.state(&memory)?;
        self.write(&memory)?;
        *state = State { memory, decisions };
        Ok(())
    }

    fn write(&self, memory: &WitnessMemory) -> Result<(), StartError> {
        let bytes = self.cosigner.seal_memory(memory)?;
        durably(&self.path, &bytes).map_err(|error| StartError::File {
            path: self.path.clone(),
            error,
        })
    }
}

fn failed() -> WireReply {
    WireReply {
        status: 500,
        content_type: "text/plain; charset=utf-8",
        body: "the witness cannot cosign now\n".to_owned(),
    }
}

/// The memory after a decision.
fn remembered(memory: &WitnessMemory, cosigning: &Cosigning, note: String) -> WitnessMemory {
    let mut memory = memory.clone();
    memory.generation = memory.generation.saturating_add(1);
    let origin = format!("origin {}", cosigning.origin);
    for log in &mut memory.logs {
        // The second line of a history names the log (keyward-core, `history.rs`).
        if log.keys.lines().nth(1) == Some(origin.as_str()) {
            log.size = cosigning.to.size;
            log.root = cosigning.to.root.into();
            log.checkpoint.clone_from(&note);
        }
    }
    memory
}

/// Replaces a file: whole and synced under its name, or as it was.
fn durably(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let pending = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&pending)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&pending, path)?;
    let parent = path.parent().unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}

fn lock(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    let file = options.open(path.with_extension("lock"))?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| std::io::Error::other("another witness runs on this directory"))?;
    Ok(file)
}
