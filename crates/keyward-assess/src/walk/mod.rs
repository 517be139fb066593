//! Walks directories and mounted images, in parallel and read-only, and gathers what the detectors find.
//!
//! Links are not followed, devices and pipes are never opened, pseudo file systems are stepped over, and
//! every skip is counted. A journal makes a scan resumable: unchanged files are taken over from it.

mod journal;
mod read;

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ignore::{WalkBuilder, WalkState};
use rustix::fs::{Mode, OFlags};

use crate::detect::Scan;
use crate::finding::{Coverage, FileFacts, Finding, Gap};
use crate::limits::Limits;
use journal::{Journal, stamp, unhex};
use read::read;

/// How a walk is done.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bounds.
    pub limits: Limits,
    /// Threads; 0 means as many as there are processors.
    pub threads: usize,
    /// Whether other file systems mounted below a target are walked.
    pub cross_mounts: bool,
    /// Directories left out.
    pub exclude: Vec<PathBuf>,
    /// Journal that makes the scan resumable.
    pub journal: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            threads: 0,
            cross_mounts: true,
            exclude: Vec::new(),
            journal: None,
        }
    }
}

/// Live numbers for a progress bar.
#[derive(Debug, Default)]
pub struct Progress {
    /// Files done.
    pub files: AtomicU64,
    /// Bytes read.
    pub bytes: AtomicU64,
    /// Findings so far.
    pub findings: AtomicU64,
}

/// What a walk gives.
#[derive(Debug, Default)]
pub struct Outcome {
    /// All findings, in the order of their places.
    pub findings: Vec<Finding>,
    /// What was read and what was not.
    pub coverage: Coverage,
}

/// File systems that hold no files.
const PSEUDO: &[&str] = &[
    "proc",
    "sysfs",
    "devpts",
    "devtmpfs",
    "cgroup",
    "cgroup2",
    "debugfs",
    "tracefs",
    "securityfs",
    "bpf",
    "pstore",
    "mqueue",
    "configfs",
    "fusectl",
    "hugetlbfs",
    "efivarfs",
    "binfmt_misc",
    "autofs",
    "rpc_pipefs",
    "nsfs",
];

/// Mount points of pseudo file systems.
fn pseudo_mounts() -> Vec<PathBuf> {
    let Ok(text) = std::fs::read_to_string("/proc/self/mountinfo") else {
        return Vec::new();
    };
    text.lines()
        .filter_map(|line| {
            let point = line.split(' ').nth(4)?;
            let kind = line.split(" - ").nth(1)?.split(' ').next()?;
            PSEUDO
                .contains(&kind)
                .then(|| PathBuf::from(point.replace("\\040", " ")))
        })
        .collect()
}

/// Shared state of one walk.
struct Shared {
    options: Options,
    pseudo: Vec<PathBuf>,
    journal: Option<Journal>,
    progress: Arc<Progress>,
    outcome: Mutex<Outcome>,
}

/// What one thread has gathered; merged when the thread ends.
struct Worker<'s> {
    shared: &'s Shared,
    outcome: Outcome,
    buffer: Vec<u8>,
}

impl Drop for Worker<'_> {
    fn drop(&mut self) {
        let mut all = self
            .shared
            .outcome
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.findings.append(&mut self.outcome.findings);
        all.coverage
            .merge(std::mem::take(&mut self.outcome.coverage));
    }
}

/// Walks targets (files or directories) and scans every file.
pub fn scan(
    targets: &[PathBuf],
    options: &Options,
    progress: &Arc<Progress>,
) -> io::Result<Outcome> {
    let journal = options.journal.as_deref().map(Journal::open).transpose()?;
    let shared = Shared {
        options: options.clone(),
        pseudo: pseudo_mounts(),
        journal,
        progress: Arc::clone(progress),
        outcome: Mutex::new(Outcome::default()),
    };
    for target in targets {
        // a target that is named is followed, even if it is a link
        let root = std::fs::canonicalize(target).unwrap_or_else(|_| target.clone());
        walk(&shared, if target.is_symlink() { &root } else { target });
    }
    let mut outcome = shared
        .outcome
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    outcome.findings.sort_by(|a, b| {
        (&a.location, a.kind, &a.format, &a.id).cmp(&(&b.location, b.kind, &b.format, &b.id))
    });
    distinct_ids(&mut outcome.findings);
    outcome.coverage.gaps.sort();
    Ok(outcome)
}

/// Gives things that are alike in every respect numbered ids, so that each id is there once.
fn distinct_ids(findings: &mut [Finding]) {
    let mut seen: HashMap<String, u32> = HashMap::new();
    for finding in findings {
        let count = seen.entry(finding.id.clone()).or_default();
        *count += 1;
        if *count > 1 {
            finding.id = format!("{}-{count}", finding.id);
        }
    }
}

/// Walks one target.
fn walk(shared: &Shared, root: &Path) {
    let skip = shared.pseudo.clone();
    let excluded = shared.options.exclude.clone();
    let skipped: Arc<Mutex<Vec<(PathBuf, &'static str)>>> = Arc::default();
    let record = Arc::clone(&skipped);
    let start = root.to_owned();
    let walker = WalkBuilder::new(root)
        .standard_filters(false)
        .follow_links(false)
        .same_file_system(!shared.options.cross_mounts)
        .threads(shared.options.threads)
        .filter_entry(move |entry| {
            if !entry.file_type().is_some_and(|kind| kind.is_dir()) {
                return true;
            }
            let path = entry.path();
            let reason = if path != start && skip.iter().any(|point| point == path) {
                "pseudo-filesystem"
            } else if excluded.iter().any(|out| out == path) {
                "excluded"
            } else {
                return true;
            };
            record
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((path.to_owned(), reason));
            false
        })
        .build_parallel();
    walker.run(|| {
        let mut worker = Worker {
            shared,
            outcome: Outcome::default(),
            buffer: Vec::new(),
        };
        Box::new(move |entry| {
            match entry {
                Ok(entry) => worker.entry(&entry),
                Err(error) => worker.gap(
                    error.to_string(),
                    "unreadable",
                    "directory could not be read".to_owned(),
                ),
            }
            WalkState::Continue
        })
    });
    let mut outcome = shared
        .outcome
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    for (path, reason) in skipped
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .drain(..)
    {
        outcome.coverage.gap(Gap {
            path: path.to_string_lossy().into_owned(),
            reason: reason.to_owned(),
            detail: "not walked".to_owned(),
        });
    }
}

impl Worker<'_> {
    fn gap(&mut self, path: String, reason: &str, detail: String) {
        self.outcome.coverage.gap(Gap {
            path,
            reason: reason.to_owned(),
            detail,
        });
    }

    /// One directory entry.
    fn entry(&mut self, entry: &ignore::DirEntry) {
        let Some(kind) = entry.file_type() else {
            return;
        };
        if kind.is_dir() {
            self.outcome.coverage.directories += 1;
        } else if kind.is_symlink() {
            self.outcome.coverage.symlinks += 1;
        } else if kind.is_file() {
            self.file(entry.path());
        } else {
            self.outcome.coverage.special += 1;
        }
    }

    /// One regular file.
    fn file(&mut self, path: &Path) {
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let text = path.to_string_lossy().into_owned();
        let file = match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(handle) => File::from(handle),
            Err(error) => return self.gap(text, "unreadable", error.to_string()),
        };
        let facts = match file.metadata() {
            Ok(facts) if facts.is_file() => facts,
            Ok(_) => return self.gap(text, "changed", "no longer a regular file".to_owned()),
            Err(error) => return self.gap(text, "unreadable", error.to_string()),
        };
        self.shared.progress.files.fetch_add(1, Ordering::Relaxed);
        let key = stamp(path, &facts);
        if self.resumed(key) {
            return;
        }
        let rights = FileFacts {
            mode: facts.mode() & 0o7777,
            uid: facts.uid(),
            gid: facts.gid(),
        };
        let shared = self.shared;
        let mut scan = Scan::new(&shared.options.limits, &text, Some(rights), facts.len());
        if facts.len() > shared.options.limits.file_bytes {
            scan.gap("too-large", format!("{} bytes", facts.len()));
        } else if facts.len() > 0 || text.starts_with("/proc/") {
            read(
                &mut scan,
                file,
                facts.len(),
                &mut self.buffer,
                &shared.progress,
            );
        }
        scan.coverage.files_read = 1;
        let layers = std::mem::take(&mut scan.layers);
        layers.mark(&mut scan.findings);
        if scan
            .findings
            .iter()
            .any(|finding| finding.is("encrypted", "no"))
        {
            let reach = reach(path, rights.mode);
            for finding in &mut scan.findings {
                finding
                    .properties
                    .insert("reach".to_owned(), reach.to_owned());
            }
        }
        if let Some(journal) = &shared.journal {
            journal.write(key, &scan);
        }
        shared
            .progress
            .findings
            .fetch_add(scan.findings.len() as u64, Ordering::Relaxed);
        self.outcome.findings.append(&mut scan.findings);
        self.outcome.coverage.merge(scan.coverage);
    }

    /// Takes a file over from the journal.
    fn resumed(&mut self, key: u64) -> bool {
        let Some(entry) = self
            .shared
            .journal
            .as_ref()
            .and_then(|journal| journal.known.get(&key))
        else {
            return false;
        };
        self.outcome.coverage.resumed += 1;
        if let Some(entry) = entry {
            let mut findings = entry.f.clone();
            for (index, modulus) in &entry.n {
                if let Some(finding) = findings.get_mut(*index) {
                    finding.modulus = unhex(modulus);
                }
            }
            self.outcome.findings.append(&mut findings);
            for gap in &entry.g {
                self.outcome.coverage.gap(gap.clone());
            }
        }
        true
    }
}

/// Who can read a file, the directories above it taken into account.
fn reach(path: &Path, mode: u32) -> &'static str {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (mut everyone, mut group) = (mode & 0o004 != 0, mode & 0o040 != 0);
    for directory in absolute.ancestors().skip(1) {
        if let Ok(facts) = directory.metadata() {
            everyone &= facts.mode() & 0o001 != 0;
            group &= facts.mode() & 0o011 != 0;
        }
    }
    match (everyone, group) {
        (true, _) => "everyone",
        (false, true) => "group",
        (false, false) => "owner",
    }
}
