//! Recognises cryptographic things in bytes: by magic at the start, by signatures anywhere, and by name
//! where a format has no magic. Every detector is a pure function of bytes; this module hands bytes out
//! and keeps the books (limits, places, gaps).

pub mod archive;
pub mod cms;
pub mod cpio;
pub mod git;
pub mod java;
pub mod jose;
pub mod keys;
pub mod layers;
pub mod misc;
pub mod openpgp;
pub mod pem;
pub mod ssh;
pub mod volume;
pub mod windows;
pub mod x509;

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::ber;
use crate::finding::{Coverage, FileFacts, Finding, Gap, Kind, Location, clip};
use crate::limits::Limits;

/// One scan of one file with everything found in it.
pub struct Scan<'o> {
    /// Bounds that hold for the file and everything inside it.
    pub limits: &'o Limits,
    /// Place the findings are reported at.
    pub place: Location,
    /// Permissions of the file on disk.
    pub facts: Option<FileFacts>,
    /// What was found.
    pub findings: Vec<Finding>,
    /// What was read and what was not.
    pub coverage: Coverage,
    /// How deep inside archives we are.
    pub depth: u32,
    /// Bytes that may still be unpacked out of this file.
    pub budget: u64,
    /// Size of the whole file (or member), which may be more than the part in memory.
    pub size: u64,
    /// Deletions between the layers of a container image.
    pub layers: layers::Layers,
}

impl<'o> Scan<'o> {
    /// A scan of one file.
    pub fn new(limits: &'o Limits, path: &str, facts: Option<FileFacts>, size: u64) -> Self {
        Self {
            limits,
            place: Location {
                path: path.to_owned(),
                ..Location::default()
            },
            facts,
            findings: Vec::new(),
            coverage: Coverage::default(),
            depth: 0,
            budget: limits.unpacked_bytes,
            size,
            layers: layers::Layers::default(),
        }
    }

    /// Reports a finding at the current place.
    pub fn report(&mut self, mut finding: Finding) {
        if self.findings.len() >= self.limits.findings_per_file {
            self.gap(
                "finding-limit",
                format!(
                    "more than {} findings in one file",
                    self.limits.findings_per_file
                ),
            );
            return;
        }
        finding.location.path.clone_from(&self.place.path);
        finding.location.members.clone_from(&self.place.members);
        finding.file = self.facts;
        finding.seal();
        self.findings.push(finding);
    }

    /// Records that something was not, or not wholly, read.
    pub fn gap(&mut self, reason: &str, detail: impl Into<String>) {
        self.coverage.gap(Gap {
            path: self.place.full_path(),
            reason: reason.to_owned(),
            detail: clip(detail.into(), 200),
        });
    }

    /// The same with the offset.
    pub fn gap_at(&mut self, reason: &str, detail: impl Into<String>, offset: u64) {
        self.gap(reason, format!("at byte {offset}: {}", detail.into()));
    }

    /// Scans bytes found inside the current place as a member of it.
    pub fn nested(&mut self, member: &str, data: &[u8]) {
        if self.depth >= self.limits.depth {
            self.gap(
                "archive-limit",
                format!(
                    "'{}' is nested deeper than {}",
                    clip(member.to_owned(), 80),
                    self.limits.depth
                ),
            );
            return;
        }
        let size = std::mem::replace(&mut self.size, data.len() as u64);
        self.depth += 1;
        self.place.members.push(clip(member.to_owned(), 512));
        bytes(self, data);
        self.place.members.pop();
        self.depth -= 1;
        self.size = size;
    }

    /// Name of the innermost file.
    pub fn name(&self) -> &str {
        let full = self
            .place
            .members
            .last()
            .map_or(self.place.path.as_str(), String::as_str);
        full.rsplit(['/', '\\']).next().unwrap_or(full)
    }
}

/// What a signature stands for.
#[derive(Clone, Copy)]
enum Signature {
    Pem,
    Ssh,
    WrappedPem,
    BareDer,
    Der,
    AgeIdentity,
    Jwk,
    Jwt,
    AnsibleVault,
    WireGuard,
    RsaKeyValue,
    Signify,
}

/// The signatures. Short ones are verified at once by a real parser.
const SIGNATURES: &[(&[u8], Signature)] = &[
    (b"-----BEGIN ", Signature::Pem),
    (b"AAAAB3NzaC1", Signature::Ssh),
    (b"AAAAC3NzaC1", Signature::Ssh),
    (b"AAAAE2VjZHNh", Signature::Ssh),
    (b"AAAAGnNrLX", Signature::Ssh),
    (b"AAAAInNrLW", Signature::Ssh),
    (b"AAAAHHNzaC1", Signature::Ssh),
    (b"AAAAIHNzaC1", Signature::Ssh),
    (b"AAAAKGVjZHNh", Signature::Ssh),
    (b"AAAAI3NrLX", Signature::Ssh),
    (b"AAAAK3NrLW", Signature::Ssh),
    (b"LS0tLS1CRUdJTi", Signature::WrappedPem),
    (b"MII", Signature::BareDer),
    (&[0x30, 0x82], Signature::Der),
    (b"AGE-SECRET-KEY-1", Signature::AgeIdentity),
    (b"\"kty\"", Signature::Jwk),
    (b"eyJ", Signature::Jwt),
    (b"$ANSIBLE_VAULT;", Signature::AnsibleVault),
    (b"PrivateKey = ", Signature::WireGuard),
    (b"<RSAKeyValue", Signature::RsaKeyValue),
    (b"untrusted comment: ", Signature::Signify),
];

static AUTOMATON: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostFirst)
        .build(SIGNATURES.iter().map(|(pattern, _)| *pattern))
        .ok()
});

/// Scans a whole file or member held in memory.
pub fn bytes(scan: &mut Scan<'_>, data: &[u8]) {
    if data.is_empty() {
        return;
    }
    if scan.place.members.len() == 1 && scan.name() == "manifest.json" {
        scan.layers.manifest(data);
    }
    let claimed = head(scan, data);
    if claimed >= data.len() {
        return;
    }
    if archive::member(scan, data) {
        return;
    }
    embedded(scan, data, 0, claimed..data.len());
    by_name(scan, data);
}

/// Formats with a magic at the start. Returns how many leading bytes are accounted for.
pub fn head(scan: &mut Scan<'_>, data: &[u8]) -> usize {
    let Some(first) = data.first() else { return 0 };
    let whole = data.len();
    let claimed = match first {
        0x30 => return der_head(scan, data),
        0xfe => java::jks(scan, data),
        0xce => java::jks(scan, data),
        0x00 => java::bks(scan, data) || openpgp::keybox(scan, data) || misc::tpm(scan, data),
        0x80..=0xff if openpgp::binary(scan, data) => true,
        b'P' => match ssh::putty(data) {
            Some(found) => {
                scan.report(found.at(0));
                true
            }
            None => false,
        },
        b'S' => match ssh::ssh1_private(data) {
            Some(found) => {
                scan.report(found.at(0));
                true
            }
            None => false,
        },
        0x01 => misc::tpm(scan, data),
        _ => false,
    };
    if claimed {
        return whole;
    }
    if windows::head(scan, data) || misc::head(scan, data) || openpgp_box(scan, data) {
        return whole;
    }
    volume::head(scan, data);
    0
}

/// A key box does not begin with a fixed byte.
fn openpgp_box(scan: &mut Scan<'_>, data: &[u8]) -> bool {
    openpgp::keybox(scan, data)
}

/// DER or BER at the start of a file: one or several objects one after another.
fn der_head(scan: &mut Scan<'_>, data: &[u8]) -> usize {
    let mut at = 0;
    while let Some(rest) = data.get(at..) {
        let length = if rest.get(1) == Some(&0x80) {
            ber::read(rest).map(|(element, _)| element.whole.len())
        } else {
            ber::sequence_len(rest)
        };
        let Some(length) = length.filter(|length| *length >= 16) else {
            break;
        };
        if !der_object(
            scan,
            rest.get(..length).unwrap_or(rest),
            at as u64,
            at == 0 && length + 2 >= data.len(),
        ) {
            break;
        }
        at += length;
    }
    let rest = data.get(at..).unwrap_or_default();
    if at > 0
        && rest.len() < 16
        && rest
            .iter()
            .all(|byte| byte.is_ascii_whitespace() || *byte == 0)
    {
        return data.len();
    }
    at
}

/// One DER object; `alone` says it is all there is in the file, so that small, less telling shapes count.
fn der_object(scan: &mut Scan<'_>, data: &[u8], offset: u64, alone: bool) -> bool {
    if cms::pkcs12(scan, data, offset) || cms::message(scan, data, offset) {
        return true;
    }
    if let Some(found) = x509::any(data) {
        scan.report(found.property("encoding", "der").at(offset));
        return true;
    }
    if !alone {
        return false;
    }
    if cms::bcfks(scan, data, offset) {
        return true;
    }
    if let Some(found) = keys::any_der(data).or_else(|| misc::tss2_private(data)) {
        scan.report(found.property("encoding", "der").at(offset));
        return true;
    }
    false
}

/// Finds signatures anywhere in `range` of `data`; `base` is the offset of `data` in the file.
pub fn embedded(scan: &mut Scan<'_>, data: &[u8], base: u64, range: Range<usize>) {
    let Some(automaton) = AUTOMATON.as_ref() else {
        return;
    };
    let mut skip_to = range.start;
    let input = aho_corasick::Input::new(data).range(range);
    for found in automaton.find_iter(input) {
        let start = found.start();
        if start < skip_to {
            continue;
        }
        let Some((_, signature)) = SIGNATURES.get(found.pattern().as_usize()) else {
            continue;
        };
        let end = match signature {
            Signature::Pem => pem::at(scan, data, start, base),
            Signature::Ssh => ssh::public_line(scan, data, start, base),
            Signature::WrappedPem => pem::wrapped(scan, data, start),
            Signature::BareDer => pem::bare(scan, data, start, base),
            Signature::Der => carved(scan, data, start, base),
            Signature::AgeIdentity => misc::age_identity(scan, data, start, base),
            Signature::Jwk => jose::key(scan, data, start, base),
            Signature::Jwt => jose::token(scan, data, start, base),
            Signature::AnsibleVault => misc::ansible_vault(scan, data, start, base),
            Signature::WireGuard => misc::wireguard(scan, data, start, base),
            Signature::RsaKeyValue => windows::rsa_key_value(scan, data, start, base),
            Signature::Signify => windows::signify(scan, data, start, base),
        };
        if let Some(end) = end {
            skip_to = end;
        }
    }
}

/// DER inside other bytes: certificates and keys in firmware, databases, binaries.
fn carved(scan: &mut Scan<'_>, data: &[u8], start: usize, base: u64) -> Option<usize> {
    let rest = data.get(start..)?;
    // the first element inside must be a SEQUENCE (certificate, request, list, key) or a small INTEGER
    let plausible = matches!(
        rest.get(4..6)?,
        [0x30, 0x82 | 0x81] | [0x02, 0x01] | [0x30, 0x0d]
    );
    if !plausible {
        return None;
    }
    let length = ber::sequence_len(rest).filter(|length| *length >= 128)?;
    let object = rest.get(..length)?;
    let found = x509::any(object).or_else(|| keys::any_der(object))?;
    if found.kind == Kind::Parameters {
        return None;
    }
    scan.report(
        found
            .property("encoding", "der")
            .property("embedded", "yes")
            .at(base + start as u64),
    );
    Some(start + length)
}

/// Formats known by their name: configuration, source code, manifests.
fn by_name(scan: &mut Scan<'_>, data: &[u8]) {
    crate::config::file(scan, data);
    crate::source::file(scan, data);
}
