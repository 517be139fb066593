//! What closes findings of a rule: the step, its effort, what must be there first, and the commands.

use crate::finding::{Finding, Kind};

/// A remedy.
pub struct Remedy {
    /// What to do.
    pub action: &'static str,
    /// Effort class.
    pub effort: &'static str,
    /// What must be there first.
    pub after: &'static str,
}

/// The remedy of a rule.
#[expect(clippy::too_many_lines, reason = "one arm for each rule")]
pub fn of(rule: &str) -> Remedy {
    let (action, effort, after) = match rule {
        "KA-ROCA"
        | "KA-FERMAT"
        | "KA-SHARED-PRIME"
        | "KA-SMALL-FACTOR"
        | "KA-KEY-PUBLIC-KNOWLEDGE"
        | "KA-WEAK-KEY" => (
            "replace the key now, revoke what it certified, treat what it protected as exposed",
            "days",
            "a realm and an owner in Keyward",
        ),
        "KA-KEY-UNENCRYPTED"
        | "KA-KEY-COPIES"
        | "KA-KEY-IN-HISTORY"
        | "KA-CODE-STATIC-KEY"
        | "KA-STATE-SECRET"
        | "KA-IAC-KEY-IN-CODE"
        | "KA-CONFIG-LOCAL-KEY"
        | "KA-CREDENTIAL-CLEAR"
        | "KA-KEY-IN-LAYER" => (
            "make a new key in the key server, switch its users over, destroy every copy",
            "weeks",
            "a realm, and a workload identity for each program that uses the key",
        ),
        "KA-ALGORITHM-DISALLOWED"
        | "KA-ALGORITHM-NOT-APPROVED"
        | "KA-SIGNATURE-HASH"
        | "KA-ALGORITHM-DEPRECATED"
        | "KA-CODE-SHORT-KEY"
        | "KA-KEY-SHORT"
        | "KA-IAC-KEY-SHORT" => (
            "re-key with an approved algorithm and re-issue",
            "weeks",
            "–",
        ),
        "KA-KDF-WEAK" | "KA-PROTECTION-WEAK" | "KA-KEYSTORE-WEAK" | "KA-KDF-HOSTILE" => (
            "move the key out of the weak container",
            "days",
            "a realm in Keyward",
        ),
        "KA-EXPIRED" | "KA-EXPIRES-SOON" | "KA-CRYPTOPERIOD" | "KA-NOT-YET-VALID" => (
            "renew, or remove what is no longer used; put the next renewal on a schedule",
            "days",
            "–",
        ),
        "KA-IAC-NO-ROTATION" | "KA-IAC-NO-EXPIRY" => (
            "set a rotation schedule that fits the cryptoperiod",
            "hours",
            "the owner's decision on the cryptoperiod",
        ),
        "KA-QUANTUM" => (
            "plan the move to ML-KEM and ML-DSA; key establishment for long-lived secrets first",
            "months",
            "an inventory of what must stay secret beyond 2035",
        ),
        "KA-CODE-STATIC-IV"
        | "KA-CODE-ECB"
        | "KA-MODE-WEAK"
        | "KA-CODE-WEAK-CIPHER"
        | "KA-CODE-WEAK-HASH" => (
            "change the code to an authenticated mode with an IV the module makes; re-encrypt what exists",
            "weeks",
            "a test with old data",
        ),
        rule if rule.starts_with("KA-CODE") => ("change the code, review, scan again", "days", "–"),
        rule if rule.starts_with("KA-CONFIG")
            || rule.starts_with("KA-TLS")
            || rule.starts_with("KA-SSH") =>
        {
            (
                "change the setting, restart, scan again",
                "hours",
                "clients that still need the old setting are known",
            )
        }
        rule if rule.starts_with("KA-IAC") => ("change the template, plan, apply", "days", "–"),
        _ => ("look at it and decide", "days", "–"),
    };
    Remedy {
        action,
        effort,
        after,
    }
}

/// The specification of the Keyward key that replaces what was found.
fn specification(finding: &Finding) -> &'static str {
    let Some(algorithm) = &finding.algorithm else {
        return "aes-256";
    };
    match (algorithm.name.as_str(), algorithm.bits.unwrap_or(0)) {
        ("RSA", bits) if bits > 3072 => "rsa-4096",
        ("RSA" | "DSA", _) => "rsa-3072",
        ("EC" | "ECDSA" | "ECDH", bits) if bits > 384 => "ec-p521",
        ("EC" | "ECDSA" | "ECDH", bits) if bits > 256 => "ec-p384",
        ("EC" | "ECDSA" | "ECDH" | "SM2", _) => "ec-p256",
        ("Ed25519" | "Ed448", _) => "ed25519",
        ("X25519" | "X448" | "DH", _) => "ml-kem-768",
        ("HMAC", bits) if bits > 384 => "hmac-sha-512",
        ("HMAC", bits) if bits > 256 => "hmac-sha-384",
        ("HMAC", _) => "hmac-sha-256",
        _ => "aes-256",
    }
}

/// A name for the new key, made of the file's.
fn name(finding: &Finding) -> String {
    let path = finding.location.full_path();
    let last = path.rsplit(['/', '!']).next().unwrap_or("key");
    let stem = last.split('.').next().unwrap_or(last);
    let clean: String = stem
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(40)
        .collect();
    let clean = clean.trim_matches('-').to_owned();
    if clean.is_empty() {
        "key".to_owned()
    } else {
        clean
    }
}

/// Text as one word of a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// The adoption plan of one finding, as commands.
pub fn commands(rule: &str, finding: &Finding) -> Vec<String> {
    let key = matches!(
        finding.kind,
        Kind::PrivateKey | Kind::SecretKey | Kind::Keystore | Kind::Use | Kind::Configuration
    );
    let (name, spec) = (name(finding), specification(finding));
    let create = format!("keyward key create {name} --spec {spec} --rotate-every-days 365");
    match rule {
        "KA-KEY-UNENCRYPTED"
        | "KA-KEY-COPIES"
        | "KA-KEY-IN-HISTORY"
        | "KA-KEY-PUBLIC-KNOWLEDGE"
        | "KA-ROCA"
        | "KA-FERMAT"
        | "KA-SHARED-PRIME"
        | "KA-SMALL-FACTOR"
        | "KA-WEAK-KEY"
        | "KA-KDF-WEAK"
        | "KA-PROTECTION-WEAK"
        | "KA-KEYSTORE-WEAK"
        | "KA-ALGORITHM-DISALLOWED"
        | "KA-ALGORITHM-NOT-APPROVED"
        | "KA-KEY-IN-LAYER"
            if key =>
        {
            let mut all = vec![create, format!("keyward key show {name}")];
            if finding.location.members.is_empty() && finding.location.path.starts_with('/') {
                all.push(format!(
                    "# when every user is switched over: shred -u {}",
                    quoted(&finding.location.path)
                ));
            }
            all
        }
        "KA-CODE-STATIC-KEY" | "KA-CONFIG-LOCAL-KEY" | "KA-STATE-SECRET" => vec![
            create,
            format!("keyward encrypt {name} # in place of the constant"),
        ],
        "KA-IAC-NO-ENCRYPTION" | "KA-CONFIG-NO-ENCRYPTION" => vec![format!(
            "keyward key create {name} --spec aes-256 --purpose encrypt --rotate-every-days 365"
        )],
        "KA-IAC-NO-ROTATION" => vec![format!("keyward key rotate {name}")],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Algorithm;

    #[test]
    fn the_new_key_is_no_weaker_than_what_it_replaces_and_names_cannot_break_out() {
        let mut finding =
            Finding::new(Kind::PrivateKey, "pkcs8", "key").algorithm(Algorithm::sized("RSA", 4096));
        finding.location.path = "/srv/a b';rm -rf.pem".to_owned();
        let all = commands("KA-KEY-UNENCRYPTED", &finding);
        assert!(all[0].contains("--spec rsa-4096"));
        assert!(
            all[0].starts_with("keyward key create a-b--rm--rf ") || !all[0].contains(';'),
            "{}",
            all[0]
        );
        assert!(all[2].contains("'\\''"));
    }
}
