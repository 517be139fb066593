//! Archiving by policy: what is older than so many days goes into segment files that verify on their own, and segment files
//! that are older still are deleted, if the policy says so. Tiles stay in the store, so every proof does.
//!
//! A segment is on the archive's disk, synced, before the store lets go of it; then the store's own answer replaces it if
//! something was redacted in between. CRASH: in any order the records are in the store, in the file, or in both.
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keyward_core::command::ServerEventKind;
use keyward_core::time::{Millis, Timestamp};
use keyward_engine::Engine;
use keyward_engine::archive::Archivable;
use keyward_engine::ports::clock::Clock as _;
use serde::Deserialize;

use crate::clock::SystemClock;
use crate::parts::StartError;

/// How often it is looked whether something is old enough.
const LOOK: Duration = Duration::from_secs(60 * 60);
/// The first look, soon after the start.
const FIRST: Duration = Duration::from_secs(5);

/// What the policy says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchivePolicy {
    /// Directory for segment files; best on another disk.
    pub directory: PathBuf,
    /// Records older than this are archived.
    pub after_days: u32,
    /// Segments whose newest record is older than this are deleted; kept for ever if not given.
    pub expire_after_days: Option<u32>,
    /// Seconds between two looks; an hour if not given.
    pub every_seconds: Option<u32>,
}

impl ArchivePolicy {
    /// Refuses what would lose records unseen.
    pub(crate) fn check(&self) -> Result<(), StartError> {
        let wrong = |reason: &str| StartError::Archive {
            path: self.directory.clone(),
            reason: reason.to_owned(),
        };
        if self
            .expire_after_days
            .is_some_and(|expire| expire <= self.after_days)
        {
            return Err(wrong("expire_after_days must be more than after_days"));
        }
        if !self.directory.is_dir() {
            return Err(wrong("it is not a directory; make it first"));
        }
        Ok(())
    }
}

/// Applies the policy for as long as the server runs.
pub(crate) async fn keep_archived(engine: Arc<Engine>, policy: ArchivePolicy) {
    let every = policy.every_seconds.map_or(LOOK, |seconds| {
        Duration::from_secs(u64::from(seconds.max(1)))
    });
    let mut wait = FIRST.min(every);
    loop {
        tokio::time::sleep(wait).await;
        wait = every;
        if engine.is_sealed() {
            continue;
        }
        let now = SystemClock::new().now().wall;
        if let Err(reason) = archive_old(&engine, &policy, now).await {
            tracing::error!(%reason, "the log could not be archived");
        }
        if let Err(reason) = expire(&engine, &policy, now).await {
            tracing::error!(%reason, "an archived segment could not be expired");
        }
    }
}

fn days(count: u32) -> Millis {
    Millis::days(u64::from(count))
}

fn earlier(now: Timestamp, by: Millis) -> Timestamp {
    Timestamp(now.0.saturating_sub(by.0))
}

/// One segment after another, until nothing more is old enough.
async fn archive_old(
    engine: &Arc<Engine>,
    policy: &ArchivePolicy,
    now: Timestamp,
) -> Result<(), String> {
    let before = earlier(now, days(policy.after_days));
    loop {
        let looking = Arc::clone(engine);
        let found = tokio::task::spawn_blocking(move || looking.archivable(before)).await;
        let found = found
            .map_err(|error| error.to_string())?
            .map_err(|problem| problem.detail())?;
        let Some(segment) = found else {
            return Ok(());
        };
        let path = policy.directory.join(file_name(&segment));
        durably(&path, &segment.bytes).map_err(|error| error.to_string())?;
        let kept = engine
            .archive(segment.to)
            .await
            .map_err(|problem| problem.detail())?;
        if !segment.has_same_records(&kept) {
            durably(&path, &kept).map_err(|error| error.to_string())?;
        }
        tracing::info!(from = segment.from, to = segment.to, path = %path.display(), "archived");
    }
}

/// `keyward-00000000000000000000-00000000000000000512-1790000000.kwseg`: first index, one past the last, newest second.
fn file_name(segment: &Archivable) -> String {
    format!(
        "keyward-{:020}-{:020}-{}.kwseg",
        segment.from,
        segment.to,
        segment.newest.0 / 1_000
    )
}

/// First index, one past the last, and the newest second of a segment file of ours.
fn parts_of(name: &str) -> Option<(u64, u64, u64)> {
    let mut parts = name
        .strip_prefix("keyward-")?
        .strip_suffix(".kwseg")?
        .split('-');
    let mut number = || parts.next()?.parse::<u64>().ok();
    let found = (number()?, number()?, number()?);
    parts.next().is_none().then_some(found)
}

async fn expire(engine: &Engine, policy: &ArchivePolicy, now: Timestamp) -> Result<(), String> {
    let Some(after) = policy.expire_after_days else {
        return Ok(());
    };
    let limit = earlier(now, days(after)).0 / 1_000;
    let entries = fs::read_dir(&policy.directory).map_err(|error| error.to_string())?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some((from, to, newest)) = name.to_str().and_then(parts_of) else {
            continue;
        };
        if newest >= limit {
            continue;
        }
        // Recorded before it is done: what is gone is explained.
        let detail = format!("archived records {from} to {to} expire by policy");
        engine
            .server_event(ServerEventKind::Notice, detail)
            .await
            .map_err(|problem| problem.detail())?;
        fs::remove_file(entry.path()).map_err(|error| error.to_string())?;
        tracing::info!(from, to, "an archived segment expired");
    }
    Ok(())
}

fn durably(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let pending = path.with_extension("part");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&pending)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&pending, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_our_own_making_are_ever_expired() {
        let segment = Archivable {
            from: 0,
            to: 512,
            newest: Timestamp(1_790_000_000_123),
            bytes: Vec::new(),
        };
        let name = file_name(&segment);
        assert_eq!(parts_of(&name), Some((0, 512, 1_790_000_000)));
        for other in [
            "log-1.kwseg",
            "keyward-0-512.kwseg",
            "keyward-0-512-1-2.kwseg",
            "keyward-0-512-x.kwseg",
            "keyward-0-512-1.part",
        ] {
            assert_eq!(parts_of(other), None, "{other}");
        }
    }
}
