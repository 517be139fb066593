//! `secret` and `opaque`.
use std::io::{Read as _, Write as _};

use keyward_core::command::{
    Alphabet, CreateSecret, DescribeKey, KeyRef, ListObjects, PutSecretVersion, ReadSecret,
    Value as Given,
};
use keyward_core::ids::ObjectId;
use keyward_core::limits::SECRET_MAX_BYTES;
use keyward_core::object::ObjectKind;
use keyward_core::secret::Secret as Bytes;
use zeroize::Zeroizing;

use super::key::{self, view};
use super::{all_pages, given_id};
use crate::args::Global;
use crate::args::secret::{Secret, Value};
use crate::exit::Failure;
use crate::files::{Existing, write_private};
use crate::out::Out;
use crate::session::{Session, name, object_ref};

#[expect(clippy::too_many_lines, reason = "one arm for each subcommand")]
pub fn run(global: &Global, kind: ObjectKind, args: Secret, out: Out) -> Result<(), Failure> {
    let session = Session::open(global, out)?;
    let realm = session.realm()?;
    let of = |text: &str| -> Result<KeyRef, Failure> { object_ref(kind, text) };
    match args {
        Secret::Create {
            name: text,
            value,
            sensitivity,
            applications,
            tags,
        } => {
            let command = CreateSecret {
                realm,
                kind,
                name: text.as_deref().map(name).transpose()?,
                value: given(value)?,
                sensitivity,
                applications,
                tags: tags.into_iter().collect(),
                owner: None,
            };
            let made = session.run(async |client| client.create_secret(command).await)?;
            out.show(&made, |out| {
                let called = view::called(&made);
                out.say(&format!("{} {called} kept, id {}", kind.as_str(), made.id))
            })
        }
        Secret::Put { key, value } => {
            let command = PutSecretVersion {
                realm,
                key: of(&key)?,
                value: given(value)?,
            };
            let put = session.run(async |client| client.put_secret_version(command).await)?;
            out.show(&put, |out| {
                let called = view::called(&put);
                out.say(&format!("{called} has version {}", put.current_version))
            })
        }
        Secret::Read {
            key,
            version,
            output,
        } => {
            let command = ReadSecret {
                realm,
                key: of(&key)?,
                version,
            };
            let read = session.run(async |client| client.read_secret(command).await)?;
            match output {
                Some(path) => write_private(&path, read.value.expose(), Existing::Keep),
                None if out.is_json() => out.json(&serde_json::json!({
                    "object": read.object,
                    "version": read.version,
                    "value": base64_simd::STANDARD.encode_to_string(read.value.expose()),
                })),
                None => plainly(read.value.expose()),
            }
        }
        Secret::List {
            state,
            prefix,
            filter,
            paging,
        } => {
            let filter = key::attributes::filter(filter);
            let page = all_pages(paging.limit, |after, limit| {
                let command = ListObjects {
                    realm: realm.clone(),
                    kind,
                    after: after
                        .map(|text| given_id(&text, ObjectId::parse))
                        .transpose()?,
                    limit,
                    state,
                    name_prefix: prefix.clone(),
                    filter: filter.clone(),
                };
                session.run(async |client| client.list_objects(command).await)
            })?;
            out.show(&page, |out| {
                let rows: Vec<_> = page.items.iter().map(view::object_row).collect();
                out.table(0, &["NAME", "STATE", "VERSION", "CHANGED"], &rows)
            })
        }
        Secret::Show { key } => {
            let command = DescribeKey {
                realm,
                key: of(&key)?,
            };
            let shown = session.run(async |client| client.describe_key(command).await)?;
            out.show(&shown, |out| view::facts(out, &shown))
        }
        Secret::Change(change) => key::apply(&session, realm, change, &of),
    }
}

/// The value of a file, of the module's making, or of standard input, as it is.
fn given(args: Value) -> Result<Given, Failure> {
    if let Some(length) = args.generate {
        let alphabet = args.alphabet.unwrap_or(Alphabet::Alphanumeric);
        return Ok(Given::Generated(alphabet, length));
    }
    // One more than is kept, so that the server says what is too long.
    let room = SECRET_MAX_BYTES + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    let limit = room as u64;
    let failed = |error: std::io::Error| {
        Failure::local(
            format!("the value cannot be read: {error}"),
            "Check where it comes from.",
        )
    };
    match &args.from_file {
        Some(path) => std::fs::File::open(path)
            .and_then(|file| file.take(limit).read_to_end(&mut bytes))
            .map_err(|error| Failure::file(path, &error))?,
        None => std::io::stdin()
            .lock()
            .take(limit)
            .read_to_end(&mut bytes)
            .map_err(failed)?,
    };
    if bytes.len() >= room {
        return Err(Failure::local(
            format!("the value is longer than {SECRET_MAX_BYTES} bytes"),
            "Encrypt it with a key instead and keep the ciphertext.",
        ));
    }
    Ok(Given::Given(Bytes::new(std::mem::take(&mut *bytes))))
}

/// Bytes to standard output, as they are.
fn plainly(bytes: &[u8]) -> Result<(), Failure> {
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
