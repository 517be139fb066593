//! Commands about the attributes of a key, and the filters of a listing.
use keyward_core::Problem;
use keyward_core::algorithm::{KeySpec, Purpose};
use keyward_core::command::{
    Command, Edit, KeyFilter, KeyRef, PutAlias, ReadBlastRadius, ReadDestruction, RealmRef,
    RemoveAlias, UpdateKey,
};
use keyward_core::name::Name;
use keyward_core::object::{ExportClass, Sensitivity};

use super::commands::ID_EXPECTED;
use super::fields::Fields;
use super::keys::{PERIOD_UNITS, cryptoperiod};
use super::query::Query;
use super::route::Matched;
use super::table::Route;
use super::time::parse_time;
use super::views::parse_principal_id;

const TIME_EXPECTED: &str = "it must be a time as in RFC 3339, e.g. 2027-03-01T12:00:00.000Z";

/// Builds a command.
pub(super) fn command(
    matched: &Matched<'_>,
    realm: RealmRef,
    key: KeyRef,
    fields: &mut Fields<'_>,
) -> Result<Command, Problem> {
    Ok(match matched.route() {
        Route::UpdateKey => update(realm, key, fields)?.into(),
        Route::PutAlias => PutAlias {
            realm,
            key,
            alias: alias_of(matched)?,
            take: fields.flag("take")?.unwrap_or(false),
        }
        .into(),
        Route::RemoveAlias => RemoveAlias {
            realm,
            key,
            alias: alias_of(matched)?,
        }
        .into(),
        Route::ReadDestruction => ReadDestruction { realm, key }.into(),
        _ => ReadBlastRadius { realm, key }.into(),
    })
}

fn alias_of(matched: &Matched<'_>) -> Result<Name, Problem> {
    Name::new(&matched.third()?).map_err(|error| Problem::invalid_field("alias", error.to_string()))
}

pub(super) fn update(
    realm: RealmRef,
    key: KeyRef,
    fields: &mut Fields<'_>,
) -> Result<UpdateKey, Problem> {
    let name = if fields.cleared("name") {
        Some(Edit::Clear)
    } else {
        fields.name("name")?.map(Edit::Set)
    };
    let cleared = fields.cleared("rotate_every_days") || fields.cleared("rotate_every_seconds");
    let rotate_every = match fields.duration("rotate_every", PERIOD_UNITS)? {
        Some(every) => Some(Edit::Set(every)),
        None => cleared.then_some(Edit::Clear),
    };
    Ok(UpdateKey {
        realm,
        key,
        name,
        tags: fields.map_edit("tags")?,
        owner: fields.parsed("owner", parse_principal_id, ID_EXPECTED)?,
        applications: fields.list_if_given(
            "applications",
            |text| Some(text.to_owned()),
            "it must be a string",
        )?,
        sensitivity: fields.parsed(
            "sensitivity",
            Sensitivity::parse,
            "it must be `low`, `moderate` or `high`",
        )?,
        export: fields.parsed(
            "export",
            ExportClass::parse,
            "it must be `never`, `wrapped` or `session`",
        )?,
        cryptoperiod: cryptoperiod(fields)?,
        rotate_every,
        min_protect: fields.whole("min_protect_version")?,
        min_process: fields.whole("min_process_version")?,
    })
}

/// What a listing is narrowed to; none if nothing is asked for.
pub(super) fn filter(query: &mut Query<'_>) -> Result<Option<KeyFilter>, Problem> {
    let filter = KeyFilter {
        spec: query.parsed(
            "spec",
            KeySpec::parse,
            "it must be the name of a key specification, e.g. `aes-256`",
        )?,
        purpose: query.parsed(
            "purpose",
            Purpose::parse,
            "it must be the name of a purpose, e.g. `encrypt`",
        )?,
        owner: query.parsed("owner", parse_principal_id, ID_EXPECTED)?,
        tag: query.text("tag").map(|text| match text.split_once('=') {
            Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
            None => (text.into_owned(), None),
        }),
        rotation_due_before: query.parsed("rotation_due_before", parse_time, TIME_EXPECTED)?,
        destruction_due_before: query.parsed(
            "destruction_due_before",
            parse_time,
            TIME_EXPECTED,
        )?,
    };
    Ok((filter != KeyFilter::default()).then_some(filter))
}
