//! Configuration files: which cryptography they choose. One tokeniser of `directive value` lines serves most
//! servers; which files and directives matter (`programs.toml`), which values are weak (`words.toml`) and which
//! switches take protection away (`switches.toml`) are tables.
//!
//! Values that are secrets themselves are never copied into a finding.

pub mod cloud;
pub mod hcl;
pub mod iac;
pub mod judge;
pub mod structured;

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use serde::Deserialize;

use crate::detect::Scan;
use crate::finding::{Finding, Kind, clip};

/// Largest file taken for a configuration.
const MAX_FILE: usize = 4 << 20;

/// How a program writes its settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Syntax {
    /// `Directive value…`, case-insensitive, `#` comments.
    Words,
    /// `key = value`.
    Assign,
    /// `key: value`.
    Colon,
    /// Attributes of XML elements.
    Xml,
    /// The first line is the value.
    Bare,
    /// Every line is an entry of its own.
    Whole,
    /// `number type key`: the key is a secret.
    Keys,
}

/// One program.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// Its name, the format of the findings.
    name: String,
    /// What its paths end with.
    ends: Vec<String>,
    /// What its paths contain.
    contains: Vec<String>,
    syntax: Syntax,
    /// Directives of interest, in lower case.
    directives: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Programs {
    program: Vec<Program>,
}

/// The table of programs. A test proves that it parses.
static PROGRAMS: LazyLock<Vec<Program>> = LazyLock::new(|| {
    toml::from_str::<Programs>(include_str!("programs.toml"))
        .map(|table| table.program)
        .unwrap_or_default()
});

/// Directives that tell a program by themselves, for files with any other name.
const TELLING: &[(&str, &str)] = &[
    ("ssl_protocols", "nginx"),
    ("ssl_ciphers", "nginx"),
    ("sslprotocol ", "apache"),
    ("sslciphersuite ", "apache"),
    ("kexalgorithms ", "sshd"),
    ("hostkeyalgorithms ", "sshd"),
    ("smtpd_tls_", "postfix"),
    ("ssl-default-bind-", "haproxy"),
    ("permitted_enctypes", "kerberos"),
    ("supported_enctypes", "kerberos"),
    ("jdk.tls.disabledalgorithms", "java"),
    ("ssl.enabled.protocols", "kafka"),
    ("ssl_min_protocol_version", "postgresql"),
    ("password_encryption", "postgresql"),
    ("innodb_encrypt_tables", "mysql"),
    ("innodb-encrypt-tables", "mysql"),
    ("tls-version-min ", "openvpn"),
    ("data-ciphers ", "openvpn"),
    ("esp_proposals", "strongswan"),
    ("ssl_min_protocol ", "dovecot"),
    ("tls-protocols ", "redis"),
    ("cipherstring", "openssl"),
];

static TELLING_WORDS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(TELLING.iter().map(|(word, _)| *word))
        .ok()
});

/// Whether a path ends with a file name, at a border of words.
fn ends_at_border(path: &str, end: &str) -> bool {
    path.strip_suffix(end).is_some_and(|before| {
        end.starts_with(['/', '.']) || before.is_empty() || before.ends_with(['/', '-', '_', '.'])
    })
}

/// The program a path belongs to.
fn by_path(path: &str) -> Option<&'static Program> {
    let rooted = format!("/{path}");
    PROGRAMS
        .iter()
        .find(|program| program.ends.iter().any(|end| ends_at_border(path, end)))
        .or_else(|| {
            PROGRAMS.iter().find(|program| {
                program
                    .contains
                    .iter()
                    .any(|part| rooted.contains(part.as_str()))
            })
        })
}

/// The program whose telling directive begins a line, for configuration files with an unusual name.
fn by_content(path: &str, text: &str) -> Option<&'static Program> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    if !matches!(
        extension,
        "conf" | "cnf" | "cfg" | "config" | "ini" | "properties" | "inc" | "tmpl" | "template"
    ) {
        return None;
    }
    let at_line_start = |at: usize| {
        text.get(..at).is_some_and(|before| {
            before
                .rsplit(['\n', '{', ';'])
                .next()
                .is_some_and(|line| line.trim().is_empty())
        })
    };
    let found = TELLING_WORDS
        .as_ref()?
        .find_iter(text)
        .find(|found| at_line_start(found.start()))?;
    let (_, program) = TELLING.get(found.pattern().as_usize())?;
    PROGRAMS.iter().find(|known| known.name == *program)
}

/// Reads a configuration file if its path or its content says it is one.
pub fn file(scan: &mut Scan<'_>, data: &[u8]) {
    if data.len() > MAX_FILE {
        return;
    }
    let path = scan
        .place
        .members
        .last()
        .unwrap_or(&scan.place.path)
        .clone();
    if structured::is_candidate(&path) {
        structured::file(scan, &path, data);
    }
    if path.ends_with(".tf") || path.ends_with(".hcl") {
        iac::terraform(scan, data);
    }
    if path.ends_with("/proc/sys/crypto/fips_enabled") {
        let value = String::from_utf8_lossy(data).trim().to_owned();
        scan.report(
            Finding::new(Kind::Configuration, "host", format!("{path} = {value}"))
                .property("setting", path)
                .property("value", value),
        );
        return;
    }
    let known = by_path(&path);
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    cloud::listing(scan, text);
    systemd(scan, &path, text);
    let Some(program) = known.or_else(|| by_content(&path, text)) else {
        return;
    };
    match program.syntax {
        Syntax::Xml => attributes(scan, program, text),
        _ => lines(scan, program, text),
    }
}

/// Logical lines: continued ones are joined, several on one line are split where the syntax has an end mark.
fn lines(scan: &mut Scan<'_>, program: &Program, text: &str) {
    let mut joined = String::new();
    let mut first = 0_u32;
    for (number, line) in (1_u32..).zip(text.lines()) {
        if joined.is_empty() {
            first = number;
        }
        let piece = line.trim();
        if let Some(head) = piece.strip_suffix('\\').filter(|_| !piece.starts_with('#')) {
            joined.push_str(head);
            continue;
        }
        joined.push_str(piece);
        if matches!(program.name.as_str(), "nginx" | "bind") && !joined.starts_with('#') {
            for part in joined.split([';', '{', '}']) {
                setting(scan, program, part.trim(), first);
            }
        } else {
            setting(scan, program, &joined, first);
        }
        joined.clear();
        if program.syntax == Syntax::Bare && !piece.is_empty() && !piece.starts_with('#') {
            return;
        }
    }
}

/// Splits a line into directive and value.
fn split(program: &Program, line: &str) -> Option<(String, String)> {
    let (directive, value) = match program.syntax {
        Syntax::Words => line
            .split_once(|c: char| c.is_whitespace() || c == '=')
            .or(Some((line, "")))?,
        Syntax::Assign => line.split_once('=').or_else(|| {
            // some switches of such files stand alone
            program
                .directives
                .iter()
                .any(|known| known == &line.to_ascii_lowercase())
                .then_some((line, ""))
        })?,
        Syntax::Colon => line.trim_start_matches("- ").split_once(':')?,
        Syntax::Bare => ("policy", line),
        Syntax::Whole => line
            .split_once(char::is_whitespace)
            .map(|(name, _)| (name, line))?,
        Syntax::Keys => return None,
        Syntax::Xml => return None,
    };
    let directive = directive
        .trim()
        .trim_matches('"')
        .trim_start_matches("set_var ")
        .to_ascii_lowercase();
    // crypto-policies limit a directive to a protocol: hash@dnssec
    let directive = directive
        .split_once('@')
        .map_or(directive.clone(), |(name, _)| name.to_owned());
    let value = value
        .trim()
        .trim_start_matches('=')
        .trim()
        .trim_end_matches([';', ','])
        .trim_matches(['"', '\'']);
    Some((directive, value.to_owned()))
}

/// One logical line.
fn setting(scan: &mut Scan<'_>, program: &Program, line: &str, number: u32) {
    if line.starts_with(['#', ';', '!']) || line.is_empty() {
        return;
    }
    if program.syntax == Syntax::Keys {
        keys_line(scan, program, line, number);
        return;
    }
    let Some((directive, value)) = split(program, line) else {
        return;
    };
    let listed = program.directives.contains(&directive)
        || matches!(program.syntax, Syntax::Bare | Syntax::Whole);
    let alone = value.is_empty() && program.syntax != Syntax::Assign;
    if !listed || alone {
        return;
    }
    if matches!(directive.as_str(), "bind" | "server") && !value.contains("ssl") {
        return;
    }
    if program.name == "pam" && !value.contains("pam_unix") {
        return;
    }
    report(scan, program, &directive, &value, number);
}

/// Directives whose value is a secret.
const SECRET: &[&str] = &[
    "secret",
    "presharedkey",
    "server.ssl.key-store-password",
    "rocommunity",
    "rwcommunity",
];

/// Reports one setting.
fn report(scan: &mut Scan<'_>, program: &Program, directive: &str, value: &str, number: u32) {
    let secrets = matches!(
        program.name.as_str(),
        "bind" | "wireguard" | "java-tls" | "snmpd"
    );
    let shown = if secrets && SECRET.contains(&directive) {
        "(not shown)".to_owned()
    } else if directive == "createuser" {
        // snmpd: name, hash, secret, cipher, secret
        value
            .split_whitespace()
            .enumerate()
            .filter(|(index, _)| matches!(index, 0 | 1 | 3))
            .map(|(_, word)| word)
            .collect::<Vec<_>>()
            .join(" ")
    } else {
        value.to_owned()
    };
    let hidden = shown == "(not shown)";
    let mut finding = Finding::new(
        Kind::Configuration,
        &program.name,
        clip(format!("{}: {directive} {shown}", program.name), 300),
    )
    .property("setting", format!("{directive}={shown}"))
    .property("value", shown.clone())
    .line(number);
    if hidden {
        if matches!(directive, "secret" | "presharedkey") {
            finding.kind = Kind::SecretKey;
            finding = finding
                .property("encrypted", "no")
                .property("key-use", program.name.clone());
        }
    } else {
        judge::setting(&mut finding, &program.name, directive, &shown);
    }
    scan.report(finding);
}

/// `number type key` lines of NTP: a symmetric key in the clear.
fn keys_line(scan: &mut Scan<'_>, program: &Program, line: &str, number: u32) {
    let mut words = line.split_whitespace();
    let (Some(id), Some(kind)) = (words.next(), words.next()) else {
        return;
    };
    if id.parse::<u32>().is_err() {
        return;
    }
    // without a type the second word is the key itself (MD5)
    let known = program.directives.contains(&kind.to_ascii_lowercase());
    let kind = if known { kind } else { "MD5" };
    let mut finding = Finding::new(
        Kind::SecretKey,
        &program.name,
        format!("symmetric NTP key {id}, {kind}, unencrypted"),
    )
    .property("encrypted", "no")
    .property("setting", format!("{id}={kind}"))
    .line(number);
    judge::setting(&mut finding, &program.name, "type", kind);
    scan.report(finding);
}

/// Attributes of XML elements: `name="value"`.
fn attributes(scan: &mut Scan<'_>, program: &Program, text: &str) {
    for (number, line) in (1_u32..).zip(text.lines()) {
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("=\"") {
            let Some((value, tail)) = after.split_once('"') else {
                break;
            };
            let name = before
                .rsplit(|c: char| c.is_whitespace() || c == '<')
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase();
            if program.directives.contains(&name) {
                report(scan, program, &name, value, number);
            }
            rest = tail;
        }
    }
}

/// systemd credentials in unit files, and credential files themselves.
fn systemd(scan: &mut Scan<'_>, path: &str, text: &str) {
    let unit = [".service", ".socket", ".mount", ".conf", ".timer"]
        .iter()
        .any(|end| path.ends_with(end))
        && (path.contains("/systemd/") || path.ends_with(".service"));
    if !unit {
        return;
    }
    for (number, line) in (1_u32..).zip(text.lines()) {
        let Some((directive, value)) = line.split_once('=') else {
            continue;
        };
        let (text, issue) = match directive.trim() {
            "LoadCredentialEncrypted" | "ImportCredential" => ("encrypted credential", false),
            "SetCredentialEncrypted" => ("encrypted credential in the unit", false),
            "LoadCredential" => ("credential from a file", false),
            "SetCredential" => ("credential in the clear in the unit", true),
            _ => continue,
        };
        let name = value.split(':').next().unwrap_or_default();
        let mut finding = Finding::new(
            Kind::Configuration,
            "systemd-credential",
            clip(format!("systemd: {text} '{name}'"), 200),
        )
        .property("setting", format!("{}={name}", directive.trim()))
        .line(number);
        if issue {
            finding.add_issue(
                "KA-CREDENTIAL-CLEAR",
                crate::finding::Severity::Medium,
                "a secret stands in the unit file, which every user can read",
                "systemd.exec(5): SetCredential",
            );
        }
        scan.report(finding);
    }
}

#[cfg(test)]
mod tests;
