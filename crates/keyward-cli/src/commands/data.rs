//! `encrypt`, `decrypt`: up to 4 MiB in one operation of the server, longer data as a file under a data key.
mod file;
mod input;

use std::io::{IsTerminal as _, Read, Write as _};

use keyward_core::ciphertext::{CiphertextError, OVERHEAD_BYTES, parse};
use keyward_core::command::{Decrypt as DecryptCommand, Encrypt as EncryptCommand, KeyRef};
use keyward_core::limits::{CONTEXT_MAX_BYTES, MESSAGE_MAX_BYTES};
use keyward_core::secret::Secret;
use serde_json::json;
use zeroize::Zeroizing;

use self::input::{Input, Start};
use crate::args::Global;
use crate::args::data::{Bound, Decrypt, Encrypt, Output};
use crate::exit::Failure;
use crate::files::{Existing, NewFile, read_limited};
use crate::out::Out;
use crate::sealed_file::MAGIC;
use crate::session::{Session, key_ref};

pub fn encrypt(global: &Global, args: &Encrypt, out: Out) -> Result<(), Failure> {
    let session = Session::open(global, out)?;
    let (realm, key) = (session.realm()?, key_ref(&args.key)?);
    let to_terminal = args.output.file.is_none() && std::io::stdout().is_terminal();
    if to_terminal && !args.base64 && !out.is_json() {
        return Err(Failure::usage(
            "the ciphertext is bytes, which a terminal does not show",
            "Say --output FILE or --base64, or pipe it on.",
        ));
    }
    let context = bound(&args.bound)?;
    let input = Input::open(args.file.as_deref())?;
    let plaintext = match input.start(MESSAGE_MAX_BYTES, args.chunked)? {
        Start::Whole(plaintext) => plaintext,
        Start::More(input) => return file::encrypt(&session, args, (realm, key), context, input),
    };
    let place = Place::prepare(&args.output)?;
    let bytes = plaintext.len();
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
            said(
                out,
                &sealed.key,
                sealed.version,
                &path,
                bytes as u64,
                "encrypted",
            )
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
    let context = bound(&args.bound)?;
    let mut input = Input::open(args.file.as_deref())?;
    if !args.base64 && input.begins_with(&MAGIC)? {
        return file::decrypt(&session, args, realm, context, input);
    }
    let ciphertext = ciphertext(args, &mut input)?;
    let key = match &args.key {
        Some(text) => key_ref(text)?,
        None => key_in(&ciphertext)?,
    };
    let place = Place::prepare(&args.output)?;
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
            let bytes = opened.plaintext.len() as u64;
            said(out, &opened.key, opened.version, &path, bytes, "decrypted")
        }
        Place::Standard if out.is_json() => {
            let text =
                Zeroizing::new(base64_simd::STANDARD.encode_to_string(opened.plaintext.expose()));
            out.json(&json!({ "plaintext": text.as_str(), "key": opened.key, "version": opened.version }))
        }
        Place::Standard => to_standard_output(opened.plaintext.expose()),
    }
}

/// Says what was done with a file.
fn said(
    out: Out,
    key: &str,
    version: u32,
    path: &str,
    bytes: u64,
    what: &str,
) -> Result<(), Failure> {
    let shown = json!({ "key": key, "version": version, "output": path, "bytes": bytes });
    out.show(&shown, |out| {
        out.say(&format!(
            "{what} {} with version {version} of the key, in {path}",
            crate::sealed_file::progress::amount(bytes)
        ))
    })
}

/// Where the result goes; found out before anything is done, so that no result is lost for want of a place.
enum Place {
    File(NewFile, String),
    Standard,
}

impl Place {
    fn prepare(output: &Output) -> Result<Self, Failure> {
        let Some(path) = &output.file else {
            return Ok(Self::Standard);
        };
        let file = NewFile::create(path, existing(output))?;
        Ok(Self::File(file, path.display().to_string()))
    }
}

const fn existing(output: &Output) -> Existing {
    if output.force {
        Existing::Replace
    } else {
        Existing::Keep
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

fn bound(bound: &Bound) -> Result<Vec<u8>, Failure> {
    match (&bound.aad, &bound.aad_file) {
        (Some(text), _) => Ok(text.clone().into_bytes()),
        (None, Some(path)) => {
            let mut input = Input::open(Some(path))?;
            let name = input.name().to_owned();
            Ok(read_limited(&mut input, CONTEXT_MAX_BYTES as u64, &name)?.into_inner())
        }
        (None, None) => Ok(Vec::new()),
    }
}

fn ciphertext(args: &Decrypt, input: &mut Input) -> Result<Vec<u8>, Failure> {
    let name = input.name().to_owned();
    let read = |limit: usize, from: &mut dyn Read| -> Result<Secret, Failure> {
        read_limited(from, limit as u64, &name)
    };
    let longest = MESSAGE_MAX_BYTES + OVERHEAD_BYTES;
    if !args.base64 {
        // Found out first: a large file of another kind is not "too long".
        if !input.begins_with(b"KWC")? {
            return Err(not_ours(&CiphertextError::NotOurs));
        }
        return Ok(read(longest, input)?.into_inner());
    }
    let mut text = read(longest.div_ceil(3) * 4 + (1 << 16), input)?.into_inner();
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
    let (header, _) = parse(ciphertext).map_err(|error| not_ours(&error))?;
    Ok(KeyRef::Id(header.key))
}

fn not_ours(error: &CiphertextError) -> Failure {
    Failure::local(
        format!("the input cannot be decrypted: {error}"),
        "Check that it is a whole ciphertext of Keyward; if it is base64, say --base64.",
    )
}
