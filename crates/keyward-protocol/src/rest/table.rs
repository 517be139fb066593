//! The route table. A route is added here once; matching, the check for unknown fields and the `OpenAPI` document follow.
//!
//! The chapter of the hot path stands first: the table is searched from the top.
macro_rules! key_path {
    ($($tail:literal),*) => { &["v1", "realms", "{realm}", "keys", "{key}" $(, $tail)*] };
}

mod use_keys;

mod objects;
mod server;

use super::bodies::*;
use super::spec::{RouteSpec, Success, delete, get, patch, post, put};

pub use objects::Of;
use objects::{CERTIFICATES, OPAQUE, SECRETS};
use server::{AUDIT, SERVER};

/// Every route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is described by its row's summary")]
pub enum Route {
    Encrypt,
    Decrypt,
    Sign,
    Verify,
    Mac,
    VerifyMac,
    EncryptBatch,
    DecryptBatch,
    SignBatch,
    VerifyBatch,
    MacBatch,
    ReEncrypt,
    GenerateDataKey,
    GenerateDataKeyWithoutPlaintext,
    GenerateDataKeyPair,
    Wrap,
    Unwrap,
    DeriveKey,
    AgreeKey,
    Encapsulate,
    Decapsulate,
    ExportPublicKey,
    Random,
    Hash,
    VerifyExternal,
    Health,
    Ready,
    OpenApi,
    Unseal,
    Seal,
    Status,
    CreateRealm,
    ListRealms,
    DescribeRealm,
    ConfigureRealm,
    SuspendRealm,
    ResumeRealm,
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
    UpdateKey,
    PutAlias,
    RemoveAlias,
    ReadBlastRadius,
    ReadDestruction,
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
    ListModules,
    ReadSettings,
    CreateImportKey,
    ImportKey,
    ExportKey,
    ReleaseKey,
    CreateCertificateRequest,
    Secret(Of),
    Opaque(Of),
    Certificate(Of),
}

/// A policy's text may need escapes.
const POLICY: usize = 512 << 10;
/// Routes that belong together.
#[derive(Debug)]
pub struct Chapter {
    /// Name.
    pub name: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// Its routes.
    pub routes: &'static [RouteSpec],
}

/// Every route, once.
pub static CHAPTERS: &[Chapter] = &[
    Chapter {
        name: "use",
        about: "Use keys.",
        routes: use_keys::USE,
    },
    Chapter {
        name: "keys",
        about: "The life of keys.",
        routes: KEYS,
    },
    Chapter {
        name: "secrets",
        about: "Secrets of applications: versioned values, encrypted at rest.",
        routes: SECRETS,
    },
    Chapter {
        name: "opaque",
        about: "Bytes without meaning to Keyward, kept like secrets.",
        routes: OPAQUE,
    },
    Chapter {
        name: "certificates",
        about: "Certificates with their chains, watched until they end.",
        routes: CERTIFICATES,
    },
    Chapter {
        name: "realms",
        about: "Tenants.",
        routes: REALMS,
    },
    Chapter {
        name: "principals",
        about: "Who may call, and how they prove it.",
        routes: PRINCIPALS,
    },
    Chapter {
        name: "policies",
        about: "What callers may do.",
        routes: POLICIES,
    },
    Chapter {
        name: "audit",
        about: "Evidence of everything above.",
        routes: AUDIT,
    },
    Chapter {
        name: "server",
        about: "The server itself.",
        routes: SERVER,
    },
];

/// Every route, in order of search.
pub fn routes() -> impl Iterator<Item = &'static RouteSpec> {
    CHAPTERS.iter().flat_map(|chapter| chapter.routes)
}

const KEYS: &[RouteSpec] = &[
    post(
        Route::CreateKey,
        &["v1", "realms", "{realm}", "keys"],
        Success::Created("Key"),
        "Make a key.",
    )
    .takes(CREATE_KEY),
    get(
        Route::ListKeys,
        &["v1", "realms", "{realm}", "keys"],
        Success::Json("KeyPage"),
        "List keys in id order: stable under writes.",
    )
    .asks(LIST_KEYS),
    get(
        Route::DescribeKey,
        key_path!(),
        Success::Json("Key"),
        "Show a key and its versions.",
    ),
    patch(
        Route::UpdateKey,
        key_path!(),
        Success::Json("Key"),
        "Change attributes of a key; what is not given stays.",
    )
    .takes(UPDATE_KEY)
    .conditional(),
    put(
        Route::PutAlias,
        key_path!("aliases", "{alias}"),
        Success::Json("Key"),
        "Give a key one more name, or move it here from another key.",
    )
    .takes(PUT_ALIAS)
    .conditional(),
    delete(
        Route::RemoveAlias,
        key_path!("aliases", "{alias}"),
        Success::Json("Key"),
        "Take a further name away.",
    )
    .conditional(),
    post(
        Route::CreateImportKey,
        &["v1", "realms", "{realm}", "import-keys"],
        Success::Created("ImportKey"),
        "Ask for a key to wrap material for: for you, for one transfer, for an hour.",
    )
    .takes(CREATE_IMPORT_KEY),
    post(
        Route::ImportKey,
        &["v1", "realms", "{realm}", "import"],
        Success::Created("Key"),
        "Make a key of material from outside; its origin stays on record.",
    )
    .takes(IMPORT_KEY),
    post(
        Route::ExportKey,
        key_path!("export"),
        Success::Json("ExportedKey"),
        "Let material out, wrapped, if the export class is `wrapped` or `session`.",
    )
    .takes(EXPORT_KEY)
    .conditional(),
    post(
        Route::ReleaseKey,
        key_path!("release"),
        Success::Json("ReleasedKey"),
        "Let a symmetric key out in the clear to a caller with a client certificate, if its export class is `session`.",
    )
    .takes(VERSION)
    .conditional(),
    post(
        Route::CreateCertificateRequest,
        key_path!("certificate-request"),
        Success::Json("CertificateRequest"),
        "Make a certificate request (PKCS#10), signed by the key.",
    )
    .takes(CERTIFICATE_REQUEST),
    get(
        Route::ReadDestruction,
        key_path!("destruction"),
        Success::Json("DestructionCertificate"),
        "Show what is known about the destruction of versions: for whoever must prove it.",
    ),
    get(
        Route::ReadBlastRadius,
        key_path!("blast-radius"),
        Success::Json("BlastRadius"),
        "Show what depends on a key: what it wraps, what was derived from it, what it certifies, and so on.",
    ),
    post(
        Route::RotateKey,
        key_path!("rotate"),
        Success::Json("Key"),
        "Make a new version and let it protect from now on.",
    )
    .takes(NONE)
    .conditional(),
    post(
        Route::ActivateKey,
        key_path!("activate"),
        Success::Json("Key"),
        "Pre-activation to active.",
    )
    .takes(VERSION)
    .conditional(),
    post(
        Route::SuspendKey,
        key_path!("suspend"),
        Success::Json("Key"),
        "Stop all use for the time being.",
    )
    .takes(&[REASON])
    .conditional(),
    post(
        Route::ResumeKey,
        key_path!("resume"),
        Success::Json("Key"),
        "Allow use again.",
    )
    .takes(&[REASON])
    .conditional(),
    post(
        Route::DeactivateKey,
        key_path!("deactivate"),
        Success::Json("Key"),
        "End protection by a version for good.",
    )
    .takes(VERSION_AND_REASON)
    .conditional(),
    post(
        Route::ReportCompromise,
        key_path!("compromise"),
        Success::Json("Key"),
        "Record that others may know the key.",
    )
    .takes(COMPROMISE)
    .conditional(),
    post(
        Route::ScheduleDestruction,
        key_path!("destruction"),
        Success::Json("Key"),
        "Set a date for destruction.",
    )
    .takes(DESTRUCTION)
    .conditional(),
    delete(
        Route::CancelDestruction,
        key_path!("destruction"),
        Success::Json("Key"),
        "Clear that date, and nothing else.",
    )
    .asks(CANCEL)
    .conditional(),
    post(
        Route::ExecuteDestruction,
        key_path!("destruction", "execute"),
        Success::Json("Key"),
        "Destroy the versions that are due.",
    )
    .takes(NONE)
    .conditional(),
    post(
        Route::ConfirmDestruction,
        key_path!("destruction", "confirm"),
        Success::Json("Key"),
        "Let a held destruction go on.",
    )
    .takes(NONE)
    .conditional(),
];

const REALMS: &[RouteSpec] = &[
    post(
        Route::CreateRealm,
        &["v1", "realms"],
        Success::Created("Realm"),
        "Make a realm.",
    )
    .takes(CREATE_REALM),
    get(
        Route::ListRealms,
        &["v1", "realms"],
        Success::Json("RealmPage"),
        "List realms in id order.",
    )
    .asks(PAGE),
    get(
        Route::DescribeRealm,
        &["v1", "realms", "{realm}"],
        Success::Json("Realm"),
        "Show a realm.",
    ),
    patch(
        Route::ConfigureRealm,
        &["v1", "realms", "{realm}"],
        Success::Json("Realm"),
        "Change the rules of a realm; what is not given stays.",
    )
    .takes(CONFIGURE_REALM),
    post(
        Route::SuspendRealm,
        &["v1", "realms", "{realm}", "suspend"],
        Success::Json("Realm"),
        "Stop every use in a realm.",
    )
    .takes(&[REASON]),
    post(
        Route::ResumeRealm,
        &["v1", "realms", "{realm}", "resume"],
        Success::Json("Realm"),
        "Allow use in a realm again.",
    )
    .takes(&[REASON]),
];

const PRINCIPALS: &[RouteSpec] = &[
    post(
        Route::CreateWorkload,
        &["v1", "realms", "{realm}", "workloads"],
        Success::Created("Principal"),
        "Make a workload.",
    )
    .takes(CREATE_WORKLOAD),
    get(
        Route::ListWorkloads,
        &["v1", "realms", "{realm}", "workloads"],
        Success::Json("PrincipalPage"),
        "List the realm's principals in id order.",
    )
    .asks(PAGE),
    get(
        Route::DescribePrincipal,
        &["v1", "principals", "{id}"],
        Success::Json("Principal"),
        "Show a principal.",
    ),
    post(
        Route::IssueToken,
        &["v1", "principals", "{id}", "tokens"],
        Success::Created("Token"),
        "Issue a bearer token; its text is shown once.",
    )
    .takes(ISSUE_TOKEN),
    post(
        Route::EnablePrincipal,
        &["v1", "principals", "{id}", "enable"],
        Success::Json("Principal"),
        "Let a principal act again.",
    ),
    post(
        Route::DisablePrincipal,
        &["v1", "principals", "{id}", "disable"],
        Success::Json("Principal"),
        "Stop a principal; effective before it is answered.",
    ),
    delete(
        Route::RevokeToken,
        &["v1", "tokens", "{id}"],
        Success::Nothing,
        "Revoke a bearer token.",
    ),
    post(
        Route::RegisterAnchor,
        &["v1", "realms", "{realm}", "anchors"],
        Success::Created("Anchor"),
        "Register a certificate authority whose certificates identify the realm's workloads.",
    )
    .takes(REGISTER_ANCHOR),
    post(
        Route::BindCertificate,
        &["v1", "realms", "{realm}", "certificates"],
        Success::Nothing,
        "Bind a certificate name under an anchor to a workload.",
    )
    .takes(BIND_CERTIFICATE),
];

const POLICIES: &[RouteSpec] = &[
    get(
        Route::ListPolicies,
        &["v1", "realms", "{realm}", "policies"],
        Success::Json("PolicyList"),
        "List the realm's policies.",
    ),
    put(
        Route::PutPolicy,
        &["v1", "realms", "{realm}", "policies", "{name}"],
        Success::Nothing,
        "Write a policy.",
    )
    .takes(PUT_POLICY)
    .up_to(POLICY),
    delete(
        Route::DeletePolicy,
        &["v1", "realms", "{realm}", "policies", "{name}"],
        Success::Nothing,
        "Remove a policy.",
    ),
];
