//! The route table. A route is added here once; matching, the check for unknown fields and the `OpenAPI` document follow.
//!
//! The routes of the hot path stand first: the table is searched from the top.
use keyward_core::ciphertext::OVERHEAD_BYTES;
use keyward_core::limits::{CONTEXT_MAX_BYTES, MESSAGE_MAX_BYTES};

use super::route::Method::{Delete, Get, Post, Put};
use super::spec::{Field, Kind, RouteSpec, Success, optional, required};

/// Every route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is described by its row's summary")]
pub enum Route {
    Encrypt,
    Decrypt,
    Health,
    Ready,
    OpenApi,
    Unseal,
    Seal,
    Status,
    CreateRealm,
    ListRealms,
    DescribeRealm,
    CreateWorkload,
    ListWorkloads,
    DescribePrincipal,
    IssueToken,
    EnablePrincipal,
    DisablePrincipal,
    RevokeToken,
    RegisterAnchor,
    BindCertificate,
    ListPolicies,
    PutPolicy,
    DeletePolicy,
    CreateKey,
    ListKeys,
    DescribeKey,
    RotateKey,
    ActivateKey,
    SuspendKey,
    ResumeKey,
    DeactivateKey,
    ReportCompromise,
    ScheduleDestruction,
    CancelDestruction,
    ExecuteDestruction,
    ConfirmDestruction,
    ReadAudit,
    ProveRecord,
    ReadCheckpoint,
    ReadLog,
    ArchiveLog,
    RedactRecord,
    RotateLogKey,
}

/// Bodies without data.
const SMALL: usize = 64 << 10;
/// A policy's text may need escapes.
const POLICY: usize = 512 << 10;
/// The largest message and context in base64, and room for names.
const MESSAGE: usize =
    (MESSAGE_MAX_BYTES + OVERHEAD_BYTES + CONTEXT_MAX_BYTES).div_ceil(3) * 4 + 1024;

const NONE: &[Field] = &[];
const VERSIONS: Kind = Kind::Whole(1, u32::MAX as u64);
const REASON: Field = optional(
    "reason",
    Kind::Text,
    "Why; kept with the key and in the record.",
);
const REASON_NEEDED: Field = required(
    "reason",
    Kind::Text,
    "Why; kept with the key and in the record.",
);
const PAGE: [Field; 2] = [
    optional(
        "after",
        Kind::Id,
        "Continue after this one: `next` of the page before.",
    ),
    optional(
        "limit",
        Kind::Whole(1, 1000),
        "At most so many rows; 100 if not given.",
    ),
];

const ENCRYPT: &[Field] = &[
    required("plaintext", Kind::Base64, "What to encrypt, at most 4 MiB."),
    optional(
        "context",
        Kind::Base64,
        "Bound in as additional authenticated data, at most 8 KiB; needed again to decrypt.",
    ),
];
const DECRYPT: &[Field] = &[
    required("ciphertext", Kind::Base64, "What encrypt gave."),
    optional("context", Kind::Base64, "As given to encrypt."),
    optional(
        "accept_compromised",
        Kind::Bool,
        "Knowingly process with a compromised key (SP 800-57 Part 1 §7.5).",
    ),
];
const UNSEAL: &[Field] = &[
    required(
        "kind",
        Kind::Text,
        "Kind of seal slot to try, e.g. `passphrase`.",
    ),
    required("secret", Kind::Password, "The slot's secret."),
];
pub(super) const QUOTAS: &[Field] = &[
    optional(
        "keys",
        Kind::Whole(0, u64::MAX),
        "Keys that are not destroyed.",
    ),
    optional(
        "rate_per_second",
        Kind::Whole(0, u32::MAX as u64),
        "Commands a second, sustained.",
    ),
    optional(
        "in_flight",
        Kind::Whole(0, u32::MAX as u64),
        "Commands under way at once.",
    ),
    optional(
        "audit_bytes_per_day",
        Kind::Whole(0, u64::MAX),
        "Bytes of log a day.",
    ),
];
const CREATE_REALM: &[Field] = &[
    required("name", Kind::Name, "Unique name."),
    optional(
        "level",
        Kind::Whole(1, 3),
        "Assurance level; 1 if not given.",
    ),
    optional(
        "rehearsal",
        Kind::Bool,
        "For rehearsals only: uncertified tokens work there.",
    ),
    optional(
        "quotas",
        Kind::Object(QUOTAS),
        "Limits; the defaults for those not given.",
    ),
];
const CREATE_WORKLOAD: &[Field] = &[
    required("name", Kind::Name, "Unique in the realm."),
    required("roles", Kind::Choices("Role"), "Roles in the realm."),
];
const ISSUE_TOKEN: &[Field] = &[
    optional(
        "lifetime_days",
        Kind::Whole(1, 366),
        "How long it is good; this or hours.",
    ),
    optional(
        "lifetime_hours",
        Kind::Whole(1, 366 * 24),
        "How long it is good; this or days.",
    ),
];
const REGISTER_ANCHOR: &[Field] = &[required(
    "certificate",
    Kind::Text,
    "The certificate of the authority, one, in PEM.",
)];
const BIND_CERTIFICATE: &[Field] = &[
    required("anchor", Kind::Digest, "Fingerprint of the anchor."),
    required(
        "name",
        Kind::Text,
        "Name in the certificate: `dns:…`, `uri:…` or `cn:…`.",
    ),
    required("principal", Kind::Id, "The workload it is."),
];
const PUT_POLICY: &[Field] = &[required(
    "text",
    Kind::Text,
    "The policy in Cedar, at most 64 KiB.",
)];
pub(super) const CRYPTOPERIOD: &[Field] = &[
    optional(
        "originator_days",
        Kind::Whole(1, u64::MAX / 86_400_000),
        "New protection so long from activation on.",
    ),
    optional(
        "originator_seconds",
        Kind::Whole(1, u64::MAX / 1000),
        "The same in seconds.",
    ),
    optional(
        "recipient_days",
        Kind::Whole(1, u64::MAX / 86_400_000),
        "Processing so long from activation on.",
    ),
    optional(
        "recipient_seconds",
        Kind::Whole(1, u64::MAX / 1000),
        "The same in seconds.",
    ),
];
const CREATE_KEY: &[Field] = &[
    optional(
        "name",
        Kind::Name,
        "Unique per realm and kind; without one the key goes by its id.",
    ),
    required("spec", Kind::Choice("KeySpec"), "Algorithm and size."),
    optional(
        "purpose",
        Kind::Choice("Purpose"),
        "The one purpose for life; the algorithm's first if not given.",
    ),
    optional(
        "protection",
        Kind::Choice("Protection"),
        "Where it lives; `software` if not given.",
    ),
    optional(
        "export",
        Kind::Choice("ExportClass"),
        "How material may leave; `never` if not given.",
    ),
    optional(
        "activate",
        Kind::Bool,
        "Whether to activate it at once; true if not given.",
    ),
    optional(
        "cryptoperiod",
        Kind::Object(CRYPTOPERIOD),
        "The standard's for the purpose if not given; a part not given is unlimited.",
    ),
    optional(
        "rotate_every_days",
        Kind::Whole(1, u64::MAX / 86_400_000),
        "Make a new version so often.",
    ),
    optional(
        "rotate_every_seconds",
        Kind::Whole(1, u64::MAX / 1000),
        "The same in seconds.",
    ),
    optional(
        "sensitivity",
        Kind::Choice("Sensitivity"),
        "Impact level (FIPS 199); `moderate` if not given.",
    ),
    optional("applications", Kind::Texts, "Applications that use it."),
    optional("tags", Kind::Map, "Tags, at most 50."),
    optional(
        "owner",
        Kind::Id,
        "Who answers for it; the caller if not given.",
    ),
];
const VERSION: &[Field] = &[optional(
    "version",
    VERSIONS,
    "The current version if not given.",
)];
const VERSION_AND_REASON: &[Field] = &[
    optional("version", VERSIONS, "The current version if not given."),
    REASON,
];
const COMPROMISE: &[Field] = &[
    REASON_NEEDED,
    optional("version", VERSIONS, "One version; all if not given."),
    optional(
        "since",
        Kind::Time,
        "Since when it may have been known to others.",
    ),
];
const DESTRUCTION: &[Field] = &[
    required("after_days", Kind::Whole(7, 30), "How long to wait."),
    REASON_NEEDED,
    optional("version", VERSIONS, "One version; all if not given."),
];
const LIST_KEYS: &[Field] = &[
    optional(
        "after",
        Kind::Id,
        "Continue after this one: `next` of the page before.",
    ),
    optional(
        "limit",
        Kind::Whole(1, 1000),
        "At most so many rows; 100 if not given.",
    ),
    optional(
        "state",
        Kind::Choice("State"),
        "Only keys whose current version is in this state.",
    ),
    optional("name_prefix", Kind::Text, "Only keys whose name starts so."),
];
const READ_AUDIT: &[Field] = &[
    optional(
        "from",
        Kind::Whole(0, u64::MAX),
        "First index; 0 if not given.",
    ),
    optional(
        "limit",
        Kind::Whole(1, 1000),
        "At most so many records; 100 if not given.",
    ),
    optional("realm", Kind::Text, "Only this realm: its id, or `system`."),
    optional(
        "target",
        Kind::Id,
        "Only about this key, principal or token.",
    ),
    optional("principal", Kind::Id, "Only by this principal."),
    optional("command", Kind::Choice("CommandName"), "Only this command."),
    optional("refused_only", Kind::Bool, "Only outcomes other than done."),
];
const ARCHIVE: &[Field] = &[required(
    "before",
    Kind::Whole(0, u64::MAX),
    "First index that stays.",
)];
const REDACT: &[Field] = &[required(
    "reason",
    Kind::Text,
    "Why; kept in the record of the redaction.",
)];
const CANCEL: &[Field] = &[optional(
    "version",
    VERSIONS,
    "One version; all that are scheduled if not given.",
)];

/// A plain row; the exceptions are set with struct update syntax below.
const fn row(
    route: Route,
    method: super::route::Method,
    path: &'static [&'static str],
    tag: &'static str,
    success: Success,
    summary: &'static str,
) -> RouteSpec {
    RouteSpec {
        route,
        method,
        path,
        summary,
        tag,
        query: NONE,
        body: None,
        success,
        open: false,
        body_limit: SMALL,
    }
}

const fn with_body(spec: RouteSpec, body: &'static [Field]) -> RouteSpec {
    RouteSpec {
        body: Some(body),
        ..spec
    }
}

const fn with_query(spec: RouteSpec, query: &'static [Field]) -> RouteSpec {
    RouteSpec { query, ..spec }
}

const fn up_to(spec: RouteSpec, body_limit: usize) -> RouteSpec {
    RouteSpec { body_limit, ..spec }
}

const fn open(spec: RouteSpec) -> RouteSpec {
    RouteSpec { open: true, ..spec }
}

macro_rules! key_path {
    ($($tail:literal),*) => { &["v1", "realms", "{realm}", "keys", "{key}" $(, $tail)*] };
}

/// Every route, once.
pub static ROUTES: &[RouteSpec] = &[
    up_to(
        with_body(
            row(
                Route::Encrypt,
                Post,
                key_path!("encrypt"),
                "use",
                Success::Json("Ciphertext"),
                "Encrypt under the key's current version.",
            ),
            ENCRYPT,
        ),
        MESSAGE,
    ),
    up_to(
        with_body(
            row(
                Route::Decrypt,
                Post,
                key_path!("decrypt"),
                "use",
                Success::Json("Plaintext"),
                "Decrypt what a version of the key encrypted; the ciphertext says which.",
            ),
            DECRYPT,
        ),
        MESSAGE,
    ),
    open(row(
        Route::Health,
        Get,
        &["v1", "health"],
        "server",
        Success::Json("Health"),
        "Whether the server runs, and whether it is sealed.",
    )),
    open(row(
        Route::Ready,
        Get,
        &["v1", "ready"],
        "server",
        Success::Json("Ready"),
        "Whether the server takes commands; 503 if not.",
    )),
    open(row(
        Route::OpenApi,
        Get,
        &["v1", "openapi.json"],
        "server",
        Success::Json("OpenApi"),
        "This description.",
    )),
    open(with_body(
        row(
            Route::Unseal,
            Post,
            &["v1", "unseal"],
            "server",
            Success::Nothing,
            "Open the seal.",
        ),
        UNSEAL,
    )),
    with_body(
        row(
            Route::Seal,
            Post,
            &["v1", "seal"],
            "server",
            Success::Nothing,
            "Close the seal: keys leave memory.",
        ),
        &[REASON],
    ),
    row(
        Route::Status,
        Get,
        &["v1", "status"],
        "server",
        Success::Json("Status"),
        "Status of the server, its module, its log and every check.",
    ),
    with_body(
        row(
            Route::CreateRealm,
            Post,
            &["v1", "realms"],
            "realms",
            Success::Created("Realm"),
            "Make a realm.",
        ),
        CREATE_REALM,
    ),
    with_query(
        row(
            Route::ListRealms,
            Get,
            &["v1", "realms"],
            "realms",
            Success::Json("RealmPage"),
            "List realms in id order.",
        ),
        &PAGE,
    ),
    row(
        Route::DescribeRealm,
        Get,
        &["v1", "realms", "{realm}"],
        "realms",
        Success::Json("Realm"),
        "Show a realm.",
    ),
    with_body(
        row(
            Route::CreateWorkload,
            Post,
            &["v1", "realms", "{realm}", "workloads"],
            "principals",
            Success::Created("Principal"),
            "Make a workload.",
        ),
        CREATE_WORKLOAD,
    ),
    with_query(
        row(
            Route::ListWorkloads,
            Get,
            &["v1", "realms", "{realm}", "workloads"],
            "principals",
            Success::Json("PrincipalPage"),
            "List the realm's principals in id order.",
        ),
        &PAGE,
    ),
    row(
        Route::DescribePrincipal,
        Get,
        &["v1", "principals", "{id}"],
        "principals",
        Success::Json("Principal"),
        "Show a principal.",
    ),
    with_body(
        row(
            Route::IssueToken,
            Post,
            &["v1", "principals", "{id}", "tokens"],
            "principals",
            Success::Created("Token"),
            "Issue a bearer token; its text is shown once.",
        ),
        ISSUE_TOKEN,
    ),
    row(
        Route::EnablePrincipal,
        Post,
        &["v1", "principals", "{id}", "enable"],
        "principals",
        Success::Nothing,
        "Let a principal act again.",
    ),
    row(
        Route::DisablePrincipal,
        Post,
        &["v1", "principals", "{id}", "disable"],
        "principals",
        Success::Nothing,
        "Stop a principal; effective before it is answered.",
    ),
    row(
        Route::RevokeToken,
        Delete,
        &["v1", "tokens", "{id}"],
        "principals",
        Success::Nothing,
        "Revoke a bearer token.",
    ),
    with_body(
        row(
            Route::RegisterAnchor,
            Post,
            &["v1", "realms", "{realm}", "anchors"],
            "principals",
            Success::Created("Anchor"),
            "Register a certificate authority whose certificates identify the realm's workloads.",
        ),
        REGISTER_ANCHOR,
    ),
    with_body(
        row(
            Route::BindCertificate,
            Post,
            &["v1", "realms", "{realm}", "certificates"],
            "principals",
            Success::Nothing,
            "Bind a certificate name under an anchor to a workload.",
        ),
        BIND_CERTIFICATE,
    ),
    row(
        Route::ListPolicies,
        Get,
        &["v1", "realms", "{realm}", "policies"],
        "policies",
        Success::Json("PolicyList"),
        "List the realm's policies.",
    ),
    up_to(
        with_body(
            row(
                Route::PutPolicy,
                Put,
                &["v1", "realms", "{realm}", "policies", "{name}"],
                "policies",
                Success::Nothing,
                "Write a policy.",
            ),
            PUT_POLICY,
        ),
        POLICY,
    ),
    row(
        Route::DeletePolicy,
        Delete,
        &["v1", "realms", "{realm}", "policies", "{name}"],
        "policies",
        Success::Nothing,
        "Remove a policy.",
    ),
    with_body(
        row(
            Route::CreateKey,
            Post,
            &["v1", "realms", "{realm}", "keys"],
            "keys",
            Success::Created("Key"),
            "Make a key.",
        ),
        CREATE_KEY,
    ),
    with_query(
        row(
            Route::ListKeys,
            Get,
            &["v1", "realms", "{realm}", "keys"],
            "keys",
            Success::Json("KeyPage"),
            "List keys in id order: stable under writes.",
        ),
        LIST_KEYS,
    ),
    row(
        Route::DescribeKey,
        Get,
        key_path!(),
        "keys",
        Success::Json("Key"),
        "Show a key and its versions.",
    ),
    with_body(
        row(
            Route::RotateKey,
            Post,
            key_path!("rotate"),
            "keys",
            Success::Json("Key"),
            "Make a new version and let it protect from now on.",
        ),
        NONE,
    ),
    with_body(
        row(
            Route::ActivateKey,
            Post,
            key_path!("activate"),
            "keys",
            Success::Json("Key"),
            "Pre-activation to active.",
        ),
        VERSION,
    ),
    with_body(
        row(
            Route::SuspendKey,
            Post,
            key_path!("suspend"),
            "keys",
            Success::Json("Key"),
            "Stop all use for the time being.",
        ),
        &[REASON],
    ),
    with_body(
        row(
            Route::ResumeKey,
            Post,
            key_path!("resume"),
            "keys",
            Success::Json("Key"),
            "Allow use again.",
        ),
        &[REASON],
    ),
    with_body(
        row(
            Route::DeactivateKey,
            Post,
            key_path!("deactivate"),
            "keys",
            Success::Json("Key"),
            "End protection by a version for good.",
        ),
        VERSION_AND_REASON,
    ),
    with_body(
        row(
            Route::ReportCompromise,
            Post,
            key_path!("compromise"),
            "keys",
            Success::Json("Key"),
            "Record that others may know the key.",
        ),
        COMPROMISE,
    ),
    with_body(
        row(
            Route::ScheduleDestruction,
            Post,
            key_path!("destruction"),
            "keys",
            Success::Json("Key"),
            "Set a date for destruction.",
        ),
        DESTRUCTION,
    ),
    with_query(
        row(
            Route::CancelDestruction,
            Delete,
            key_path!("destruction"),
            "keys",
            Success::Json("Key"),
            "Clear that date, and nothing else.",
        ),
        CANCEL,
    ),
    with_body(
        row(
            Route::ExecuteDestruction,
            Post,
            key_path!("destruction", "execute"),
            "keys",
            Success::Json("Key"),
            "Destroy the versions that are due.",
        ),
        NONE,
    ),
    with_body(
        row(
            Route::ConfirmDestruction,
            Post,
            key_path!("destruction", "confirm"),
            "keys",
            Success::Json("Key"),
            "Let a held destruction go on.",
        ),
        NONE,
    ),
    with_query(
        row(
            Route::ReadAudit,
            Get,
            &["v1", "audit", "records"],
            "audit",
            Success::Json("RecordPage"),
            "Read audit records, oldest first.",
        ),
        READ_AUDIT,
    ),
    row(
        Route::ProveRecord,
        Get,
        &["v1", "audit", "records", "{index}", "proof"],
        "audit",
        Success::Json("RecordProof"),
        "Prove that a record is in the log; complete for offline use.",
    ),
    row(
        Route::ReadCheckpoint,
        Get,
        &["v1", "audit", "checkpoint"],
        "audit",
        Success::Text,
        "The newest signed checkpoint (C2SP tlog-checkpoint).",
    ),
    row(
        Route::ReadLog,
        Get,
        &["v1", "log", "{path*}"],
        "audit",
        Success::Bytes,
        "A tile, a bundle of entries (C2SP tlog-tiles), or `keys`: the history of the log's keys.",
    ),
    with_body(
        row(
            Route::ArchiveLog,
            Post,
            &["v1", "audit", "archive"],
            "audit",
            Success::Bytes,
            "Archive everything before an index into a segment that verifies on its own.",
        ),
        ARCHIVE,
    ),
    with_body(
        row(
            Route::RedactRecord,
            Post,
            &["v1", "audit", "records", "{index}", "redact"],
            "audit",
            Success::Nothing,
            "Remove the body of a record; its proof stays.",
        ),
        REDACT,
    ),
    with_body(
        row(
            Route::RotateLogKey,
            Post,
            &["v1", "audit", "log-key", "rotate"],
            "audit",
            Success::Nothing,
            "Replace the log-signing key; the statement is signed by both.",
        ),
        NONE,
    ),
];
