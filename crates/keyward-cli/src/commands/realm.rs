//! `realm`.
use keyward_client::Realm as Shown;
use keyward_core::command::{
    ConfigureRealm, CreateRealm, DescribeRealm, ListRealms, ResumeRealm, SuspendRealm,
};
use keyward_core::ids::RealmId;
use keyward_core::object::{ExportClass, Quotas, RealmRules};
use keyward_core::time::Millis;

use crate::args::Global;
use crate::args::realm::Realm;
use crate::commands::{all_pages, given_id};
use crate::exit::Failure;
use crate::out::{Out, moment};
use crate::session::{Session, name, realm_ref};

pub fn run(global: &Global, args: Realm, out: Out) -> Result<(), Failure> {
    let session = Session::open(global, out)?;
    match args {
        Realm::Create {
            name: text,
            level,
            rehearsal,
            max_keys,
            max_rate,
            max_in_flight,
        } => {
            let quotas = (max_keys.is_some() || max_rate.is_some() || max_in_flight.is_some())
                .then(|| {
                    let default = Quotas::default();
                    Quotas {
                        keys: max_keys.unwrap_or(default.keys),
                        rate_per_second: max_rate.unwrap_or(default.rate_per_second),
                        in_flight: max_in_flight.unwrap_or(default.in_flight),
                        ..default
                    }
                });
            let command = CreateRealm {
                name: name(&text)?,
                level,
                rehearsal,
                quotas,
            };
            let realm = session.run(async |client| client.create_realm(command).await)?;
            out.show(&realm, |out| {
                out.say(&format!("realm `{}` made, id {}", realm.name, realm.id))
            })
        }
        Realm::List(paging) => {
            let page = all_pages(paging.limit, |after, limit| {
                let after = after
                    .map(|text| given_id(&text, RealmId::parse))
                    .transpose()?;
                session.run(async |client| client.list_realms(ListRealms { after, limit }).await)
            })?;
            out.show(&page, |out| {
                let rows: Vec<_> = page.items.iter().map(row).collect();
                out.table(0, &["NAME", "LEVEL", "NOTES", "MADE", "ID"], &rows)
            })
        }
        Realm::Show { realm } => {
            let command = DescribeRealm {
                realm: realm_ref(&realm)?,
            };
            let realm = session.run(async |client| client.describe_realm(command).await)?;
            out.show(&realm, |out| facts(out, &realm))
        }
        change => {
            let realm = changed(&session, change)?;
            out.show(&realm, |out| facts(out, &realm))
        }
    }
}

/// Changes of a realm; what is not named stays, also among the limits and the rules.
fn changed(session: &Session, args: Realm) -> Result<Shown, Failure> {
    match args {
        Realm::Configure {
            realm,
            level,
            max_keys,
            max_rate,
            max_in_flight,
            rotate_every_days,
            widest_export,
            exceptions,
        } => {
            let realm = realm_ref(&realm)?;
            let describe = DescribeRealm {
                realm: realm.clone(),
            };
            let now = session.run(async |client| client.describe_realm(describe).await)?;
            let limits = max_keys.is_some() || max_rate.is_some() || max_in_flight.is_some();
            let quotas = limits.then(|| Quotas {
                keys: max_keys.unwrap_or(now.quotas.keys),
                rate_per_second: max_rate.unwrap_or(now.quotas.rate_per_second),
                in_flight: max_in_flight.unwrap_or(now.quotas.in_flight),
                audit_bytes_per_day: now.quotas.audit_bytes_per_day,
            });
            let ruled =
                rotate_every_days.is_some() || widest_export.is_some() || exceptions.is_some();
            let before = &now.rules;
            let seconds = before.rotate_every_seconds.map(|s| Millis(s * 1000));
            let rules = ruled.then(|| RealmRules {
                rotate_every: rotate_every_days
                    .or(before.rotate_every_days)
                    .map(Millis::days)
                    .or(seconds),
                widest_export: widest_export
                    .or_else(|| ExportClass::parse(before.widest_export.as_deref()?)),
                exceptions: exceptions.or(Some(before.exceptions)),
            });
            let command = ConfigureRealm {
                realm,
                level,
                quotas,
                rules,
            };
            session.run(async |client| client.configure_realm(command).await)
        }
        Realm::Suspend { realm, reason } => {
            let command = SuspendRealm {
                realm: realm_ref(&realm)?,
                reason,
            };
            session.run(async |client| client.suspend_realm(command).await)
        }
        Realm::Resume { realm, reason } => {
            let command = ResumeRealm {
                realm: realm_ref(&realm)?,
                reason,
            };
            session.run(async |client| client.resume_realm(command).await)
        }
        _ => Err(Failure::local("another command", "Report this.")),
    }
}

fn notes(realm: &Shown) -> String {
    let notes = [
        (realm.rehearsal, "rehearsal"),
        (realm.suspended, "suspended"),
    ];
    let notes: Vec<&str> = notes
        .iter()
        .filter(|(holds, _)| *holds)
        .map(|(_, note)| *note)
        .collect();
    notes.join(", ")
}

fn row(realm: &Shown) -> Vec<String> {
    vec![
        realm.name.clone(),
        realm.level.to_string(),
        notes(realm),
        crate::out::day(&realm.created_at),
        realm.id.clone(),
    ]
}

fn rotation(realm: &Shown) -> String {
    match (
        realm.rules.rotate_every_days,
        realm.rules.rotate_every_seconds,
    ) {
        (Some(days), _) => format!("{days} days, if the key says nothing else"),
        (None, Some(seconds)) => format!("{seconds} seconds, if the key says nothing else"),
        (None, None) => String::new(),
    }
}

fn facts(out: Out, realm: &Shown) -> Result<(), Failure> {
    out.facts(&[
        ("name", realm.name.clone()),
        ("id", realm.id.clone()),
        ("alias", realm.alias.to_string()),
        ("level", realm.level.to_string()),
        ("notes", notes(realm)),
        ("max keys", realm.quotas.keys.to_string()),
        (
            "max rate",
            format!("{} commands a second", realm.quotas.rate_per_second),
        ),
        (
            "max in flight",
            format!("{} commands", realm.quotas.in_flight),
        ),
        (
            "max log",
            format!("{} bytes a day", realm.quotas.audit_bytes_per_day),
        ),
        ("rotate after", rotation(realm)),
        (
            "widest export",
            realm.rules.widest_export.clone().unwrap_or_default(),
        ),
        (
            "exceptions",
            if realm.rules.exceptions {
                "allowed for services that are not approved".to_owned()
            } else {
                String::new()
            },
        ),
        (
            "made",
            format!("{} by {}", moment(&realm.created_at), realm.created_by),
        ),
    ])
}
