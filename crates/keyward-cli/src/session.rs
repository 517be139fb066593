//! From flags and context to a client and the realm that is meant.
use std::path::Path;

use keyward_client::{Blocking, Client, ClientError, Credential, Settings};
use keyward_core::command::{KeyRef, ListPrincipals, RealmRef};
use keyward_core::ids::{ObjectId, PrincipalId, RealmId};
use keyward_core::name::Name;
use keyward_core::object::ObjectKind;
use keyward_tls::{Anchors, Identity, ReloadableIdentity};

use crate::args::Global;
use crate::config::{ConfigFile, Context};
use crate::exit::Failure;
use crate::files;
use crate::out::Out;

/// What every command that talks to a server has.
pub struct Session {
    pub out: Out,
    pub context: Context,
    blocking: Blocking,
}

impl Session {
    /// With the credential of the context.
    pub fn open(global: &Global, out: Out) -> Result<Self, Failure> {
        let context = effective(global)?;
        let credential = credential(&context)?;
        Self::with(context, credential, out)
    }

    /// Without any: for health and unsealing.
    pub fn open_without_credential(global: &Global, out: Out) -> Result<Self, Failure> {
        Self::with(effective(global)?, Credential::None, out)
    }

    fn with(context: Context, credential: Credential, out: Out) -> Result<Self, Failure> {
        let server = context.server.as_deref().ok_or_else(|| {
            Failure::usage(
                "no server is named",
                "Give --server https://HOST:PORT, or make a context: `keyward context set NAME --server …`.",
            )
        })?;
        let ca = context.ca.as_deref().ok_or_else(|| {
            Failure::usage(
                "no authority is named for the server's certificate",
                "Give --ca FILE (for a new installation: DATA_DIR/tls/ca.crt).",
            )
        })?;
        let anchors = Anchors::from_pem_file(ca).map_err(ClientError::from)?;
        let blocking = Blocking::new(Settings::new(server, anchors, credential)?)?;
        Ok(Self {
            out,
            context,
            blocking,
        })
    }

    /// Waits for a call.
    pub fn run<T>(
        &self,
        call: impl AsyncFnOnce(&Client) -> Result<T, ClientError>,
    ) -> Result<T, Failure> {
        Ok(self.blocking.run(call)?)
    }

    /// The realm that is meant: the flag's, or the context's.
    pub fn realm(&self) -> Result<RealmRef, Failure> {
        let text = self.context.realm.as_deref().ok_or_else(|| {
            Failure::usage(
                "no realm is named",
                "Give --realm NAME, or keep one in the context: `keyward context set NAME --realm …`.",
            )
        })?;
        realm_ref(text)
    }

    /// A principal by id, or by name in the realm.
    pub fn principal(&self, text: &str) -> Result<PrincipalId, Failure> {
        if let Ok(id) = PrincipalId::parse(text) {
            return Ok(id);
        }
        let realm = self.realm()?;
        let mut after = None;
        loop {
            let list = ListPrincipals {
                realm: realm.clone(),
                after,
                limit: 1000,
            };
            let page = self.run(async |client| client.list_principals(list).await)?;
            if let Some(found) = page.items.iter().find(|principal| principal.name == text) {
                return PrincipalId::parse(&found.id)
                    .map_err(|_| unexpected("a principal without a usable id"));
            }
            match page.next {
                Some(next) => {
                    after = Some(
                        PrincipalId::parse(&next)
                            .map_err(|_| unexpected("a page without a usable end"))?,
                    );
                }
                None => {
                    return Err(Failure::usage(
                        format!("there is no workload `{text}` in this realm"),
                        "`keyward workload list` shows those there are.",
                    ));
                }
            }
        }
    }
}

fn unexpected(what: &str) -> Failure {
    Failure::from(ClientError::Answer {
        reason: what.to_owned(),
    })
}

/// A realm by id, by name, or `system`.
pub fn realm_ref(text: &str) -> Result<RealmRef, Failure> {
    if text == "system" {
        return Ok(RealmRef::SYSTEM);
    }
    match RealmId::parse(text) {
        Ok(id) => Ok(RealmRef::Id(id)),
        Err(_) => Ok(RealmRef::Name(name(text)?)),
    }
}

/// A key by id or by name.
pub fn key_ref(text: &str) -> Result<KeyRef, Failure> {
    match ObjectId::parse(text) {
        Ok(id) => Ok(KeyRef::Id(id)),
        Err(_) => Ok(KeyRef::Name(name(text)?)),
    }
}

/// An object of another kind by id or by name.
pub fn object_ref(kind: ObjectKind, text: &str) -> Result<KeyRef, Failure> {
    match ObjectId::parse(text) {
        Ok(id) => Ok(KeyRef::Object(kind, id)),
        Err(_) => Ok(KeyRef::Named(kind, name(text)?)),
    }
}

/// A name.
pub fn name(text: &str) -> Result<Name, Failure> {
    Name::new(text).map_err(|error| {
        Failure::usage(
            format!("`{text}` is not a name: {error}"),
            "Choose another name.",
        )
    })
}

/// The context with the flags laid over it. A credential given as a flag replaces the context's, of whichever kind.
pub fn effective(global: &Global) -> Result<Context, Failure> {
    let file = ConfigFile::read(global.config.as_deref())?;
    let mut context = file.context(global.context.as_deref())?;
    let Global {
        server,
        ca,
        token_file,
        certificate,
        private_key,
        realm,
        ..
    } = global;
    if token_file.is_some() || certificate.is_some() {
        context.token_file.clone_from(token_file);
        context.certificate.clone_from(certificate);
        context.private_key.clone_from(private_key);
    }
    context.server = server.clone().or(context.server);
    context.ca = ca.clone().or(context.ca);
    context.realm = realm.clone().or(context.realm);
    Ok(context)
}

/// What proves who you are.
pub fn credential(context: &Context) -> Result<Credential, Failure> {
    match (
        &context.token_file,
        &context.certificate,
        &context.private_key,
    ) {
        (Some(path), None, None) => Ok(Credential::Token(files::read_secret(path)?)),
        (None, Some(certificate), Some(key)) => certified(certificate, key),
        (None, None, None) => Err(Failure::usage(
            "nothing says who you are",
            "Give --token-file FILE, or --certificate FILE with --private-key FILE, or keep them in the context.",
        )),
        _ => Err(Failure::usage(
            "there must be a token, or a certificate with its private key, and not both",
            "Correct the flags or the context.",
        )),
    }
}

fn certified(certificate: &Path, key: &Path) -> Result<Credential, Failure> {
    let identity = Identity::from_pem_files(certificate, key).map_err(ClientError::from)?;
    Ok(Credential::Certificate(ReloadableIdentity::new(identity)))
}
