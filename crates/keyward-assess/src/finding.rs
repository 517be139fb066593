//! The vocabulary of the scanner: what was found, where, how sure we are, and what was not read.
//!
//! Nothing here may ever hold secret material: a finding about a private key carries its kind, size,
//! parameters and the fingerprint of its public part, and no more.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What sort of cryptographic thing a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// X.509 certificate.
    Certificate,
    /// PKCS#10 certification request.
    CertificateRequest,
    /// X.509 certificate revocation list.
    RevocationList,
    /// A private key, encrypted or not.
    PrivateKey,
    /// A public key outside a certificate.
    PublicKey,
    /// A symmetric key or shared secret.
    SecretKey,
    /// A container of keys and certificates (PKCS#12, JKS, NSS database, …).
    Keystore,
    /// Data encrypted at rest: volume, file, database.
    EncryptedData,
    /// CMS or OpenPGP message or signature.
    SignedMessage,
    /// Domain parameters (Diffie-Hellman, DSA, EC).
    Parameters,
    /// A setting in a configuration file that decides which cryptography is used.
    Configuration,
    /// A protocol offered by a live endpoint.
    Protocol,
    /// A cryptographic library or module.
    Library,
    /// A call of a cryptographic interface in source code or a binary.
    Use,
    /// A key managed elsewhere (cloud KMS, HSM, key server inventory).
    ManagedKey,
}

impl Kind {
    /// The stable text of the kind, as it stands in every report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::CertificateRequest => "certificate-request",
            Self::RevocationList => "revocation-list",
            Self::PrivateKey => "private-key",
            Self::PublicKey => "public-key",
            Self::SecretKey => "secret-key",
            Self::Keystore => "keystore",
            Self::EncryptedData => "encrypted-data",
            Self::SignedMessage => "signed-message",
            Self::Parameters => "parameters",
            Self::Configuration => "configuration",
            Self::Protocol => "protocol",
            Self::Library => "library",
            Self::Use => "use",
            Self::ManagedKey => "managed-key",
        }
    }
}

/// How sure the scanner is that the thing is what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// A name or pattern only.
    Suspected,
    /// Structure recognised, not wholly parsed.
    Likely,
    /// Parsed by a real parser to the end.
    Certain,
}

impl Confidence {
    /// The number reports that want a number get.
    pub fn score(self) -> f64 {
        match self {
            Self::Suspected => 0.4,
            Self::Likely => 0.8,
            Self::Certain => 1.0,
        }
    }
}

/// How bad an issue is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing; nothing to do.
    Info,
    /// Should be planned.
    Low,
    /// Should be fixed at the next change.
    Medium,
    /// Fix soon.
    High,
    /// Exploitable or exposed now.
    Critical,
}

impl Severity {
    /// The stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// An algorithm with what is known of its parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Algorithm {
    /// Family name as the approval table spells it: `RSA`, `ECDSA`, `AES`, `SHA-1`, …
    pub name: String,
    /// Key or output size in bits.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bits: Option<u32>,
    /// Curve or parameter-set name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub curve: Option<String>,
    /// Mode of operation, when one is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mode: Option<String>,
    /// Object identifier, when one was read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub oid: Option<String>,
}

impl Algorithm {
    /// An algorithm known by name alone.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// An algorithm of a size.
    pub fn sized(name: &str, bits: u32) -> Self {
        Self {
            name: name.to_owned(),
            bits: Some(bits),
            ..Self::default()
        }
    }

    /// A short text for people: `RSA-2048`, `ECDSA P-256`, `AES-256-CBC`.
    pub fn display(&self) -> String {
        let mut text = self.name.clone();
        if let Some(curve) = &self.curve {
            if !text.ends_with(curve.as_str()) {
                text.push(' ');
                text.push_str(curve);
            }
        } else if let Some(bits) = self.bits
            && !text.ends_with(&bits.to_string())
            && !matches!(text.as_str(), "Ed25519" | "Ed448" | "X25519" | "X448")
        {
            text.push('-');
            text.push_str(&bits.to_string());
        }
        if let Some(mode) = &self.mode {
            text.push('-');
            text.push_str(mode);
        }
        text
    }
}

/// Where a finding was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Location {
    /// File path as given by the walk, or an address.
    pub path: String,
    /// Names inside archives, outermost first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub members: Vec<String>,
    /// Byte offset inside the innermost file.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub offset: Option<u64>,
    /// Line, counted from one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u32>,
}

impl Location {
    /// `path!member!member`, the way Java and many tools write it.
    pub fn full_path(&self) -> String {
        let mut text = self.path.clone();
        for member in &self.members {
            text.push('!');
            text.push_str(member);
        }
        text
    }
}

/// Who may read a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    /// Unix permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// One weakness or note about a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// Stable rule id.
    pub rule: String,
    /// How bad.
    pub severity: Severity,
    /// What is wrong, in one sentence.
    pub message: String,
    /// The standard or paper the rule comes from.
    pub source: String,
}

/// One thing found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Finding {
    /// Stable from scan to scan while the thing stays where it is.
    pub id: String,
    /// What it is.
    pub kind: Kind,
    /// The concrete format: `x509`, `pkcs8`, `openssh`, `luks2`, …
    pub format: String,
    /// Where it is.
    pub location: Location,
    /// What made the scanner say so.
    pub evidence: String,
    /// How sure.
    pub confidence: Confidence,
    /// The main algorithm.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub algorithm: Option<Algorithm>,
    /// Classical security strength in bits, SP 800-57 Part 1 table 2.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub strength: Option<u32>,
    /// Whether a large quantum computer breaks it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub quantum_vulnerable: Option<bool>,
    /// Further parameters.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub properties: BTreeMap<String, String>,
    /// `sha256:…` of the public part (SubjectPublicKeyInfo where there is one).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fingerprint: Option<String>,
    /// Permissions of the file it is in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub file: Option<FileFacts>,
    /// Weaknesses and notes.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub issues: Vec<Issue>,
    /// RSA modulus, big-endian: public, needed for the weak-key checks over the whole inventory.
    #[serde(skip)]
    pub modulus: Option<Vec<u8>>,
}

impl Finding {
    /// A finding with the obligatory parts; place and id are set by the scan it is reported to.
    pub fn new(kind: Kind, format: &str, evidence: impl Into<String>) -> Self {
        Self {
            id: String::new(),
            kind,
            format: format.to_owned(),
            location: Location::default(),
            evidence: evidence.into(),
            confidence: Confidence::Certain,
            algorithm: None,
            strength: None,
            quantum_vulnerable: None,
            properties: BTreeMap::new(),
            fingerprint: None,
            file: None,
            issues: Vec::new(),
            modulus: None,
        }
    }

    /// Sets the algorithm.
    pub fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = Some(algorithm);
        self
    }

    /// Sets the confidence.
    pub fn confidence(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }

    /// Adds a property.
    pub fn property(mut self, key: &str, value: impl Into<String>) -> Self {
        self.properties
            .insert(key.to_owned(), clip(value.into(), 512));
        self
    }

    /// Adds a property if there is one.
    pub fn property_opt(self, key: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.property(key, value),
            None => self,
        }
    }

    /// Sets the byte offset.
    pub fn at(mut self, offset: u64) -> Self {
        self.location.offset = Some(offset);
        self
    }

    /// Sets the line.
    pub fn line(mut self, line: u32) -> Self {
        self.location.line = Some(line);
        self
    }

    /// Adds an issue.
    pub fn issue(
        mut self,
        rule: &str,
        severity: Severity,
        message: impl Into<String>,
        source: &str,
    ) -> Self {
        self.add_issue(rule, severity, message, source);
        self
    }

    /// Adds an issue in place; the same rule is said once.
    pub fn add_issue(
        &mut self,
        rule: &str,
        severity: Severity,
        message: impl Into<String>,
        source: &str,
    ) {
        if self.issues.iter().any(|issue| issue.rule == rule) {
            return;
        }
        self.issues.push(Issue {
            rule: rule.to_owned(),
            severity,
            message: message.into(),
            source: source.to_owned(),
        });
    }

    /// The worst severity, if there is any issue.
    pub fn worst(&self) -> Option<Severity> {
        self.issues.iter().map(|issue| issue.severity).max()
    }

    /// Whether a property has this value.
    pub fn is(&self, key: &str, value: &str) -> bool {
        self.properties.get(key).is_some_and(|found| found == value)
    }

    /// Computes the id from what the thing is and where it is. Offsets and lines are left out while the
    /// thing has an identity of its own, so an edit above it does not make it a new finding.
    pub fn seal(&mut self) {
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        };
        part(self.kind.as_str());
        part(&self.format);
        part(&self.location.full_path());
        if let Some(identity) = self
            .properties
            .get("identity")
            .or(self.fingerprint.as_ref())
        {
            part(identity);
            if let Some(alias) = self.properties.get("alias") {
                part(alias);
            }
        } else {
            part(
                self.algorithm
                    .as_ref()
                    .map_or("", |algorithm| algorithm.name.as_str()),
            );
            part(self.properties.get("setting").map_or("", String::as_str));
            part(
                &self
                    .location
                    .offset
                    .map(|offset| offset.to_string())
                    .unwrap_or_default(),
            );
            part(
                &self
                    .location
                    .line
                    .map(|line| line.to_string())
                    .unwrap_or_default(),
            );
        }
        self.id = format!("KA-{}", hex(&hash.finalize()[..10]));
    }
}

/// Why something was not, or not wholly, read. Every skip is said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gap {
    /// File, member or address.
    pub path: String,
    /// Stable reason code: `unreadable`, `too-large`, `archive-limit`, `malformed`, …
    pub reason: String,
    /// Detail for people.
    pub detail: String,
}

/// What was read, in numbers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Coverage {
    /// Files whose content was read.
    pub files_read: u64,
    /// Bytes read from files.
    pub bytes_read: u64,
    /// Members of archives looked into.
    pub members_read: u64,
    /// Directories walked.
    pub directories: u64,
    /// Symbolic links, not followed (their targets are read where they stand).
    pub symlinks: u64,
    /// Sockets, devices, pipes: nothing to read.
    pub special: u64,
    /// Files taken over from the journal of an earlier run, unchanged.
    pub resumed: u64,
    /// Gaps by reason, complete counts even when the list is cut.
    pub gap_counts: BTreeMap<String, u64>,
    /// The gaps, at most [`MAX_GAPS`].
    pub gaps: Vec<Gap>,
}

/// The longest list of gaps a report carries; the counts are always complete.
pub const MAX_GAPS: usize = 10_000;

impl Coverage {
    /// Records one gap.
    pub fn gap(&mut self, gap: Gap) {
        *self.gap_counts.entry(gap.reason.clone()).or_default() += 1;
        if self.gaps.len() < MAX_GAPS {
            self.gaps.push(gap);
        }
    }

    /// Adds another part's numbers.
    pub fn merge(&mut self, other: Self) {
        self.files_read += other.files_read;
        self.bytes_read += other.bytes_read;
        self.members_read += other.members_read;
        self.directories += other.directories;
        self.symlinks += other.symlinks;
        self.special += other.special;
        self.resumed += other.resumed;
        for (reason, count) in other.gap_counts {
            *self.gap_counts.entry(reason).or_default() += count;
        }
        for gap in other.gaps {
            if self.gaps.len() < MAX_GAPS {
                self.gaps.push(gap);
            }
        }
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// SHA-256 of public bytes, as reports spell it.
pub fn fingerprint(public: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(public)))
}

/// Text cut at a length and freed of control characters, so that a hostile name cannot draw on a terminal.
pub fn clip(text: String, most: usize) -> String {
    let clean: String = text.chars().filter(|c| !c.is_control()).collect();
    if clean.chars().count() <= most {
        return clean;
    }
    let mut cut: String = clean.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}
