//! SSH: the banner and the lists of algorithms a server announces before any key is agreed on.

use std::io;

use super::{Endpoint, read_until, send};
use crate::detect::Scan;
use crate::finding::{Finding, Kind, Severity, clip};

/// The lists of KEXINIT in their order (RFC 4253 §7.1), the ones a report shows.
const LISTS: &[(usize, &str)] = &[
    (0, "kexalgorithms"),
    (1, "hostkeyalgorithms"),
    (3, "ciphers"),
    (5, "macs"),
];

/// Probes an endpoint.
pub fn probe(scan: &mut Scan<'_>, endpoint: &Endpoint) -> io::Result<()> {
    let mut stream = endpoint.connect()?;
    send(&mut stream, b"SSH-2.0-keyward_assess\r\n")?;
    let got = read_until(&mut stream, 64 << 10, |got| kexinit(got).is_some())?;
    let banner = got
        .split(|byte| *byte == b'\n')
        .map(|line| String::from_utf8_lossy(line).trim().to_owned())
        .find(|line| line.starts_with("SSH-"))
        .ok_or_else(|| io::Error::other("no SSH banner"))?;
    let mut head = Finding::new(
        Kind::Protocol,
        "ssh",
        clip(format!("SSH server {banner}"), 160),
    )
    .property("setting", "banner")
    .property("banner", clip(banner.clone(), 120));
    if !banner.starts_with("SSH-2.0") && !banner.starts_with("SSH-1.99") {
        head.add_issue(
            "KA-SSH-1",
            Severity::Critical,
            "SSH protocol 1 is broken",
            "RFC 4253 §5.1",
        );
    }
    scan.report(head);
    let Some(lists) = kexinit(&got) else {
        scan.gap("no-kexinit", "the server sent no list of algorithms");
        return Ok(());
    };
    for (index, name) in LISTS {
        let Some(list) = lists.get(*index) else {
            continue;
        };
        let list: Vec<&str> = list
            .split(',')
            .filter(|word| !word.starts_with("kex-strict") && !word.starts_with("ext-info"))
            .collect();
        let text = list.join(",");
        let mut finding = Finding::new(
            Kind::Protocol,
            "ssh",
            clip(format!("SSH {name}: {text}"), 400),
        )
        .property("setting", *name)
        .property("value", text.clone());
        crate::config::judge::setting(&mut finding, "ssh", name, &text);
        if *name == "kexalgorithms" {
            let safe = finding.quantum_vulnerable == Some(false);
            finding.quantum_vulnerable = Some(!safe);
            if !safe {
                finding.add_issue(
                    "KA-QUANTUM",
                    Severity::Low,
                    "no post-quantum key exchange: what is recorded today can be read later",
                    "NIST IR 8547 ipd",
                );
            }
        }
        scan.report(finding);
    }
    Ok(())
}

/// The ten name lists of the first binary packet, once it has arrived whole.
fn kexinit(got: &[u8]) -> Option<Vec<String>> {
    // lines may come before the banner; the packet begins after it
    let mut at = 0;
    loop {
        let end = at + got.get(at..)?.iter().position(|byte| *byte == b'\n')?;
        let banner = got.get(at..end)?.starts_with(b"SSH-");
        at = end + 1;
        if banner {
            break;
        }
    }
    let packet = got.get(at..)?;
    let length = usize::try_from(u32::from_be_bytes(packet.get(..4)?.try_into().ok()?)).ok()?;
    if length > 64 << 10 {
        return None;
    }
    let body = packet.get(4..4 + length)?;
    if body.get(1) != Some(&20) {
        return None;
    }
    let mut rest = body.get(18..)?;
    let mut lists = Vec::new();
    for _ in 0..10 {
        let size = usize::try_from(u32::from_be_bytes(rest.get(..4)?.try_into().ok()?)).ok()?;
        lists.push(String::from_utf8_lossy(rest.get(4..4 + size)?).into_owned());
        rest = rest.get(4 + size..)?;
    }
    Some(lists)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_of_a_server_are_read_and_cut_ones_are_not() {
        let mut body = vec![4, 20];
        body.extend_from_slice(&[0; 16]);
        for list in [
            "curve25519-sha256",
            "ssh-ed25519",
            "a",
            "aes256-ctr",
            "b",
            "hmac-sha2-256",
            "",
            "",
            "",
            "",
        ] {
            body.extend_from_slice(&u32::try_from(list.len()).unwrap_or(0).to_be_bytes());
            body.extend_from_slice(list.as_bytes());
        }
        let mut packet = b"hello\r\nSSH-2.0-x\r\n".to_vec();
        packet.extend_from_slice(&u32::try_from(body.len()).unwrap_or(0).to_be_bytes());
        packet.extend_from_slice(&body);
        assert_eq!(
            kexinit(&packet).map(|lists| lists[3].clone()),
            Some("aes256-ctr".into())
        );
        for end in 0..packet.len() {
            assert_eq!(kexinit(packet.get(..end).unwrap_or_default()), None);
        }
    }
}
