//! Encrypted volumes: LUKS1, LUKS2, BitLocker, and the suspicion of VeraCrypt and SQLCipher, which have no
//! magic and look like noise from the first byte.

use super::Scan;
use crate::finding::{Algorithm, Confidence, Finding, Kind, Severity, fingerprint, hex};

/// Reads the header of a volume or whole-file encryption at the start of `data`.
pub fn head(scan: &mut Scan<'_>, data: &[u8]) {
    let _ = luks(scan, data, 0)
        || bitlocker(scan, data, 0)
        || partitions(scan, data)
        || noise(scan, data);
}

/// Big-endian text or number fields.
fn field(data: &[u8], from: usize, length: usize) -> Option<&[u8]> {
    data.get(from..from.checked_add(length)?)
}

/// Text up to the first zero byte.
fn text(data: &[u8], from: usize, length: usize) -> Option<String> {
    let bytes = field(data, from, length)?;
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    Some(String::from_utf8_lossy(bytes.get(..end)?).into_owned())
}

fn be32(data: &[u8], from: usize) -> Option<u32> {
    Some(u32::from_be_bytes(field(data, from, 4)?.try_into().ok()?))
}

/// LUKS version 1 or 2 at `at`.
fn luks(scan: &mut Scan<'_>, data: &[u8], at: usize) -> bool {
    let Some(data) = data.get(at..) else {
        return false;
    };
    if field(data, 0, 6) != Some(b"LUKS\xba\xbe") {
        return false;
    }
    match field(data, 6, 2) {
        Some([0, 1]) => luks1(scan, data, at as u64).is_some(),
        Some([0, 2]) => luks2(scan, data, at as u64).is_some(),
        _ => false,
    }
}

/// The cipher of a LUKS volume as an algorithm; XTS splits its key in two.
fn cipher(name: &str, mode: &str, key_bytes: u32) -> Algorithm {
    let bits = if mode.starts_with("xts") {
        key_bytes * 4
    } else {
        key_bytes * 8
    };
    let name = match name {
        "aes" => "AES",
        "serpent" => "Serpent",
        "twofish" => "Twofish",
        "camellia" => "Camellia",
        "des3_ede" => "3DES",
        other => other,
    };
    let mode = mode
        .split('-')
        .next()
        .unwrap_or_default()
        .to_ascii_uppercase();
    Algorithm {
        mode: (!mode.is_empty()).then_some(mode),
        ..Algorithm::sized(name, bits)
    }
}

/// LUKS1 header (on-disk format specification 1.2.3).
fn luks1(scan: &mut Scan<'_>, data: &[u8], offset: u64) -> Option<()> {
    let (name, mode, hash) = (text(data, 8, 32)?, text(data, 40, 32)?, text(data, 72, 32)?);
    let key_bytes = be32(data, 108)?;
    if key_bytes > 1024 {
        return None;
    }
    let iterations = be32(data, 164)?;
    let uuid = text(data, 168, 40)?;
    let slots = (0..8)
        .filter(|slot| be32(data, 208 + slot * 48) == Some(0x00AC_71F3))
        .count();
    let slot_iterations = (0..8)
        .filter(|slot| be32(data, 208 + slot * 48) == Some(0x00AC_71F3))
        .filter_map(|slot| be32(data, 212 + slot * 48))
        .min();
    let algorithm = cipher(&name, &mode, key_bytes);
    let mut finding = Finding::new(
        Kind::EncryptedData,
        "luks1",
        format!("LUKS1 volume, {name}-{mode}, {slots} key slots in use"),
    )
    .algorithm(algorithm)
    .property("kdf", format!("PBKDF2-HMAC-{}", hash.to_ascii_uppercase()))
    .property(
        "kdf-iterations",
        slot_iterations.unwrap_or(iterations).to_string(),
    )
    .property("key-slots", slots.to_string())
    .property("uuid", uuid.clone())
    .property("identity", format!("luks:{uuid}"));
    super::keys::iteration_issues(
        &mut finding,
        u64::from(slot_iterations.unwrap_or(iterations)),
        "PBKDF2",
    );
    if mode.starts_with("cbc-plain") {
        finding.add_issue(
            "KA-MODE-WEAK",
            Severity::Medium,
            "CBC with a predictable initial vector lets an attacker recognise and alter blocks",
            "SP 800-38E; cryptsetup FAQ 5.14",
        );
    }
    scan.report(finding.at(offset));
    Some(())
}

/// LUKS2 header: binary part and JSON area.
#[expect(
    clippy::too_many_lines,
    reason = "one header, read from its first field to its last"
)]
fn luks2(scan: &mut Scan<'_>, data: &[u8], offset: u64) -> Option<()> {
    let size = u64::from_be_bytes(field(data, 8, 8)?.try_into().ok()?);
    let uuid = text(data, 168, 40)?;
    let end = usize::try_from(size).ok()?.min(data.len()).min(4 << 20);
    let json = data.get(4096..end.max(4096))?;
    let json = json.get(
        ..json
            .iter()
            .position(|byte| *byte == 0)
            .unwrap_or(json.len()),
    )?;
    let mut finding = Finding::new(Kind::EncryptedData, "luks2", "LUKS2 volume")
        .property("uuid", uuid.clone())
        .property("identity", format!("luks:{uuid}"));
    let Ok(root) = serde_json::from_slice::<serde_json::Value>(json) else {
        scan.gap_at("malformed", "LUKS2 JSON area could not be parsed", offset);
        scan.report(finding.confidence(Confidence::Likely).at(offset));
        return Some(());
    };
    let segment = root["segments"]
        .as_object()
        .and_then(|all| all.values().next())
        .cloned()
        .unwrap_or_default();
    let slots = root["keyslots"].as_object().cloned().unwrap_or_default();
    let encryption = segment["encryption"]
        .as_str()
        .unwrap_or("unknown")
        .to_owned();
    let key_bytes = slots
        .values()
        .filter_map(|slot| slot["key_size"].as_u64())
        .max()
        .unwrap_or(0);
    let (name, mode) = encryption
        .split_once('-')
        .unwrap_or((encryption.as_str(), ""));
    finding = finding.algorithm(cipher(name, mode, u32::try_from(key_bytes).unwrap_or(0)));
    let mut kdfs = Vec::new();
    for slot in slots.values() {
        let kdf = slot["kdf"]["type"].as_str().unwrap_or("unknown").to_owned();
        if kdf == "pbkdf2" {
            let iterations = slot["kdf"]["iterations"].as_u64().unwrap_or(0);
            super::keys::iteration_issues(&mut finding, iterations, "PBKDF2");
        } else if slot["kdf"]["memory"]
            .as_u64()
            .is_some_and(|kib| kib > 8 << 20)
            || slot["kdf"]["time"]
                .as_u64()
                .is_some_and(|time| time > 1_000_000)
        {
            finding.add_issue(
                "KA-KDF-HOSTILE",
                Severity::Medium,
                "the key slot's cost parameters would stall any program that opens it",
                "CWE-400",
            );
        }
        kdfs.push(kdf);
    }
    kdfs.sort();
    kdfs.dedup();
    finding.evidence = format!(
        "LUKS2 volume, {encryption}, {} key slots ({})",
        slots.len(),
        kdfs.join(", ")
    );
    finding = finding
        .property("kdf", kdfs.join(","))
        .property("key-slots", slots.len().to_string());
    scan.report(finding.at(offset));
    Some(())
}

/// BitLocker: the volume header's signature and the first metadata block if it is in reach.
fn bitlocker(scan: &mut Scan<'_>, data: &[u8], at: usize) -> bool {
    let Some(data) = data.get(at..) else {
        return false;
    };
    const TO_GO: [u8; 16] = [
        0x3b, 0xd6, 0x67, 0x49, 0x29, 0x2e, 0xd8, 0x4a, 0x83, 0x99, 0xf6, 0xa3, 0x39, 0xe3, 0xd0,
        0x01,
    ];
    const WINDOWS: [u8; 16] = [
        0x3b, 0x4d, 0xa8, 0x92, 0x80, 0xdd, 0x0e, 0x4d, 0x9e, 0x4e, 0xb1, 0xe3, 0x28, 0x4e, 0xae,
        0xd8,
    ];
    let signature = field(data, 3, 8) == Some(b"-FVE-FS-");
    let to_go = field(data, 424, 16) == Some(&TO_GO);
    if !signature && !to_go {
        return false;
    }
    let (format, guid_at) = if to_go {
        ("bitlocker-to-go", 424)
    } else {
        ("bitlocker", 160)
    };
    let known = field(data, guid_at, 16).is_some_and(|guid| guid == WINDOWS || guid == TO_GO);
    let mut finding = Finding::new(Kind::EncryptedData, format, "BitLocker volume header")
        .confidence(if known || to_go {
            Confidence::Certain
        } else {
            Confidence::Likely
        })
        .property(
            "identity",
            fingerprint(data.get(..data.len().min(512)).unwrap_or_default()),
        );
    let block = field(data, guid_at + 16, 8)
        .and_then(|b| b.try_into().ok())
        .map(u64::from_le_bytes);
    if let Some(method) = block
        .and_then(|offset| usize::try_from(offset).ok())
        .and_then(|offset| data.get(offset..))
        .filter(|block| block.starts_with(b"-FVE-FS-"))
        .and_then(|block| field(block, 64 + 36, 2))
    {
        let method = u16::from_le_bytes([method[0], method[1]]);
        let algorithm = match method {
            0x8000 | 0x8002 => Some(("AES", 128, "CBC")),
            0x8001 | 0x8003 => Some(("AES", 256, "CBC")),
            0x8004 => Some(("AES", 128, "XTS")),
            0x8005 => Some(("AES", 256, "XTS")),
            _ => None,
        };
        if let Some((name, bits, mode)) = algorithm {
            let algorithm = Algorithm {
                mode: Some(mode.to_owned()),
                ..Algorithm::sized(name, bits)
            };
            finding.evidence = format!("BitLocker volume, {}", algorithm.display());
            finding = finding.algorithm(algorithm);
        }
    }
    scan.report(finding.at(at as u64));
    true
}

/// Disk images: looks at the start of every partition of an MBR or GPT table.
fn partitions(scan: &mut Scan<'_>, data: &[u8]) -> bool {
    if field(data, 510, 2) != Some(&[0x55, 0xaa]) {
        return false;
    }
    let mut starts: Vec<u64> = (0..4)
        .filter_map(|slot| field(data, 446 + slot * 16, 16))
        .filter(|entry| entry[4] != 0)
        .filter_map(|entry| {
            entry
                .get(8..12)?
                .try_into()
                .ok()
                .map(u32::from_le_bytes)
                .map(u64::from)
        })
        .collect();
    if field(data, 512, 8) == Some(b"EFI PART") {
        for slot in 0..128 {
            let Some(entry) = field(data, 1024 + slot * 128, 128) else {
                break;
            };
            if entry.iter().take(16).any(|byte| *byte != 0)
                && let Some(start) = entry
                    .get(32..40)
                    .and_then(|b| b.try_into().ok())
                    .map(u64::from_le_bytes)
            {
                starts.push(start);
            }
        }
    }
    let mut found = false;
    starts.sort_unstable();
    starts.dedup();
    for start in starts {
        let Some(at) = start
            .checked_mul(512)
            .and_then(|at| usize::try_from(at).ok())
        else {
            continue;
        };
        if at >= data.len() {
            if (at as u64) < scan.size {
                scan.gap_at(
                    "too-large",
                    "partition begins beyond the part of the image held in memory",
                    at as u64,
                );
            }
            continue;
        }
        found |= luks(scan, data, at) || bitlocker(scan, data, at);
    }
    found
}

/// Files that are noise from the first byte and have the size and name of an encrypted container.
fn noise(scan: &mut Scan<'_>, data: &[u8]) -> bool {
    let name = scan.name().to_ascii_lowercase();
    let extension = name
        .rsplit_once('.')
        .map_or("", |(_, extension)| extension)
        .to_owned();
    let size = scan.size;
    let database = matches!(extension.as_str(), "db" | "db3" | "sqlite" | "sqlite3")
        && size.is_multiple_of(512)
        && size >= 2048;
    let container = matches!(extension.as_str(), "hc" | "tc" | "vc" | "")
        && size.is_multiple_of(512)
        && size >= 292 * 1024;
    if !(database || container) || scan.depth > 0 {
        return false;
    }
    let sample = data.get(..data.len().min(64 << 10)).unwrap_or_default();
    if !uniform(sample) {
        return false;
    }
    let (format, text) = if database {
        (
            "sqlcipher",
            "database file that is noise from the first byte: SQLCipher or another encrypted database",
        )
    } else {
        (
            "veracrypt",
            "container-sized file that is noise from the first byte: perhaps VeraCrypt or plain dm-crypt",
        )
    };
    let named = database || matches!(extension.as_str(), "hc" | "tc" | "vc");
    scan.report(
        Finding::new(Kind::EncryptedData, format, text)
            .confidence(if named {
                Confidence::Likely
            } else {
                Confidence::Suspected
            })
            .property("identity", hex(sample.get(..16).unwrap_or_default()))
            .at(0),
    );
    true
}

/// Whether bytes are spread as evenly as noise: chi-square over 256 values within six sigma.
pub fn uniform(sample: &[u8]) -> bool {
    if sample.len() < 2048 {
        return false;
    }
    let mut counts = [0_u32; 256];
    for byte in sample {
        counts[usize::from(*byte)] += 1;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let expected = sample.len() as f64 / 256.0;
    let square: f64 = counts
        .iter()
        .map(|count| (f64::from(*count) - expected).powi(2) / expected)
        .sum();
    (square - 255.0).abs() < 6.0 * (2.0_f64 * 255.0).sqrt()
}
