//! `config check`.
use std::path::Path;
use std::process::ExitCode;

use keyward_client::{Credential, ServerAddress};
use keyward_tls::Anchors;
use serde_json::json;

use crate::args::Global;
use crate::args::config::Config as Args;
use crate::config::{ConfigFile, Context};
use crate::exit::{Exit, Failure};
use crate::out::Out;
use crate::server_side;
use crate::session::credential;
use crate::verify::Trust;

/// What was looked at, whether it is right, and what was found.
pub type Line = (String, bool, String);

pub fn run(global: &Global, args: Args, out: Out) -> Result<ExitCode, Failure> {
    let Args::Check {
        data_dir,
        server_config,
    } = args;
    let lines = match data_dir {
        Some(directory) => server_side::check_config(&directory, server_config.as_deref()),
        None => contexts(global)?,
    };
    let well = lines.iter().all(|(_, ok, _)| *ok);
    let checks: Vec<_> = lines
        .iter()
        .map(|(check, ok, detail)| json!({ "check": check, "ok": ok, "detail": detail }))
        .collect();
    out.show(&json!({ "ok": well, "checks": checks }), |out| {
        let row = |(check, ok, detail): &Line| {
            let verdict = if *ok { "ok" } else { "FAIL" };
            vec![check.clone(), verdict.to_owned(), detail.clone()]
        };
        let rows: Vec<_> = lines.iter().map(row).collect();
        out.table(2, &["CHECK", "MET", "FACTS"], &rows)
    })?;
    Ok(if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(Exit::Local as u8)
    })
}

fn contexts(global: &Global) -> Result<Vec<Line>, Failure> {
    let file = ConfigFile::read(global.config.as_deref())?;
    let place = file.path.display().to_string();
    if file.config.contexts.is_empty() {
        let advice = format!("{place} has no contexts; `keyward context set` makes one");
        return Ok(vec![("contexts".to_owned(), true, advice)]);
    }
    let mut lines = vec![("contexts".to_owned(), true, place)];
    let current = match &file.config.current {
        Some(name) if file.config.contexts.contains_key(name) => (true, name.clone()),
        Some(name) => (
            false,
            format!("`{name}` is not there; `keyward context use` chooses one"),
        ),
        None => (true, "none is chosen; name one with --context".to_owned()),
    };
    lines.push(("current".to_owned(), current.0, current.1));
    match global.context.as_deref() {
        Some(name) => lines.extend(context(name, &file.context(Some(name))?)),
        None => lines.extend(
            file.config
                .contexts
                .iter()
                .flat_map(|(name, one)| context(name, one)),
        ),
    }
    Ok(lines)
}

fn context(name: &str, context: &Context) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut add = |what: &str, found: Result<String, String>| {
        let (ok, facts) = match found {
            Ok(facts) => (true, facts),
            Err(facts) => (false, facts),
        };
        lines.push((format!("{name}.{what}"), ok, facts));
    };
    add("server", server(context));
    add("authority", authority(context.ca.as_deref()));
    add("credential", who(context));
    if let Some(key) = &context.log_key {
        let read = Trust::new(key, &[], None).map(|_| key.clone());
        add("log_key", read.map_err(|failure| failure.what));
    }
    lines
}

fn server(context: &Context) -> Result<String, String> {
    let text = context.server.as_deref().ok_or("none is named")?;
    ServerAddress::parse(text)
        .map(|address| address.to_string())
        .map_err(|error| error.to_string())
}

fn authority(file: Option<&Path>) -> Result<String, String> {
    let file = file.ok_or("none is named: no server could be trusted")?;
    Anchors::from_pem_file(file)
        .map(|_| file.display().to_string())
        .map_err(|error| error.to_string())
}

fn who(context: &Context) -> Result<String, String> {
    let kind = match credential(context).map_err(|failure| failure.what)? {
        Credential::Token(_) => "a token",
        Credential::Certificate(_) => "a certificate with its private key",
        Credential::None => "none",
    };
    let file = context.token_file.as_ref().or(context.certificate.as_ref());
    Ok(match file {
        Some(file) => format!("{kind}, in {}", file.display()),
        None => kind.to_owned(),
    })
}
