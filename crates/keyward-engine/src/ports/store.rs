//! Where rows and the log are kept.
//!
//! # What an adapter promises
//! - **Serialisable**: commits happen one after another; a read sees whole commits only.
//! - **Durable when it returns**: after `Ok` from [`Store::commit`] the batch survives a crash of the process, the
//!   system and the power supply. After [`StoreFault::Unknown`] it may or may not be there, and the engine stops.
//! - **Compare-and-swap**: a batch is applied only if every row it names in `expect` has exactly the version named
//!   (0: absent); otherwise nothing of it is applied and the first row that differs is named.
//! - **Erasing**: what a batch deletes or overwrites is not left readable in free space of the adapter's files once
//!   [`Store::scrub`] returned.
//!
//! # Trust
//! The store is *not* trusted with confidentiality or integrity: rows arrive sealed and authenticated by the engine.
//! It is trusted with durability and ordering only; a lie about those is found by the log and its witnesses.
use std::sync::Arc;

/// The tables. Numbers are part of the stored format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Table {
    /// Deployment record, format version, service time.
    Meta = 0,
    /// Realms by id.
    Realm = 1,
    /// Principals by id.
    Principal = 2,
    /// Bearer tokens by id.
    Token = 3,
    /// Trust anchors by realm and fingerprint.
    Anchor = 4,
    /// Certificate names to principals, by anchor fingerprint and name.
    CertificateBinding = 5,
    /// Objects by realm and id.
    Object = 6,
    /// Versions by realm, object and number.
    Version = 7,
    /// Names to ids, by realm, kind and name.
    Name = 8,
    /// Reserved use counts by realm, object and version.
    Usage = 9,
    /// Epochs: of policy, of each realm, of each principal's credentials.
    Epoch = 10,
    /// Policies by realm and name.
    Policy = 11,
    /// Each node lane's log head.
    Lane = 12,
    /// Each lane's sequence number per realm.
    LaneRealm = 13,
    /// Work that falls due, by time.
    Due = 14,
    /// Seal slots, keyring entries, puncturable states.
    Custody = 15,
    /// The puncture ledger.
    Ledger = 16,
    /// Idempotency keys.
    Idempotency = 17,
    /// Pending approvals.
    Approval = 18,
    /// Edges between objects.
    Edge = 19,
    /// Log: one blob per commit batch, by lane and first index.
    LogBatch = 20,
    /// Log: full tiles, by lane, level and number.
    LogTile = 21,
    /// Log: signed checkpoints, by lane and size.
    LogCheckpoint = 22,
    /// Log: search index (can be rebuilt).
    LogIndex = 23,
    /// Log: archived segments, by lane and first index.
    LogSegment = 24,
    /// Module registry entries.
    ModuleRegistry = 25,
}

impl Table {
    /// All tables in number order.
    pub const ALL: [Self; 26] = [
        Self::Meta,
        Self::Realm,
        Self::Principal,
        Self::Token,
        Self::Anchor,
        Self::CertificateBinding,
        Self::Object,
        Self::Version,
        Self::Name,
        Self::Usage,
        Self::Epoch,
        Self::Policy,
        Self::Lane,
        Self::LaneRealm,
        Self::Due,
        Self::Custody,
        Self::Ledger,
        Self::Idempotency,
        Self::Approval,
        Self::Edge,
        Self::LogBatch,
        Self::LogTile,
        Self::LogCheckpoint,
        Self::LogIndex,
        Self::LogSegment,
        Self::ModuleRegistry,
    ];

    /// The stored number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// A row as stored: its version (1 when first written, one more at each change) and its sealed bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// How often it was written.
    pub version: u64,
    /// The bytes, opaque to the store.
    pub value: Arc<[u8]>,
}

/// A row's place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey {
    /// Table.
    pub table: Table,
    /// Key bytes; order is byte order.
    pub key: Vec<u8>,
}

/// One row the batch depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expect {
    /// Which row.
    pub row: RowKey,
    /// Its version when the decision was made; 0 means that it was absent.
    pub version: u64,
}

/// One change. The new version of a put row is the batch's business: see [`Change::Put`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Writes the row with exactly this version (the engine computes expected version + 1, so it can authenticate it).
    Put {
        /// Which row.
        row: RowKey,
        /// Version to store.
        version: u64,
        /// Bytes to store.
        value: Vec<u8>,
    },
    /// Removes the row (no fault if it is not there).
    Delete {
        /// Which row.
        row: RowKey,
    },
}

/// Everything that happens together or not at all.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Checked first, all of them, before any change.
    pub expect: Vec<Expect>,
    /// Applied in order.
    pub changes: Vec<Change>,
    /// Whether the adapter may use its disk reserve for it: only what stops harm (suspend, revoke, compromise, archive).
    pub urgent: bool,
}

/// What a commit came to when nothing failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Commit {
    /// Durable.
    Done,
    /// Nothing was applied: this row had another version.
    Conflict {
        /// The first row that differed.
        row: RowKey,
        /// The version it has (0: absent).
        found: u64,
    },
}

/// Why the store did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreFault {
    /// No room left; nothing was applied.
    #[error("the disk is full")]
    Full,
    /// The medium refuses writes; nothing was applied.
    #[error("the storage is read-only")]
    ReadOnly,
    /// Another process holds the data directory.
    #[error("another server holds the data directory")]
    Locked,
    /// What was read is not what was once written.
    #[error("the storage is damaged: {0}")]
    Corrupt(&'static str),
    /// Not there, no connection, timed out; nothing was applied.
    #[error("the storage is unavailable: {0}")]
    Unavailable(&'static str),
    /// Written by a newer release.
    #[error("the stored format {found} is newer than this program's {known}")]
    TooNew {
        /// Format found.
        found: u32,
        /// Newest known.
        known: u32,
    },
    /// The batch may or may not be durable (an fsync failed, a connection broke during commit). Fatal.
    #[error("the outcome of a commit is unknown: {0}")]
    Unknown(&'static str),
}

/// What the store is and how full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreDescription {
    /// Adapter and engine version, e.g. `sqlite 3.54.1`.
    pub name: String,
    /// Bytes it occupies.
    pub used_bytes: u64,
    /// Bytes still free on its medium, where that can be known.
    pub free_bytes: Option<u64>,
    /// Whether a commit survives a power failure (false for the memory store).
    pub durable: bool,
}

/// Rows with keys, in key order.
pub type Rows = Vec<(Vec<u8>, Row)>;

/// The port.
pub trait Store: Send + Sync {
    /// One row, or none.
    ///
    /// # Errors
    /// [`StoreFault::Unavailable`] or [`StoreFault::Corrupt`].
    fn get(&self, row: &RowKey) -> Result<Option<Row>, StoreFault>;

    /// Up to `limit` rows of a table whose key starts with `prefix` and is greater than `after` (if given), in order.
    ///
    /// # Errors
    /// As for [`Store::get`].
    fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Rows, StoreFault>;

    /// The last (greatest) key with this prefix, and its row.
    ///
    /// # Errors
    /// As for [`Store::get`].
    fn last(&self, table: Table, prefix: &[u8]) -> Result<Option<(Vec<u8>, Row)>, StoreFault>;

    /// Applies the batches in order in ONE durable transaction; a batch whose expectation fails is left out whole and
    /// reported as a conflict, the others stand. One answer per batch, in order.
    ///
    /// # Errors
    /// Any fault: then none of the batches was applied, except after [`StoreFault::Unknown`].
    fn commit(&self, batches: Vec<Batch>) -> Result<Vec<Commit>, StoreFault>;

    /// Makes deleted and overwritten bytes unreadable in the adapter's own files (checkpoint and truncate the journal).
    ///
    /// # Errors
    /// As for [`Store::commit`].
    fn scrub(&self) -> Result<(), StoreFault>;

    /// What this store is.
    ///
    /// # Errors
    /// As for [`Store::get`].
    fn describe(&self) -> Result<StoreDescription, StoreFault>;
}
