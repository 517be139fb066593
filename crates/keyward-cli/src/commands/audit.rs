//! `audit`.
use std::path::Path;

use keyward_client::{Record, RecordPage};
use keyward_core::ErrorCode;
use keyward_core::command::{
    ArchiveLog, CommandKind, DescribeRealm, ProveRecord, ReadAudit, ReadLog, RedactRecord,
    RotateLogKey,
};
use keyward_core::ids::{PrincipalId, RealmId, TokenId};
use keyward_core::tlog::Checkpoint;
use serde_json::json;

use super::given_id;
use super::workload::done;
use crate::args::Global;
use crate::args::audit::{Audit, Records, Verify};
use crate::exit::{Exit, Failure};
use crate::files::{self, Existing};
use crate::out::{Out, brief_moment, short};
use crate::secret_input::confirm;
use crate::session::{Session, effective, realm_ref};
use crate::verify::{Downloaded, ProofFile, Report, Trust, block_count, entries_path, tile_path};

/// Records of one request.
const PAGE: u16 = 1000;

pub fn run(global: &Global, args: Audit, out: Out) -> Result<(), Failure> {
    if let Audit::Verify(args) = args {
        return verify(global, &args, out);
    }
    let session = Session::open(global, out)?;
    match args {
        Audit::Records(args) => records(&session, global, &args),
        Audit::Proof { index, output } => proof(&session, index, output.as_deref()),
        Audit::Checkpoint { output } => {
            let note = session.run(async |client| client.read_checkpoint().await)?;
            match output {
                Some(path) => files::write_private(&path, note.as_bytes(), Existing::Replace),
                None => out.show(&json!({ "checkpoint": note }), |out| {
                    out.line(note.trim_end())
                }),
            }
        }
        Audit::Download {
            directory,
            cosigned,
        } => download(&session, &directory, cosigned),
        Audit::Archive { before, output } => archive(&session, before, &output),
        Audit::Redact { index, reason, yes } => {
            confirm(
                &format!("the body of record {index} will be gone for good"),
                &index.to_string(),
                yes,
            )?;
            let command = RedactRecord { index, reason };
            session.run(async |client| client.redact_record(command).await)?;
            done(
                out,
                &format!("body of record {index} removed; its proof stays"),
            )
        }
        Audit::RotateKey => {
            session.run(async |client| client.rotate_log_key(RotateLogKey {}).await)?;
            done(
                out,
                "the log is signed with a new key, which the old one vouches for",
            )
        }
        Audit::Verify(_) => Ok(()),
    }
}

fn records(session: &Session, global: &Global, args: &Records) -> Result<(), Failure> {
    let mut query = filter(session, global, args)?;
    if let Some(last) = args.last {
        // Where the log ends is only known to the server; a page of one record tells.
        let newest = ReadAudit {
            from: u64::MAX,
            limit: 1,
            ..query.clone()
        };
        let size = session
            .run(async |client| client.read_audit(newest).await)?
            .size;
        query.from = size.saturating_sub(last);
    }
    let wanted = args.last.or(args.limit).unwrap_or(100);
    let mut all = RecordPage {
        items: Vec::new(),
        next: query.from,
        size: 0,
    };
    while (all.items.len() as u64) < wanted {
        let missing = wanted
            .saturating_sub(all.items.len() as u64)
            .min(u64::from(PAGE));
        let page = ReadAudit {
            from: all.next,
            limit: u16::try_from(missing).unwrap_or(PAGE),
            ..query.clone()
        };
        let found = session.run(async |client| client.read_audit(page).await)?;
        let stuck = found.next <= all.next && found.items.is_empty();
        all.items.extend(found.items);
        (all.next, all.size) = (found.next.max(all.next), found.size);
        if stuck || all.next >= all.size {
            break;
        }
    }
    session.out.show(&all, |out| {
        let rows: Vec<_> = all.items.iter().map(row).collect();
        out.table(
            2,
            &["INDEX", "TIME (UTC)", "COMMAND", "OUTCOME", "BY", "TARGET"],
            &rows,
        )
    })
}

fn filter(session: &Session, global: &Global, args: &Records) -> Result<ReadAudit, Failure> {
    let realm_filter = match &global.realm {
        None => None,
        Some(text) if text == "system" => Some(RealmId::SYSTEM),
        Some(text) => {
            let realm = realm_ref(text)?;
            let found =
                session.run(async |client| client.describe_realm(DescribeRealm { realm }).await)?;
            Some(given_id(&found.id, RealmId::parse)?)
        }
    };
    let command = match &args.command {
        None => None,
        Some(name) => {
            let kind = CommandKind::ALL.iter().find(|kind| kind.as_str() == name);
            let kind = kind.ok_or_else(|| {
                Failure::usage(
                    format!("there is no command `{name}`"),
                    "Names are as in the table, e.g. create-key.",
                )
            })?;
            Some(kind.number())
        }
    };
    Ok(ReadAudit {
        from: args.from,
        limit: PAGE,
        realm_filter,
        target: args
            .target
            .as_deref()
            .map(|text| given_id(text, TokenId::parse))
            .transpose()?
            .map(|id| id.0),
        principal: args
            .principal
            .as_deref()
            .map(|text| given_id(text, PrincipalId::parse))
            .transpose()?,
        command,
        refused_only: args.refused,
        since: args.since,
        until: args.until,
    })
}

fn row(record: &Record) -> Vec<String> {
    let by = record
        .body
        .as_ref()
        .map_or_else(|| "redacted".to_owned(), |body| short(&body.principal));
    vec![
        record.index.to_string(),
        brief_moment(&record.time),
        record.command.clone(),
        record.outcome.clone(),
        by,
        record.target.as_deref().map(short).unwrap_or_default(),
    ]
}

fn proof(session: &Session, index: u64, output: Option<&Path>) -> Result<(), Failure> {
    let proof = session.run(async |client| client.prove_record(ProveRecord { index }).await)?;
    let keys = session.run(async |client| {
        client
            .read_log(ReadLog {
                path: "keys".to_owned(),
            })
            .await
    })?;
    let keys =
        String::from_utf8(keys).map_err(|_| Failure::integrity("the key history is not text"))?;
    let file = ProofFile {
        index: proof.index,
        entry: proof.entry,
        body: proof.body,
        proof: proof.proof,
        keys,
    };
    let Some(path) = output else {
        return session.out.json(&file);
    };
    let text = serde_json::to_vec_pretty(&file)
        .map_err(|error| Failure::local(error.to_string(), "Report this."))?;
    files::write_private(path, &text, Existing::Replace)?;
    let shown = json!({ "index": index, "output": path.display().to_string() });
    session.out.show(&shown, |out| {
        out.say(&format!("proof of record {index} in {}", path.display()))
    })
}

/// Fetches what is not there yet. Full blocks never change, so they are fetched once; whether the old ones and the new
/// checkpoint belong together is what `verify` finds out.
fn download(session: &Session, directory: &Path, cosigned: bool) -> Result<(), Failure> {
    let fetch = |path: String| session.run(async |client| client.read_log(ReadLog { path }).await);
    let note = if cosigned {
        let note = fetch("checkpoint".to_owned())?;
        String::from_utf8(note).map_err(|_| Failure::integrity("the checkpoint is not text"))?
    } else {
        session.run(async |client| client.read_checkpoint().await)?
    };
    let size = checkpoint_size(&note)?;
    let log = Downloaded { root: directory };
    let mut fetched = 0_u64;
    for block in 0..block_count(size) {
        let (Some(entries), Some(tile)) = (entries_path(block, size), tile_path(block, size))
        else {
            continue;
        };
        if log.file(&entries)?.is_some() || log.file(&tile)?.is_some() {
            continue;
        }
        let (path, bytes) = match fetch(entries.clone()) {
            Ok(bytes) => (entries, bytes),
            Err(failure) if is_archived(&failure) => (tile.clone(), fetch(tile)?),
            Err(failure) => return Err(failure),
        };
        store(directory, &path, &bytes)?;
        fetched += 1;
    }
    store(directory, "keys", &fetch("keys".to_owned())?)?;
    // Last, so that a download that was cut off still has the checkpoint of the one before it.
    store(directory, "checkpoint", note.as_bytes())?;
    let shown = json!({ "size": size, "blocks_fetched": fetched, "directory": directory.display().to_string() });
    session.out.show(&shown, |out| {
        out.say(&format!(
            "{size} records in {}; verify them with `keyward audit verify`",
            directory.display()
        ))
    })
}

fn is_archived(failure: &Failure) -> bool {
    [ErrorCode::NotFound, ErrorCode::SegmentArchived]
        .iter()
        .any(|code| code.as_str() == failure.code)
}

fn checkpoint_size(note: &str) -> Result<u64, Failure> {
    let text = note.split_once("\n\n").map_or(note, |(text, _)| text);
    Checkpoint::parse(&format!("{text}\n"))
        .map(|checkpoint| checkpoint.head.size)
        .map_err(|error| Failure::integrity(format!("the checkpoint: {error}")))
}

fn store(directory: &Path, path: &str, bytes: &[u8]) -> Result<(), Failure> {
    let path = directory.join(path);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(|error| Failure::file(parent, &error))?;
    }
    files::write_private(&path, bytes, Existing::Replace)
}

fn archive(session: &Session, before: u64, output: &Path) -> Result<(), Failure> {
    // The server removes what it hands out, so a copy is safe on this disk before it does: whatever breaks off from there on,
    // one of the two has the records.
    let path = format!("segment/{before}");
    let copy = match session.run(async |client| client.read_log(ReadLog { path }).await) {
        Ok(copy) => copy,
        // Who may archive and not read still gets a place that is sure.
        Err(failure) if failure.code == ErrorCode::PermissionDenied.as_str() => Vec::new(),
        Err(failure) => return Err(failure),
    };
    files::write_private(output, &copy, Existing::Keep)?;
    let segment = session.run(async |client| client.archive_log(ArchiveLog { before }).await);
    let segment = segment.inspect_err(|failure| {
        if failure.exit == Exit::Refused {
            let _ = std::fs::remove_file(output);
        }
    })?;
    // What was redacted in between must not stay in the copy.
    files::write_private(output, &segment.bytes, Existing::Replace)?;
    let shown =
        json!({ "from": segment.from, "to": segment.to, "output": output.display().to_string() });
    session.out.show(&shown, |out| {
        let last = segment.to.saturating_sub(1);
        out.say(&format!(
            "records {} to {last} in {}; verify and keep it",
            segment.from,
            output.display()
        ))
    })
}

fn verify(global: &Global, args: &Verify, out: Out) -> Result<(), Failure> {
    let given = match &args.log_key {
        Some(key) => Some(key.clone()),
        None => effective(global)?.log_key,
    };
    let log_key = given.ok_or_else(|| {
        Failure::usage(
            "nothing says which key to trust",
            "Give --log-key with the key that `keyward init` printed, or a file with it.",
        )
    })?;
    let trust = Trust::new(&log_key, &args.witnesses, args.quorum)?.extending(&args.extends)?;
    let reports: Vec<Report> = args
        .paths
        .iter()
        .map(|path| trust.verify(path))
        .collect::<Result<_, _>>()?;
    out.show(&json!({ "verified": true, "items": reports }), |out| {
        for (index, report) in reports.iter().enumerate() {
            if index > 0 {
                out.line("")?;
            }
            out.facts(&facts(report))?;
        }
        Ok(())
    })
}

fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let counted = |count: u64, what: &str| {
        if count == 0 {
            String::new()
        } else {
            format!("{count} {what}")
        }
    };
    let records = match report.first {
        Some(first) => format!("{} from index {first}", report.records),
        None => "none".to_owned(),
    };
    vec![
        ("verified", format!("{} ({})", report.path, report.kind)),
        ("log", report.log.clone()),
        (
            "checkpoint",
            format!("{} records, root {}", report.size, report.root),
        ),
        ("records", records),
        (
            "archived",
            counted(report.hashes_only, "more by their hashes"),
        ),
        ("bodies", counted(report.bodies, "are the ones recorded")),
        ("redacted", counted(report.redacted, "bodies")),
        (
            "log key",
            if report.key_rotations == 0 {
                "the pinned one".to_owned()
            } else {
                format!("replaced {} times, each vouched for", report.key_rotations)
            },
        ),
        ("witnesses", report.witnesses.join(", ")),
    ]
}
