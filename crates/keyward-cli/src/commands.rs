//! What is done for each command.
mod audit;
mod bench;
mod cert;
pub mod config;
mod context;
mod data;
mod key;
mod policy;
mod realm;
mod seal;
mod secret;
mod server;
mod use_key;
mod workload;

use std::process::ExitCode;

use keyward_core::ErrorCode;
use keyward_core::object::ObjectKind;

use crate::args::audit::Audit;
use crate::args::secret::Secret;
use crate::args::{Command, Completions, Line, Man};
use crate::exit::Failure;
use crate::out::Out;

/// Does it; a refusal for want of a role says which one it takes.
pub fn run(line: Line) -> Result<ExitCode, Failure> {
    let takes = role(&line.command);
    dispatch(line).map_err(|failure| match takes {
        Some(takes) if failure.code == ErrorCode::PermissionDenied.as_str() => Failure {
            next: format!(
                "{} It takes {takes}; --context or --token-file says who you are.",
                failure.next
            ),
            ..failure
        },
        _ => failure,
    })
}

/// The built-in role that a command takes; policies may say otherwise.
const fn role(command: &Command) -> Option<&'static str> {
    match command {
        Command::Realm(_) | Command::Workload(_) | Command::Policy(_) | Command::Seal(_) => {
            Some("an administrator")
        }
        Command::Secret(Secret::Read { .. }) | Command::Opaque(Secret::Read { .. }) => {
            Some("a crypto-user of the realm")
        }
        Command::Key(_) | Command::Secret(_) | Command::Opaque(_) | Command::Cert(_) => {
            Some("a crypto-officer of the realm")
        }
        Command::Encrypt(_)
        | Command::Decrypt(_)
        | Command::ReEncrypt(_)
        | Command::Sign(_)
        | Command::Verify(_)
        | Command::Mac(_)
        | Command::VerifyMac(_)
        | Command::DataKey(_)
        | Command::DataKeyPair(_)
        | Command::Wrap(_)
        | Command::Unwrap(_) => Some("a crypto-user of the realm"),
        Command::Audit(Audit::Archive { .. }) => Some("a backup-operator of the realm `system`"),
        Command::Audit(Audit::Redact { .. } | Audit::RotateKey) => {
            Some("an administrator of the realm `system`")
        }
        Command::Audit(_) => Some("an auditor of the realm `system`"),
        Command::Status(_) | Command::Modules | Command::Settings => {
            Some("an administrator or an auditor of the realm `system`")
        }
        _ => None,
    }
}

fn dispatch(line: Line) -> Result<ExitCode, Failure> {
    let Line { global, command } = line;
    let out = Out::new(global.json, global.no_color || crate::config::no_colour());
    match command {
        Command::Init(args) => server::init(&global, &args, out)?,
        Command::Server(args) => return server::run(&args, out),
        Command::Witness(args) => server::witness(args, out)?,
        Command::Unseal(args) => seal::unseal(&global, &args, out)?,
        Command::Seal(args) => seal::seal(&global, &args, out)?,
        Command::Status(_) => return seal::status(&global, out),
        Command::Modules => seal::modules(&global, out)?,
        Command::Settings => seal::settings(&global, out)?,
        Command::Realm(args) => realm::run(&global, args, out)?,
        Command::Workload(args) => workload::run(&global, args, out)?,
        Command::Policy(args) => policy::run(&global, args, out)?,
        Command::Key(args) => key::run(&global, args, out)?,
        Command::Secret(args) => secret::run(&global, ObjectKind::Secret, args, out)?,
        Command::Opaque(args) => secret::run(&global, ObjectKind::Opaque, args, out)?,
        Command::Cert(args) => cert::run(&global, args, out)?,
        Command::Encrypt(args) => data::encrypt(&global, &args, out)?,
        Command::Decrypt(args) => data::decrypt(&global, &args, out)?,
        Command::ReEncrypt(args) => use_key::re_encrypt(&global, &args, out)?,
        Command::Sign(args) => use_key::sign(&global, &args, out)?,
        Command::Verify(args) => use_key::verify(&global, &args, out)?,
        Command::Mac(args) => use_key::mac(&global, &args, out)?,
        Command::VerifyMac(args) => use_key::verify_mac(&global, &args, out)?,
        Command::DataKey(args) => use_key::data_key(&global, &args, out)?,
        Command::DataKeyPair(args) => use_key::data_key_pair(&global, &args, out)?,
        Command::Wrap(args) => use_key::wrap(&global, &args, out)?,
        Command::Unwrap(args) => use_key::unwrap(&global, &args, out)?,
        Command::Random(args) => use_key::random(&global, &args, out)?,
        Command::Hash(args) => use_key::hash(&global, &args, out)?,
        Command::Audit(args) => audit::run(&global, args, out)?,
        Command::Config(args) => return config::run(&global, args, out),
        Command::Bench(args) => return bench::run(args, out),
        Command::Context(args) => context::run(&global, args, out)?,
        Command::Completions(args) => completions(&args),
        Command::Man(args) => man(&args)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn completions(args: &Completions) {
    clap_complete::generate(
        args.shell,
        &mut crate::args::command(),
        "keyward",
        &mut std::io::stdout(),
    );
}

fn man(args: &Man) -> Result<(), Failure> {
    std::fs::create_dir_all(&args.out)
        .and_then(|()| clap_mangen::generate_to(crate::args::command(), &args.out))
        .map_err(|error| Failure::file(&args.out, &error))
}

/// Collects pages until there are no more, or enough rows.
fn all_pages<T>(
    limit: Option<u64>,
    mut page: impl FnMut(Option<String>, u16) -> Result<keyward_client::Page<T>, Failure>,
) -> Result<keyward_client::Page<T>, Failure> {
    let mut all = keyward_client::Page {
        items: Vec::new(),
        next: None,
    };
    loop {
        let missing = limit.map_or(u64::MAX, |limit| {
            limit.saturating_sub(all.items.len() as u64)
        });
        let size = u16::try_from(missing.min(1000)).unwrap_or(1000);
        let found = page(all.next.take(), size)?;
        all.items.extend(found.items);
        all.next = found.next;
        if all.next.is_none() || limit.is_some_and(|limit| all.items.len() as u64 >= limit) {
            return Ok(all);
        }
    }
}

/// Rows for people, by their first column; the server answers in the order of ids, which says nothing to them.
fn by_name(mut rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    rows.sort();
    rows
}

/// Reads an id that the server gave.
fn given_id<T, E>(text: &str, parse: impl Fn(&str) -> Result<T, E>) -> Result<T, Failure> {
    parse(text).map_err(|_| {
        Failure::usage(
            format!("`{text}` is not an id"),
            "An id is 32 hexadecimal digits.",
        )
    })
}
