//! `cert`.
use std::path::Path;

use keyward_client::Certificate;
use keyward_core::command::{
    CreateCertificateRequest, DescribeKey, ListObjects, PutCertificate, RealmRef,
};
use keyward_core::ids::ObjectId;
use keyward_core::object::ObjectKind;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::key::{self, view};
use super::{all_pages, given_id};
use crate::args::Global;
use crate::args::cert::Cert;
use crate::exit::Failure;
use crate::files::{Existing, write_private};
use crate::out::{Out, day, moment};
use crate::session::{Session, key_ref, name, object_ref};

#[expect(clippy::too_many_lines, reason = "one arm for each subcommand")]
pub fn run(global: &Global, args: Cert, out: Out) -> Result<(), Failure> {
    let session = Session::open(global, out)?;
    let realm = session.realm()?;
    let of = |text: &str| object_ref(ObjectKind::Certificate, text);
    match args {
        Cert::Request {
            key,
            subject,
            names,
            output,
        } => {
            let command = CreateCertificateRequest {
                realm,
                key: key_ref(&key)?,
                subject,
                alternative_names: names,
            };
            let request =
                session.run(async |client| client.create_certificate_request(command).await)?;
            match output {
                Some(path) => write_private(&path, request.pem.as_bytes(), Existing::Keep),
                None => out.show(&request, |out| out.line(request.pem.trim_end())),
            }
        }
        Cert::Put {
            name: text,
            file,
            subject_key,
            tags,
        } => {
            let mut command = put(realm, &file, subject_key.as_deref())?;
            command.name = Some(name(&text)?);
            command.tags = tags.into_iter().collect();
            kept(&session, command)
        }
        Cert::Renew {
            key,
            file,
            subject_key,
        } => {
            let mut command = put(realm, &file, subject_key.as_deref())?;
            command.renews = Some(of(&key)?);
            kept(&session, command)
        }
        Cert::List {
            state,
            prefix,
            filter,
            paging,
        } => {
            let filter = key::attributes::filter(filter);
            let page = all_pages(paging.limit, |after, limit| {
                let command = ListObjects {
                    realm: realm.clone(),
                    kind: ObjectKind::Certificate,
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
                let rows: Vec<_> = page.items.iter().map(row).collect();
                out.table(0, &["NAME", "STATE", "VERSION", "GOOD TO"], &rows)
            })
        }
        Cert::Show { key, pem } => {
            let command = DescribeKey {
                realm,
                key: of(&key)?,
            };
            let shown = session.run(async |client| client.describe_certificate(command).await)?;
            if pem {
                return out.line(shown.chain.trim_end());
            }
            out.show(&shown, |out| facts(out, &shown))
        }
        Cert::Change(change) => key::apply(&session, realm, change, &of),
    }
}

fn put(realm: RealmRef, file: &Path, subject_key: Option<&str>) -> Result<PutCertificate, Failure> {
    let text = std::fs::read(file).map_err(|error| Failure::file(file, &error))?;
    let mut chain = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|_| {
            Failure::local(
                format!("{}: it is no certificate in PEM", file.display()),
                "Name a file with the certificate and its chain.",
            )
        })?;
        chain.extend_from_slice(&certificate);
    }
    Ok(PutCertificate {
        realm,
        renews: None,
        name: None,
        chain,
        subject_key: subject_key.map(key_ref).transpose()?,
        tags: Default::default(),
        owner: None,
    })
}

fn kept(session: &Session, command: PutCertificate) -> Result<(), Failure> {
    let made = session.run(async |client| client.put_certificate(command).await)?;
    session.out.show(&made, |out| {
        out.say(&format!(
            "certificate {} kept, version {}, id {}",
            view::called(&made),
            made.current_version,
            made.id
        ))
    })
}

fn row(key: &keyward_client::Key) -> Vec<String> {
    let until = key
        .versions
        .last()
        .and_then(|version| version.protect_until.as_deref())
        .map(day);
    vec![
        key.name.clone().unwrap_or_else(|| key.id.clone()),
        key.state.clone(),
        key.current_version.to_string(),
        until.unwrap_or_default(),
    ]
}

fn facts(out: Out, certificate: &Certificate) -> Result<(), Failure> {
    let object = &certificate.object;
    out.facts(&[
        ("name", object.name.clone().unwrap_or_default()),
        ("id", object.id.clone()),
        ("state", object.state.clone()),
        ("version", object.current_version.to_string()),
        ("subject", certificate.subject.clone()),
        ("issuer", certificate.issuer.clone()),
        ("serial", certificate.serial.clone()),
        ("names", certificate.alternative_names.join(", ")),
        ("good from", moment(&certificate.not_before)),
        ("good to", moment(&certificate.not_after)),
        ("fingerprint", certificate.fingerprint.clone()),
    ])
}
