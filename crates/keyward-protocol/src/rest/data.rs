//! Commands that sign, verify and authenticate, and batches: what they take and how it is read.
use keyward_core::Problem;
use keyward_core::algorithm::SignatureScheme;
use keyward_core::command::{
    Command, DecryptBatch, DecryptItem, EncryptBatch, EncryptItem, KeyRef, Mac, MacBatch, RealmRef,
    Sign, SignBatch, Verify, VerifyBatch, VerifyItem, VerifyMac,
};
use keyward_core::limits::BATCH_ITEMS_MAX;
use keyward_core::secret::Secret;

use super::bodies::VERSIONS;
use super::fields::Fields;
use super::spec::{Field, Kind, optional, required};
use super::table::Route;

pub(super) const MESSAGE: Field = required(
    "message",
    Kind::Base64,
    "The message itself, never a digest of it; at most 4 MiB.",
);
pub(super) const SCHEME: Field = optional(
    "scheme",
    Kind::Choice("SignatureScheme"),
    "How; the first that the key's kind has if not given.",
);
pub(super) const MADE_BY: Field = optional(
    "version",
    VERSIONS,
    "The version that made it; if not given, the newest eight are tried.",
);
pub(super) const ACCEPT_COMPROMISED: Field = optional(
    "accept_compromised",
    Kind::Bool,
    "Knowingly process with a compromised key (SP 800-57 Part 1 §7.5).",
);
const SIGNATURE: Field = required(
    "signature",
    Kind::Base64,
    "What sign gave (ECDSA: DER, as in X9.62).",
);

pub(super) const SIGN: &[Field] = &[MESSAGE, SCHEME];
pub(super) const VERIFY: &[Field] = &[MESSAGE, SIGNATURE, MADE_BY, SCHEME, ACCEPT_COMPROMISED];
pub(super) const MAC: &[Field] = &[MESSAGE];
pub(super) const VERIFY_MAC: &[Field] = &[
    MESSAGE,
    required("mac", Kind::Base64, "What mac gave, whole."),
    MADE_BY,
    ACCEPT_COMPROMISED,
];
const MESSAGE_ITEM: &[Field] = &[required("message", Kind::Base64, "The message itself.")];
const ENCRYPT_ITEM: &[Field] = &[
    required("plaintext", Kind::Base64, "What to encrypt."),
    optional(
        "context",
        Kind::Base64,
        "Bound in as additional authenticated data, at most 8 KiB; needed again to decrypt.",
    ),
];
const DECRYPT_ITEM: &[Field] = &[
    required("ciphertext", Kind::Base64, "What encrypt gave."),
    optional("context", Kind::Base64, "As given to encrypt."),
];
const VERIFY_ITEM: &[Field] = &[
    required("message", Kind::Base64, "The message itself."),
    SIGNATURE,
    MADE_BY,
];
const ITEMS: &str = "1 to 256 items, 4 MiB together; the answer has one for each, in this order.";
pub(super) const ENCRYPT_BATCH: &[Field] = &[required("items", Kind::Objects(ENCRYPT_ITEM), ITEMS)];
pub(super) const DECRYPT_BATCH: &[Field] = &[
    required("items", Kind::Objects(DECRYPT_ITEM), ITEMS),
    ACCEPT_COMPROMISED,
];
pub(super) const SIGN_BATCH: &[Field] = &[
    required("items", Kind::Objects(MESSAGE_ITEM), ITEMS),
    SCHEME,
];
pub(super) const VERIFY_BATCH: &[Field] = &[
    required("items", Kind::Objects(VERIFY_ITEM), ITEMS),
    SCHEME,
    ACCEPT_COMPROMISED,
];
pub(super) const MAC_BATCH: &[Field] = &[required("items", Kind::Objects(MESSAGE_ITEM), ITEMS)];

/// Builds the command of one of these routes; none for any other.
pub(super) fn command(
    route: Route,
    realm: &RealmRef,
    key: &KeyRef,
    fields: &mut Fields<'_>,
) -> Result<Option<Command>, Problem> {
    let (realm, key) = (realm.clone(), key.clone());
    Ok(Some(match route {
        Route::Sign => Sign {
            realm,
            key,
            scheme: scheme(fields)?,
            message: message(fields)?,
        }
        .into(),
        Route::Verify => Verify {
            realm,
            key,
            version: fields.whole("version")?,
            scheme: scheme(fields)?,
            accept_compromised: accepted(fields)?,
            message: message(fields)?,
            signature: bytes(fields, "signature")?,
        }
        .into(),
        Route::Mac => Mac {
            realm,
            key,
            message: message(fields)?,
        }
        .into(),
        Route::VerifyMac => VerifyMac {
            realm,
            key,
            version: fields.whole("version")?,
            accept_compromised: accepted(fields)?,
            message: message(fields)?,
            mac: bytes(fields, "mac")?,
        }
        .into(),
        _ => return batch(route, realm, key, fields),
    }))
}

fn batch(
    route: Route,
    realm: RealmRef,
    key: KeyRef,
    fields: &mut Fields<'_>,
) -> Result<Option<Command>, Problem> {
    Ok(Some(match route {
        Route::EncryptBatch => EncryptBatch {
            realm,
            key,
            items: items(fields, ENCRYPT_ITEM, |item| {
                Ok(EncryptItem {
                    context: item.base64("context")?.unwrap_or_default(),
                    plaintext: Secret::new(bytes(item, "plaintext")?),
                })
            })?,
        }
        .into(),
        Route::DecryptBatch => DecryptBatch {
            realm,
            key,
            accept_compromised: accepted(fields)?,
            items: items(fields, DECRYPT_ITEM, |item| {
                Ok(DecryptItem {
                    context: item.base64("context")?.unwrap_or_default(),
                    ciphertext: bytes(item, "ciphertext")?,
                })
            })?,
        }
        .into(),
        Route::SignBatch => SignBatch {
            realm,
            key,
            scheme: scheme(fields)?,
            items: items(fields, MESSAGE_ITEM, message)?,
        }
        .into(),
        Route::VerifyBatch => VerifyBatch {
            realm,
            key,
            scheme: scheme(fields)?,
            accept_compromised: accepted(fields)?,
            items: items(fields, VERIFY_ITEM, |item| {
                Ok(VerifyItem {
                    version: item.whole("version")?,
                    message: message(item)?,
                    signature: bytes(item, "signature")?,
                })
            })?,
        }
        .into(),
        Route::MacBatch => MacBatch {
            realm,
            key,
            items: items(fields, MESSAGE_ITEM, message)?,
        }
        .into(),
        _ => return Ok(None),
    }))
}

fn items<T>(
    fields: &mut Fields<'_>,
    spec: &'static [Field],
    read: impl Fn(&mut Fields<'_>) -> Result<T, Problem>,
) -> Result<Vec<T>, Problem> {
    let given = fields.objects("items", spec, BATCH_ITEMS_MAX)?;
    let given = fields.needed("items", given)?;
    given.into_iter().map(|mut item| read(&mut item)).collect()
}

pub(super) fn scheme(fields: &mut Fields<'_>) -> Result<Option<SignatureScheme>, Problem> {
    fields.parsed(
        "scheme",
        SignatureScheme::parse,
        "it must be the name of a signature scheme, e.g. `rsa-pss-sha-256`",
    )
}

pub(super) fn accepted(fields: &mut Fields<'_>) -> Result<bool, Problem> {
    Ok(fields.flag("accept_compromised")?.unwrap_or(false))
}

pub(super) fn bytes(fields: &mut Fields<'_>, name: &str) -> Result<Vec<u8>, Problem> {
    let given = fields.base64(name)?;
    fields.needed(name, given)
}

fn message(fields: &mut Fields<'_>) -> Result<Secret, Problem> {
    bytes(fields, "message").map(Secret::new)
}
