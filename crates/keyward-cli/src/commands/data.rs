//! `encrypt`, `decrypt`.
use std::fs::File;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use keyward_core::ciphertext::{OVERHEAD_BYTES, parse};
use keyward_core::command::{Decrypt as DecryptCommand, Encrypt as EncryptCommand, KeyRef};
use keyward_core::limits::{CONTEXT_MAX_BYTES, MESSAGE_MAX_BYTES};
use keyward_core::secret::Secret;
use serde_json::json;
use zeroize::Zeroizing;

use crate::args::Global;
use crate::args::data::{Bound, Decrypt, Encrypt, Output};
use crate::exit::Failure;
use crate::files::{Existing, NewFile, read_limited};
use crate::out::Out;
use crate::session::{Session, key_ref};

/// What is written, and how a terminal is spared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    Base64,
    Bytes,
    /// Caller data: may be text, so a terminal may have it.
    Plaintext,
}

pub fn encrypt(global: &Global, args: &Encrypt, out: Out) -> Result<(), Failure> {
    let session = Session::open(global, out)?;
    let (realm, key) = (session.realm()?, key_ref(&args.key)?);
    let content = if args.base64 {
        Content::Base64
    } else {
        Content::Bytes
    };
    let place = Place::prepare(&args.output, content, out)?;
    let context = bound(&args.bound)?;
    let plaintext = input(args.file.as_deref(), MESSAGE_MAX_BYTES)?;
    let command = EncryptCommand {
        realm,
        key,
        context,
        plaintext,
    };
    let sealed = session.run(async |client| client.encrypt(command).await)?;
    let encoded = || base64_simd::STANDARD.encode_to_string(&sealed.ciphertext);
    match place {
        Place::File(mut file, path) => {
            if args.base64 {
                file.write(format!("{}\n", encoded()).as_bytes())?;
            } else {
                file.write(&sealed.ciphertext)?;
            }
            file.finish()?;
            let shown = json!({ "key": sealed.key, "version": sealed.version, "output": path });
            out.show(&shown, |_| Ok(()))
        }
        Place::Standard if out.is_json() => out.json(
            &json!({ "ciphertext": encoded(), "key": sealed.key, "version": sealed.version }),
        ),
        Place::Standard if args.base64 => out.line(&encoded()),
        Place::Standard => to_standard_output(&sealed.ciphertext),
    }
}

pub fn decrypt(global: &Global, args: &Decrypt, out: Out) -> Result<(), Failure> {
    let session = Session::open(global, out)?;
    let realm = session.realm()?;
    let place = Place::prepare(&args.output, Content::Plaintext, out)?;
    let context = bound(&args.bound)?;
    let ciphertext = ciphertext(args)?;
    let key = match &args.key {
        Some(text) => key_ref(text)?,
        None => key_in(&ciphertext)?,
    };
    let command = DecryptCommand {
        realm,
        key,
        accept_compromised: args.accept_compromised,
        context,
        ciphertext,
    };
    let opened = session.run(async |client| client.decrypt(command).await)?;
    match place {
        Place::File(mut file, path) => {
            file.write(opened.plaintext.expose())?;
            file.finish()?;
            let shown = json!({ "key": opened.key, "version": opened.version, "output": path });
            out.show(&shown, |_| Ok(()))
        }
        Place::Standard if out.is_json() => {
            let text =
                Zeroizing::new(base64_simd::STANDARD.encode_to_string(opened.plaintext.expose()));
            out.json(&json!({ "plaintext": text.as_str(), "key": opened.key, "version": opened.version }))
        }
        Place::Standard => to_standard_output(opened.plaintext.expose()),
    }
}

/// Where the result goes; found out before anything is done, so that no result is lost for want of a place.
enum Place {
    File(NewFile, String),
    Standard,
}

impl Place {
    fn prepare(output: &Output, content: Content, out: Out) -> Result<Self, Failure> {
        if let Some(path) = &output.file {
            let existing = if output.force {
                Existing::Replace
            } else {
                Existing::Keep
            };
            return Ok(Self::File(
                NewFile::create(path, existing)?,
                path.display().to_string(),
            ));
        }
        if content == Content::Bytes && !out.is_json() && std::io::stdout().is_terminal() {
            return Err(Failure::usage(
                "the ciphertext is bytes, which a terminal does not show",
                "Say --output FILE or --base64, or pipe it on.",
            ));
        }
        Ok(Self::Standard)
    }
}

fn to_standard_output(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(bytes)
        .and_then(|()| stdout.flush())
        .map_err(|error| {
            Failure::local(
                format!("standard output: {error}"),
                "Check where the output goes.",
            )
        })
}

fn input(file: Option<&Path>, limit: usize) -> Result<Secret, Failure> {
    match file {
        Some(path) if path != Path::new("-") => {
            let mut file = File::open(path).map_err(|error| Failure::file(path, &error))?;
            read_limited(&mut file, limit as u64, &path.display().to_string())
        }
        _ => read_limited(&mut std::io::stdin().lock(), limit as u64, "standard input"),
    }
}

fn bound(bound: &Bound) -> Result<Vec<u8>, Failure> {
    match (&bound.aad, &bound.aad_file) {
        (Some(text), _) => Ok(text.clone().into_bytes()),
        (None, Some(path)) => Ok(input(Some(path), CONTEXT_MAX_BYTES)?.into_inner()),
        (None, None) => Ok(Vec::new()),
    }
}

fn ciphertext(args: &Decrypt) -> Result<Vec<u8>, Failure> {
    let longest = MESSAGE_MAX_BYTES + OVERHEAD_BYTES;
    if !args.base64 {
        return Ok(input(args.file.as_deref(), longest)?.into_inner());
    }
    let mut text = input(args.file.as_deref(), longest.div_ceil(3) * 4 + (1 << 16))?.into_inner();
    text.retain(|byte| !byte.is_ascii_whitespace());
    base64_simd::STANDARD.decode_to_vec(&text).map_err(|_| {
        Failure::local(
            "the input is not base64",
            "Leave --base64 out if the input is bytes.",
        )
    })
}

/// The key that a ciphertext names.
fn key_in(ciphertext: &[u8]) -> Result<KeyRef, Failure> {
    let (header, _) = parse(ciphertext).map_err(|error| {
        Failure::local(
            format!("the input cannot be decrypted: {error}"),
            "Check that it is a whole ciphertext of Keyward; if it is base64, say --base64.",
        )
    })?;
    Ok(KeyRef::Id(header.key))
}
