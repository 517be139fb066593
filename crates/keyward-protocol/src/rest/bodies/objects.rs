//! What the routes of objects that are no keys take, and those of material on its way.
use super::{CRYPTOPERIOD, Field, Kind, VERSIONS, optional, required};

pub(in crate::rest) const GENERATE: &[Field] = &[
    optional(
        "alphabet",
        Kind::Choice("Alphabet"),
        "Its characters; `alphanumeric` if not given.",
    ),
    required(
        "length",
        Kind::Whole(1, 4096),
        "How many characters; at least 64 bits of strength.",
    ),
];
pub(in crate::rest) const TRANSFER: &[Field] = &[
    required("import_key", Kind::Id, "The import key it was wrapped for."),
    required(
        "encapsulated",
        Kind::Base64,
        "Your ephemeral public key (SubjectPublicKeyInfo, DER), or the ML-KEM ciphertext.",
    ),
    required("wrapped", Kind::Base64, "AES-256-KWP of the material."),
];
pub(in crate::rest) const CREATE_SECRET: &[Field] = &[
    optional(
        "name",
        Kind::Name,
        "Unique per realm and kind; without one it goes by its id.",
    ),
    optional(
        "value",
        Kind::Base64,
        "The value, 1 to 65536 bytes; or one of the next two.",
    ),
    optional(
        "generate",
        Kind::Object(GENERATE),
        "Let the module make the value.",
    ),
    optional(
        "transfer",
        Kind::Object(TRANSFER),
        "The value, wrapped for an import key.",
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
        Kind::Principal,
        "Who answers for it; the caller if not given.",
    ),
];
pub(in crate::rest) const SECRET_VERSION: &[Field] = &[
    optional(
        "value",
        Kind::Base64,
        "The value, 1 to 65536 bytes; or one of the next two.",
    ),
    optional(
        "generate",
        Kind::Object(GENERATE),
        "Let the module make the value.",
    ),
    optional(
        "transfer",
        Kind::Object(TRANSFER),
        "The value, wrapped for an import key.",
    ),
];
pub(in crate::rest) const READ_SECRET: &[Field] = &[optional(
    "version",
    VERSIONS,
    "The current version if not given.",
)];
pub(in crate::rest) const CERTIFICATE: &[Field] = &[
    optional(
        "name",
        Kind::Name,
        "Of a new object; without one it goes by its id.",
    ),
    required(
        "chain",
        Kind::Text,
        "The certificate and those that issued it, in PEM, each followed by its issuer's.",
    ),
    optional(
        "subject_key",
        Kind::Text,
        "Id or name of the key whose public part it certifies; checked and linked.",
    ),
    optional("tags", Kind::Map, "Tags of a new object, at most 50."),
    optional(
        "owner",
        Kind::Principal,
        "Who answers for a new object; the caller if not given.",
    ),
];
pub(in crate::rest) const CREATE_IMPORT_KEY: &[Field] = &[required(
    "scheme",
    Kind::Choice("TransferScheme"),
    "How you will wrap; every scheme ends in AES-256-KWP.",
)];
pub(in crate::rest) const RECIPIENT: &[Field] = &[
    optional(
        "wrapping_key",
        Kind::Text,
        "Id or name of a wrapping key of the realm; or the next two.",
    ),
    optional(
        "scheme",
        Kind::Choice("TransferScheme"),
        "How to wrap for a public key.",
    ),
    optional(
        "public_key",
        Kind::Base64,
        "Ephemeral public key (SubjectPublicKeyInfo, DER), or an ML-KEM encapsulation key.",
    ),
];
pub(in crate::rest) const EXPORT_KEY: &[Field] = &[
    optional("version", VERSIONS, "The current version if not given."),
    required("recipient", Kind::Object(RECIPIENT), "For whom to wrap."),
];
pub(in crate::rest) const CERTIFICATE_REQUEST: &[Field] = &[
    optional(
        "subject",
        Kind::Text,
        "Distinguished name (RFC 4514), e.g. `CN=till.example,O=Shop`.",
    ),
    optional(
        "alternative_names",
        Kind::Texts,
        "`dns:…`, `uri:…`, `email:…` or `ip:…`.",
    ),
];
pub(in crate::rest) const IMPORT_KEY: &[Field] = &[
    required(
        "transfer",
        Kind::Object(TRANSFER),
        "The material: raw, PKCS#8 for pairs, the expanded decapsulation key for ML-KEM.",
    ),
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
        Kind::Principal,
        "Who answers for it; the caller if not given.",
    ),
    optional(
        "non_approved_exception",
        Kind::Bool,
        "Let services that are not approved be used with it, for life; only where the realm allows that.",
    ),
];
