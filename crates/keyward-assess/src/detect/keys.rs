//! Public and private keys: SubjectPublicKeyInfo, PKCS#1, PKCS#8, SEC1, DSA, and how an encrypted one is
//! encrypted. Private numbers are stepped over, never copied.

use crate::ber::{self, Element, tag};
use crate::finding::{Algorithm, Confidence, Finding, Kind, Severity, fingerprint};
use crate::oid;

/// What a public key is.
#[derive(Clone, Debug)]
pub struct PublicPart {
    /// Its algorithm with size.
    pub algorithm: Algorithm,
    /// RSA modulus.
    pub modulus: Option<Vec<u8>>,
    /// RSA public exponent, if small.
    pub exponent: Option<u64>,
    /// Fingerprint of the SubjectPublicKeyInfo (or of the canonical public bytes).
    pub fingerprint: String,
}

impl PublicPart {
    /// Puts what is known onto a finding.
    pub fn onto(self, mut finding: Finding) -> Finding {
        finding.algorithm = Some(self.algorithm);
        finding.fingerprint = Some(self.fingerprint);
        finding.modulus = self.modulus;
        if let Some(exponent) = self.exponent {
            finding = finding.property("public-exponent", exponent.to_string());
        }
        finding
    }
}

/// Reads an AlgorithmIdentifier: the algorithm, with a named curve or field size from its parameters.
pub fn algorithm_identifier(element: &Element<'_>) -> Option<(String, Algorithm)> {
    let parts = element.sequence()?;
    let oid = parts.first()?.oid()?;
    let (_, mut algorithm) = oid::algorithm(&oid);
    let Some(parameters) = parts.get(1) else {
        return Some((oid, algorithm));
    };
    match algorithm.name.as_str() {
        "EC" => {
            if let Some(named) = parameters.oid() {
                match oid::curve(&named) {
                    Some((name, bits)) => {
                        algorithm.curve = Some(name.to_owned());
                        algorithm.bits = Some(bits);
                    }
                    None => algorithm.curve = Some(named),
                }
            } else if parameters.is(tag::SEQUENCE) {
                algorithm.curve = Some("explicit-parameters".to_owned());
                algorithm.bits = explicit_field_bits(parameters);
            }
        }
        "DSA" | "DH" => {
            algorithm.bits = parameters
                .sequence()
                .and_then(|numbers| numbers.first().and_then(Element::unsigned))
                .map(ber::bit_length);
        }
        _ => {}
    }
    Some((oid, algorithm))
}

/// Order size of explicit EC parameters, else the size of the prime field.
fn explicit_field_bits(parameters: &Element<'_>) -> Option<u32> {
    let parts = parameters.sequence()?;
    let order = parts
        .get(4)
        .and_then(Element::unsigned)
        .map(ber::bit_length);
    order.or_else(|| {
        let field = parts.get(1)?.sequence()?;
        field
            .get(1)
            .and_then(Element::unsigned)
            .map(ber::bit_length)
    })
}

/// DER of the SubjectPublicKeyInfo of an RSA key, so that fingerprints agree between all formats.
pub fn rsa_part(modulus: &[u8], exponent: &[u8]) -> PublicPart {
    let integer = |magnitude: &[u8]| {
        let mut content = Vec::with_capacity(magnitude.len() + 1);
        if magnitude.first().is_none_or(|byte| byte & 0x80 != 0) {
            content.push(0);
        }
        content.extend_from_slice(magnitude);
        der(0x02, &content)
    };
    let strip = |bytes: &[u8]| {
        bytes
            .iter()
            .copied()
            .skip_while(|byte| *byte == 0)
            .collect::<Vec<u8>>()
    };
    let (modulus, exponent) = (strip(modulus), strip(exponent));
    let key = der(0x30, &[integer(&modulus), integer(&exponent)].concat());
    let mut bits = vec![0];
    bits.extend_from_slice(&key);
    let identifier = [
        0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
    ];
    let spki = der(0x30, &[identifier.to_vec(), der(0x03, &bits)].concat());
    let mut algorithm = Algorithm::sized("RSA", ber::bit_length(&modulus));
    algorithm.oid = Some("1.2.840.113549.1.1.1".to_owned());
    let exponent = (exponent.len() <= 8).then(|| {
        exponent
            .iter()
            .fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
    });
    PublicPart {
        algorithm,
        exponent,
        fingerprint: fingerprint(&spki),
        modulus: Some(modulus),
    }
}

/// Fingerprint of an elliptic-curve point: over the SubjectPublicKeyInfo with a named curve.
pub fn ec_part(curve_oid: &[u8], curve: &str, bits: u32, point: &[u8]) -> PublicPart {
    let identifier = der(
        0x30,
        &[
            der(0x06, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01]),
            der(0x06, curve_oid),
        ]
        .concat(),
    );
    let mut content = vec![0];
    content.extend_from_slice(point);
    let spki = der(0x30, &[identifier, der(0x03, &content)].concat());
    let mut algorithm = Algorithm::sized("EC", bits);
    algorithm.curve = Some(curve.to_owned());
    PublicPart {
        algorithm,
        modulus: None,
        exponent: None,
        fingerprint: fingerprint(&spki),
    }
}

/// Fingerprint of an Edwards or Montgomery public key (`last` is the last arc of 1.3.101.x).
pub fn edwards_part(name: &str, bits: u32, last: u8, public: &[u8]) -> PublicPart {
    let identifier = der(0x30, &der(0x06, &[0x2b, 0x65, last]));
    let mut content = vec![0];
    content.extend_from_slice(public);
    let spki = der(0x30, &[identifier, der(0x03, &content)].concat());
    PublicPart {
        algorithm: Algorithm::sized(name, bits),
        modulus: None,
        exponent: None,
        fingerprint: fingerprint(&spki),
    }
}

/// Encodes one DER element; only ever used on public bytes, to compute fingerprints.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len();
    if length < 0x80 {
        out.push(u8::try_from(length).unwrap_or(0));
    } else {
        let bytes = length.to_be_bytes();
        let skip = bytes.iter().take_while(|byte| **byte == 0).count();
        let used = &bytes[skip.min(bytes.len())..];
        out.push(0x80 | u8::try_from(used.len()).unwrap_or(8));
        out.extend_from_slice(used);
    }
    out.extend_from_slice(content);
    out
}

/// Reads a SubjectPublicKeyInfo.
pub fn spki(element: &Element<'_>) -> Option<PublicPart> {
    let parts = element.sequence()?;
    if parts.len() != 2 {
        return None;
    }
    let (_, mut algorithm) = algorithm_identifier(&parts[0])?;
    let bits = parts[1].bits()?;
    if algorithm.name == "RSA" {
        let (modulus, exponent) = pkcs1_public(bits)?;
        let mut part = rsa_part(modulus, exponent);
        part.algorithm.mode = algorithm.mode.take();
        part.fingerprint = fingerprint(element.whole);
        return Some(part);
    }
    if algorithm.name == "EC" && algorithm.bits.is_none() {
        // unknown curve: the point length bounds the field
        algorithm.bits = u32::try_from(bits.len().saturating_sub(1) / 2 * 8).ok();
    }
    Some(PublicPart {
        algorithm,
        modulus: None,
        exponent: None,
        fingerprint: fingerprint(element.whole),
    })
}

/// The modulus and exponent of a PKCS#1 RSAPublicKey.
pub fn pkcs1_public(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (element, _) = ber::read(bytes)?;
    let numbers = element.sequence()?;
    if numbers.len() != 2 {
        return None;
    }
    let (modulus, exponent) = (numbers[0].unsigned()?, numbers[1].unsigned()?);
    (ber::bit_length(modulus) >= 256 && ber::bit_length(exponent) <= ber::bit_length(modulus))
        .then_some((modulus, exponent))
}

/// Public part of a PKCS#1 RSAPrivateKey.
fn pkcs1_private(element: &Element<'_>) -> Option<PublicPart> {
    let numbers = element.sequence()?;
    if numbers.len() < 9 || numbers[0].small()? > 1 {
        return None;
    }
    let (modulus, exponent) = (numbers[1].unsigned()?, numbers[2].unsigned()?);
    if ber::bit_length(modulus) < 256 || !numbers[3..9].iter().all(|number| number.is(tag::INTEGER))
    {
        return None;
    }
    Some(rsa_part(modulus, exponent))
}

/// Public part of a SEC1 ECPrivateKey; `outer` is the algorithm a PKCS#8 envelope named.
fn sec1_private(element: &Element<'_>, outer: Option<&Algorithm>) -> Option<PublicPart> {
    let parts = element.sequence()?;
    if parts.len() < 2 || parts[0].small()? != 1 || !parts[1].is(tag::OCTET_STRING) {
        return None;
    }
    let mut algorithm = outer.cloned().unwrap_or_else(|| Algorithm::named("EC"));
    let mut curve_oid: Option<Vec<u8>> = None;
    let mut point: Option<Vec<u8>> = None;
    for part in &parts[2..] {
        if part.is_context(0) {
            let inner = ber::read(part.content)?.0;
            if let Some(named) = inner.oid() {
                curve_oid = Some(inner.content.to_vec());
                if let Some((name, bits)) = oid::curve(&named) {
                    algorithm.curve = Some(name.to_owned());
                    algorithm.bits = Some(bits);
                }
            } else {
                algorithm.curve = Some("explicit-parameters".to_owned());
                algorithm.bits = explicit_field_bits(&inner);
            }
        } else if part.is_context(1) {
            point = ber::read(part.content).and_then(|(inner, _)| inner.bits().map(<[u8]>::to_vec));
        }
    }
    if outer.is_none() && algorithm.curve.is_none() {
        let scalar = u32::try_from(parts[1].content.len()).ok()?;
        if !(14..=72).contains(&scalar) {
            return None;
        }
        algorithm.bits = Some(scalar * 8);
    }
    let (name, bits) = (
        algorithm.curve.clone().unwrap_or_default(),
        algorithm.bits.unwrap_or(0),
    );
    let identity = match (&curve_oid, &point) {
        (Some(oid), Some(point)) => ec_part(oid, &name, bits, point).fingerprint,
        (None, Some(point)) => fingerprint(point),
        _ => String::new(),
    };
    Some(PublicPart {
        algorithm,
        modulus: None,
        exponent: None,
        fingerprint: identity,
    })
}

/// Public part of the traditional DSAPrivateKey.
fn dsa_private(element: &Element<'_>) -> Option<PublicPart> {
    let numbers = element.sequence()?;
    if numbers.len() != 6 || numbers[0].small()? != 0 || !numbers.iter().all(|n| n.is(tag::INTEGER))
    {
        return None;
    }
    let prime = numbers[1].unsigned()?;
    let order = ber::bit_length(numbers[2].unsigned()?);
    if !(112..=512).contains(&order) || ber::bit_length(prime) < 512 {
        return None;
    }
    Some(PublicPart {
        algorithm: Algorithm::sized("DSA", ber::bit_length(prime)),
        modulus: None,
        exponent: None,
        fingerprint: fingerprint(numbers[4].unsigned()?),
    })
}

/// A PKCS#8 PrivateKeyInfo or OneAsymmetricKey.
fn pkcs8(element: &Element<'_>) -> Option<Finding> {
    let parts = element.sequence()?;
    if parts.len() < 3 || parts[0].small()? > 1 || !parts[2].is(tag::OCTET_STRING) {
        return None;
    }
    let (_, algorithm) = algorithm_identifier(&parts[1])?;
    let inner = ber::read(parts[2].content).map(|(inner, _)| inner);
    let part = match algorithm.name.as_str() {
        "RSA" => pkcs1_private(&inner?).map(|mut part| {
            part.algorithm.mode.clone_from(&algorithm.mode);
            part
        }),
        "EC" => sec1_private(&inner?, Some(&algorithm)).map(|mut part| {
            if part.algorithm.curve.is_none() {
                part.algorithm = algorithm.clone();
            }
            // the point alone identifies the key when the curve stands in the envelope
            if let (Some(curve), Some(point)) = (ec_curve_oid(&parts[1]), sec1_point(&inner?)) {
                let (name, bits) = (
                    part.algorithm.curve.clone().unwrap_or_default(),
                    part.algorithm.bits.unwrap_or(0),
                );
                part.fingerprint = ec_part(&curve, &name, bits, &point).fingerprint;
            }
            Some(part)
        })?,
        _ => None,
    };
    let public = parts
        .iter()
        .find(|part| part.is_context(1))
        .map(|part| fingerprint(part.content));
    let part = part.unwrap_or(PublicPart {
        algorithm,
        modulus: None,
        exponent: None,
        fingerprint: public.unwrap_or_default(),
    });
    Some(private("pkcs8", part))
}

/// Raw OID bytes of the named curve in an AlgorithmIdentifier.
fn ec_curve_oid(identifier: &Element<'_>) -> Option<Vec<u8>> {
    let parts = identifier.sequence()?;
    let named = parts.get(1)?;
    named.oid().map(|_| named.content.to_vec())
}

/// The point in a SEC1 key.
fn sec1_point(element: &Element<'_>) -> Option<Vec<u8>> {
    let parts = element.sequence()?;
    let tagged = parts.iter().find(|part| part.is_context(1))?;
    ber::read(tagged.content)?.0.bits().map(<[u8]>::to_vec)
}

/// A finding of an unencrypted private key.
fn private(format: &str, part: PublicPart) -> Finding {
    let display = part.algorithm.display();
    let known = !part.fingerprint.is_empty();
    let mut finding = part
        .onto(Finding::new(
            Kind::PrivateKey,
            format,
            format!("unencrypted {display} private key, {format}"),
        ))
        .property("encrypted", "no");
    if !known {
        finding.fingerprint = None;
    }
    finding
}

/// How something is encrypted, read from an encryption AlgorithmIdentifier (PBES1, PBES2, PKCS#12).
#[derive(Clone, Debug, Default)]
pub struct Encryption {
    /// The cipher.
    pub cipher: Algorithm,
    /// The key derivation.
    pub kdf: String,
    /// Its iteration count or cost.
    pub iterations: Option<u64>,
}

impl Encryption {
    /// Puts it onto a finding, with a note about derivations that are too cheap or hostile.
    pub fn onto(&self, mut finding: Finding) -> Finding {
        finding = finding
            .property("encrypted", "yes")
            .property("cipher", self.cipher.display())
            .property("kdf", self.kdf.clone());
        if let Some(iterations) = self.iterations {
            finding = finding.property("kdf-iterations", iterations.to_string());
            iteration_issues(&mut finding, iterations, &self.kdf);
        }
        finding
    }
}

/// Notes on the cost of a key derivation. The derivation itself is never run here, so a hostile count
/// costs nothing.
pub fn iteration_issues(finding: &mut Finding, iterations: u64, kdf: &str) {
    if kdf == "scrypt" || kdf.starts_with("argon2") || kdf == "bcrypt" {
        return;
    }
    if iterations > 20_000_000 {
        finding.add_issue(
            "KA-KDF-HOSTILE",
            Severity::Medium,
            format!("iteration count {iterations} would stall any program that opens it"),
            "CWE-400",
        );
    } else if iterations < 1000 {
        finding.add_issue(
            "KA-KDF-WEAK",
            Severity::Medium,
            format!("only {iterations} iterations of {kdf}; SP 800-132 asks for at least 1000"),
            "SP 800-132 §5.2",
        );
    }
}

/// Reads an encryption AlgorithmIdentifier.
pub fn encryption(element: &Element<'_>) -> Option<Encryption> {
    let parts = element.sequence()?;
    let oid = parts.first()?.oid()?;
    let (role, algorithm) = oid::algorithm(&oid);
    let parameters = parts.get(1).and_then(Element::sequence).unwrap_or_default();
    if algorithm.name == "PBES2" {
        let kdf = parameters.first()?.sequence()?;
        let (kdf_oid, kdf_parameters) =
            (kdf.first()?.oid()?, kdf.get(1).and_then(Element::sequence)?);
        let (_, cipher) = algorithm_identifier(parameters.get(1)?)?;
        let (_, derivation) = oid::algorithm(&kdf_oid);
        let mut name = derivation.name.clone();
        if name == "PBKDF2" {
            let prf = kdf_parameters
                .iter()
                .find_map(algorithm_identifier)
                .map_or_else(|| "HMAC-SHA-1".to_owned(), |(_, prf)| prf.name);
            name = format!("PBKDF2-{prf}");
        }
        let iterations = kdf_parameters.get(1).and_then(Element::small);
        return Some(Encryption {
            cipher,
            kdf: name,
            iterations,
        });
    }
    let iterations = parameters.get(1).and_then(Element::small);
    if role == Some(oid::Role::Kdf) {
        let kdf = algorithm.mode.clone().unwrap_or_else(|| "PBE".to_owned());
        let mut cipher = algorithm;
        cipher.mode = None;
        return Some(Encryption {
            cipher,
            kdf,
            iterations,
        });
    }
    Some(Encryption {
        cipher: algorithm,
        kdf: "none".to_owned(),
        iterations: None,
    })
}

/// PKCS#8 EncryptedPrivateKeyInfo.
fn pkcs8_encrypted(element: &Element<'_>) -> Option<Finding> {
    let parts = element.sequence()?;
    if parts.len() != 2 || !parts[1].is(tag::OCTET_STRING) || parts[1].content.len() < 8 {
        return None;
    }
    let oid = parts[0].sequence()?.first()?.oid()?;
    if !matches!(
        oid::algorithm(&oid).0,
        Some(oid::Role::Kdf | oid::Role::Cipher)
    ) {
        return None;
    }
    let encryption = encryption(&parts[0])?;
    let text = format!(
        "encrypted private key, {} with {}",
        encryption.cipher.display(),
        encryption.kdf
    );
    Some(encryption.onto(Finding::new(Kind::PrivateKey, "pkcs8-encrypted", text)))
}

/// Any private or public key in DER, by structure. This is the door for bytes of unknown sort, so it
/// insists that the element is filled exactly.
pub fn any_der(bytes: &[u8]) -> Option<Finding> {
    let (element, _) = ber::read(bytes)?;
    element.sequence()?;
    element.children_exact()?;
    pkcs8(&element)
        .or_else(|| pkcs1_private(&element).map(|part| private("pkcs1", part)))
        .or_else(|| dsa_private(&element).map(|part| private("dsa", part)))
        .or_else(|| sec1_private(&element, None).map(|part| private("sec1", part)))
        .or_else(|| pkcs8_encrypted(&element))
        .or_else(|| public_spki(&element))
        .or_else(|| public_pkcs1(&element))
}

/// A SubjectPublicKeyInfo as a finding; unknown algorithms are refused, to stay precise on raw bytes.
fn public_spki(element: &Element<'_>) -> Option<Finding> {
    let parts = element.sequence()?;
    let oid = parts.first()?.sequence()?.first()?.oid()?;
    if !oid::known(&oid) {
        return None;
    }
    let part = spki(element)?;
    let text = format!("{} public key", part.algorithm.display());
    Some(part.onto(Finding::new(Kind::PublicKey, "spki", text)))
}

/// A PKCS#1 RSAPublicKey as a finding.
fn public_pkcs1(element: &Element<'_>) -> Option<Finding> {
    let (modulus, exponent) = pkcs1_public(element.whole)?;
    let exponent_bits = ber::bit_length(exponent);
    if ber::bit_length(modulus) < 512
        || exponent_bits < 2
        || exponent.last()? & 1 == 0
        || modulus.last()? & 1 == 0
    {
        return None;
    }
    let part = rsa_part(modulus, exponent);
    let text = format!("{} public key", part.algorithm.display());
    Some(part.onto(Finding::new(Kind::PublicKey, "pkcs1", text)))
}

/// A private key announced as one (by a PEM label): the same parsers, but an unknown shape is still
/// reported, as likely.
pub fn announced_private(bytes: &[u8]) -> Option<Finding> {
    if let Some(found) = any_der(bytes).filter(|finding| finding.kind == Kind::PrivateKey) {
        return Some(found);
    }
    let (element, _) = ber::read(bytes)?;
    element.sequence()?;
    Some(
        Finding::new(
            Kind::PrivateKey,
            "unknown",
            "labelled a private key, structure not recognised",
        )
        .confidence(Confidence::Likely),
    )
}

/// Diffie-Hellman, DSA or EC parameters.
pub fn parameters(label: &str, bytes: &[u8]) -> Option<Finding> {
    let (element, _) = ber::read(bytes)?;
    let (name, bits, curve) = if label.starts_with("EC") {
        match element.oid() {
            Some(named) => {
                let (name, bits) = oid::curve(&named)?;
                ("EC", Some(bits), Some(name.to_owned()))
            }
            None => (
                "EC",
                explicit_field_bits(&element),
                Some("explicit-parameters".to_owned()),
            ),
        }
    } else {
        let prime = element.sequence()?.first()?.unsigned()?;
        (
            if label.starts_with("DSA") {
                "DSA"
            } else {
                "DH"
            },
            Some(ber::bit_length(prime)),
            None,
        )
    };
    let algorithm = Algorithm {
        name: name.to_owned(),
        bits,
        curve,
        ..Algorithm::default()
    };
    let text = format!("{} domain parameters", algorithm.display());
    Some(
        Finding::new(Kind::Parameters, "domain-parameters", text)
            .algorithm(algorithm)
            .property("identity", fingerprint(bytes)),
    )
}
