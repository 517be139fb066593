//! The approval table of TLS: one row per service of the module that a connection may use.
//!
//! Every component of the provider points at its rows, and its `fips()` is computed from them, never written down
//! twice. Three columns decide: what the module's own *indicator* says about the call, what the *policy* of the
//! certificate says about the service, and under which *condition* both hold. The result of a row is the minimum.
//! `tests/rows.rs` runs every row against the real indicator and prints each place where it says something else
//! than the policy, with the explanation written here; an unexplained or outdated one fails.
//!
//! Nothing in this file computes anything; it is meant to be read, and to be corrected, as a table.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};

/// What part of TLS a row belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Component {
    /// Random bytes: nonces of the handshake, serial numbers.
    Random,
    /// Transcript hash, fingerprints.
    Hash,
    /// TLS 1.3 key schedule (RFC 8446 §7.1).
    Tls13KeySchedule,
    /// TLS 1.2 key derivation (RFC 5246 §5 with RFC 7627).
    Tls12KeyDerivation,
    /// Protection of records.
    RecordProtection,
    /// Generation of EC key pairs.
    KeyGeneration,
    /// Key establishment.
    KeyExchange,
    /// Signatures we make.
    SignatureGeneration,
    /// Signatures we check, in handshakes and certificates.
    SignatureVerification,
}

/// What the module's service indicator says about the call.
#[derive(Debug, Clone, Copy)]
pub enum Indicator {
    /// The indicator goes up: the module reports an approved service.
    Approved,
    /// The indicator stays: the module does not report an approved service.
    NotApproved,
    /// The indicator stays for this step, because the module reports the whole service in another call, the one of
    /// the named row, which always comes first. The difference is explained in the row.
    ReportedBy(&'static Row),
}

impl Indicator {
    /// Whether the call itself raises the indicator.
    #[must_use]
    pub fn raised_by_the_call(&self) -> bool {
        matches!(self, Self::Approved)
    }

    fn approved(&self) -> bool {
        match self {
            Self::Approved => true,
            Self::NotApproved => false,
            Self::ReportedBy(row) => row.approved(),
        }
    }
}

/// What the security policy of certificate #5314 says about the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Listed as an approved service, under the row's condition.
    Approved,
    /// Not listed, or listed as non-approved.
    NotApproved,
}

/// One service of the module as TLS uses it.
pub struct Row {
    /// The part of TLS.
    pub component: Component,
    /// The algorithm and, where it matters, the operation.
    pub algorithm: &'static str,
    /// The module's own word.
    pub indicator: Indicator,
    /// The certificate's word.
    pub policy: Policy,
    /// What this crate has to keep for the row to hold, and keeps.
    pub condition: &'static str,
    /// Where policy and condition are written.
    pub source: &'static str,
    /// Why the indicator says something else than the policy; `None` where they agree.
    pub difference: Option<&'static str>,
    unexpected: AtomicU64,
}

impl Row {
    /// The minimum of the columns: what `fips()` of a component is made of.
    #[must_use]
    pub fn approved(&self) -> bool {
        self.indicator.approved() && self.policy == Policy::Approved
    }

    /// How often the indicator did something else than this row says since the process started.
    #[must_use]
    pub fn unexpected(&self) -> u64 {
        self.unexpected.load(Ordering::Relaxed)
    }

    #[cold]
    pub(crate) fn count_unexpected(&self) {
        self.unexpected.fetch_add(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.component, self.algorithm)
    }
}

// Sources. The security policy is cited by the table or section that names the service.
const SP: &str = "security policy of certificate #5314, approved algorithms and services";
const SP_GCM: &str =
    "security policy of certificate #5314 §2.7 (FIPS 140-3 IG C.H scenarios 1 and 5); SP 800-38D";
const SP_NOT: &str = "security policy of certificate #5314, non-approved algorithms";
const SP_KDF13: &str = "SP 800-56C r2 §5 (HKDF), SP 800-108 r1 (feedback mode); aws/aws-lc pull request 3247 added \
     the RFC 8446 composition to the module after 3.1.0";
const SP_KDF12: &str = "SP 800-135 r1 §4.2.2 with RFC 7627; FIPS 140-3 IG D.Q";

// Conditions.
const NONE: &str = "none";
const RECORD_13: &str = "nonce made inside the module's TLS 1.3 record mode: starts at the first record, only counts up";
const RECORD_12: &str =
    "nonce checked inside the module's TLS 1.2 record mode: explicit part is the record number";
const OPEN: &str = "none (opening is approved with any nonce)";
const HKDF: &str = "salt and info never empty: a missing salt is passed as hash-length zeros, as RFC 8446 says. The \
     certificate lists HKDF, not the composition \"TLS v1.3 KDF\": an open question for a lab";
const EXPAND: &str =
    "used as SP 800-108 feedback mode under a secret of the key schedule; composition as for HKDF";
const EMS: &str =
    "only with the label \"extended master secret\"; any other label is refused before the call";
const EMS_DERIVED: &str =
    "only under a master secret that came out of the extended-master-secret row";
const POINT: &str =
    "uncompressed point, checked by the module before use; ephemeral key, used once";
const RSA_SIGN: &str = "modulus of 2048, 3072 or 4096 bits";
const RSA_VERIFY: &str = "modulus of 2048 to 4096 bits, public exponent odd and above 2^16";
const PSS: &str =
    "salt as long as the hash, MGF1 with the same hash; modulus of 2048, 3072 or 4096 bits";
const PSS_VERIFY: &str = "salt as long as the hash, MGF1 with the same hash; modulus of 2048 to 4096 bits, exponent above 2^16";
const WHOLE_MESSAGE: &str = "the module hashes the message itself (never a given digest)";

const PRF_DIFFERENCE: &str = "the module recognises TLS 1.2 by the label \"extended master secret\" alone and stays \
     silent for \"key expansion\" and the finished labels of the same function, although the key derivation of \
     RFC 7627 is all of them under that one master secret";

macro_rules! rows {
    ($($(#[$doc:meta])* $name:ident = $component:ident, $algorithm:literal, $indicator:expr, $policy:ident,
       $condition:expr, $source:expr $(, differs: $difference:expr)?;)+) => {
        $($(#[$doc])* pub static $name: Row = Row {
            component: Component::$component,
            algorithm: $algorithm,
            indicator: $indicator,
            policy: Policy::$policy,
            condition: $condition,
            source: $source,
            difference: rows!(@difference $($difference)?),
            unexpected: AtomicU64::new(0),
        };)+
        /// Every row, in the order of this file.
        pub static ROWS: &[&Row] = &[$(&$name),+];
    };
    (@difference) => { None };
    (@difference $difference:expr) => { Some($difference) };
}

use Indicator::{Approved as Yes, NotApproved as No, ReportedBy};

rows! {
    /// Random bytes.
    RANDOM = Random, "CTR_DRBG AES-256", Yes, Approved, NONE, SP;

    /// SHA-256.
    SHA256 = Hash, "SHA-256", Yes, Approved, NONE, SP;
    /// SHA-384.
    SHA384 = Hash, "SHA-384", Yes, Approved, NONE, SP;

    /// Extract and expand in one service.
    HKDF_SHA256 = Tls13KeySchedule, "HKDF SHA-256", Yes, Approved, HKDF, SP_KDF13;
    /// Extract and expand in one service.
    HKDF_SHA384 = Tls13KeySchedule, "HKDF SHA-384", Yes, Approved, HKDF, SP_KDF13;
    /// Expand alone, under a secret that was derived before.
    HKDF_EXPAND_SHA256 = Tls13KeySchedule, "HKDF-Expand SHA-256", Yes, Approved, EXPAND, SP_KDF13;
    /// Expand alone, under a secret that was derived before.
    HKDF_EXPAND_SHA384 = Tls13KeySchedule, "HKDF-Expand SHA-384", Yes, Approved, EXPAND, SP_KDF13;
    /// Finished messages and binders.
    HMAC_SHA256 = Tls13KeySchedule, "HMAC SHA-256", Yes, Approved, "key of hash length", SP;
    /// Finished messages and binders.
    HMAC_SHA384 = Tls13KeySchedule, "HMAC SHA-384", Yes, Approved, "key of hash length", SP;

    /// The extended master secret.
    PRF_EMS_SHA256 = Tls12KeyDerivation, "TLS 1.2 KDF SHA-256, extended master secret", Yes, Approved, EMS, SP_KDF12;
    /// The extended master secret.
    PRF_EMS_SHA384 = Tls12KeyDerivation, "TLS 1.2 KDF SHA-384, extended master secret", Yes, Approved, EMS, SP_KDF12;
    /// Everything derived from the extended master secret.
    PRF_KEYS_SHA256 = Tls12KeyDerivation, "TLS 1.2 KDF SHA-256, key block and finished",
        ReportedBy(&PRF_EMS_SHA256), Approved, EMS_DERIVED, SP_KDF12, differs: PRF_DIFFERENCE;
    /// Everything derived from the extended master secret.
    PRF_KEYS_SHA384 = Tls12KeyDerivation, "TLS 1.2 KDF SHA-384, key block and finished",
        ReportedBy(&PRF_EMS_SHA384), Approved, EMS_DERIVED, SP_KDF12, differs: PRF_DIFFERENCE;

    /// TLS 1.3 records we send.
    TLS13_AES128_SEAL = RecordProtection, "TLS 1.3 AES-128-GCM seal", Yes, Approved, RECORD_13, SP_GCM;
    /// TLS 1.3 records we receive.
    TLS13_AES128_OPEN = RecordProtection, "TLS 1.3 AES-128-GCM open", Yes, Approved, OPEN, SP_GCM;
    /// TLS 1.3 records we send.
    TLS13_AES256_SEAL = RecordProtection, "TLS 1.3 AES-256-GCM seal", Yes, Approved, RECORD_13, SP_GCM;
    /// TLS 1.3 records we receive.
    TLS13_AES256_OPEN = RecordProtection, "TLS 1.3 AES-256-GCM open", Yes, Approved, OPEN, SP_GCM;
    /// TLS 1.2 records we send.
    TLS12_AES128_SEAL = RecordProtection, "TLS 1.2 AES-128-GCM seal", Yes, Approved, RECORD_12, SP_GCM;
    /// TLS 1.2 records we receive.
    TLS12_AES128_OPEN = RecordProtection, "TLS 1.2 AES-128-GCM open", Yes, Approved, OPEN, SP_GCM;
    /// TLS 1.2 records we send.
    TLS12_AES256_SEAL = RecordProtection, "TLS 1.2 AES-256-GCM seal", Yes, Approved, RECORD_12, SP_GCM;
    /// TLS 1.2 records we receive.
    TLS12_AES256_OPEN = RecordProtection, "TLS 1.2 AES-256-GCM open", Yes, Approved, OPEN, SP_GCM;

    /// EC key pairs.
    KEYGEN_P256 = KeyGeneration, "EC key generation P-256", Yes, Approved, "pairwise test by the module", SP;
    /// EC key pairs.
    KEYGEN_P384 = KeyGeneration, "EC key generation P-384", Yes, Approved, "pairwise test by the module", SP;
    /// EC key pairs.
    KEYGEN_P521 = KeyGeneration, "EC key generation P-521", Yes, Approved, "pairwise test by the module", SP;

    /// ECDHE.
    ECDH_P256 = KeyExchange, "ECDH P-256", Yes, Approved, POINT, SP;
    /// ECDHE.
    ECDH_P384 = KeyExchange, "ECDH P-384", Yes, Approved, POINT, SP;
    /// ECDHE.
    ECDH_P521 = KeyExchange, "ECDH P-521", Yes, Approved, POINT, SP;
    /// The client's key of a hybrid group.
    MLKEM768_KEYGEN = KeyExchange, "ML-KEM-768 key generation", Yes, Approved, "used once", SP;
    /// The server's answer in a hybrid group.
    MLKEM768_ENCAPSULATE = KeyExchange, "ML-KEM-768 encapsulation", Yes, Approved,
        "encapsulation key checked by the module (FIPS 203 §7.2)", SP;
    /// The client's end of a hybrid group.
    MLKEM768_DECAPSULATE = KeyExchange, "ML-KEM-768 decapsulation", Yes, Approved, "key used once", SP;
    /// The client's key of a hybrid group.
    MLKEM1024_KEYGEN = KeyExchange, "ML-KEM-1024 key generation", Yes, Approved, "used once", SP;
    /// The server's answer in a hybrid group.
    MLKEM1024_ENCAPSULATE = KeyExchange, "ML-KEM-1024 encapsulation", Yes, Approved,
        "encapsulation key checked by the module (FIPS 203 §7.2)", SP;
    /// The client's end of a hybrid group.
    MLKEM1024_DECAPSULATE = KeyExchange, "ML-KEM-1024 decapsulation", Yes, Approved, "key used once", SP;
    /// Not offered: the reason why there is no X25519MLKEM768 here.
    X25519_KEYGEN = KeyExchange, "X25519 key generation", No, NotApproved, "not offered", SP_NOT;
    /// Not offered: the reason why there is no X25519MLKEM768 here.
    X25519 = KeyExchange, "X25519", No, NotApproved, "not offered", SP_NOT;

    /// Signatures with EC keys.
    SIGN_ECDSA_P256_SHA256 = SignatureGeneration, "ECDSA P-256 SHA-256", Yes, Approved, WHOLE_MESSAGE, SP;
    /// Signatures with EC keys.
    SIGN_ECDSA_P384_SHA384 = SignatureGeneration, "ECDSA P-384 SHA-384", Yes, Approved, WHOLE_MESSAGE, SP;
    /// Signatures with EC keys.
    SIGN_ECDSA_P521_SHA512 = SignatureGeneration, "ECDSA P-521 SHA-512", Yes, Approved, WHOLE_MESSAGE, SP;
    /// Signatures with Edwards keys.
    SIGN_ED25519 = SignatureGeneration, "Ed25519", Yes, Approved, WHOLE_MESSAGE, SP;
    /// RSA-PSS signatures.
    SIGN_RSA_PSS_SHA256 = SignatureGeneration, "RSA-PSS SHA-256", Yes, Approved, PSS, SP;
    /// RSA-PSS signatures.
    SIGN_RSA_PSS_SHA384 = SignatureGeneration, "RSA-PSS SHA-384", Yes, Approved, PSS, SP;
    /// RSA-PSS signatures.
    SIGN_RSA_PSS_SHA512 = SignatureGeneration, "RSA-PSS SHA-512", Yes, Approved, PSS, SP;
    /// RSA PKCS#1 v1.5 signatures, TLS 1.2 only.
    SIGN_RSA_PKCS1_SHA256 = SignatureGeneration, "RSA PKCS#1 v1.5 SHA-256", Yes, Approved, RSA_SIGN, SP;
    /// RSA PKCS#1 v1.5 signatures, TLS 1.2 only.
    SIGN_RSA_PKCS1_SHA384 = SignatureGeneration, "RSA PKCS#1 v1.5 SHA-384", Yes, Approved, RSA_SIGN, SP;
    /// RSA PKCS#1 v1.5 signatures, TLS 1.2 only.
    SIGN_RSA_PKCS1_SHA512 = SignatureGeneration, "RSA PKCS#1 v1.5 SHA-512", Yes, Approved, RSA_SIGN, SP;

    /// Signatures by EC keys.
    VERIFY_ECDSA_P256_SHA256 = SignatureVerification, "ECDSA P-256 SHA-256", Yes, Approved, WHOLE_MESSAGE, SP;
    /// Signatures by EC keys.
    VERIFY_ECDSA_P256_SHA384 = SignatureVerification, "ECDSA P-256 SHA-384", Yes, Approved, WHOLE_MESSAGE, SP;
    /// Signatures by EC keys.
    VERIFY_ECDSA_P256_SHA512 = SignatureVerification, "ECDSA P-256 SHA-512", Yes, Approved, WHOLE_MESSAGE, SP;
    /// Signatures by EC keys.
    VERIFY_ECDSA_P384_SHA256 = SignatureVerification, "ECDSA P-384 SHA-256", Yes, Approved, WHOLE_MESSAGE, SP;
    /// Signatures by EC keys.
    VERIFY_ECDSA_P384_SHA384 = SignatureVerification, "ECDSA P-384 SHA-384", Yes, Approved, WHOLE_MESSAGE, SP;
    /// Signatures by EC keys.
    VERIFY_ECDSA_P384_SHA512 = SignatureVerification, "ECDSA P-384 SHA-512", Yes, Approved, WHOLE_MESSAGE, SP;
    /// Signatures by EC keys.
    VERIFY_ECDSA_P521_SHA256 = SignatureVerification, "ECDSA P-521 SHA-256", Yes, Approved, WHOLE_MESSAGE, SP;
    /// Signatures by EC keys.
    VERIFY_ECDSA_P521_SHA384 = SignatureVerification, "ECDSA P-521 SHA-384", Yes, Approved, WHOLE_MESSAGE, SP;
    /// Signatures by EC keys.
    VERIFY_ECDSA_P521_SHA512 = SignatureVerification, "ECDSA P-521 SHA-512", Yes, Approved, WHOLE_MESSAGE, SP;
    /// Signatures by Edwards keys.
    VERIFY_ED25519 = SignatureVerification, "Ed25519", Yes, Approved, WHOLE_MESSAGE, SP;
    /// RSA-PSS signatures.
    VERIFY_RSA_PSS_SHA256 = SignatureVerification, "RSA-PSS SHA-256", Yes, Approved, PSS_VERIFY, SP;
    /// RSA-PSS signatures.
    VERIFY_RSA_PSS_SHA384 = SignatureVerification, "RSA-PSS SHA-384", Yes, Approved, PSS_VERIFY, SP;
    /// RSA-PSS signatures.
    VERIFY_RSA_PSS_SHA512 = SignatureVerification, "RSA-PSS SHA-512", Yes, Approved, PSS_VERIFY, SP;
    /// RSA PKCS#1 v1.5 signatures.
    VERIFY_RSA_PKCS1_SHA256 = SignatureVerification, "RSA PKCS#1 v1.5 SHA-256", Yes, Approved, RSA_VERIFY, SP;
    /// RSA PKCS#1 v1.5 signatures.
    VERIFY_RSA_PKCS1_SHA384 = SignatureVerification, "RSA PKCS#1 v1.5 SHA-384", Yes, Approved, RSA_VERIFY, SP;
    /// RSA PKCS#1 v1.5 signatures.
    VERIFY_RSA_PKCS1_SHA512 = SignatureVerification, "RSA PKCS#1 v1.5 SHA-512", Yes, Approved, RSA_VERIFY, SP;
}
