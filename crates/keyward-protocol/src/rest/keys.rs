//! Commands about keys and with keys.
use keyward_core::Problem;
use keyward_core::algorithm::{KeySpec, Protection, Purpose};
use keyward_core::command::{
    ActivateKey, CancelDestruction, Command, ConfirmDestruction, CreateKey, DeactivateKey, Decrypt,
    DescribeKey, Encrypt, ExecuteDestruction, KeyRef, ListKeys, RealmRef, ReportCompromise,
    ResumeKey, RotateKey, ScheduleDestruction, SuspendKey,
};
use keyward_core::ids::ObjectId;
use keyward_core::name::Name;
use keyward_core::object::{Cryptoperiod, ExportClass, Sensitivity};
use keyward_core::secret::Secret;
use keyward_core::state::State;
use keyward_core::time::Millis;

use super::bodies::CRYPTOPERIOD;
use super::commands::{ID_EXPECTED, realm_of};
use super::fields::Fields;
use super::query::Query;
use super::route::Matched;
use super::table::Route;
use super::views::parse_principal_id;
use super::{data, material};

pub(super) const PERIOD_UNITS: &[(&str, Millis)] =
    &[("days", Millis::DAY), ("seconds", Millis::SECOND)];

/// Builds a command of the routes under `keys`.
pub(super) fn command(
    matched: &Matched<'_>,
    query: &mut Query<'_>,
    fields: &mut Fields<'_>,
) -> Result<Command, Problem> {
    let realm = realm_of(matched)?;
    match matched.route() {
        Route::CreateKey => return Ok(create(realm, fields)?.into()),
        Route::ListKeys => return Ok(list(realm, query)?.into()),
        Route::CreateImportKey | Route::ImportKey => {
            return super::objects::incoming(matched, fields);
        }
        _ => {}
    }
    if let Some(command) = material::keyless(matched.route(), &realm, fields)? {
        return Ok(command);
    }
    let key = key_of(matched)?;
    if let Some(command) = material::command(matched.route(), &realm, &key, query, fields)? {
        return Ok(command);
    }
    if let Some(command) = data::command(matched.route(), &realm, &key, fields)? {
        return Ok(command);
    }
    Ok(match matched.route() {
        Route::Encrypt => encrypt(realm, key, fields)?.into(),
        Route::Decrypt => decrypt(realm, key, fields)?.into(),
        Route::DescribeKey => DescribeKey { realm, key }.into(),
        Route::UpdateKey
        | Route::PutAlias
        | Route::RemoveAlias
        | Route::ReadDestruction
        | Route::ReadBlastRadius => super::attributes::command(matched, realm, key, fields)?,
        Route::ExportKey | Route::ReleaseKey | Route::CreateCertificateRequest => {
            super::objects::outgoing(matched.route(), realm, key, fields)?
        }
        Route::CancelDestruction => {
            let version = query.whole("version")?;
            CancelDestruction {
                realm,
                key,
                version,
            }
            .into()
        }
        route => change(route, realm, key, fields)?,
    })
}

/// Changes of state and what leads to destruction.
pub(super) fn change(
    route: Route,
    realm: RealmRef,
    key: KeyRef,
    fields: &mut Fields<'_>,
) -> Result<Command, Problem> {
    Ok(match route {
        Route::RotateKey => RotateKey { realm, key }.into(),
        Route::ActivateKey => {
            let version = fields.whole("version")?;
            ActivateKey {
                realm,
                key,
                version,
            }
            .into()
        }
        Route::SuspendKey => {
            let reason = fields.text("reason")?;
            SuspendKey { realm, key, reason }.into()
        }
        Route::ResumeKey => {
            let reason = fields.text("reason")?;
            ResumeKey { realm, key, reason }.into()
        }
        Route::DeactivateKey => {
            let version = fields.whole("version")?;
            let reason = fields.text("reason")?;
            DeactivateKey {
                realm,
                key,
                version,
                reason,
            }
            .into()
        }
        Route::ReportCompromise => {
            let reason = fields.text("reason")?;
            let reason = fields.needed("reason", reason)?;
            let version = fields.whole("version")?;
            let since = fields.time("since")?;
            ReportCompromise {
                realm,
                key,
                version,
                since,
                reason,
            }
            .into()
        }
        Route::ScheduleDestruction => {
            let after_days = fields.whole("after_days")?;
            let after_days = fields.needed("after_days", after_days)?;
            let reason = fields.text("reason")?;
            let reason = fields.needed("reason", reason)?;
            let version = fields.whole("version")?;
            ScheduleDestruction {
                realm,
                key,
                version,
                after_days,
                reason,
            }
            .into()
        }
        Route::ExecuteDestruction => ExecuteDestruction { realm, key }.into(),
        Route::ConfirmDestruction => ConfirmDestruction { realm, key }.into(),
        // `commands::build` sends only the routes above here; the tests walk all of them.
        _ => return Err(Problem::new(keyward_core::ErrorCode::Internal)),
    })
}

fn key_of(matched: &Matched<'_>) -> Result<KeyRef, Problem> {
    let text = matched.second()?;
    if let Ok(id) = ObjectId::parse(&text) {
        return Ok(KeyRef::Id(id));
    }
    Name::new(&text)
        .map(KeyRef::Name)
        .map_err(|error| Problem::invalid_field("key", error.to_string()))
}

fn encrypt(realm: RealmRef, key: KeyRef, fields: &mut Fields<'_>) -> Result<Encrypt, Problem> {
    let plaintext = fields.base64("plaintext")?.map(Secret::new);
    let plaintext = fields.needed("plaintext", plaintext)?;
    Ok(Encrypt {
        realm,
        key,
        context: fields.base64("context")?.unwrap_or_default(),
        plaintext,
    })
}

fn decrypt(realm: RealmRef, key: KeyRef, fields: &mut Fields<'_>) -> Result<Decrypt, Problem> {
    let ciphertext = fields.base64("ciphertext")?;
    let ciphertext = fields.needed("ciphertext", ciphertext)?;
    let accept_compromised = fields.flag("accept_compromised")?.unwrap_or(false);
    let context = fields.base64("context")?.unwrap_or_default();
    Ok(Decrypt {
        realm,
        key,
        accept_compromised,
        context,
        ciphertext,
    })
}

pub(super) fn create(realm: RealmRef, fields: &mut Fields<'_>) -> Result<CreateKey, Problem> {
    let spec = fields.parsed(
        "spec",
        KeySpec::parse,
        "it must be the name of a key specification, e.g. `aes-256`",
    )?;
    Ok(CreateKey {
        realm,
        name: fields.name("name")?,
        spec: fields.needed("spec", spec)?,
        purpose: fields.parsed(
            "purpose",
            Purpose::parse,
            "it must be the name of a purpose, e.g. `encrypt`",
        )?,
        protection: fields
            .parsed(
                "protection",
                Protection::parse,
                "it must be `software`, `hsm-bound` or `hsm-recoverable`",
            )?
            .unwrap_or(Protection::Software),
        export: fields
            .parsed(
                "export",
                ExportClass::parse,
                "it must be `never`, `wrapped` or `session`",
            )?
            .unwrap_or(ExportClass::Never),
        activate: fields.flag("activate")?.unwrap_or(true),
        cryptoperiod: cryptoperiod(fields)?,
        rotate_every: fields.duration("rotate_every", PERIOD_UNITS)?,
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
        exception: fields.flag("non_approved_exception")?,
    })
}

pub(super) fn cryptoperiod(fields: &mut Fields<'_>) -> Result<Option<Cryptoperiod>, Problem> {
    let Some(mut given) = fields.object("cryptoperiod", CRYPTOPERIOD)? else {
        return Ok(None);
    };
    Ok(Some(Cryptoperiod {
        originator: given.duration("originator", PERIOD_UNITS)?,
        recipient: given.duration("recipient", PERIOD_UNITS)?,
    }))
}

fn list(realm: RealmRef, query: &mut Query<'_>) -> Result<ListKeys, Problem> {
    Ok(ListKeys {
        realm,
        after: query.parsed("after", |text| ObjectId::parse(text).ok(), ID_EXPECTED)?,
        limit: query.limit()?,
        state: query.parsed(
            "state",
            State::parse,
            "it must be the name of a state, e.g. `active`",
        )?,
        name_prefix: query.text("name_prefix").map(std::borrow::Cow::into_owned),
        filter: super::attributes::filter(query)?,
    })
}
