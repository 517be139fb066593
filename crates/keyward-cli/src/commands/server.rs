//! `init`, `server`, `witness`.
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use crate::args::Global;
use crate::args::server::{Init, Server, Witness};
use crate::config::{Config, ConfigFile, Context};
use crate::exit::{Exit, Failure};
use crate::files::{self, Existing};
use crate::out::Out;
use crate::secret_input::{Asking, passphrase};
use crate::server_side::{self, ServerOptions, WitnessConfig, WitnessInit, WitnessOptions};

/// File with the administrator's token in the data directory.
const TOKEN_FILE: &str = "admin.token";
/// File with the log's verifier key there.
const LOG_KEY_FILE: &str = "log.key";

pub fn init(global: &Global, args: &Init, out: Out) -> Result<(), Failure> {
    let data_dir = std::path::absolute(&args.data_dir)
        .map_err(|error| Failure::file(&args.data_dir, &error))?;
    let occupied = std::fs::read_dir(&data_dir).is_ok_and(|mut entries| entries.next().is_some());
    if occupied {
        return Err(Failure::local(
            format!("`{}` is not empty", data_dir.display()),
            "Choose another directory; an existing installation is never overwritten.",
        ));
    }
    let contexts = if args.no_context {
        None
    } else {
        Some(contexts(global, &args.context_name)?)
    };
    let secret = passphrase(args.passphrase.source(), Asking::New)?;
    let made = server_side::init(data_dir.clone(), secret, args.server_names.clone())?;
    let token_file = data_dir.join(TOKEN_FILE);
    files::write_private(&token_file, made.admin_token.expose(), Existing::Keep)?;
    let log_key_file = data_dir.join(LOG_KEY_FILE);
    files::write_private(
        &log_key_file,
        format!("{}\n", made.log_key).as_bytes(),
        Existing::Keep,
    )?;
    let context = contexts.is_some().then(|| args.context_name.clone());
    if let Some(file) = contexts {
        add_context(file, args, &made, &token_file)?;
    }
    let shown = json!({
        "deployment": made.deployment, "data_dir": data_dir.display().to_string(),
        "ca": made.ca_file.display().to_string(), "token_file": token_file.display().to_string(),
        "log_key": made.log_key, "context": context,
    });
    out.show(&shown, |out| {
        out.facts(&[
            ("made", format!("installation {}", made.deployment)),
            ("data", data_dir.display().to_string()),
            (
                "authority",
                format!("{} (clients trust it)", made.ca_file.display()),
            ),
            (
                "token",
                format!(
                    "{} (yours as administrator, good for 30 days)",
                    token_file.display()
                ),
            ),
            ("context", context.clone().unwrap_or_default()),
            ("log key", made.log_key.clone()),
        ])?;
        out.line("\nKeep the passphrase: without it everything in the directory is lost.")?;
        out.line("Give the log key to your auditors: everything in the log is believed by it.")?;
        let listen = match args.port {
            8443 => String::new(),
            port => format!(" --listen 127.0.0.1:{port}"),
        };
        out.line(&format!(
            "\nNext: keyward server --data-dir {}{listen}",
            args.data_dir.display()
        ))?;
        out.line("and in another terminal: keyward unseal")
    })
}

fn add_context(
    mut file: ConfigFile,
    args: &Init,
    made: &server_side::Made,
    token: &Path,
) -> Result<(), Failure> {
    let host = args
        .server_names
        .first()
        .map_or("localhost", String::as_str);
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    let context = Context {
        server: Some(format!("https://{host}:{}", args.port)),
        ca: Some(made.ca_file.clone()),
        token_file: Some(token.to_owned()),
        log_key: Some(made.log_key.clone()),
        ..Context::default()
    };
    file.config
        .contexts
        .insert(args.context_name.clone(), context);
    file.config.current = Some(args.context_name.clone());
    file.write()
}

/// The contexts to add one of this name to; a named file that is not there yet is made.
fn contexts(global: &Global, name: &str) -> Result<ConfigFile, Failure> {
    let file = match &global.config {
        Some(path) if !path.exists() => ConfigFile {
            path: path.clone(),
            config: Config::default(),
        },
        named => ConfigFile::read(named.as_deref())?,
    };
    if file.config.contexts.contains_key(name) {
        return Err(Failure::usage(
            format!("there is a context `{name}` already"),
            "Name another one with --context-name, or say --no-context.",
        ));
    }
    Ok(file)
}

pub fn run(args: &Server, out: Out) -> Result<ExitCode, Failure> {
    let given = if args.passphrase.is_given() {
        Some(passphrase(args.passphrase.source(), Asking::Existing)?)
    } else {
        None
    };
    if args.check {
        return check(args, given, out);
    }
    let config = args.server_config.clone().or_else(|| {
        let usual = args.data_dir.join("keyward.toml");
        usual.is_file().then_some(usual)
    });
    let witness = |one: &crate::args::server::WitnessAt| WitnessConfig {
        url: one.url.clone(),
        key: one.key.clone(),
        ca: one.ca.clone(),
    };
    server_side::run(ServerOptions {
        data_dir: args.data_dir.clone(),
        config,
        listen: args.listen,
        passphrase: given,
        port_file: args.port_file.clone(),
        witnesses: args.witnesses.iter().map(witness).collect(),
        witnesses_needed: args.witnesses_needed,
    })?;
    Ok(ExitCode::SUCCESS)
}

fn check(
    args: &Server,
    given: Option<keyward_core::secret::Secret>,
    out: Out,
) -> Result<ExitCode, Failure> {
    if !args.checkpoints.is_empty() && given.is_none() {
        return Err(Failure::usage(
            "a checkpoint can only be compared when the log can be read",
            "Give --passphrase-file as well.",
        ));
    }
    let lines = server_side::check(&args.data_dir, given, &args.checkpoints)?;
    let well = lines.iter().all(|(_, ok, _)| *ok);
    let checks: Vec<_> = lines
        .iter()
        .map(|(check, ok, detail)| json!({ "check": check, "ok": ok, "detail": detail }))
        .collect();
    out.show(&json!({ "ok": well, "checks": checks }), |out| {
        let row = |(check, ok, detail): &(String, bool, String)| {
            vec![
                check.clone(),
                if *ok { "ok" } else { "FAIL" }.to_owned(),
                detail.clone(),
            ]
        };
        let rows: Vec<_> = lines.iter().map(row).collect();
        out.table(2, &["CHECK", "MET", "FACTS"], &rows)?;
        if given_not(&lines) {
            out.line("\nWith --passphrase-file the keys and the log are checked as well.")?;
        }
        Ok(())
    })?;
    Ok(if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(Exit::Integrity as u8)
    })
}

/// Whether the sealed part was left out.
fn given_not(lines: &[(String, bool, String)]) -> bool {
    !lines
        .iter()
        .any(|(check, ..)| check.starts_with("custody."))
}

pub fn witness(args: Witness, out: Out) -> Result<(), Failure> {
    match args {
        Witness::Init(args) => {
            let secret = passphrase(args.passphrase.source(), Asking::New)?;
            let made = server_side::witness_init(WitnessInit {
                state_dir: args.state_dir.clone(),
                name: args.name.clone(),
                passphrase: secret,
                logs: log_keys(&args.logs)?,
                server_names: args.server_names.clone(),
            })?;
            let ca = made.ca_file.display().to_string();
            let shown = json!({ "name": args.name, "key": made.verifier_key, "ca": ca });
            out.show(&shown, |out| {
                out.facts(&[
                    ("made", format!("witness {}", args.name)),
                    ("key", made.verifier_key.clone()),
                    ("authority", format!("{ca} (the log's server trusts it)")),
                ])?;
                out.line("\nGive the key to the log's operator and to the auditors.")?;
                out.say(&format!(
                    "\nNext: keyward witness run --state-dir {} --listen 127.0.0.1:7700",
                    args.state_dir.display()
                ))
            })
        }
        Witness::Run(args) => server_side::witness_run(WitnessOptions {
            passphrase: passphrase(args.passphrase.source(), Asking::Existing)?,
            state_dir: args.state_dir,
            listen: args.listen,
            logs: log_keys(&args.logs)?,
            port_file: args.port_file,
        }),
    }
}

/// Keys as given, or what the files they name hold.
fn log_keys(given: &[String]) -> Result<Vec<String>, Failure> {
    given
        .iter()
        .map(|text| {
            let path = Path::new(text);
            if path.is_file() {
                files::read_text(path, 1 << 20)
            } else {
                Ok(text.clone())
            }
        })
        .collect()
}
