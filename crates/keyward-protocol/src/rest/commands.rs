//! From a matched route, its query and its body to a command. Values are read, limits of the domain are the core's.
use keyward_core::Problem;
use keyward_core::command::{
    ArchiveLog, BindCertificate, Command, CommandKind, ConfigureRealm, CreateRealm, CreateWorkload,
    DeletePolicy, DescribePrincipal, DescribeRealm, Envelope, IssueToken, ListModules,
    ListPolicies, ListPrincipals, ListRealms, ProveRecord, PutPolicy, ReadAudit, ReadCheckpoint,
    ReadLog, ReadSettings, RealmRef, RedactRecord, RegisterAnchor, ResumeRealm, RevokeToken,
    RotateLogKey, Seal, SetPrincipalEnabled, Status, SuspendRealm, Unseal,
};
use keyward_core::ids::{RealmId, TokenId};
use keyward_core::name::Name;
use keyward_core::object::{ExportClass, ObjectKind, Quotas, RealmRules};
use keyward_core::role::Role;
use keyward_core::time::Millis;

use super::bodies::{QUOTAS, RULES};
use super::fields::Fields;
use super::query::Query;
use super::route::Matched;
use super::table::Route;
use super::time::parse_time;
use super::views::parse_principal_id;
use super::{Call, keys, objects, pem};

pub(super) const ID_EXPECTED: &str = "it must be an id: 32 lower-case hexadecimal digits";
const DIGEST_EXPECTED: &str = "it must be 64 lower-case hexadecimal digits";

/// Builds the call.
pub(super) fn build(
    matched: &Matched<'_>,
    mut query: Query<'_>,
    mut fields: Fields<'_>,
    envelope: Envelope,
) -> Result<Call, Problem> {
    let command = match matched.route() {
        Route::Health => return Ok(Call::Health),
        Route::Ready => return Ok(Call::Ready),
        Route::OpenApi => return Ok(Call::OpenApi),
        Route::Unseal => return unseal(&mut fields, envelope),
        Route::Seal => Seal {
            reason: fields.text("reason")?,
        }
        .into(),
        Route::Status => Status {}.into(),
        Route::ListModules => ListModules {}.into(),
        Route::ReadSettings => ReadSettings {}.into(),
        Route::CreateRealm
        | Route::ListRealms
        | Route::DescribeRealm
        | Route::ConfigureRealm
        | Route::SuspendRealm
        | Route::ResumeRealm => realm_command(matched, &mut query, &mut fields)?,
        Route::CreateWorkload
        | Route::ListWorkloads
        | Route::DescribePrincipal
        | Route::IssueToken
        | Route::EnablePrincipal
        | Route::DisablePrincipal
        | Route::RevokeToken => principal_command(matched, &mut query, &mut fields)?,
        Route::RegisterAnchor | Route::BindCertificate => {
            certificate_command(matched, &mut fields)?
        }
        Route::ListPolicies | Route::PutPolicy | Route::DeletePolicy => {
            policy_command(matched, &mut fields)?
        }
        Route::ReadAudit
        | Route::ProveRecord
        | Route::ReadCheckpoint
        | Route::ReadLog
        | Route::ArchiveLog
        | Route::RedactRecord
        | Route::RotateLogKey => audit_command(matched, &mut query, &mut fields)?,
        Route::Secret(of) => {
            objects::command(matched, ObjectKind::Secret, of, &mut query, &mut fields)?
        }
        Route::Opaque(of) => {
            objects::command(matched, ObjectKind::Opaque, of, &mut query, &mut fields)?
        }
        Route::Certificate(of) => objects::command(
            matched,
            ObjectKind::Certificate,
            of,
            &mut query,
            &mut fields,
        )?,
        _ => keys::command(matched, &mut query, &mut fields)?,
    };
    Ok(Call::Command { command, envelope })
}

/// The realm a path names; `system` is the installation's own.
pub(super) fn realm_of(matched: &Matched<'_>) -> Result<RealmRef, Problem> {
    let text = matched.first()?;
    if text == "system" {
        return Ok(RealmRef::SYSTEM);
    }
    if let Ok(id) = RealmId::parse(&text) {
        return Ok(RealmRef::Id(id));
    }
    Name::new(&text)
        .map(RealmRef::Name)
        .map_err(|error| Problem::invalid_field("realm", error.to_string()))
}

fn unseal(fields: &mut Fields<'_>, envelope: Envelope) -> Result<Call, Problem> {
    let kind = fields.text("kind")?;
    let secret = fields.password("secret")?;
    Ok(Call::Unseal {
        command: Unseal {
            kind: fields.needed("kind", kind)?,
        },
        secret: fields.needed("secret", secret)?,
        envelope,
    })
}

fn realm_command(
    matched: &Matched<'_>,
    query: &mut Query<'_>,
    fields: &mut Fields<'_>,
) -> Result<Command, Problem> {
    Ok(match matched.route() {
        Route::ListRealms => {
            let after = query.parsed("after", |text| RealmId::parse(text).ok(), ID_EXPECTED)?;
            ListRealms {
                after,
                limit: query.limit()?,
            }
            .into()
        }
        Route::DescribeRealm => DescribeRealm {
            realm: realm_of(matched)?,
        }
        .into(),
        Route::ConfigureRealm => ConfigureRealm {
            realm: realm_of(matched)?,
            level: fields.whole("level")?,
            quotas: quotas(fields)?,
            rules: rules(fields)?,
        }
        .into(),
        Route::SuspendRealm => SuspendRealm {
            realm: realm_of(matched)?,
            reason: fields.text("reason")?,
        }
        .into(),
        Route::ResumeRealm => ResumeRealm {
            realm: realm_of(matched)?,
            reason: fields.text("reason")?,
        }
        .into(),
        _ => {
            let name = fields.name("name")?;
            CreateRealm {
                name: fields.needed("name", name)?,
                level: fields.whole("level")?.unwrap_or(1),
                rehearsal: fields.flag("rehearsal")?.unwrap_or(false),
                quotas: quotas(fields)?,
            }
            .into()
        }
    })
}

fn rules(fields: &mut Fields<'_>) -> Result<Option<RealmRules>, Problem> {
    let Some(mut given) = fields.object("rules", RULES)? else {
        return Ok(None);
    };
    Ok(Some(RealmRules {
        rotate_every: given.duration("rotate_every", keys::PERIOD_UNITS)?,
        widest_export: given.parsed(
            "widest_export",
            ExportClass::parse,
            "it must be `never`, `wrapped` or `session`",
        )?,
        exceptions: given.flag("exceptions")?,
    }))
}

fn quotas(fields: &mut Fields<'_>) -> Result<Option<Quotas>, Problem> {
    let Some(mut given) = fields.object("quotas", QUOTAS)? else {
        return Ok(None);
    };
    let default = Quotas::default();
    Ok(Some(Quotas {
        keys: given.whole("keys")?.unwrap_or(default.keys),
        rate_per_second: given
            .whole("rate_per_second")?
            .unwrap_or(default.rate_per_second),
        in_flight: given.whole("in_flight")?.unwrap_or(default.in_flight),
        audit_bytes_per_day: given
            .whole("audit_bytes_per_day")?
            .unwrap_or(default.audit_bytes_per_day),
    }))
}

fn principal_command(
    matched: &Matched<'_>,
    query: &mut Query<'_>,
    fields: &mut Fields<'_>,
) -> Result<Command, Problem> {
    let id = || {
        let text = matched.first()?;
        parse_principal_id(&text).ok_or_else(|| Problem::invalid_field("id", ID_EXPECTED))
    };
    Ok(match matched.route() {
        Route::CreateWorkload => {
            let name = fields.name("name")?;
            let name = fields.needed("name", name)?;
            let roles = fields.list("roles", Role::parse, "it must be the name of a role")?;
            if roles.is_empty() {
                return Err(Problem::missing_field("roles"));
            }
            CreateWorkload {
                realm: realm_of(matched)?,
                name,
                roles,
            }
            .into()
        }
        Route::ListWorkloads => {
            let after = query.parsed("after", parse_principal_id, ID_EXPECTED)?;
            ListPrincipals {
                realm: realm_of(matched)?,
                after,
                limit: query.limit()?,
            }
            .into()
        }
        Route::IssueToken => {
            let lifetime = fields.duration(
                "lifetime",
                &[("days", Millis::DAY), ("hours", Millis::HOUR)],
            )?;
            IssueToken {
                principal: id()?,
                lifetime: fields.needed("lifetime_days", lifetime)?,
            }
            .into()
        }
        Route::EnablePrincipal => SetPrincipalEnabled {
            principal: id()?,
            enabled: true,
        }
        .into(),
        Route::DisablePrincipal => SetPrincipalEnabled {
            principal: id()?,
            enabled: false,
        }
        .into(),
        Route::RevokeToken => {
            let token = TokenId::parse(&matched.first()?)
                .map_err(|_| Problem::invalid_field("id", ID_EXPECTED))?;
            RevokeToken { token }.into()
        }
        _ => DescribePrincipal { principal: id()? }.into(),
    })
}

fn certificate_command(matched: &Matched<'_>, fields: &mut Fields<'_>) -> Result<Command, Problem> {
    let realm = realm_of(matched)?;
    if matched.route() == Route::RegisterAnchor {
        let text = fields.text("certificate")?;
        let certificate = pem::certificate(&fields.needed("certificate", text)?)?;
        return Ok(RegisterAnchor { realm, certificate }.into());
    }
    let anchor = fields.parsed("anchor", digest, DIGEST_EXPECTED)?;
    let anchor = fields.needed("anchor", anchor)?;
    let name = fields.text("name")?;
    let name = fields.needed("name", name)?;
    let principal = fields.parsed("principal", parse_principal_id, ID_EXPECTED)?;
    let principal = fields.needed("principal", principal)?;
    Ok(BindCertificate {
        realm,
        anchor,
        name,
        principal,
    }
    .into())
}

/// 32 bytes from 64 digits.
fn digest(text: &str) -> Option<[u8; 32]> {
    let (high, low) = text.split_at_checked(32)?;
    let mut bytes = [0; 32];
    let (first, second) = bytes.split_at_mut_checked(16)?;
    first.copy_from_slice(&RealmId::parse(high).ok()?.0);
    second.copy_from_slice(&RealmId::parse(low).ok()?.0);
    Some(bytes)
}

fn policy_command(matched: &Matched<'_>, fields: &mut Fields<'_>) -> Result<Command, Problem> {
    let realm = realm_of(matched)?;
    if matched.route() == Route::ListPolicies {
        return Ok(ListPolicies { realm }.into());
    }
    let name = Name::new(&matched.second()?)
        .map_err(|error| Problem::invalid_field("name", error.to_string()))?;
    if matched.route() == Route::DeletePolicy {
        return Ok(DeletePolicy { realm, name }.into());
    }
    let text = fields.text("text")?;
    Ok(PutPolicy {
        realm,
        name,
        text: fields.needed("text", text)?,
    }
    .into())
}

fn audit_command(
    matched: &Matched<'_>,
    query: &mut Query<'_>,
    fields: &mut Fields<'_>,
) -> Result<Command, Problem> {
    let index = || {
        let text = matched.first()?;
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits
            .then(|| text.parse().ok())
            .flatten()
            .ok_or_else(|| Problem::invalid_field("index", "it must be a whole number"))
    };
    Ok(match matched.route() {
        Route::ReadAudit => read_audit(query)?.into(),
        Route::ProveRecord => ProveRecord { index: index()? }.into(),
        Route::ReadCheckpoint => ReadCheckpoint {}.into(),
        Route::ReadLog => ReadLog {
            path: matched.first()?.into_owned(),
        }
        .into(),
        Route::ArchiveLog => {
            let before = fields.whole("before")?;
            ArchiveLog {
                before: fields.needed("before", before)?,
            }
            .into()
        }
        Route::RedactRecord => {
            let reason = fields.text("reason")?;
            RedactRecord {
                index: index()?,
                reason: fields.needed("reason", reason)?,
            }
            .into()
        }
        _ => RotateLogKey {}.into(),
    })
}

/// What a time in a query must look like.
const TIME_EXPECTED: &str = "it must be a time as in RFC 3339, e.g. `2026-11-23T08:15:30Z`";

fn read_audit(query: &mut Query<'_>) -> Result<ReadAudit, Problem> {
    let realm = |text: &str| {
        if text == "system" {
            Some(RealmId::SYSTEM)
        } else {
            RealmId::parse(text).ok()
        }
    };
    let command = |text: &str| {
        CommandKind::ALL
            .iter()
            .find(|kind| kind.as_str() == text)
            .map(|kind| kind.number())
    };
    let truth = |text: &str| match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    };
    Ok(ReadAudit {
        from: query.whole("from")?.unwrap_or(0),
        limit: query.limit()?,
        realm_filter: query.parsed("realm", realm, "it must be the id of a realm, or `system`")?,
        target: query.parsed(
            "target",
            |text| TokenId::parse(text).ok().map(|id| id.0),
            ID_EXPECTED,
        )?,
        principal: query.parsed("principal", parse_principal_id, ID_EXPECTED)?,
        command: query.parsed(
            "command",
            command,
            "it must be the name of a command, e.g. `encrypt`",
        )?,
        refused_only: query
            .parsed("refused_only", truth, "it must be true or false")?
            .unwrap_or(false),
        since: query.parsed("since", parse_time, TIME_EXPECTED)?,
        until: query.parsed("until", parse_time, TIME_EXPECTED)?,
    })
}
