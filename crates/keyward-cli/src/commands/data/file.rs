//! Data longer than one operation takes: the data key goes to the server, the data stay here.
use std::io::Read as _;

use keyward_core::ciphertext::OVERHEAD_BYTES;
use keyward_core::command::{
    Decrypt as DecryptCommand, Encrypt as EncryptCommand, KeyRef, RealmRef,
};
use keyward_core::limits::CONTEXT_MAX_BYTES;
use keyward_module_awslc::{AwsLcModule, CHUNK_OVERHEAD, DATA_KEY_LEN};

use super::input::Input;
use super::{existing, key_in, said};
use crate::args::data::{Decrypt, Encrypt, Output};
use crate::exit::{Exit, Failure};
use crate::sealed_file::part::{Part, Sink, left_exactly};
use crate::sealed_file::progress::Progress;
use crate::sealed_file::seal::{Source, Unlocked};
use crate::sealed_file::{PREFIX_BYTES, Prefix, module, open, seal};
use crate::session::{Session, key_ref};

/// An unlocked file with what is said about its key.
struct Named {
    file: Unlocked,
    key: String,
    version: u32,
}

pub fn encrypt(
    session: &Session,
    args: &Encrypt,
    (realm, key): (RealmRef, KeyRef),
    context: Vec<u8>,
    input: Input,
) -> Result<(), Failure> {
    if args.base64 || (session.out.is_json() && args.output.file.is_none()) {
        return Err(Failure::usage(
            "data longer than 4 MiB become a file of bytes, not base64 or JSON",
            "Say --output FILE without --base64.",
        ));
    }
    if context.len() + Prefix::context_overhead() > CONTEXT_MAX_BYTES {
        return Err(Failure::usage(
            format!(
                "the bound data are longer than {} bytes",
                CONTEXT_MAX_BYTES - Prefix::context_overhead()
            ),
            "Shorten what --aad or --aad-file gives.",
        ));
    }
    let module = module()?;
    let mut sink = sink(&args.output)?;
    if let (Sink::Part(part), Some(length)) = (&sink, input.length()) {
        part.check_room(length.saturating_add(length >> 15).saturating_add(4096))?;
    }
    let left = match sink.left() {
        Some(part) => left_header(part)?,
        None => None,
    };
    let named = match left {
        Some((prefix, wrapped)) => {
            reopened(session, &module, (realm, key), (prefix, wrapped), &context)?
        }
        None => begun(session, &module, (realm, key), &context, &mut sink)?,
    };
    let mut progress = Progress::new(input.length(), !args.no_progress);
    let name = input.name().to_owned();
    let source = Source {
        from: input,
        name: &name,
    };
    let result = seal::seal(source, &mut sink, &named.file, &mut progress);
    let bytes = progress.done();
    drop(progress);
    finished(result, sink)?;
    told(session, &args.output, &named, bytes, "encrypted")
}

pub fn decrypt(
    session: &Session,
    args: &Decrypt,
    realm: RealmRef,
    context: Vec<u8>,
    mut input: Input,
) -> Result<(), Failure> {
    if session.out.is_json() && args.output.file.is_none() {
        return Err(Failure::usage(
            "a file is not given out as JSON",
            "Say --output FILE, or leave --json out.",
        ));
    }
    let module = module()?;
    let (prefix, wrapped) = header(&mut input)?;
    let key = match &args.key {
        Some(text) => key_ref(text)?,
        None => key_in(&wrapped)?,
    };
    let mut sink = sink(&args.output)?;
    if let (Sink::Part(part), Some(length)) = (&sink, input.length()) {
        part.check_room(length)?;
    }
    let command = DecryptCommand {
        realm,
        key,
        accept_compromised: args.accept_compromised,
        context: prefix.context(&context),
        ciphertext: wrapped,
    };
    let named = unlocked(session, &module, command, prefix, sink.left().is_some())?;
    let body = input
        .length()
        .map(|length| length.saturating_sub(named.file.header_bytes));
    let mut progress = Progress::new(body, !args.no_progress);
    let name = input.name().to_owned();
    let source = Source {
        from: input,
        name: &name,
    };
    let result = open::open(source, &mut sink, &named.file, &mut progress);
    let sealed = progress.done();
    drop(progress);
    finished(result, sink)?;
    let chunk = (prefix.chunk_bytes() + CHUNK_OVERHEAD) as u64;
    let bytes = sealed.saturating_sub(sealed.div_ceil(chunk).saturating_mul(CHUNK_OVERHEAD as u64));
    told(session, &args.output, &named, bytes, "decrypted")
}

fn sink(output: &Output) -> Result<Sink, Failure> {
    match &output.file {
        Some(path) => Ok(Sink::Part(Part::open(
            path,
            existing(output),
            output.resume,
        )?)),
        None => Ok(Sink::Standard),
    }
}

/// A failure of this machine can be gone next time, and what is complete is worth keeping; a file that does not verify
/// will not verify then either.
fn finished(result: Result<(), Failure>, mut sink: Sink) -> Result<(), Failure> {
    match result {
        Ok(()) => sink.finish(),
        Err(failure) if failure.code == seal::OTHER_DATA => Err(failure),
        Err(failure) => {
            let resumable = failure.exit == Exit::Local;
            Err(sink.after(failure, resumable))
        }
    }
}

fn told(
    session: &Session,
    output: &Output,
    named: &Named,
    bytes: u64,
    what: &str,
) -> Result<(), Failure> {
    match &output.file {
        Some(path) => {
            let path = path.display().to_string();
            said(session.out, &named.key, named.version, &path, bytes, what)
        }
        None => Ok(()),
    }
}

/// A new file: a data key of this module, encrypted by the server, and the header written.
fn begun(
    session: &Session,
    module: &AwsLcModule,
    (realm, key): (RealmRef, KeyRef),
    context: &[u8],
    sink: &mut Sink,
) -> Result<Named, Failure> {
    let failed = |fault| seal::module_failed(&fault);
    let data_key = module.generate_data_key().map_err(failed)?;
    let length = u16::try_from(DATA_KEY_LEN + OVERHEAD_BYTES).unwrap_or(u16::MAX);
    let prefix = Prefix::new(module.identifier().map_err(failed)?, length);
    let command = EncryptCommand {
        realm,
        key,
        context: prefix.context(context),
        plaintext: data_key.to_secret(),
    };
    let wrapped = session.run(async |client| client.encrypt(command).await)?;
    if wrapped.ciphertext.len() != prefix.wrapped_bytes() {
        return Err(Failure::local(
            "the server's ciphertext has another length than this release knows",
            "Use a command line of the server's release.",
        ));
    }
    let header = [&prefix.to_bytes()[..], &wrapped.ciphertext].concat();
    seal::cut(sink, 0)?;
    sink.write(&header)?;
    Ok(Named {
        file: Unlocked {
            prefix,
            key: data_key,
            header_bytes: header.len() as u64,
            resuming: false,
        },
        key: wrapped.key,
        version: wrapped.version,
    })
}

/// What an earlier run began under the same key and bound data.
fn reopened(
    session: &Session,
    module: &AwsLcModule,
    (realm, key): (RealmRef, KeyRef),
    (prefix, wrapped): (Prefix, Vec<u8>),
    context: &[u8],
) -> Result<Named, Failure> {
    let command = DecryptCommand {
        realm,
        key,
        accept_compromised: false,
        context: prefix.context(context),
        ciphertext: wrapped,
    };
    unlocked(session, module, command, prefix, true).map_err(|failure| Failure {
        next: format!("{} Or leave --resume out, to begin anew.", failure.next),
        ..failure
    })
}

fn unlocked(
    session: &Session,
    module: &AwsLcModule,
    command: DecryptCommand,
    prefix: Prefix,
    resuming: bool,
) -> Result<Named, Failure> {
    let opened = session.run(async |client| client.decrypt(command).await)?;
    let key = module.data_key(opened.plaintext.expose()).map_err(|_| {
        Failure::new(
            Exit::Integrity,
            "not_verified",
            "what the file names as its data key is none",
            "Check where the file comes from.",
        )
    })?;
    Ok(Named {
        file: Unlocked {
            prefix,
            key,
            header_bytes: (PREFIX_BYTES + prefix.wrapped_bytes()) as u64,
            resuming,
        },
        key: opened.key,
        version: opened.version,
    })
}

fn header(input: &mut Input) -> Result<(Prefix, Vec<u8>), Failure> {
    let name = input.name().to_owned();
    let cut_off = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => Failure::new(
            Exit::Integrity,
            "not_verified",
            format!("`{name}` ends too early: not even its header is complete"),
            "Get the file again from where it came from.",
        ),
        _ => Failure::file(std::path::Path::new(&name), &error),
    };
    let mut bytes = [0; PREFIX_BYTES];
    input.read_exact(&mut bytes).map_err(cut_off)?;
    let prefix = Prefix::parse(&bytes).map_err(|error| {
        Failure::local(
            format!("`{name}` cannot be decrypted: {error}"),
            "Check that it is the right file, and that this release is not older than it.",
        )
    })?;
    let mut wrapped = vec![0; prefix.wrapped_bytes()];
    input.read_exact(&mut wrapped).map_err(cut_off)?;
    Ok((prefix, wrapped))
}

/// The header of what an earlier run left, if it got so far.
fn left_header(part: &mut Part) -> Result<Option<(Prefix, Vec<u8>)>, Failure> {
    let (mut bytes, mut wrapped) = (Vec::new(), Vec::new());
    if !left_exactly(part, PREFIX_BYTES, &mut bytes)? {
        return Ok(None);
    }
    let prefix = <&[u8; PREFIX_BYTES]>::try_from(bytes.as_slice())
        .ok()
        .and_then(|bytes| Prefix::parse(bytes).ok());
    match prefix {
        Some(prefix) if left_exactly(part, prefix.wrapped_bytes(), &mut wrapped)? => {
            Ok(Some((prefix, wrapped)))
        }
        _ => Ok(None),
    }
}
