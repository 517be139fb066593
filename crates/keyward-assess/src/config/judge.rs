//! What is wrong with a setting: weak words in lists of algorithms, switches that take protection away.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::finding::{Finding, Severity};

/// A weak word.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Word {
    word: String,
    severity: Severity,
    why: String,
}

/// A switch.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    directives: Vec<String>,
    values: Vec<String>,
    rule: String,
    severity: Severity,
    why: String,
    source: String,
}

#[derive(Debug, Default, Deserialize)]
struct Words {
    word: Vec<Word>,
}

#[derive(Debug, Default, Deserialize)]
struct Switches {
    switch: Vec<Switch>,
}

static WORDS: LazyLock<HashMap<String, Word>> = LazyLock::new(|| {
    toml::from_str::<Words>(include_str!("words.toml"))
        .unwrap_or_default()
        .word
        .into_iter()
        .map(|word| (word.word.clone(), word))
        .collect()
});

static SWITCHES: LazyLock<Vec<Switch>> = LazyLock::new(|| {
    toml::from_str::<Switches>(include_str!("switches.toml"))
        .unwrap_or_default()
        .switch
});

/// Whether the tables could be read, for the test that proves it.
#[cfg(test)]
pub fn tables_are_read() -> bool {
    WORDS.len() > 100 && SWITCHES.len() > 20
}

/// Parts of cipher suite names that make the suite weak.
const SUITE_PARTS: &[&str] = &["rc4", "3des", "md5", "null", "des", "export", "exp", "rc2"];

/// Words that mean something only in a list of ciphers.
const ONLY_IN_CIPHERS: &[&str] = &["low", "exp", "export", "null", "1.0"];

/// Finds weak words and switches. A list of what is disabled is the other way round: nothing in it is in use.
pub fn setting(finding: &mut Finding, program: &str, directive: &str, value: &str) {
    let lower = value.to_ascii_lowercase();
    for switch in SWITCHES.iter() {
        if switch.directives.iter().any(|known| known == directive)
            && switch.values.contains(&lower)
            && !(directive == "protocol" && program != "sshd")
        {
            finding.add_issue(&switch.rule, switch.severity, &switch.why, &switch.source);
        }
    }
    if ["mlkem", "sntrup", "kyber"]
        .iter()
        .any(|word| lower.contains(word))
    {
        finding.quantum_vulnerable = Some(false);
    }
    let takes_away = [
        "disabled",
        "disable-",
        "legacyalgorithms",
        "exclude",
        "weak-digest",
        "insecure-",
    ]
    .iter()
    .any(|word| directive.contains(word));
    // OpenSSH: a list that begins with minus is taken away as a whole
    if takes_away || (program == "sshd" && lower.starts_with('-')) {
        return;
    }
    for part in lower.split([',', ':', ' ', ';', '+', '\t', '|']) {
        word(finding, program, directive, part);
    }
}

/// One word of a list.
fn word(finding: &mut Finding, program: &str, directive: &str, part: &str) {
    let part = part
        .trim_matches(['"', '\'', '(', ')', '[', ']', '^'])
        .trim_end_matches('!');
    // '!', '-' and 'no-' take away; Apache's "all -SSLv3" is split at the blank and falls here too
    if part.starts_with(['!', '-'])
        || part.starts_with("no-")
        || part.starts_with("no_")
        || part.is_empty()
    {
        return;
    }
    let whole = part.trim_start_matches("force-");
    let short = whole.split('@').next().unwrap_or(whole);
    // in proposals such as aes256-sha1-modp1024 each piece counts
    let pieces: Vec<&str> = if program == "strongswan" {
        short.split('-').collect()
    } else {
        vec![short]
    };
    for piece in pieces {
        let found = WORDS
            .get(whole)
            .or_else(|| WORDS.get(piece))
            .or_else(|| suite(piece).and_then(|weak| WORDS.get(weak)));
        let Some(found) = found else { continue };
        let cipher_list = directive.contains("cipher") || directive.contains("priority");
        if ONLY_IN_CIPHERS.contains(&found.word.as_str()) && !cipher_list {
            continue;
        }
        finding.add_issue(
            &format!("KA-CONFIG-WEAK-{}", piece.to_ascii_uppercase()),
            found.severity,
            format!("{piece}: {}", found.why),
            "configuration table",
        );
    }
}

/// The weak algorithm an OpenSSL, IANA or Java cipher suite name carries as one of its parts.
fn suite(name: &str) -> Option<&'static str> {
    if name.starts_with("hmac") || !name.contains(['-', '_']) {
        return None;
    }
    SUITE_PARTS
        .iter()
        .find(|weak| name.split(['-', '_']).any(|part| part == **weak))
        .copied()
}
