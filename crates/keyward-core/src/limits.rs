//! A limit on everything, in one place, each with its reason.

/// Encryptions under one AES-GCM key with random IVs: never past it (SP 800-38D §8.3).
pub const GCM_INVOCATIONS_MAX: u64 = 1 << 32;
/// From here on status warns and a scheduled rotation is brought forward.
pub const GCM_INVOCATIONS_WARN: u64 = 1 << 30;
/// How many encryptions one durable reservation covers: what a crash can waste.
pub const USAGE_BLOCK: u64 = 1 << 16;
/// Plaintext or message of one operation.
pub const MESSAGE_MAX_BYTES: usize = 4 << 20;
/// Items of one batch: one decision and one record cover them all.
pub const BATCH_ITEMS_MAX: usize = 256;
/// Bytes of one batch, payloads and contexts together: no more than one message and its context.
pub const BATCH_MAX_BYTES: usize = MESSAGE_MAX_BYTES + CONTEXT_MAX_BYTES;
/// Versions tried, newest first, when a signature or code comes without the version that made it.
pub const VERSIONS_TRIED_MAX: u32 = 8;
/// Key material wrapped in one piece: more than any key has, and little work (KWP passes over it six times).
pub const WRAP_MAX_BYTES: usize = 16 << 10;
/// Random bytes given at once: one request of the generator (SP 800-90A, 2^19 bits).
pub const RANDOM_MAX_BYTES: u32 = 64 << 10;
/// Caller context (additional authenticated data).
pub const CONTEXT_MAX_BYTES: usize = 8 << 10;
/// Versions of one object.
pub const VERSIONS_MAX: u32 = 1_000;
/// State changes kept beside a component; the log has all of them.
pub const TRANSITIONS_KEPT: usize = 32;
/// Tags of one object.
pub const TAGS_MAX: usize = 50;
/// Bytes of a tag's key or value.
pub const TAG_MAX_BYTES: usize = 256;
/// Further names of one object.
pub const ALIASES_MAX: usize = 32;
/// Objects shown of a blast radius; how many more there are is said.
pub const BLAST_RADIUS_MAX: usize = 10_000;
/// Bytes of one secret's value.
pub const SECRET_MAX_BYTES: usize = 64 << 10;
/// Versions of a secret or certificate that are not destroyed: each may hold as much.
pub const SECRET_VERSIONS_MAX: usize = 100;
/// Applications named on one object.
pub const APPLICATIONS_MAX: usize = 32;
/// Bytes of a stated reason.
pub const REASON_MAX_BYTES: usize = 1_000;
/// Shortest and longest wait before destruction, in days (DESIGN §5).
pub const DESTROY_AFTER_DAYS: core::ops::RangeInclusive<u16> = 7..=30;
/// Rows of one page of a listing.
pub const PAGE_MAX: usize = 1_000;
/// Bytes of one audit record.
pub const RECORD_MAX_BYTES: usize = 60 << 10;
/// Bytes of one policy's text.
pub const POLICY_MAX_BYTES: usize = 64 << 10;
/// Longest life of a bearer token, in days.
pub const TOKEN_MAX_DAYS: u16 = 366;
/// Leaves of one realm's puncturable state.
pub const LEAVES_MAX: u64 = 1 << 40;
/// How far wall and service time may part before irreversible jobs hold, in milliseconds (DESIGN §5).
pub const CLOCK_DRIFT_MAX_MS: u64 = 60_000;
/// How long they then hold.
pub const CLOCK_HOLD_MS: u64 = 24 * 3_600_000;
/// Smallest passphrase in bytes after NFC (the module's floor is 14; SP 800-132 use).
pub const PASSPHRASE_MIN_BYTES: usize = 14;
/// Smallest passphrase in code points after NFC.
pub const PASSPHRASE_MIN_CHARS: usize = 15;
