//! Routes of the evidence and of the server itself.
use super::super::bodies::*;
use super::super::spec::{RouteSpec, Success, get, post};
use super::Route;

pub(super) const AUDIT: &[RouteSpec] = &[
    get(
        Route::ReadAudit,
        &["v1", "audit", "records"],
        Success::Json("RecordPage"),
        "Read audit records, oldest first.",
    )
    .asks(READ_AUDIT),
    get(
        Route::ProveRecord,
        &["v1", "audit", "records", "{index}", "proof"],
        Success::Json("RecordProof"),
        "Prove that a record is in the log; complete for offline use.",
    ),
    get(
        Route::ReadCheckpoint,
        &["v1", "audit", "checkpoint"],
        Success::Text,
        "The newest signed checkpoint (C2SP tlog-checkpoint).",
    ),
    get(
        Route::ReadLog,
        &["v1", "log", "{path*}"],
        Success::Bytes,
        "A tile, a bundle of entries (C2SP tlog-tiles), or `keys`: the history of the log's keys.",
    ),
    post(
        Route::ArchiveLog,
        &["v1", "audit", "archive"],
        Success::Bytes,
        "Archive everything before an index into a segment that verifies on its own.",
    )
    .takes(ARCHIVE),
    post(
        Route::RedactRecord,
        &["v1", "audit", "records", "{index}", "redact"],
        Success::Nothing,
        "Remove the body of a record; its proof stays.",
    )
    .takes(REDACT),
    post(
        Route::RotateLogKey,
        &["v1", "audit", "log-key", "rotate"],
        Success::Nothing,
        "Replace the log-signing key; the statement is signed by both.",
    )
    .takes(NONE),
];

pub(super) const SERVER: &[RouteSpec] = &[
    get(
        Route::Health,
        &["v1", "health"],
        Success::Json("Health"),
        "Whether the server runs, and whether it is sealed.",
    )
    .open(),
    get(
        Route::Ready,
        &["v1", "ready"],
        Success::Json("Ready"),
        "Whether the server takes commands; 503 if not.",
    )
    .open(),
    get(
        Route::OpenApi,
        &["v1", "openapi.json"],
        Success::Json("OpenApi"),
        "This description.",
    )
    .open(),
    post(
        Route::Unseal,
        &["v1", "unseal"],
        Success::Nothing,
        "Open the seal.",
    )
    .takes(UNSEAL)
    .open(),
    post(
        Route::Seal,
        &["v1", "seal"],
        Success::Nothing,
        "Close the seal: keys leave memory.",
    )
    .takes(&[REASON]),
    get(
        Route::Status,
        &["v1", "status"],
        Success::Json("Status"),
        "Status of the server, its module, its log and every check.",
    ),
    get(
        Route::ListModules,
        &["v1", "modules"],
        Success::Json("ModuleList"),
        "Show the modules the server uses, and which of their services may be used today.",
    ),
    get(
        Route::ReadSettings,
        &["v1", "settings"],
        Success::Json("Settings"),
        "Show the settings the server runs with; no secret is among them.",
    ),
];
