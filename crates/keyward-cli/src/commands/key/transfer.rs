//! `key import-key`, `key import`, `key export`, `key release`.
use std::path::{Path, PathBuf};

use keyward_core::command::{
    CreateImportKey, ExportKey, ImportKey, RealmRef, Recipient, ReleaseKey, Transfer as Brought,
    TransferScheme,
};
use keyward_core::ids::ObjectId;

use super::{new_key, view};
use crate::args::key::transfer::{Import, Transfer};
use crate::exit::Failure;
use crate::files::{Existing, write_private};
use crate::session::{Session, key_ref};

pub fn run(session: &Session, realm: RealmRef, args: Transfer) -> Result<(), Failure> {
    match args {
        Transfer::ImportKey { scheme, output } => ask(session, realm, scheme, &output),
        Transfer::Import(args) => import(session, realm, *args),
        Transfer::Export {
            key,
            version,
            wrapping_key,
            public_key,
            scheme,
            output,
        } => {
            let recipient = match (wrapping_key, public_key, scheme) {
                (Some(wrapping), ..) => Recipient::Key(key_ref(&wrapping)?),
                (None, Some(file), Some(scheme)) => Recipient::Public(scheme, read(&file)?),
                _ => {
                    return Err(Failure::usage(
                        "nothing says for whom to wrap",
                        "Give --wrapping-key KEY, or --scheme SCHEME with --public-key FILE.",
                    ));
                }
            };
            let command = ExportKey {
                realm,
                key: key_ref(&key)?,
                version,
                recipient,
            };
            export(session, command, &output)
        }
        Transfer::Release {
            key,
            version,
            output,
        } => {
            let command = ReleaseKey {
                realm,
                key: key_ref(&key)?,
                version,
            };
            let released = session.run(async |client| client.release_key(command).await)?;
            write_private(&output, released.value.expose(), Existing::Keep)?;
            session.out.say(&format!(
                "version {} of `{key}` is in {}; it counts as exported from now on",
                released.version,
                output.display()
            ))
        }
    }
}

fn ask(
    session: &Session,
    realm: RealmRef,
    scheme: TransferScheme,
    directory: &Path,
) -> Result<(), Failure> {
    let command = CreateImportKey { realm, scheme };
    std::fs::create_dir(directory).map_err(|error| Failure::file(directory, &error))?;
    let made = session.run(async |client| client.create_import_key(command).await)?;
    let public = if scheme == TransferScheme::EcdhP384 {
        "public.der"
    } else {
        "public.raw"
    };
    keep(&directory.join(public), &made.public_key)?;
    if let Some(info) = &made.kdf_info {
        keep(&directory.join("info.bin"), info)?;
    }
    write_private(&directory.join("id"), made.id.as_bytes(), Existing::Keep)?;
    session.out.show(&made, |out| {
        out.say(&format!(
            "import key {} is in {}, good once until {}",
            made.id,
            directory.display(),
            crate::out::moment(&made.expires_at)
        ))
    })
}

fn import(session: &Session, realm: RealmRef, args: Import) -> Result<(), Failure> {
    let id = match ObjectId::parse(&args.import_key) {
        Ok(id) => id,
        Err(_) => {
            let file = PathBuf::from(&args.import_key).join("id");
            let text = std::fs::read_to_string(&file).map_err(|e| Failure::file(&file, &e))?;
            super::given_id(text.trim(), ObjectId::parse)?
        }
    };
    let command = ImportKey {
        create: new_key(realm, args.create)?,
        transfer: Brought {
            import_key: id.0,
            encapsulated: read(&args.encapsulated)?,
            wrapped: read(&args.wrapped)?,
        },
    };
    let key = session.run(async |client| client.import_key(command).await)?;
    session.out.show(&key, |out| {
        out.say(&format!(
            "key {} imported, id {}",
            view::called(&key),
            key.id
        ))
    })
}

fn export(session: &Session, command: ExportKey, output: &Path) -> Result<(), Failure> {
    let exported = session.run(async |client| client.export_key(command).await)?;
    keep(output, &exported.wrapped)?;
    let beside = |ending: &str| {
        let mut path = output.as_os_str().to_owned();
        path.push(ending);
        PathBuf::from(path)
    };
    if let Some(encapsulated) = &exported.encapsulated {
        keep(&beside(".encapsulated"), encapsulated)?;
    }
    if let Some(info) = &exported.kdf_info {
        keep(&beside(".info"), info)?;
    }
    session.out.show(&exported, |out| {
        out.say(&format!(
            "version {} wrapped in {}",
            exported.version,
            output.display()
        ))
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::file(path, &error))
}

/// Writes what came in base64.
fn keep(path: &Path, base64: &str) -> Result<(), Failure> {
    let bytes = base64_simd::STANDARD
        .decode_to_vec(base64)
        .map_err(|_| Failure::local("the server's answer is no base64", "Report this."))?;
    write_private(path, &bytes, Existing::Keep)
}
