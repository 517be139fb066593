//! Commands that make key material or keys from keys, and those that need no key: what they take and how it is read.
use keyward_core::Problem;
use keyward_core::algorithm::{HashAlgorithm, KeySpec};
use keyward_core::command::{
    AgreeKey, Command, Decapsulate, DeriveKey, Encapsulate, ExportPublicKey, GenerateDataKey,
    GenerateDataKeyPair, GenerateDataKeyWithoutPlaintext, Hash, KeyRef, Random, ReEncrypt,
    RealmRef, Unwrap, VerifyExternal, Wrap,
};
use keyward_core::ids::ObjectId;
use keyward_core::name::Name;
use keyward_core::secret::Secret;

use super::bodies::{CREATE_KEY, VERSIONS};
use super::data::{ACCEPT_COMPROMISED, MADE_BY, MESSAGE, SCHEME, accepted, bytes, scheme};
use super::fields::Fields;
use super::keys::create;
use super::query::Query;
use super::spec::{Field, Kind, optional, required};
use super::table::Route;

const NEW_KEY: Field = required(
    "new_key",
    Kind::Object(CREATE_KEY),
    "The key that comes of it, as for making a key; an object of its own, in the same realm.",
);
const CONTEXT: Field = optional("context", Kind::Base64, "As given to encrypt.");
const BOUND: Field = optional(
    "context",
    Kind::Base64,
    "Bound in as additional authenticated data, at most 8 KiB; needed again to decrypt.",
);
const ANY_VERSION: Field = optional("version", VERSIONS, "The current version if not given.");

pub(super) const RE_ENCRYPT: &[Field] = &[
    required("ciphertext", Kind::Base64, "What encrypt gave."),
    CONTEXT,
    optional(
        "new_context",
        Kind::Base64,
        "What to bind in from now on; the same as before if not given.",
    ),
    optional(
        "to",
        Kind::Text,
        "Name or id of the key to encrypt under; the same key if not given.",
    ),
    ACCEPT_COMPROMISED,
];
pub(super) const DATA_KEY: &[Field] = &[
    optional(
        "spec",
        Kind::Choice("KeySpec"),
        "Its kind, symmetric; `aes-256` if not given.",
    ),
    BOUND,
];
pub(super) const DATA_KEY_PAIR: &[Field] = &[required(
    "spec",
    Kind::Choice("KeySpec"),
    "Its kind, a pair.",
)];
pub(super) const WRAP: &[Field] = &[required(
    "material",
    Kind::Base64,
    "What to wrap, 1 byte to 16 KiB.",
)];
pub(super) const UNWRAP: &[Field] = &[
    required("wrapped", Kind::Base64, "What wrap gave (RFC 5649)."),
    MADE_BY,
    ACCEPT_COMPROMISED,
];
pub(super) const DERIVE: &[Field] = &[
    required(
        "info",
        Kind::Base64,
        "What separates this key from all others derived from the same one; not secret, at most 8 KiB.",
    ),
    NEW_KEY,
];
pub(super) const AGREE: &[Field] = &[
    required(
        "peer",
        Kind::Base64,
        "The other side's public key: SubjectPublicKeyInfo, DER, on the same curve.",
    ),
    required(
        "info",
        Kind::Base64,
        "Fixed info on which both sides agree (SP 800-56C); not secret, at most 8 KiB.",
    ),
    NEW_KEY,
];
pub(super) const ENCAPSULATE: &[Field] = &[NEW_KEY];
pub(super) const DECAPSULATE: &[Field] = &[
    required("ciphertext", Kind::Base64, "What the other side sent."),
    ANY_VERSION,
    ACCEPT_COMPROMISED,
    NEW_KEY,
];
pub(super) const RANDOM: &[Field] = &[required(
    "length",
    Kind::Whole(1, 65_536),
    "How many bytes.",
)];
pub(super) const HASH: &[Field] = &[
    optional(
        "algorithm",
        Kind::Choice("HashAlgorithm"),
        "Which; `sha-256` if not given.",
    ),
    required("message", Kind::Base64, "The message, at most 4 MiB."),
];
pub(super) const VERIFY_EXTERNAL: &[Field] = &[
    required(
        "spec",
        Kind::Choice("KeySpec"),
        "The kind of the public key.",
    ),
    required(
        "public_key",
        Kind::Base64,
        "The other party's public key: SubjectPublicKeyInfo, DER.",
    ),
    SCHEME,
    MESSAGE,
    required("signature", Kind::Base64, "The signature (ECDSA: DER)."),
];
pub(super) const PUBLIC_KEY: &[Field] = &[ANY_VERSION];

/// Builds the command of one of these routes; none for any other.
pub(super) fn command(
    route: Route,
    realm: &RealmRef,
    key: &KeyRef,
    query: &mut Query<'_>,
    fields: &mut Fields<'_>,
) -> Result<Option<Command>, Problem> {
    let (realm, key) = (realm.clone(), key.clone());
    Ok(Some(match route {
        Route::ReEncrypt => ReEncrypt {
            realm,
            key,
            accept_compromised: accepted(fields)?,
            to: fields.parsed("to", key_ref, "it must be the name or id of a key")?,
            context: context(fields)?,
            new_context: fields.base64("new_context")?,
            ciphertext: bytes(fields, "ciphertext")?,
        }
        .into(),
        Route::GenerateDataKey => GenerateDataKey {
            realm,
            key,
            spec: spec(fields)?.unwrap_or(KeySpec::Aes256),
            context: context(fields)?,
        }
        .into(),
        Route::GenerateDataKeyWithoutPlaintext => GenerateDataKeyWithoutPlaintext {
            realm,
            key,
            spec: spec(fields)?.unwrap_or(KeySpec::Aes256),
            context: context(fields)?,
        }
        .into(),
        Route::GenerateDataKeyPair => {
            let spec = spec(fields)?;
            GenerateDataKeyPair {
                realm,
                key,
                spec: fields.needed("spec", spec)?,
            }
            .into()
        }
        Route::Wrap => Wrap {
            realm,
            key,
            material: bytes(fields, "material").map(Secret::new)?,
        }
        .into(),
        Route::Unwrap => Unwrap {
            realm,
            key,
            version: fields.whole("version")?,
            accept_compromised: accepted(fields)?,
            wrapped: bytes(fields, "wrapped")?,
        }
        .into(),
        Route::ExportPublicKey => ExportPublicKey {
            realm,
            key,
            version: query.whole("version")?,
        }
        .into(),
        _ => return new_key(route, realm, key, fields),
    }))
}

fn new_key(
    route: Route,
    realm: RealmRef,
    key: KeyRef,
    fields: &mut Fields<'_>,
) -> Result<Option<Command>, Problem> {
    let made = |fields: &mut Fields<'_>, realm: &RealmRef| {
        let given = fields.object("new_key", CREATE_KEY)?;
        create(realm.clone(), &mut fields.needed("new_key", given)?)
    };
    Ok(Some(match route {
        Route::DeriveKey => DeriveKey {
            info: bytes(fields, "info")?,
            new: made(fields, &realm)?,
            realm,
            key,
        }
        .into(),
        Route::AgreeKey => AgreeKey {
            peer: bytes(fields, "peer")?,
            info: bytes(fields, "info")?,
            new: made(fields, &realm)?,
            realm,
            key,
        }
        .into(),
        Route::Encapsulate => Encapsulate {
            new: made(fields, &realm)?,
            realm,
            key,
        }
        .into(),
        Route::Decapsulate => Decapsulate {
            version: fields.whole("version")?,
            accept_compromised: accepted(fields)?,
            ciphertext: bytes(fields, "ciphertext")?,
            new: made(fields, &realm)?,
            realm,
            key,
        }
        .into(),
        _ => return Ok(None),
    }))
}

/// Builds the command of a route that needs no key; none for any other.
pub(super) fn keyless(
    route: Route,
    realm: &RealmRef,
    fields: &mut Fields<'_>,
) -> Result<Option<Command>, Problem> {
    let realm = realm.clone();
    Ok(Some(match route {
        Route::VerifyExternal => {
            let spec = spec(fields)?;
            VerifyExternal {
                realm,
                spec: fields.needed("spec", spec)?,
                scheme: scheme(fields)?,
                public: bytes(fields, "public_key")?,
                message: bytes(fields, "message").map(Secret::new)?,
                signature: bytes(fields, "signature")?,
            }
            .into()
        }
        Route::Random => {
            let length = fields.whole("length")?;
            Random {
                realm,
                length: fields.needed("length", length)?,
            }
            .into()
        }
        Route::Hash => Hash {
            realm,
            algorithm: fields
                .parsed(
                    "algorithm",
                    HashAlgorithm::parse,
                    "it must be the name of a hash, e.g. `sha-256`",
                )?
                .unwrap_or(HashAlgorithm::Sha256),
            message: bytes(fields, "message").map(Secret::new)?,
        }
        .into(),
        _ => return Ok(None),
    }))
}

fn spec(fields: &mut Fields<'_>) -> Result<Option<KeySpec>, Problem> {
    fields.parsed(
        "spec",
        KeySpec::parse,
        "it must be the name of a key specification, e.g. `aes-256`",
    )
}

fn key_ref(text: &str) -> Option<KeyRef> {
    if let Ok(id) = ObjectId::parse(text) {
        return Some(KeyRef::Id(id));
    }
    Name::new(text).ok().map(KeyRef::Name)
}

fn context(fields: &mut Fields<'_>) -> Result<Vec<u8>, Problem> {
    Ok(fields.base64("context")?.unwrap_or_default())
}
