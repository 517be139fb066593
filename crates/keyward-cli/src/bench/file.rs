//! A large file, encrypted by `keyward encrypt` as a user would, against what the module and the disk can do.
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::load::{ended_children_seconds, now};
use super::{Row, Rows, median};
use crate::exit::Failure;
use crate::server_side::{Measured, key_name, module_rate};

/// Bytes written at a time.
const PIECE: usize = 1 << 20;

fn failed(path: &Path) -> impl Fn(std::io::Error) -> Failure + '_ {
    move |error| Failure::file(path, &error)
}

/// Writes a file of so many pieces and makes it durable; seconds that took.
fn write(path: &Path, pieces: u32) -> Result<f64, Failure> {
    let piece: Vec<u8> = (0..PIECE).map(|place| (place % 251) as u8).collect();
    let start = now();
    let mut file = File::create(path).map_err(failed(path))?;
    for _ in 0..pieces {
        file.write_all(&piece).map_err(failed(path))?;
    }
    file.sync_all().map_err(failed(path))?;
    Ok(start.elapsed().as_secs_f64())
}

impl Rows {
    pub(super) fn file_encrypt(&self) -> Result<Row, Failure> {
        let pieces = self.settings.file_mib;
        let mib = f64::from(pieces);
        let directory = &self.scratch.0;
        let (plain, sealed) = (directory.join("plain"), directory.join("sealed"));
        let token = directory.join("user.token");
        crate::files::write_private(
            &token,
            self.plain.user.token.as_bytes(),
            crate::files::Existing::Replace,
        )?;
        let (mut rates, mut ceilings, mut cpu, mut most) =
            (Vec::new(), Vec::new(), Vec::new(), 0_u64);
        let mut parts = (Vec::new(), Vec::new());
        for _ in 0..self.settings.rounds {
            let disk = mib / write(&plain, pieces)?;
            let module = module_rate(Measured::Encrypt(PIECE), self.settings.length)?;
            let before = ended_children_seconds().map_err(failed(&plain))?;
            let start = now();
            most = most.max(self.encrypt_file(&plain, &sealed, &token)?);
            rates.push(mib / start.elapsed().as_secs_f64());
            let used = ended_children_seconds().map_err(failed(&plain))? - before;
            cpu.push(used * 1e6 / mib);
            ceilings.push(disk.min(module));
            parts.0.push(disk);
            parts.1.push(module);
            std::fs::remove_file(&sealed).map_err(failed(&sealed))?;
        }
        let _ = std::fs::remove_file(&plain);
        let ratio = median(rates.iter().zip(&ceilings).map(|(rate, top)| rate / top));
        Ok(Row {
            name: "",
            ops_per_s: median(rates.into_iter()),
            cpu_us_per_op: Some(median(cpu.into_iter())),
            ceiling: "min(C2, disk)".to_owned(),
            ceiling_ops_per_s: Some(median(ceilings.into_iter())),
            ratio: Some(ratio),
            p50_ms: None,
            p99_ms: None,
            needed: None,
            note: Some(format!(
                "MiB per second of a file of {pieces} MiB; disk {:.0}, module {:.0}; at most {} MiB of memory",
                median(parts.0.into_iter()),
                median(parts.1.into_iter()),
                most >> 20
            )),
        })
    }

    /// Encrypts as a user would; the most memory the process held.
    fn encrypt_file(&self, plain: &Path, sealed: &Path, token: &Path) -> Result<u64, Failure> {
        let hint = || Failure::local("the file was not encrypted", "Encrypt one by hand.");
        let program = std::env::current_exe().map_err(|_| hint())?;
        let server = format!("https://localhost:{}", self.served.address.port());
        let mut child = Command::new(program)
            .arg("encrypt")
            .arg(plain)
            .args(["--key", &key_name(0), "--realm", &self.plain.user.realm])
            .args(["--server", &server, "--no-progress", "--ca"])
            .arg(self.installation.data().join("tls/ca.crt"))
            .arg("--token-file")
            .arg(token)
            .arg("--output")
            .arg(sealed)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|_| hint())?;
        let mut most = 0;
        loop {
            most = most.max(super::world::resident(child.id()).unwrap_or(0));
            match child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(most),
                Ok(Some(_)) | Err(_) => return Err(hint()),
                Ok(None) => std::thread::sleep(std::time::Duration::from_millis(5)),
            }
        }
    }
}
