//! The journal that makes a scan resumable: one line of JSON for each file that was scanned, keyed by what the
//! file system says about it. Unchanged files are taken over; everything else is read again.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use serde::{Deserialize, Serialize};

use crate::detect::Scan;
use crate::finding::{Finding, Gap, hex};

/// One line of the journal.
#[derive(Serialize, Deserialize)]
pub struct Entry {
    /// Hash of path, size, modification time and inode.
    pub k: u64,
    /// Findings, with their moduli beside them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub f: Vec<Finding>,
    /// RSA moduli of the findings, by index: they are public, and not in reports.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub n: Vec<(usize, String)>,
    /// What was not read.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub g: Vec<Gap>,
}

/// The journal of an earlier run, and the one being written.
pub struct Journal {
    /// Files of the earlier run; none means that nothing was found in it.
    pub known: HashMap<u64, Option<Box<Entry>>>,
    out: Mutex<BufWriter<File>>,
}

impl Journal {
    /// Opens or creates it.
    pub fn open(path: &Path) -> io::Result<Self> {
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

    /// Adds one file.
    pub fn write(&self, key: u64, scan: &Scan<'_>) {
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
pub fn stamp(path: &Path, facts: &std::fs::Metadata) -> u64 {
    let mut hash = Sha256::new();
    for fact in [facts.len(), facts.ino(), u64::from(facts.mode())] {
        hash.update(fact.to_be_bytes());
    }
    for fact in [facts.mtime(), facts.mtime_nsec()] {
        hash.update(fact.to_be_bytes());
    }
    hash.update(path.as_os_str().as_bytes());
    let digest = hash.finalize();
    let first = digest.iter().take(8);
    first.fold(0, |stamp, byte| (stamp << 8) | u64::from(*byte))
}

/// Bytes from lower-case hexadecimal.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok())
        .collect()
}
