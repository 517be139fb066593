//! What keys are used for, beside encrypting: `sign`, `mac`, `wrap`, `data-key` and their like.
use std::fs::File;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use keyward_client::Verified;
use keyward_core::ciphertext::OVERHEAD_BYTES;
use keyward_core::command as core;
use keyward_core::limits::{MESSAGE_MAX_BYTES, WRAP_MAX_BYTES};
use keyward_core::secret::Secret;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::args::Global;
use crate::args::use_key::{
    DataKey, DataKeyPair, Hash, Mac, Random, ReEncrypt, Sign, Unwrap, Verify, VerifyMac, Wrap,
    Written,
};
use crate::exit::Failure;
use crate::files::{Existing, NewFile, read_limited};
use crate::out::Out;
use crate::session::{Session, key_ref};

/// No signature or code is longer.
const PROOF_MAX: usize = 16 << 10;

pub fn sign(global: &Global, args: &Sign, out: Out) -> Result<(), Failure> {
    let session = Session::open(global, out)?;
    let place = Place::prepare(&args.written, out)?;
    let command = core::Sign {
        realm: session.realm()?,
        key: key_ref(&args.key)?,
        scheme: args.scheme,
        message: input(args.file.as_deref(), MESSAGE_MAX_BYTES)?,
    };
    let made = session.run(async |client| client.sign(command).await)?;
    let facts = json!({ "key": made.key, "version": made.version, "scheme": made.scheme });
    place.write("signature", &made.signature, facts, out)
}

pub fn verify(global: &Global, args: &Verify, out: Out) -> Result<(), Failure> {
    let session = Session::open(global, out)?;
    let command = core::Verify {
        realm: session.realm()?,
        key: key_ref(&args.key)?,
        version: args.made.version,
        scheme: args.scheme,
        accept_compromised: args.made.accept_compromised,
        signature: proof(&args.signature, args.made.base64)?,
        message: input(args.file.as_deref(), MESSAGE_MAX_BYTES)?,
    };
    let verified = session.run(async |client| client.verify(command).await)?;
    tell(&verified, out)
}

pub fn mac(global: &Global, args: &Mac, out: Out) -> Result<(), Failure> {
    let session = Session::open(global, out)?;
    let place = Place::prepare(&args.written, out)?;
    let command = core::Mac {
        realm: session.realm()?,
        key: key_ref(&args.key)?,
        message: input(args.file.as_deref(), MESSAGE_MAX_BYTES)?,
    };
    let made = session.run(async |client| client.mac(command).await)?;
    let facts = json!({ "key": made.key, "version": made.version });
    place.write("mac", &made.mac, facts, out)
}

pub fn verify_mac(global: &Global, args: &VerifyMac, out: Out) -> Result<(), Failure> {
    let session = Session::open(global, out)?;
    let command = core::VerifyMac {
        realm: session.realm()?,
        key: key_ref(&args.key)?,
        version: args.made.version,
        accept_compromised: args.made.accept_compromised,
        mac: proof(&args.mac, args.made.base64)?,
        message: input(args.file.as_deref(), MESSAGE_MAX_BYTES)?,
    };
    let verified = session.run(async |client| client.verify_mac(command).await)?;
    tell(&verified, out)
}

fn tell(verified: &Verified, out: Out) -> Result<(), Failure> {
    out.show(verified, |out| {
        out.facts(&[
            ("result", "verified".to_owned()),
            ("key", verified.key.clone()),
            ("version", verified.version.to_string()),
            ("scheme", verified.scheme.clone().unwrap_or_default()),
        ])
    })
}

pub fn re_encrypt(global: &Global, args: &ReEncrypt, out: Out) -> Result<(), Failure> {
    let session = Session::open(global, out)?;
    let place = Place::prepare(&args.written, out)?;
    let text = |text: &Option<String>| text.clone().map(String::into_bytes);
    let longest = MESSAGE_MAX_BYTES + OVERHEAD_BYTES;
    let command = core::ReEncrypt {
        realm: session.realm()?,
        key: key_ref(&args.key)?,
        accept_compromised: args.accept_compromised,
        to: args.to.as_deref().map(key_ref).transpose()?,
        context: text(&args.aad).unwrap_or_default(),
        new_context: text(&args.new_aad),
        ciphertext: input(args.file.as_deref(), longest)?.into_inner(),
    };
    let moved = session.run(async |client| client.re_encrypt(command).await)?;
    let facts = json!({ "key": moved.key, "version": moved.version });
    place.write("ciphertext", &moved.ciphertext, facts, out)
}

pub fn data_key(global: &Global, args: &DataKey, out: Out) -> Result<(), Failure> {
    if args.sealed_file.is_none() && !out.is_json() {
        return Err(Failure::usage(
            "nothing says where the encrypted key goes",
            "Give --sealed-file FILE, or --json.",
        ));
    }
    let session = Session::open(global, out)?;
    let begin = |path: &Option<std::path::PathBuf>| {
        path.as_deref()
            .map(|path| NewFile::create(path, existing(args.force)))
            .transpose()
    };
    let (key_file, sealed_file) = (begin(&args.key_file)?, begin(&args.sealed_file)?);
    let (realm, key, spec) = (session.realm()?, key_ref(&args.key)?, args.spec);
    let context = args.aad.clone().unwrap_or_default().into_bytes();
    // Without a place for it the key itself does not leave the server.
    let wanted = args.key_file.is_some() || (out.is_json() && args.sealed_file.is_none());
    let made = if wanted {
        let command = core::GenerateDataKey {
            realm,
            key,
            spec,
            context,
        };
        session.run(async |client| client.generate_data_key(command).await)?
    } else {
        let command = core::GenerateDataKeyWithoutPlaintext {
            realm,
            key,
            spec,
            context,
        };
        session.run(async |client| client.generate_data_key_without_plaintext(command).await)?
    };
    let mut shown = Map::new();
    shown.insert("key".to_owned(), made.key.into());
    shown.insert("version".to_owned(), made.version.into());
    shown.insert("spec".to_owned(), made.spec.into());
    match (key_file, &made.plaintext) {
        (Some(mut file), Some(plaintext)) => {
            file.write(plaintext.expose())?;
            file.finish()?;
        }
        (None, Some(plaintext)) => {
            shown.insert("plaintext".to_owned(), encoded(plaintext.expose()).into());
        }
        _ => {}
    }
    match sealed_file {
        Some(mut file) => {
            file.write(&made.ciphertext)?;
            file.finish()?;
        }
        None => {
            shown.insert("ciphertext".to_owned(), encoded(&made.ciphertext).into());
        }
    }
    out.show(&shown, |_| Ok(()))
}

pub fn data_key_pair(global: &Global, args: &DataKeyPair, out: Out) -> Result<(), Failure> {
    if args.wrapped_file.is_none() && !out.is_json() {
        return Err(Failure::usage(
            "nothing says where the pair goes",
            "Give --public-file and --wrapped-file, or --json.",
        ));
    }
    let session = Session::open(global, out)?;
    let begin = |path: &Option<std::path::PathBuf>| {
        path.as_deref()
            .map(|path| NewFile::create(path, existing(args.force)))
            .transpose()
    };
    let (public, wrapped) = (begin(&args.public_file)?, begin(&args.wrapped_file)?);
    let command = core::GenerateDataKeyPair {
        realm: session.realm()?,
        key: key_ref(&args.key)?,
        spec: args.spec,
    };
    let made = session.run(async |client| client.generate_data_key_pair(command).await)?;
    let mut shown = json!({ "key": made.key, "version": made.version, "spec": made.spec });
    if let (Some(mut public), Some(mut wrapped)) = (public, wrapped) {
        public.write(&made.public_key)?;
        wrapped.write(&made.wrapped_private_key)?;
        public.finish()?;
        wrapped.finish()?;
    } else if let Some(members) = shown.as_object_mut() {
        members.insert("public_key".to_owned(), encoded(&made.public_key).into());
        let private = encoded(&made.wrapped_private_key);
        members.insert("wrapped_private_key".to_owned(), private.into());
    }
    out.show(&shown, |_| Ok(()))
}

pub fn wrap(global: &Global, args: &Wrap, out: Out) -> Result<(), Failure> {
    let session = Session::open(global, out)?;
    let place = Place::prepare(&args.written, out)?;
    let command = core::Wrap {
        realm: session.realm()?,
        key: key_ref(&args.key)?,
        material: input(args.file.as_deref(), WRAP_MAX_BYTES)?,
    };
    let made = session.run(async |client| client.wrap(command).await)?;
    let facts = json!({ "key": made.key, "version": made.version });
    place.write("wrapped", &made.wrapped, facts, out)
}

pub fn unwrap(global: &Global, args: &Unwrap, out: Out) -> Result<(), Failure> {
    let session = Session::open(global, out)?;
    let place = Place::prepare(&args.written, out)?;
    let command = core::Unwrap {
        realm: session.realm()?,
        key: key_ref(&args.key)?,
        version: args.version,
        accept_compromised: args.accept_compromised,
        wrapped: input(args.file.as_deref(), WRAP_MAX_BYTES + 64)?.into_inner(),
    };
    let made = session.run(async |client| client.unwrap(command).await)?;
    let facts = json!({ "key": made.key, "version": made.version });
    place.write("material", made.material.expose(), facts, out)
}

pub fn random(global: &Global, args: &Random, out: Out) -> Result<(), Failure> {
    let session = Session::open(global, out)?;
    let place = Place::prepare(&args.written, out)?;
    let command = core::Random {
        realm: session.realm()?,
        length: args.length,
    };
    let bytes = session.run(async |client| client.random(command).await)?;
    place.write("bytes", bytes.expose(), json!({}), out)
}

pub fn hash(global: &Global, args: &Hash, out: Out) -> Result<(), Failure> {
    let session = Session::open(global, out)?;
    let command = core::Hash {
        realm: session.realm()?,
        algorithm: args.algorithm,
        message: input(args.file.as_deref(), MESSAGE_MAX_BYTES)?,
    };
    let value = session.run(async |client| client.hash(command).await)?;
    out.show(&value, |out| out.line(&value.digest))
}

const fn existing(force: bool) -> Existing {
    if force {
        Existing::Replace
    } else {
        Existing::Keep
    }
}

fn encoded(bytes: &[u8]) -> String {
    base64_simd::STANDARD.encode_to_string(bytes)
}

/// Where the result goes; found out before anything is done, so that no result is lost for want of a place.
struct Place {
    file: Option<(NewFile, String)>,
    base64: bool,
}

impl Place {
    fn prepare(written: &Written, out: Out) -> Result<Self, Failure> {
        let base64 = written.base64;
        if let Some(path) = &written.file {
            let file = NewFile::create(path, existing(written.force))?;
            return Ok(Self {
                file: Some((file, path.display().to_string())),
                base64,
            });
        }
        if !base64 && !out.is_json() && std::io::stdout().is_terminal() {
            return Err(Failure::usage(
                "the result is bytes, which a terminal does not show",
                "Say --output FILE or --base64, or pipe it on.",
            ));
        }
        Ok(Self { file: None, base64 })
    }

    /// Into the file, or to standard output as JSON, base64 or bytes.
    fn write(self, name: &str, bytes: &[u8], facts: Value, out: Out) -> Result<(), Failure> {
        let mut facts = facts;
        let mut add = |name: &str, value: Value| {
            if let Some(members) = facts.as_object_mut() {
                members.insert(name.to_owned(), value);
            }
        };
        let line = || Zeroizing::new(format!("{}\n", encoded(bytes)));
        if let Some((mut file, path)) = self.file {
            if self.base64 {
                file.write(line().as_bytes())?;
            } else {
                file.write(bytes)?;
            }
            file.finish()?;
            add("output", path.into());
            return out.show(&facts, |_| Ok(()));
        }
        if out.is_json() {
            add(name, encoded(bytes).into());
            return out.json(&facts);
        }
        if self.base64 {
            return to_standard_output(line().as_bytes());
        }
        to_standard_output(bytes)
    }
}

fn to_standard_output(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
    written.map_err(|error| {
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

fn proof(path: &Path, base64: bool) -> Result<Vec<u8>, Failure> {
    let mut bytes = input(Some(path), PROOF_MAX)?.into_inner();
    if !base64 {
        return Ok(bytes);
    }
    bytes.retain(|byte| !byte.is_ascii_whitespace());
    base64_simd::STANDARD.decode_to_vec(&bytes).map_err(|_| {
        Failure::local(
            format!("`{}` is not base64", path.display()),
            "Leave --base64 out if it is bytes.",
        )
    })
}
