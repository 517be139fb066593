//! What is said about calls, the same in every language: names of algorithms, sizes, constants where none may be.

use tree_sitter::Node;

use super::unit::{Call, Language, Unit};
use super::value::Value;
use crate::detect::Scan;
use crate::finding::{Algorithm, Confidence, Finding, Kind, Severity, clip};

/// The findings of one file.
pub struct Found {
    language: Language,
    findings: Vec<Finding>,
}

/// What is wrong.
#[derive(Clone, Copy)]
pub struct Fault {
    /// Stable rule id.
    pub rule: &'static str,
    /// How bad.
    pub severity: Severity,
    /// Why.
    pub why: &'static str,
    /// Where it is said.
    pub source: &'static str,
}

macro_rules! faults {
    ($($name:ident = $rule:literal, $severity:ident, $why:literal, $source:literal;)*) => {
        $(#[doc = $why] pub const $name: Fault = Fault { rule: $rule, severity: Severity::$severity, why: $why, source: $source };)*
    };
}

faults! {
    WEAK_CIPHER = "KA-CODE-WEAK-CIPHER", High, "a broken or disallowed cipher", "SP 800-131A Rev. 2 §2; CWE-327";
    ECB = "KA-CODE-ECB", Medium, "ECB shows which blocks are equal; use GCM", "SP 800-38A; CWE-327";
    WEAK_HASH = "KA-CODE-WEAK-HASH", Medium, "a hash that does not resist collisions", "SP 800-131A Rev. 2 §9; CWE-328";
    WEAK_SIGNATURE = "KA-CODE-WEAK-SIGNATURE", High, "a signature over a hash that does not resist collisions", "SP 800-131A Rev. 2 §3";
    SHORT_KEY = "KA-CODE-SHORT-KEY", High, "the key is too short: less than 112 bits of strength", "SP 800-131A Rev. 2; CWE-326";
    STATIC_KEY = "KA-CODE-STATIC-KEY", Critical, "the key is hard-coded: everyone who has the program has it", "CWE-321";
    STATIC_IV = "KA-CODE-STATIC-IV", High, "the initial vector or nonce is constant", "SP 800-38A Appendix C; SP 800-38D §8; CWE-329";
    STATIC_SALT = "KA-CODE-STATIC-SALT", Medium, "the salt is constant", "SP 800-132 §5.1; CWE-760";
    FEW_ITERATIONS = "KA-CODE-FEW-ITERATIONS", Medium, "fewer than 1000 iterations", "SP 800-132 §5.2; CWE-916";
    STATIC_PASSWORD = "KA-CODE-STATIC-PASSWORD", High, "the password is hard-coded", "CWE-259";
    STATIC_SEED = "KA-CODE-STATIC-SEED", High, "the random bit generator is seeded with a constant", "SP 800-90A §8.6; CWE-335";
    WEAK_RANDOM = "KA-CODE-WEAK-RANDOM", Low, "a random number generator that can be predicted", "CWE-338";
    NO_VERIFY = "KA-CODE-NO-VERIFY", High, "certificates or host names are not verified", "CWE-295; CWE-297";
    OLD_TLS = "KA-CODE-OLD-TLS", High, "SSL or TLS below 1.2", "RFC 7568; RFC 8996";
    HTTP = "KA-CODE-HTTP", Low, "plain HTTP", "CWE-319";
    JWT_NONE = "KA-CODE-JWT-NONE", High, "tokens are accepted without a valid signature", "RFC 8725 §3.2; CWE-347";
    OLD_PADDING = "KA-CODE-PKCS1-ENCRYPTION", Medium, "RSA encryption with PKCS#1 v1.5 padding", "SP 800-131A Rev. 2 §6; CWE-780";
}

impl Found {
    /// No findings yet.
    pub fn new(language: Language) -> Self {
        Self {
            language,
            findings: Vec::new(),
        }
    }

    /// A use of cryptography.
    pub fn add(
        &mut self,
        node: Node<'_>,
        what: &str,
        algorithm: Option<Algorithm>,
        faults: &[Fault],
    ) {
        let mut finding = Finding::new(
            Kind::Use,
            self.language.as_str(),
            clip(what.to_owned(), 160),
        )
        .property("setting", clip(what.to_owned(), 160))
        .line(Unit::line(node))
        .at(node.start_byte() as u64);
        finding.confidence = Confidence::Certain;
        finding.algorithm = algorithm;
        for fault in faults {
            finding.add_issue(fault.rule, fault.severity, fault.why, fault.source);
        }
        self.findings.push(finding);
    }

    /// A use that is only worth saying if something is wrong.
    pub fn fault(&mut self, node: Node<'_>, what: &str, fault: Fault) {
        self.add(node, what, None, &[fault]);
    }

    /// Reports everything; what stands on one line with the same rules comes once.
    pub fn report(self, scan: &mut Scan<'_>) {
        let mut seen = std::collections::BTreeSet::new();
        for finding in self.findings {
            let key = (
                finding.location.line,
                finding.evidence.clone(),
                finding
                    .issues
                    .iter()
                    .map(|i| i.rule.clone())
                    .collect::<Vec<_>>(),
            );
            if seen.insert(key) {
                scan.report(finding);
            }
        }
    }
}

/// A block cipher or stream cipher by its name in an interface.
pub fn cipher(name: &str) -> Option<(Algorithm, bool)> {
    let upper = name.to_ascii_uppercase().replace(['-', '_'], "");
    let (family, bits, weak) = match upper.as_str() {
        "AES" | "RIJNDAEL" | "AESWRAP" | "AESKW" | "AESGCM" => ("AES", None, false),
        "AES128" => ("AES", Some(128), false),
        "AES192" => ("AES", Some(192), false),
        "AES256" => ("AES", Some(256), false),
        "DES" => ("DES", Some(56), true),
        "DESEDE" | "TRIPLEDES" | "DES3" | "3DES" | "DESEDEWRAP" | "TDES" | "TDEA" => {
            ("3DES", Some(168), true)
        }
        "RC4" | "ARC4" | "ARCFOUR" => ("RC4", None, true),
        "RC2" | "ARC2" => ("RC2", None, true),
        "RC5" => ("RC5", None, true),
        "BLOWFISH" => ("Blowfish", None, true),
        "IDEA" => ("IDEA", Some(128), true),
        "CAST5" | "CAST" | "CAST128" => ("CAST5", None, true),
        "SEED" => ("SEED", Some(128), false),
        "SKIPJACK" => ("Skipjack", Some(80), true),
        "TEA" | "XTEA" => ("TEA", Some(128), true),
        "TWOFISH" => ("Twofish", None, false),
        "SERPENT" => ("Serpent", None, false),
        "CAMELLIA" => ("Camellia", None, false),
        "CHACHA20" | "CHACHA20POLY1305" | "CHACHA" | "XCHACHA20POLY1305" => {
            ("ChaCha20-Poly1305", Some(256), false)
        }
        "SALSA20" => ("Salsa20", Some(256), false),
        _ => return None,
    };
    Some((
        Algorithm {
            bits,
            ..Algorithm::named(family)
        },
        weak,
    ))
}

/// A hash by its name, and whether it is weak.
pub fn hash(name: &str) -> Option<(Algorithm, bool)> {
    let upper = name.to_ascii_uppercase().replace(['-', '_', '/', '.'], "");
    let (family, weak) = match upper.as_str() {
        "MD2" => ("MD2", true),
        "MD4" => ("MD4", true),
        "MD5" => ("MD5", true),
        "SHA" | "SHA1" => ("SHA-1", true),
        "SHA224" => ("SHA-224", false),
        "SHA256" => ("SHA-256", false),
        "SHA384" => ("SHA-384", false),
        "SHA512" | "SHA512256" => ("SHA-512", false),
        "SHA3224" => ("SHA3-224", false),
        "SHA3256" => ("SHA3-256", false),
        "SHA3384" => ("SHA3-384", false),
        "SHA3512" => ("SHA3-512", false),
        "RIPEMD160" | "RIPEMD" => ("RIPEMD-160", true),
        "BLAKE2B" | "BLAKE2S" => ("BLAKE2", false),
        _ => return None,
    };
    Some((Algorithm::named(family), weak))
}

/// A transformation such as `AES/CBC/PKCS5Padding`: algorithm and faults.
pub fn transformation(text: &str) -> Option<(Algorithm, Vec<Fault>)> {
    let mut parts = text.split('/').map(str::trim);
    let name = parts.next()?;
    let mode = parts.next().map(str::to_ascii_uppercase);
    let padding = parts.next().map(str::to_ascii_uppercase);
    if name.to_ascii_uppercase().starts_with("RSA") {
        let old = padding.as_deref().is_none_or(|p| p.starts_with("PKCS1"));
        let faults = if old && mode.is_some() {
            vec![OLD_PADDING]
        } else {
            Vec::new()
        };
        return Some((Algorithm::named("RSA"), faults));
    }
    if name.to_ascii_uppercase().starts_with("PBE") {
        return Some(password_based(name));
    }
    let (mut algorithm, weak) = cipher(name)?;
    let mut faults = Vec::new();
    if weak {
        faults.push(WEAK_CIPHER);
    }
    let stream = matches!(
        algorithm.name.as_str(),
        "RC4" | "ChaCha20-Poly1305" | "Salsa20"
    );
    match mode.as_deref() {
        // a block cipher without a mode means ECB in Java
        None if !stream && name.len() <= 8 && !name.to_ascii_uppercase().contains("WRAP") => {
            algorithm.mode = Some("ECB".to_owned());
            faults.push(ECB);
        }
        Some("ECB") => {
            algorithm.mode = Some("ECB".to_owned());
            faults.push(ECB);
        }
        other => algorithm.mode = other.map(str::to_owned),
    }
    Some((algorithm, faults))
}

/// A password-based scheme by its name.
fn password_based(name: &str) -> (Algorithm, Vec<Fault>) {
    let upper = name.to_ascii_uppercase();
    let weak = upper.contains("MD5")
        || upper.contains("RC2")
        || upper.contains("RC4")
        || upper.contains("DES")
        || upper.contains("MD2")
        || upper.contains("IDEA");
    let family = if upper.contains("AES") {
        "AES"
    } else if upper.contains("DESEDE") || upper.contains("TRIPLEDES") {
        "3DES"
    } else if upper.contains("DES") {
        "DES"
    } else if upper.contains("RC2") {
        "RC2"
    } else if upper.contains("RC4") {
        "RC4"
    } else {
        "PBE"
    };
    (
        Algorithm::named(family),
        if weak { vec![WEAK_CIPHER] } else { Vec::new() },
    )
}

/// A signature algorithm such as `SHA1withRSA`.
pub fn signature(text: &str) -> (Algorithm, Vec<Fault>) {
    let upper = text.to_ascii_uppercase();
    let family = if upper.contains("ECDSA") {
        "ECDSA"
    } else if upper.contains("RSA") {
        "RSA"
    } else if upper.contains("DSA") {
        "DSA"
    } else if upper.contains("ED25519") || upper == "EDDSA" {
        "Ed25519"
    } else {
        text
    };
    let hash_name = upper.split("WITH").next().unwrap_or_default().to_owned();
    let weak = hash(&hash_name).is_some_and(|(_, weak)| weak);
    (
        Algorithm::named(family),
        if weak {
            vec![WEAK_SIGNATURE]
        } else {
            Vec::new()
        },
    )
}

/// A protocol name such as `TLSv1.1`.
pub fn old_protocol(text: &str) -> bool {
    matches!(
        text.to_ascii_uppercase().replace(['_', ' '], "").as_str(),
        "SSL"
            | "SSLV2"
            | "SSLV3"
            | "SSLV23"
            | "TLSV1"
            | "TLSV1.0"
            | "TLSV1.1"
            | "TLS1.0"
            | "TLS1.1"
            | "TLSV11"
            | "PROTOCOLSSLV2"
            | "PROTOCOLSSLV3"
            | "PROTOCOLTLSV1"
            | "PROTOCOLTLSV11"
            | "VERSIONTLS10"
            | "VERSIONTLS11"
            | "VERSIONSSL30"
            | "TLSVERSION.TLSV1"
            | "TLSVERSION.TLSV11"
            | "TLSVERSION.SSLV3"
    )
}

/// Faults of a key size.
pub fn key_size(family: &str, bits: i64) -> Option<Fault> {
    let least = match family {
        "RSA" | "DSA" | "DH" | "DiffieHellman" | "ElGamal" => 2048,
        "EC" | "ECDSA" | "ECDH" => 224,
        "AES" | "HMAC" | "Blowfish" | "RC4" | "RC2" => 112,
        _ => return None,
    };
    (bits > 0 && bits < least).then_some(SHORT_KEY)
}

/// A fault if an argument is constant.
pub fn if_constant(
    unit: &Unit<'_>,
    call: &Call<'_>,
    name: &str,
    position: usize,
    fault: Fault,
) -> Vec<Fault> {
    // lifetimes of the tree: the argument belongs to the same unit
    let constant = constant(unit, call, name, position);
    if constant { vec![fault] } else { Vec::new() }
}

/// Whether an argument is constant.
pub fn constant<'t>(unit: &Unit<'t>, call: &Call<'t>, name: &str, position: usize) -> bool {
    call.argument(name, position).is_some_and(|argument| {
        let value = unit.value(argument, call.function, 0);
        value.is_constant() && value != Value::Text(String::new())
    })
}

/// The value of an argument.
pub fn value<'t>(unit: &Unit<'t>, call: &Call<'t>, name: &str, position: usize) -> Value {
    call.argument(name, position)
        .map_or(Value::Unknown, |argument| {
            unit.value(argument, call.function, 0)
        })
}

/// How a call looks in evidence: its name and, if it names an algorithm, that.
pub fn shown(call: &Call<'_>, detail: Option<&str>) -> String {
    match detail {
        Some(detail) => format!("{}(\"{detail}\")", call.callee),
        None => format!("{}(…)", call.callee),
    }
}
