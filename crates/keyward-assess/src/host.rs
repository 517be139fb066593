//! The running host: FIPS mode, system-wide policies, encrypted block devices, tunnels, which processes have loaded
//! which cryptographic libraries, and which of them listen.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::detect::Scan;
use crate::finding::{Algorithm, Confidence, Finding, Kind, Severity, clip};
use crate::limits::Limits;
use crate::probe::Endpoint;
use crate::source::elf;
use crate::walk::Outcome;

/// Most processes looked at.
const MAX_PROCESSES: usize = 100_000;

/// What a look at the host gives: findings, and the ports on which something listens.
pub struct Look {
    /// Findings and coverage.
    pub outcome: Outcome,
    /// Listeners that can be asked over loopback.
    pub listeners: Vec<Endpoint>,
}

/// Looks at the host through `/proc` and `/sys` below a root (`/` on a real host).
pub fn look(root: &Path, limits: &Limits) -> Look {
    let mut scan = Scan::new(limits, "host:", None, 0);
    kernel(&mut scan, root);
    policies(&mut scan, root);
    devices(&mut scan, root);
    let sockets = listening(root);
    let (libraries, owners) = processes(&mut scan, root, &sockets);
    loaded(&mut scan, root, libraries);
    let mut listeners = Vec::new();
    for (port, inode) in sockets.iter().map(|(inode, port)| (*port, *inode)) {
        let owner = owners.get(&inode).cloned().unwrap_or_default();
        scan.report(
            Finding::new(
                Kind::Protocol,
                "listener",
                clip(
                    format!(
                        "TCP port {port} is open{}",
                        if owner.is_empty() {
                            String::new()
                        } else {
                            format!(" by {owner}")
                        }
                    ),
                    160,
                ),
            )
            .property("setting", format!("port={port}"))
            .property("process", owner),
        );
        listeners.push(Endpoint {
            scheme: scheme(port).to_owned(),
            host: "127.0.0.1".to_owned(),
            port,
        });
    }
    listeners.sort_by_key(|endpoint| endpoint.port);
    listeners.dedup_by_key(|endpoint| endpoint.port);
    Look {
        outcome: Outcome {
            findings: scan.findings,
            coverage: scan.coverage,
        },
        listeners,
    }
}

/// How a well-known port is spoken to.
fn scheme(port: u16) -> &'static str {
    match port {
        22 | 2222 => "ssh",
        25 | 587 => "smtp",
        143 => "imap",
        110 => "pop3",
        21 => "ftp",
        389 => "ldap",
        5432 => "postgres",
        3306 => "mysql",
        _ => "tls",
    }
}

fn text(root: &Path, path: &str) -> Option<String> {
    fs::read_to_string(root.join(path.trim_start_matches('/')))
        .ok()
        .map(|text| text.trim().to_owned())
}

/// A fact about the host.
fn fact(name: &str, value: &str) -> Finding {
    Finding::new(
        Kind::Configuration,
        "host",
        clip(format!("host: {name} = {value}"), 200),
    )
    .property("setting", name.to_owned())
    .property("value", value.to_owned())
}

/// The kernel.
fn kernel(scan: &mut Scan<'_>, root: &Path) {
    if let Some(release) = text(root, "/proc/sys/kernel/osrelease") {
        scan.report(fact("kernel", &release));
    }
    let fips =
        text(root, "/proc/sys/crypto/fips_enabled").unwrap_or_else(|| "not compiled in".to_owned());
    scan.report(fact("fips_enabled", &fips));
    if let Some(list) = text(root, "/proc/crypto") {
        let names: BTreeSet<&str> = list
            .lines()
            .filter_map(|line| line.strip_prefix("name"))
            .filter_map(|rest| rest.split(':').nth(1))
            .map(str::trim)
            .collect();
        scan.report(
            fact("kernel-algorithms", &names.len().to_string()).property(
                "algorithms",
                names.into_iter().collect::<Vec<_>>().join(","),
            ),
        );
    }
}

/// System-wide policies.
fn policies(scan: &mut Scan<'_>, root: &Path) {
    match text(root, "/etc/crypto-policies/state/current")
        .or_else(|| text(root, "/etc/crypto-policies/config"))
    {
        Some(policy) => {
            let mut finding = fact("crypto-policy", &policy);
            if policy.starts_with("LEGACY") {
                finding.add_issue(
                    "KA-HOST-LEGACY-POLICY",
                    Severity::Medium,
                    "the system-wide policy allows what is no longer acceptable",
                    "update-crypto-policies(8)",
                );
            }
            scan.report(finding);
        }
        None => scan.report(fact("crypto-policy", "none on this system")),
    }
}

/// Device mapper and WireGuard.
fn devices(scan: &mut Scan<'_>, root: &Path) {
    for entry in fs::read_dir(root.join("sys/block"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let uuid = fs::read_to_string(entry.path().join("dm/uuid")).unwrap_or_default();
        if let Some(rest) = uuid.trim().strip_prefix("CRYPT-") {
            let kind = rest.split('-').next().unwrap_or("unknown").to_owned();
            let name = fs::read_to_string(entry.path().join("dm/name")).unwrap_or_default();
            scan.report(
                Finding::new(
                    Kind::EncryptedData,
                    "dm-crypt",
                    clip(
                        format!("open encrypted device {} ({kind})", name.trim()),
                        160,
                    ),
                )
                .property("identity", format!("dm:{}", uuid.trim()))
                .property("type", kind),
            );
        }
    }
    for entry in fs::read_dir(root.join("sys/class/net"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let event = fs::read_to_string(entry.path().join("uevent")).unwrap_or_default();
        if event.contains("DEVTYPE=wireguard") {
            let name = entry.file_name().to_string_lossy().into_owned();
            scan.report(
                Finding::new(
                    Kind::Protocol,
                    "wireguard",
                    clip(format!("WireGuard interface {name}"), 100),
                )
                .algorithm(Algorithm::sized("X25519", 253))
                .property("setting", name),
            );
        }
    }
}

/// Sockets in state LISTEN that loopback reaches: inode → port.
fn listening(root: &Path) -> BTreeMap<u64, u16> {
    let mut out = BTreeMap::new();
    for file in ["/proc/net/tcp", "/proc/net/tcp6"] {
        for line in text(root, file).unwrap_or_default().lines().skip(1) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (Some(local), Some(&"0A"), Some(inode)) =
                (words.get(1), words.get(3), words.get(9))
            else {
                continue;
            };
            let Some((address, port)) = local.split_once(':') else {
                continue;
            };
            let near = address.chars().all(|c| c == '0')
                || address == "0100007F"
                || address.ends_with("01000000") && address.starts_with("000000000000000000000000")
                || address.ends_with("0100007F");
            if let (true, Ok(port), Ok(inode)) =
                (near, u16::from_str_radix(port, 16), inode.parse())
            {
                out.insert(inode, port);
            }
        }
    }
    out
}

/// Loaded libraries with the programs that loaded them, and the owners of sockets.
type Processes = (BTreeMap<String, BTreeSet<String>>, BTreeMap<u64, String>);

/// Walks the processes.
fn processes(scan: &mut Scan<'_>, root: &Path, sockets: &BTreeMap<u64, u16>) -> Processes {
    let mut libraries: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut owners = BTreeMap::new();
    let mut hidden = 0_u64;
    for entry in fs::read_dir(root.join("proc"))
        .into_iter()
        .flatten()
        .flatten()
        .take(MAX_PROCESSES)
    {
        let name = entry.file_name();
        if !name
            .to_string_lossy()
            .bytes()
            .all(|byte| byte.is_ascii_digit())
        {
            continue;
        }
        let program = fs::read_to_string(entry.path().join("comm"))
            .unwrap_or_default()
            .trim()
            .to_owned();
        match fs::read_to_string(entry.path().join("maps")) {
            Ok(maps) => {
                for line in maps.lines() {
                    let path = line.split_whitespace().nth(5).unwrap_or_default();
                    let file = path.rsplit('/').next().unwrap_or_default();
                    if elf::is_library(file) {
                        libraries
                            .entry(path.to_owned())
                            .or_default()
                            .insert(program.clone());
                    }
                }
            }
            Err(_) => hidden += 1,
        }
        for handle in fs::read_dir(entry.path().join("fd"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let Ok(target) = fs::read_link(handle.path()) else {
                continue;
            };
            let target = target.to_string_lossy().into_owned();
            if let Some(inode) = target
                .strip_prefix("socket:[")
                .and_then(|rest| rest.strip_suffix(']'))
                .and_then(|inode| inode.parse().ok())
                && sockets.contains_key(&inode)
            {
                owners.insert(inode, program.clone());
            }
        }
    }
    if hidden > 0 {
        scan.gap(
            "unreadable",
            format!("{hidden} processes could not be looked into; run as root to see them"),
        );
    }
    (libraries, owners)
}

/// Reports loaded libraries with their versions.
fn loaded(scan: &mut Scan<'_>, root: &Path, libraries: BTreeMap<String, BTreeSet<String>>) {
    for (path, programs) in libraries {
        let data = fs::read(root.join(path.trim_start_matches('/'))).unwrap_or_default();
        let version = elf::release(&data);
        let list: Vec<&str> = programs.iter().take(20).map(String::as_str).collect();
        let mut finding = Finding::new(
            Kind::Library,
            "loaded",
            clip(
                format!(
                    "{} {} loaded by {}",
                    path,
                    version.as_deref().unwrap_or("(version not found)"),
                    list.join(", ")
                ),
                300,
            ),
        )
        .confidence(Confidence::Certain)
        .property("identity", format!("loaded:{path}"))
        .property(
            "library",
            path.rsplit('/').next().unwrap_or(&path).to_owned(),
        )
        .property(
            "processes",
            programs.into_iter().collect::<Vec<_>>().join(","),
        )
        .property_opt("version", version);
        if data.is_empty() {
            finding.add_issue(
                "KA-LIBRARY-REPLACED",
                Severity::Low,
                "the loaded file is gone from the disk: the process runs an old version until it is restarted",
                "–",
            );
        }
        scan.report(finding);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_read_below_any_root() {
        let root = tempfile::tempdir().expect("a directory");
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("parent")).expect("directory");
            fs::write(path, text).expect("file");
        };
        write("proc/sys/crypto/fips_enabled", "1\n");
        write("proc/sys/kernel/osrelease", "6.1.0\n");
        write(
            "proc/net/tcp",
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   0: 00000000:01BB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1\n   1: 0A000001:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4243 1\n",
        );
        write("proc/77/comm", "nginx\n");
        write(
            "proc/77/maps",
            "7f00-7f01 r-xp 00000000 08:01 1 /usr/lib/libcrypto.so.3\n",
        );
        write("usr/lib/libcrypto.so.3", "….OpenSSL 3.0.11 19 Sep 2023….");
        write("sys/block/dm-0/dm/uuid", "CRYPT-LUKS2-abc-root\n");
        write("sys/block/dm-0/dm/name", "root\n");
        let limits = Limits::default();
        let look = look(root.path(), &limits);
        assert_eq!(look.listeners.len(), 1);
        let all: Vec<&str> = look
            .outcome
            .findings
            .iter()
            .map(|f| f.evidence.as_str())
            .collect();
        assert!(
            all.iter().any(|text| text.contains("fips_enabled = 1")),
            "{all:?}"
        );
        assert!(
            all.iter()
                .any(|text| text.contains("OpenSSL 3.0.11") && text.contains("nginx"))
        );
        assert!(all.iter().any(|text| text.contains("LUKS2")));
    }
}
