//! Walks directories and mounted images, in parallel and read-only, and gathers what the detectors find.
//!
//! Links are not followed, devices and pipes are never opened, pseudo file systems are stepped over, and
//! every skip is counted. A journal makes a scan resumable: unchanged files are taken over from it.

use std::collections::HashMap;
use std::fs::File;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash, Hasher};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ignore::{WalkBuilder, WalkState};
use rustix::fs::{Mode, OFlags};
use serde::{Deserialize, Serialize};

use crate::detect::{self, Scan, archive};
use crate::finding::{Coverage, FileFacts, Finding, Gap, hex};
use crate::limits::Limits;

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

/// One line of the journal.
#[derive(Serialize, Deserialize)]
struct Entry {
    /// Hash of path, size, modification time and inode.
    k: u64,
    /// Findings, with their moduli beside them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    f: Vec<Finding>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    n: Vec<(usize, String)>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    g: Vec<Gap>,
}

/// The journal of an earlier run, and the one being written.
struct Journal {
    known: HashMap<u64, Option<Box<Entry>>>,
    out: Mutex<BufWriter<File>>,
}

impl Journal {
    fn open(path: &Path) -> io::Result<Self> {
        let mut known = HashMap::new();
        if let Ok(file) = File::open(path) {
            for line in BufReader::new(file).lines() {
                let Ok(entry) = serde_json::from_str::<Entry>(&line?) else {
                    continue;
                };
                let empty = entry.f.is_empty() && entry.g.is_empty();
                known.insert(entry.k, (!empty).then(|| Box::new(entry)));
            }
        }
        let out = File::options().create(true).append(true).open(path)?;
        Ok(Self {
            known,
            out: Mutex::new(BufWriter::new(out)),
        })
    }

    fn write(&self, key: u64, scan: &Scan<'_>) {
        let moduli = scan
            .findings
            .iter()
            .enumerate()
            .filter_map(|(index, finding)| Some((index, hex(finding.modulus.as_ref()?))))
            .collect();
        let entry = Entry {
            k: key,
            f: scan.findings.clone(),
            n: moduli,
            g: scan.coverage.gaps.clone(),
        };
        if let Ok(line) = serde_json::to_string(&entry) {
            let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = writeln!(out, "{line}");
            let _ = out.flush();
        }
    }
}

/// Identity of a file's content as the file system tells it.
fn stamp(path: &Path, facts: &std::fs::Metadata) -> u64 {
    let mut hash = BuildHasherDefault::<DefaultHasher>::default().build_hasher();
    path.hash(&mut hash);
    (
        facts.len(),
        facts.mtime(),
        facts.mtime_nsec(),
        facts.ino(),
        facts.mode(),
    )
        .hash(&mut hash);
    hash.finish()
}

/// Bytes from lower-case hexadecimal.
fn unhex(text: &str) -> Option<Vec<u8>> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok())
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

/// Reads one file and scans it.
fn read(scan: &mut Scan<'_>, mut file: File, size: u64, buffer: &mut Vec<u8>, progress: &Progress) {
    let limit = scan.limits.in_memory;
    if size <= limit {
        buffer.clear();
        buffer.reserve(usize::try_from(size).unwrap_or(0) + 1);
        let result = (&mut file).take(limit + 1).read_to_end(buffer);
        scan.coverage.bytes_read += buffer.len() as u64;
        progress
            .bytes
            .fetch_add(buffer.len() as u64, Ordering::Relaxed);
        if let Err(error) = result {
            scan.gap("unreadable", error.to_string());
        }
        scan.size = buffer.len() as u64;
        detect::bytes(scan, buffer);
        return;
    }
    let mut start = [0_u8; 512];
    if let Err(error) = file
        .read_exact(&mut start)
        .and_then(|()| file.seek(SeekFrom::Start(0)).map(|_| ()))
    {
        scan.gap("unreadable", error.to_string());
        return;
    }
    if archive::is_zip(&start) {
        scan.coverage.bytes_read += size;
        archive::zip_file(scan, file);
        return;
    }
    scan.budget = scan.budget.saturating_add(size);
    let mut sparse = Sparse::new(file);
    archive::reader(scan, &mut sparse, Some(size));
    scan.coverage.bytes_read += sparse.read;
    progress.bytes.fetch_add(sparse.read, Ordering::Relaxed);
    if sparse.jumped() > 0 {
        scan.gap(
            "hole",
            format!(
                "{} bytes of a sparse file hold no data and were not read",
                sparse.jumped()
            ),
        );
        for finding in scan
            .findings
            .iter_mut()
            .filter(|finding| finding.location.members.is_empty())
        {
            finding.location.offset = finding
                .location
                .offset
                .map(|offset| sparse.file_offset(offset));
        }
    }
}

/// A file whose large holes are jumped over. Holes near the start are read as the zeros they are, because
/// headers and partition tables address into them; later ones are remembered, so that offsets can be told.
struct Sparse {
    file: File,
    at: u64,
    data_until: u64,
    read: u64,
    given: u64,
    jumps: Vec<(u64, u64)>,
}

/// Holes before this offset are read as zeros.
const READ_HOLES_BELOW: u64 = 64 << 20;

impl Sparse {
    fn new(file: File) -> Self {
        Self {
            file,
            at: 0,
            data_until: 0,
            read: 0,
            given: 0,
            jumps: Vec::new(),
        }
    }

    /// Bytes of holes that were jumped over.
    fn jumped(&self) -> u64 {
        self.jumps.last().map_or(0, |(_, moved)| *moved)
    }

    /// File offset of a position in the stream that was given out.
    fn file_offset(&self, given: u64) -> u64 {
        let moved = self
            .jumps
            .iter()
            .rev()
            .find(|(from, _)| *from <= given)
            .map_or(0, |(_, moved)| *moved);
        given + moved
    }

    /// Finds the next stretch of data; false at the end of the file.
    fn next_stretch(&mut self) -> io::Result<bool> {
        if self.at < READ_HOLES_BELOW {
            self.data_until = READ_HOLES_BELOW;
            return Ok(true);
        }
        match rustix::fs::seek(&self.file, rustix::fs::SeekFrom::Data(self.at)) {
            Ok(data) => {
                if data > self.at {
                    self.jumps
                        .push((self.given, self.jumped() + data - self.at));
                }
                self.at = data;
                self.data_until = rustix::fs::seek(&self.file, rustix::fs::SeekFrom::Hole(data))
                    .unwrap_or(u64::MAX)
                    .max(data + 1);
                self.file.seek(SeekFrom::Start(data))?;
                Ok(true)
            }
            Err(rustix::io::Errno::NXIO) => Ok(false),
            Err(_) => {
                self.data_until = u64::MAX;
                Ok(true)
            }
        }
    }
}

impl Read for Sparse {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.data_until && !self.next_stretch()? {
            return Ok(0);
        }
        let most = usize::try_from(self.data_until - self.at)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let count = self.file.read(buffer.get_mut(..most).unwrap_or_default())?;
        self.at += count as u64;
        self.read += count as u64;
        self.given += count as u64;
        Ok(count)
    }
}
