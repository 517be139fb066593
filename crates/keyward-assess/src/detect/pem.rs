//! PEM and its relatives: finds blocks anywhere (also inside source strings, JSON and YAML), decodes them
//! leniently, and hands the bytes to the right parser. A label alone is never a finding.

use super::{Scan, cms, keys, openpgp, ssh, x509};
use crate::finding::{Algorithm, Confidence, Finding, Kind, Severity, fingerprint};

/// Longest block that is decoded.
const MAX_BLOCK: usize = 16 << 20;

/// One block.
struct Block<'a> {
    label: &'a str,
    body: &'a [u8],
    end: usize,
}

/// Finds the block that begins at `start` (where `-----BEGIN ` stands).
fn block(data: &[u8], start: usize) -> Option<Block<'_>> {
    let after = start + 11;
    let line = data.get(after..data.len().min(after + 80))?;
    let close = memchr::memmem::find(line, b"-----")?;
    let label = std::str::from_utf8(line.get(..close)?).ok()?;
    if label.is_empty()
        || !label
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || " .-/_".contains(c))
    {
        return None;
    }
    let body_start = after + close + 5;
    let window = data.get(body_start..data.len().min(body_start + MAX_BLOCK))?;
    let end = memchr::memmem::find(window, b"-----END ")?;
    // another block begins before this one ends: this one is cut off
    if memchr::memmem::find(window.get(..end)?, b"-----BEGIN ").is_some() {
        return None;
    }
    let tail = window.get(end + 9..)?;
    let finish =
        memchr::memmem::find(tail.get(..tail.len().min(80))?, b"-----").map_or(0, |at| at + 5);
    Some(Block {
        label,
        body: window.get(..end)?,
        end: body_start + end + 9 + finish,
    })
}

/// Header lines and the decoded body. Escapes, quotes and concatenation signs of source strings are
/// stepped over.
fn decode(body: &[u8]) -> Option<(String, Vec<u8>)> {
    let mut headers = String::new();
    let mut symbols = Vec::with_capacity(body.len());
    let unescaped = unescape(body);
    // in a source string the block begins inside quotes; what stands outside of them joins the pieces
    let mut inside = true;
    for line in unescaped.split(|byte| *byte == b'\n') {
        let text = line.trim_ascii();
        if text.contains(&b':') && symbols.is_empty() {
            headers.push_str(&String::from_utf8_lossy(text));
            headers.push('\n');
        } else if !(text.first() == Some(&b'=') && text.len() == 5) {
            // '=' and four symbols alone on a line is OpenPGP's checksum
            base64_of(text, &mut inside, &mut symbols);
        }
    }
    Some((headers, base64(&symbols)?))
}

/// Takes the base64 symbols of a line. `+` is data inside quotes and a concatenation sign outside.
fn base64_of(line: &[u8], inside: &mut bool, symbols: &mut Vec<u8>) {
    for byte in line {
        if *byte == b'"' || *byte == b'\'' {
            *inside = !*inside;
        } else if byte.is_ascii_alphanumeric() || b"/=".contains(byte) || (*byte == b'+' && *inside)
        {
            symbols.push(*byte);
        }
    }
}

/// Turns `\n` and `\r\n` written as escapes into line ends.
fn unescape(body: &[u8]) -> Vec<u8> {
    if !body.contains(&b'\\') {
        return body.to_vec();
    }
    let mut out = Vec::with_capacity(body.len());
    let mut at = body.iter().copied().peekable();
    while let Some(byte) = at.next() {
        if byte == b'\\' {
            match at.peek() {
                Some(b'n' | b'r') => {
                    at.next();
                    out.push(b'\n');
                }
                Some(b'\\') => {}
                Some(b'/') => {}
                _ => out.push(b'\n'),
            }
        } else {
            out.push(byte);
        }
    }
    out
}

/// Decodes base64, padding optional, trailing bits ignored.
pub fn base64(symbols: &[u8]) -> Option<Vec<u8>> {
    let end = symbols
        .iter()
        .position(|byte| *byte == b'=')
        .unwrap_or(symbols.len());
    let mut kept = symbols.get(..end)?.to_vec();
    if kept.len() % 4 == 1 {
        kept.pop();
    }
    if let (2 | 3, Some(last)) = (kept.len() % 4, kept.last_mut()) {
        // clear the bits a strict decoder insists are zero
        *last = canonical_tail(*last, end % 4);
    }
    base64_simd::STANDARD_NO_PAD.decode_to_vec(&kept).ok()
}

/// Clears unused low bits of the last base64 symbol.
fn canonical_tail(symbol: u8, remainder: usize) -> u8 {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let Some(value) = ALPHABET.iter().position(|byte| *byte == symbol) else {
        return symbol;
    };
    let mask = if remainder == 2 { 0x30 } else { 0x3c };
    ALPHABET.get(value & mask).copied().unwrap_or(symbol)
}

/// Reads the block at `start`; returns where it ends if it was one that could be decoded.
pub fn at(scan: &mut Scan<'_>, data: &[u8], start: usize, base: u64) -> Option<usize> {
    let block = block(data, start)?;
    let offset = base + start as u64;
    if block.label == "OpenVPN Static key V1" {
        openvpn_static(scan, block.body, offset);
        return Some(block.end);
    }
    let Some((headers, bytes)) = decode(block.body) else {
        scan.gap_at(
            "malformed",
            format!("PEM block '{}' is not base64", block.label),
            offset,
        );
        return Some(block.end);
    };
    if bytes.len() >= 6 && !dispatch(scan, block.label, &headers, &bytes, offset) {
        scan.gap_at(
            "malformed",
            format!("PEM block '{}' could not be parsed", block.label),
            offset,
        );
    }
    Some(block.end)
}

/// Hands decoded bytes to the parser of the label.
fn dispatch(scan: &mut Scan<'_>, label: &str, headers: &str, bytes: &[u8], offset: u64) -> bool {
    let found = match label {
        "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => x509::certificate(bytes),
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => x509::request(bytes),
        "X509 CRL" | "CRL" => x509::revocation_list(bytes),
        "PKCS7" | "CMS" | "PKCS #7 SIGNED DATA" => return cms::message(scan, bytes, offset),
        "PKCS12" => return cms::pkcs12(scan, bytes, offset),
        "PUBLIC KEY" | "RSA PUBLIC KEY" => {
            keys::any_der(bytes).filter(|found| found.kind == Kind::PublicKey)
        }
        "DH PARAMETERS" | "X9.42 DH PARAMETERS" | "DSA PARAMETERS" | "EC PARAMETERS" => {
            keys::parameters(label, bytes)
        }
        "OPENSSH PRIVATE KEY" => ssh::openssh_private(bytes),
        "PGP PUBLIC KEY BLOCK" | "PGP PRIVATE KEY BLOCK" | "PGP MESSAGE" | "PGP SIGNATURE" => {
            return openpgp::packets(scan, bytes, offset);
        }
        "AGE ENCRYPTED FILE" => super::misc::age(bytes),
        "TSS2 PRIVATE KEY" | "TSS2 KEY BLOB" => super::misc::tss2_private(bytes),
        "SSH SIGNATURE" => Some(
            Finding::new(Kind::SignedMessage, "ssh-signature", "OpenSSH signature")
                .property("identity", fingerprint(bytes)),
        ),
        other if other.ends_with("PRIVATE KEY") => private(headers, bytes, other),
        other if other.ends_with("PUBLIC KEY") => {
            keys::any_der(bytes).filter(|found| found.kind == Kind::PublicKey)
        }
        _ => x509::any(bytes).or_else(|| keys::any_der(bytes)),
    };
    // a known label over something else that parses (mislabelled files are common)
    let found = found
        .or_else(|| x509::any(bytes))
        .or_else(|| keys::any_der(bytes));
    match found {
        Some(found) => {
            scan.report(found.property("encoding", "pem").at(offset));
            true
        }
        None => label.is_empty(),
    }
}

/// A private key block, perhaps encrypted the traditional way (RFC 1421 headers).
fn private(headers: &str, bytes: &[u8], label: &str) -> Option<Finding> {
    if !headers.contains("ENCRYPTED") {
        return keys::announced_private(bytes)
            .filter(|found| found.format != "unknown" || bytes.len() > 40);
    }
    let cipher = headers
        .lines()
        .find_map(|line| line.strip_prefix("DEK-Info:"))
        .and_then(|value| value.split(',').next())
        .unwrap_or("unknown")
        .trim()
        .to_owned();
    let name = label.strip_suffix(" PRIVATE KEY").unwrap_or(label);
    let mut finding = Finding::new(
        Kind::PrivateKey,
        "pem-encrypted",
        format!("{name} private key encrypted the traditional way with {cipher}"),
    )
    .algorithm(Algorithm::named(name))
    .property("encrypted", "yes")
    .property("cipher", cipher.clone())
    .property("kdf", "EVP_BytesToKey MD5, 1 iteration");
    finding.add_issue(
        "KA-KDF-WEAK",
        Severity::Medium,
        "passphrase stretched with a single MD5 (traditional PEM encryption); use PKCS#8 with PBES2",
        "SP 800-132 §5.2",
    );
    finding
        .properties
        .insert("identity".to_owned(), fingerprint(bytes));
    Some(finding)
}

/// An OpenVPN static key: 2048 bits in hexadecimal.
fn openvpn_static(scan: &mut Scan<'_>, body: &[u8], offset: u64) {
    let digits = body.iter().filter(|byte| byte.is_ascii_hexdigit()).count();
    if digits < 512 {
        return;
    }
    scan.report(
        Finding::new(
            Kind::SecretKey,
            "openvpn-static",
            "OpenVPN static key, 2048 bits, unencrypted",
        )
        .algorithm(Algorithm::sized("HMAC", 512))
        .property("encrypted", "no")
        .at(offset),
    );
}

/// PEM text that was base64-encoded once more (Kubernetes secrets, kubeconfig): decodes and scans again.
pub fn wrapped(scan: &mut Scan<'_>, data: &[u8], start: usize) -> Option<usize> {
    let run = base64_run(data, start);
    let decoded = base64(data.get(start..run)?)?;
    scan.nested("base64", &decoded);
    Some(run)
}

/// Bare base64 of DER (`MII…`), as XML and JSON carry certificates.
pub fn bare(scan: &mut Scan<'_>, data: &[u8], start: usize, base: u64) -> Option<usize> {
    if start > 0
        && data
            .get(start - 1)
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte))
    {
        return None;
    }
    let head = base64(data.get(start..start + 8)?)?;
    let claimed = match head.get(..4)? {
        [0x30, 0x82, high, low] => 4 + (usize::from(*high) << 8 | usize::from(*low)),
        _ => return None,
    };
    if claimed < 128 {
        return None;
    }
    let mut symbols = Vec::with_capacity(claimed / 3 * 4 + 8);
    let mut end = start;
    for byte in data.get(start..)? {
        if byte.is_ascii_alphanumeric() || b"+/=".contains(byte) {
            symbols.push(*byte);
        } else if !byte.is_ascii_whitespace() {
            break;
        }
        end += 1;
        if symbols.len() >= claimed.div_ceil(3) * 4 {
            break;
        }
    }
    let decoded = base64(&symbols)?;
    let bytes = decoded.get(..claimed)?;
    let found = x509::any(bytes).or_else(|| keys::any_der(bytes))?;
    let found = if found.kind == Kind::PrivateKey {
        found.confidence(Confidence::Certain)
    } else {
        found
    };
    scan.report(found.property("encoding", "base64").at(base + start as u64));
    Some(end)
}

/// End of the run of base64 symbols that begins at `start`.
fn base64_run(data: &[u8], start: usize) -> usize {
    data.iter()
        .skip(start)
        .position(|byte| !(byte.is_ascii_alphanumeric() || b"+/=".contains(byte)))
        .map_or(data.len(), |length| start + length)
}
