//! What the routes take: the members of their bodies and their query parameters.
mod objects;

use super::spec::{Field, Kind, optional, required};

pub(super) use objects::*;

pub(super) const NONE: &[Field] = &[];
pub(super) const VERSIONS: Kind = Kind::Whole(1, u32::MAX as u64);
/// One line or several, no other control characters.
const LINES: Kind = Kind::Pattern(r"^[^\x00-\x09\x0b-\x1f\x7f-\x9f]*$");
pub(super) const REASON: Field =
    optional("reason", LINES, "Why; kept with the key and in the record.");
pub(super) const REASON_NEEDED: Field =
    required("reason", LINES, "Why; kept with the key and in the record.");
pub(super) const PAGE: &[Field] = &[
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

pub(super) const ENCRYPT: &[Field] = &[
    required("plaintext", Kind::Base64, "What to encrypt, at most 4 MiB."),
    optional(
        "context",
        Kind::Base64,
        "Bound in as additional authenticated data, at most 8 KiB; needed again to decrypt.",
    ),
];
pub(super) const DECRYPT: &[Field] = &[
    required("ciphertext", Kind::Base64, "What encrypt gave."),
    optional("context", Kind::Base64, "As given to encrypt."),
    optional(
        "accept_compromised",
        Kind::Bool,
        "Knowingly process with a compromised key (SP 800-57 Part 1 §7.5).",
    ),
];
pub(super) const UNSEAL: &[Field] = &[
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
        Kind::Whole(1, u64::MAX),
        "Keys that are not destroyed.",
    ),
    optional(
        "rate_per_second",
        Kind::Whole(1, u32::MAX as u64),
        "Commands a second, sustained.",
    ),
    optional(
        "in_flight",
        Kind::Whole(1, u32::MAX as u64),
        "Commands under way at once.",
    ),
    optional(
        "audit_bytes_per_day",
        Kind::Whole(1, u64::MAX),
        "Bytes of log a day.",
    ),
];
pub(super) const CREATE_REALM: &[Field] = &[
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
pub(super) const CREATE_WORKLOAD: &[Field] = &[
    required("name", Kind::Name, "Unique in the realm."),
    required("roles", Kind::Choices("Role"), "Roles in the realm."),
];
pub(super) const ISSUE_TOKEN: &[Field] = &[
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
pub(super) const REGISTER_ANCHOR: &[Field] = &[required(
    "certificate",
    Kind::Text,
    "The certificate of the authority, one, in PEM.",
)];
pub(super) const BIND_CERTIFICATE: &[Field] = &[
    required("anchor", Kind::Digest, "Fingerprint of the anchor."),
    required(
        "name",
        Kind::Pattern(r"^(dns|uri|cn):[^\x00-\x1f\x7f-\x9f]{1,508}$"),
        "Name in the certificate: `dns:…`, `uri:…` or `cn:…`.",
    ),
    required("principal", Kind::Principal, "The workload it is."),
];
pub(super) const PUT_POLICY: &[Field] = &[required(
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
pub(super) const CREATE_KEY: &[Field] = &[
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
pub(super) const UPDATE_KEY: &[Field] = &[
    optional(
        "name",
        Kind::Nullable(&Kind::Name),
        "Another name, or null for none.",
    ),
    optional(
        "tags",
        Kind::MapEdit,
        "Tags to write; null removes one, the others stay.",
    ),
    optional("owner", Kind::Principal, "Who answers for it."),
    optional("applications", Kind::Texts, "All applications that use it."),
    optional(
        "sensitivity",
        Kind::Choice("Sensitivity"),
        "Impact level (FIPS 199).",
    ),
    optional(
        "export",
        Kind::Choice("ExportClass"),
        "A narrower export class.",
    ),
    optional(
        "cryptoperiod",
        Kind::Object(CRYPTOPERIOD),
        "Shorter periods; those of the versions there are end earlier too.",
    ),
    optional(
        "rotate_every_days",
        Kind::Nullable(&Kind::Whole(1, u64::MAX / 86_400_000)),
        "Make a new version so often, counted from the current one; null: only when asked to.",
    ),
    optional(
        "rotate_every_seconds",
        Kind::Nullable(&Kind::Whole(1, u64::MAX / 1000)),
        "The same in seconds.",
    ),
    optional(
        "min_protect_version",
        VERSIONS,
        "Lowest version that may protect.",
    ),
    optional(
        "min_process_version",
        VERSIONS,
        "Lowest version that may process.",
    ),
];
pub(super) const PUT_ALIAS: &[Field] = &[optional(
    "take",
    Kind::Bool,
    "Take it from the key that has it now; else that is refused.",
)];
pub(super) const RULES: &[Field] = &[
    optional(
        "rotate_every_days",
        Kind::Whole(1, u64::MAX / 86_400_000),
        "Rotation interval of a key that is made without one.",
    ),
    optional(
        "rotate_every_seconds",
        Kind::Whole(1, u64::MAX / 1000),
        "The same in seconds.",
    ),
    optional(
        "widest_export",
        Kind::Choice("ExportClass"),
        "Widest export class of a new key; any that the level allows if not given.",
    ),
    optional(
        "exceptions",
        Kind::Bool,
        "Whether keys may be made with an exception for services that are not approved; false if not given.",
    ),
];
pub(super) const CONFIGURE_REALM: &[Field] = &[
    optional(
        "level",
        Kind::Whole(1, 3),
        "Assurance level; it may sink only while the realm holds no object.",
    ),
    optional(
        "quotas",
        Kind::Object(QUOTAS),
        "All limits; the defaults for those not given.",
    ),
    optional(
        "rules",
        Kind::Object(RULES),
        "All rules for new keys; none for those not given.",
    ),
];
pub(super) const VERSION: &[Field] = &[optional(
    "version",
    VERSIONS,
    "The current version if not given.",
)];
pub(super) const VERSION_AND_REASON: &[Field] = &[
    optional("version", VERSIONS, "The current version if not given."),
    REASON,
];
pub(super) const COMPROMISE: &[Field] = &[
    REASON_NEEDED,
    optional("version", VERSIONS, "One version; all if not given."),
    optional(
        "since",
        Kind::Time,
        "Since when it may have been known to others.",
    ),
];
pub(super) const DESTRUCTION: &[Field] = &[
    required(
        "after_days",
        Kind::Whole(0, 30),
        "How long to wait: 7 to 30 days; in a rehearsal realm also less.",
    ),
    REASON_NEEDED,
    optional("version", VERSIONS, "One version; all if not given."),
];
pub(super) const LIST_KEYS: &[Field] = &[
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
    optional(
        "name_prefix",
        Kind::Text,
        "Only keys whose name or alias starts so.",
    ),
    optional(
        "spec",
        Kind::Choice("KeySpec"),
        "Only this algorithm and size.",
    ),
    optional("purpose", Kind::Choice("Purpose"), "Only this purpose."),
    optional(
        "owner",
        Kind::Principal,
        "Only those this principal answers for.",
    ),
    optional(
        "tag",
        Kind::Text,
        "Only keys with this tag: `KEY` or `KEY=VALUE`.",
    ),
    optional(
        "rotation_due_before",
        Kind::Time,
        "Only keys whose scheduled rotation falls due before then.",
    ),
    optional(
        "destruction_due_before",
        Kind::Time,
        "Only keys with a destruction that falls due before then.",
    ),
];
pub(super) const READ_AUDIT: &[Field] = &[
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
    optional(
        "realm",
        Kind::Pattern("^([0-9a-f]{32}|system)$"),
        "Only this realm: its id, or `system`.",
    ),
    optional(
        "target",
        Kind::Id,
        "Only about this key, principal or token.",
    ),
    optional("principal", Kind::Principal, "Only by this principal."),
    optional("command", Kind::Choice("CommandName"), "Only this command."),
    optional("refused_only", Kind::Bool, "Only outcomes other than done."),
    optional("since", Kind::Time, "Only from this time on."),
    optional("until", Kind::Time, "Only up to this time."),
];
pub(super) const ARCHIVE: &[Field] = &[required(
    "before",
    Kind::Whole(0, u64::MAX),
    "First index that stays.",
)];
pub(super) const REDACT: &[Field] = &[required(
    "reason",
    LINES,
    "Why; kept in the record of the redaction.",
)];
pub(super) const CANCEL: &[Field] = &[optional(
    "version",
    VERSIONS,
    "One version; all that are scheduled if not given.",
)];
