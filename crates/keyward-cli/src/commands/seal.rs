//! `unseal`, `seal`, `status`.
use std::process::ExitCode;

use keyward_client::Status as Shown;
use keyward_core::command::{self, ListModules, ReadSettings};
use serde_json::json;

use super::workload::done;
use crate::args::Global;
use crate::args::server::{Seal, Unseal};
use crate::exit::{Exit, Failure};
use crate::out::{Out, moment};
use crate::secret_input::{Asking, passphrase};
use crate::session::Session;

pub fn unseal(global: &Global, args: &Unseal, out: Out) -> Result<(), Failure> {
    let session = Session::open_without_credential(global, out)?;
    let secret = passphrase(args.passphrase.source(), Asking::Existing)?;
    session.run(async |client| client.unseal(&args.kind, &secret).await)?;
    done(out, "unsealed")
}

pub fn seal(global: &Global, args: &Seal, out: Out) -> Result<(), Failure> {
    let session = Session::open(global, out)?;
    let command = command::Seal {
        reason: args.reason.clone(),
    };
    session.run(async |client| client.seal(command).await)?;
    done(out, "sealed; `keyward unseal` opens it again")
}

/// Liveness needs no credential, so even somebody without one learns that a server is sealed.
pub fn status(global: &Global, out: Out) -> Result<ExitCode, Failure> {
    let session = Session::open_without_credential(global, out)?;
    let health = session.run(async |client| client.health().await)?;
    if health.status == "sealed" {
        out.show(
            &json!({ "unsealed": false, "product": health.version }),
            |out| {
                out.facts(&[
                    ("seal", "sealed".to_owned()),
                    ("version", health.version.clone()),
                ])?;
                out.line("\n`keyward unseal` opens it.")
            },
        )?;
        return Ok(ExitCode::from(Exit::Sealed as u8));
    }
    let session = Session::open(global, out)?;
    let status = session.run(async |client| client.status(command::Status {}).await)?;
    out.show(&status, |out| facts(out, &status))?;
    let met = status.checks.iter().all(|check| check.ok);
    Ok(if met {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(Exit::Refused as u8)
    })
}

fn facts(out: Out, status: &Shown) -> Result<(), Failure> {
    let certificates: Vec<String> = status
        .module
        .certificates
        .iter()
        .map(|number| format!("#{number}"))
        .collect();
    out.facts(&[
        (
            "seal",
            if status.unsealed {
                "unsealed"
            } else {
                "sealed"
            }
            .to_owned(),
        ),
        ("version", status.product.clone()),
        (
            "module",
            format!(
                "{} {}, certificates {}",
                status.module.name,
                status.module.version,
                certificates.join(" ")
            ),
        ),
        ("deployment", status.deployment.clone()),
        ("node", status.node.clone()),
        ("seal slots", status.seals.join(", ")),
        ("store", status.store.clone()),
        (
            "log",
            format!("{} records, root {}", status.log.size, status.log.root),
        ),
        ("time", moment(&status.time)),
        ("in service", elapsed(status.service_ms / 1000)),
    ])?;
    out.line("")?;
    let row = |check: &keyward_client::Check| {
        let verdict = if check.ok { "ok" } else { "FAIL" };
        vec![
            check.check.clone(),
            verdict.to_owned(),
            check.detail.clone(),
        ]
    };
    let rows: Vec<_> = status.checks.iter().map(row).collect();
    out.table(2, &["CHECK", "MET", "FACTS"], &rows)
}

/// Seconds as `3 d 4 h 5 min`.
fn elapsed(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, minutes) => format!("{days} d {hours} h {minutes} min"),
    }
}

/// The modules the server uses.
pub fn modules(global: &Global, out: Out) -> Result<(), Failure> {
    let session = Session::open(global, out)?;
    let modules = session.run(async |client| client.list_modules(ListModules {}).await)?;
    out.show(&modules, |out| {
        for module in &modules.items {
            let numbers: Vec<String> = module
                .certificates
                .iter()
                .map(|number| format!("#{number}"))
                .collect();
            let mode = if module.approved_mode { "yes" } else { "no" };
            out.facts(&[
                ("module", module.name.clone()),
                ("version", module.version.clone()),
                ("certificates", numbers.join(" ")),
                ("level", module.level.to_string()),
                ("approved mode", mode.to_owned()),
                ("entropy", module.entropy.clone()),
            ])?;
            out.line("")?;
            let mut rows: Vec<Vec<String>> = Vec::new();
            for one in &module.services {
                let text = if one.permitted_today {
                    one.service.clone()
                } else {
                    format!("({})", one.service)
                };
                match rows.last_mut().filter(|row| row.first() == Some(&one.spec)) {
                    Some(row) => {
                        if let Some(cell) = row.last_mut() {
                            cell.push_str(", ");
                            cell.push_str(&text);
                        }
                    }
                    None => rows.push(vec![one.spec.clone(), text]),
                }
            }
            out.table(1, &["KEY", "SERVICES (IN PARENTHESES: NOT TODAY)"], &rows)?;
        }
        Ok(())
    })
}

/// The settings the server runs with.
pub fn settings(global: &Global, out: Out) -> Result<(), Failure> {
    let session = Session::open(global, out)?;
    let settings = session.run(async |client| client.read_settings(ReadSettings {}).await)?;
    out.show(&settings, |out| {
        let facts: Vec<(&str, String)> = settings
            .settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()))
            .collect();
        out.facts(&facts)
    })
}
