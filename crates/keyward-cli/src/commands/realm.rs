//! `realm`.
use keyward_client::Realm as Shown;
use keyward_core::command::{CreateRealm, DescribeRealm, ListRealms};
use keyward_core::ids::RealmId;
use keyward_core::object::Quotas;

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
        (
            "made",
            format!("{} by {}", moment(&realm.created_at), realm.created_by),
        ),
    ])
}
