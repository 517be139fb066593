//! Commands about objects that are no keys, and about material on its way in and out.
use keyward_core::command::{
    Alphabet, CancelDestruction, Command, CreateCertificateRequest, CreateImportKey, CreateSecret,
    DescribeKey, ExportKey, ImportKey, KeyRef, ListObjects, PutCertificate, PutSecretVersion,
    ReadSecret, RealmRef, Recipient, ReleaseKey, Transfer, TransferScheme, Value,
};
use keyward_core::ids::ObjectId;
use keyward_core::name::Name;
use keyward_core::object::{ObjectKind, Sensitivity};
use keyward_core::secret::Secret;
use keyward_core::state::State;
use keyward_core::{ErrorCode, Problem};

use super::bodies::{GENERATE, RECIPIENT, TRANSFER};
use super::commands::{ID_EXPECTED, realm_of};
use super::fields::Fields;
use super::query::Query;
use super::route::Matched;
use super::table::{Of, Route};
use super::views::parse_principal_id;
use super::{attributes, keys, pem};

const SCHEME_EXPECTED: &str = "it must be `ecdh-p384-kwp`, `ml-kem-768-kwp` or `ml-kem-1024-kwp`; \
    RSA-AES-KEY-WRAP rests on RSA-OAEP, which the module does not approve";

/// Builds a command about an object of a kind.
pub(super) fn command(
    matched: &Matched<'_>,
    kind: ObjectKind,
    of: Of,
    query: &mut Query<'_>,
    fields: &mut Fields<'_>,
) -> Result<Command, Problem> {
    let realm = realm_of(matched)?;
    match of {
        Of::Create if kind == ObjectKind::Certificate => {
            return certificate(realm, None, fields).map(Into::into);
        }
        Of::Create => return create(realm, kind, fields).map(Into::into),
        Of::List => return list(realm, kind, query).map(Into::into),
        _ => {}
    }
    let key = object_ref(kind, &matched.second()?)?;
    Ok(match of {
        Of::Version if kind == ObjectKind::Certificate => {
            certificate(realm, Some(key), fields)?.into()
        }
        Of::Version => PutSecretVersion {
            realm,
            key,
            value: value(fields)?,
        }
        .into(),
        Of::Read => ReadSecret {
            realm,
            key,
            version: query.whole("version")?,
        }
        .into(),
        Of::Update => attributes::update(realm, key, fields)?.into(),
        Of::CancelDestruction => CancelDestruction {
            realm,
            key,
            version: query.whole("version")?,
        }
        .into(),
        Of::Suspend => keys::change(Route::SuspendKey, realm, key, fields)?,
        Of::Resume => keys::change(Route::ResumeKey, realm, key, fields)?,
        Of::Deactivate => keys::change(Route::DeactivateKey, realm, key, fields)?,
        Of::Compromise => keys::change(Route::ReportCompromise, realm, key, fields)?,
        Of::ScheduleDestruction => keys::change(Route::ScheduleDestruction, realm, key, fields)?,
        Of::ExecuteDestruction => keys::change(Route::ExecuteDestruction, realm, key, fields)?,
        Of::ConfirmDestruction => keys::change(Route::ConfirmDestruction, realm, key, fields)?,
        Of::Describe | Of::Create | Of::List => DescribeKey { realm, key }.into(),
    })
}

/// An object of a kind by id or name.
fn object_ref(kind: ObjectKind, text: &str) -> Result<KeyRef, Problem> {
    if let Ok(id) = ObjectId::parse(text) {
        return Ok(KeyRef::Object(kind, id));
    }
    Name::new(text)
        .map(|name| KeyRef::Named(kind, name))
        .map_err(|error| Problem::invalid_field("object", error.to_string()))
}

fn create(
    realm: RealmRef,
    kind: ObjectKind,
    fields: &mut Fields<'_>,
) -> Result<CreateSecret, Problem> {
    Ok(CreateSecret {
        realm,
        kind,
        name: fields.name("name")?,
        value: value(fields)?,
        sensitivity: fields
            .parsed(
                "sensitivity",
                Sensitivity::parse,
                "it must be `low`, `moderate` or `high`",
            )?
            .unwrap_or(Sensitivity::Moderate),
        applications: fields.list(
            "applications",
            |text| Some(text.to_owned()),
            "it must be a string",
        )?,
        tags: fields.map("tags")?,
        owner: fields.parsed("owner", parse_principal_id, ID_EXPECTED)?,
    })
}

/// The one way in which a value is given.
fn value(fields: &mut Fields<'_>) -> Result<Value, Problem> {
    let given = fields.base64("value")?.map(Secret::new);
    let generate = fields.object("generate", GENERATE)?;
    let transfer = fields.object("transfer", TRANSFER)?;
    match (given, generate, transfer) {
        (Some(value), None, None) => Ok(Value::Given(value)),
        (None, Some(mut generate), None) => {
            let alphabet = generate.parsed(
                "alphabet",
                Alphabet::parse,
                "it must be `alphanumeric`, `printable`, `hexadecimal`, `digits` or `bytes`",
            )?;
            let length = generate.whole("length")?;
            let length = generate.needed("length", length)?;
            Ok(Value::Generated(
                alphabet.unwrap_or(Alphabet::Alphanumeric),
                length,
            ))
        }
        (None, None, Some(transfer)) => Ok(Value::Wrapped(transfer_of(transfer)?)),
        (None, None, None) => Err(Problem::missing_field("value")),
        (Some(_), Some(_), _) => Err(Problem::conflicting_fields("value", "generate")),
        (Some(_), _, Some(_)) => Err(Problem::conflicting_fields("value", "transfer")),
        (None, Some(_), Some(_)) => Err(Problem::conflicting_fields("generate", "transfer")),
    }
}

fn transfer_of(mut fields: Fields<'_>) -> Result<Transfer, Problem> {
    let import_key = fields.parsed(
        "import_key",
        |text| ObjectId::parse(text).ok().map(|id| id.0),
        ID_EXPECTED,
    )?;
    let import_key = fields.needed("import_key", import_key)?;
    let encapsulated = fields.base64("encapsulated")?;
    let encapsulated = fields.needed("encapsulated", encapsulated)?;
    let wrapped = fields.base64("wrapped")?;
    let wrapped = fields.needed("wrapped", wrapped)?;
    Ok(Transfer {
        import_key,
        encapsulated,
        wrapped,
    })
}

fn list(realm: RealmRef, kind: ObjectKind, query: &mut Query<'_>) -> Result<ListObjects, Problem> {
    Ok(ListObjects {
        realm,
        kind,
        after: query.parsed("after", |text| ObjectId::parse(text).ok(), ID_EXPECTED)?,
        limit: query.limit()?,
        state: query.parsed(
            "state",
            State::parse,
            "it must be the name of a state, e.g. `active`",
        )?,
        name_prefix: query.text("name_prefix").map(std::borrow::Cow::into_owned),
        filter: attributes::filter(query)?,
    })
}

fn certificate(
    realm: RealmRef,
    renews: Option<KeyRef>,
    fields: &mut Fields<'_>,
) -> Result<PutCertificate, Problem> {
    let text = fields.text("chain")?;
    let text = fields.needed("chain", text)?;
    let subject_key = fields.parsed(
        "subject_key",
        |text| {
            ObjectId::parse(text)
                .map(KeyRef::Id)
                .or_else(|_| Name::new(text).map(KeyRef::Name))
                .ok()
        },
        "it must be the id or name of a key",
    )?;
    Ok(PutCertificate {
        realm,
        renews,
        name: fields.name("name")?,
        chain: pem::chain(&text)?,
        subject_key,
        tags: fields.map("tags")?,
        owner: fields.parsed("owner", parse_principal_id, ID_EXPECTED)?,
    })
}

/// Builds a command about material on its way in: not about a key that is there.
pub(super) fn incoming(matched: &Matched<'_>, fields: &mut Fields<'_>) -> Result<Command, Problem> {
    let realm = realm_of(matched)?;
    if matched.route() == Route::CreateImportKey {
        let scheme = fields.parsed("scheme", TransferScheme::parse, SCHEME_EXPECTED)?;
        let scheme = fields.needed("scheme", scheme)?;
        return Ok(CreateImportKey { realm, scheme }.into());
    }
    let transfer = fields.object("transfer", TRANSFER)?;
    let transfer = transfer_of(fields.needed("transfer", transfer)?)?;
    Ok(ImportKey {
        create: keys::create(realm, fields)?,
        transfer,
    }
    .into())
}

/// Builds a command about a key's material on its way out, or a request for a certificate of it.
pub(super) fn outgoing(
    route: Route,
    realm: RealmRef,
    key: KeyRef,
    fields: &mut Fields<'_>,
) -> Result<Command, Problem> {
    Ok(match route {
        Route::ExportKey => {
            let version = fields.whole("version")?;
            let recipient = fields.object("recipient", RECIPIENT)?;
            let recipient = fields.needed("recipient", recipient)?;
            ExportKey {
                realm,
                key,
                version,
                recipient: recipient_of(recipient)?,
            }
            .into()
        }
        Route::ReleaseKey => ReleaseKey {
            realm,
            key,
            version: fields.whole("version")?,
        }
        .into(),
        Route::CreateCertificateRequest => CreateCertificateRequest {
            realm,
            key,
            subject: fields.text("subject")?.unwrap_or_default(),
            alternative_names: fields.list(
                "alternative_names",
                |text| Some(text.to_owned()),
                "it must be a string",
            )?,
        }
        .into(),
        _ => return Err(Problem::new(ErrorCode::Internal)),
    })
}

fn recipient_of(mut fields: Fields<'_>) -> Result<Recipient, Problem> {
    let wrapping_key = fields.parsed(
        "wrapping_key",
        |text| {
            ObjectId::parse(text)
                .map(KeyRef::Id)
                .or_else(|_| Name::new(text).map(KeyRef::Name))
                .ok()
        },
        "it must be the id or name of a key",
    )?;
    let scheme = fields.parsed("scheme", TransferScheme::parse, SCHEME_EXPECTED)?;
    let public = fields.base64("public_key")?;
    match (wrapping_key, scheme, public) {
        (Some(key), None, None) => Ok(Recipient::Key(key)),
        (Some(_), Some(_), _) => Err(Problem::conflicting_fields(
            fields.path("wrapping_key"),
            fields.path("scheme"),
        )),
        (Some(_), _, Some(_)) => Err(Problem::conflicting_fields(
            fields.path("wrapping_key"),
            fields.path("public_key"),
        )),
        (None, Some(scheme), Some(public)) => Ok(Recipient::Public(scheme, public)),
        (None, Some(_), None) => Err(Problem::missing_field(fields.path("public_key"))),
        (None, None, Some(_)) => Err(Problem::missing_field(fields.path("scheme"))),
        (None, None, None) => Err(Problem::missing_field(fields.path("wrapping_key"))),
    }
}
