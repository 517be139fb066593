//! Keys from keys, and public keys.
use std::fs::File;
use std::path::Path;

use keyward_client::Key as Shown;
use keyward_core::algorithm::Protection;
use keyward_core::command as core;
use keyward_core::command::{CreateKey, RealmRef};
use keyward_core::object::Sensitivity;
use serde_json::json;

use super::view;
use crate::args::key::made::{Made, New};
use crate::exit::Failure;
use crate::files::{Existing, NewFile, read_limited};
use crate::out::Out;
use crate::session::{Session, key_ref, name};

/// Longest public key or encapsulation.
const PEER_MAX: u64 = 8 << 10;

fn new_key(realm: &RealmRef, args: New) -> Result<CreateKey, Failure> {
    Ok(CreateKey {
        realm: realm.clone(),
        name: args.name.as_deref().map(name).transpose()?,
        spec: args.spec,
        purpose: args.purpose,
        protection: Protection::Software,
        export: args.export,
        activate: true,
        cryptoperiod: None,
        rotate_every: None,
        sensitivity: Sensitivity::Moderate,
        applications: Vec::new(),
        tags: std::collections::BTreeMap::new(),
        owner: None,
        exception: None,
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut file = File::open(path).map_err(|error| Failure::file(path, &error))?;
    Ok(read_limited(&mut file, PEER_MAX, &path.display().to_string())?.into_inner())
}

fn told(key: &Shown, out: Out) -> Result<(), Failure> {
    out.show(key, |out| {
        out.say(&format!("key {} made, id {}", view::called(key), key.id))
    })
}

pub fn run(session: &Session, realm: RealmRef, args: Made) -> Result<(), Failure> {
    let out = session.out;
    match args {
        Made::Public { key, version } => public(session, realm, &key, version),
        Made::Derive { key, info, new } => {
            let command = core::DeriveKey {
                new: new_key(&realm, new)?,
                realm,
                key: key_ref(&key)?,
                info: info.into_bytes(),
            };
            told(&session.run(async |c| c.derive_key(command).await)?, out)
        }
        Made::Agree {
            key,
            peer,
            info,
            new,
        } => {
            let command = core::AgreeKey {
                new: new_key(&realm, new)?,
                realm,
                key: key_ref(&key)?,
                peer: read(&peer)?,
                info: info.into_bytes(),
            };
            told(&session.run(async |c| c.agree_key(command).await)?, out)
        }
        other => shared(session, realm, other),
    }
}

/// Shared keys.
fn shared(session: &Session, realm: RealmRef, args: Made) -> Result<(), Failure> {
    let out = session.out;
    match args {
        Made::Encapsulate { key, output, new } => {
            let mut file = NewFile::create(&output, Existing::Keep)?;
            let command = core::Encapsulate {
                new: new_key(&realm, new)?,
                realm,
                key: key_ref(&key)?,
            };
            let made = session.run(async |client| client.encapsulate(command).await)?;
            file.write(&made.ciphertext)?;
            file.finish()?;
            told(&made.key, out)
        }
        Made::Decapsulate {
            key,
            file,
            version,
            accept_compromised,
            new,
        } => {
            let command = core::Decapsulate {
                new: new_key(&realm, new)?,
                realm,
                key: key_ref(&key)?,
                version,
                accept_compromised,
                ciphertext: read(&file)?,
            };
            told(&session.run(async |c| c.decapsulate(command).await)?, out)
        }
        // `run` sends only the two above here.
        Made::Public { .. } | Made::Derive { .. } | Made::Agree { .. } => Ok(()),
    }
}

fn public(
    session: &Session,
    realm: RealmRef,
    key: &str,
    version: Option<u32>,
) -> Result<(), Failure> {
    let command = core::ExportPublicKey {
        realm,
        key: key_ref(key)?,
        version,
    };
    let public = session.run(async |client| client.export_public_key(command).await)?;
    let shown = json!(public);
    session
        .out
        .show(&shown, |out| out.line(public.pem.trim_end()))
}
