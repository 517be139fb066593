//! `key`.
use keyward_client::{Cryptoperiod as ShownPeriod, Key as Shown, KeyVersion};
use keyward_core::command::{
    ActivateKey, CancelDestruction, ConfirmDestruction, CreateKey, DeactivateKey, DescribeKey,
    ExecuteDestruction, KeyRef, ListKeys, RealmRef, ReportCompromise, ResumeKey, RotateKey,
    ScheduleDestruction, SuspendKey,
};
use keyward_core::ids::ObjectId;
use keyward_core::object::Cryptoperiod;
use keyward_core::state::State;
use keyward_core::time::Millis;

use crate::args::key::{Create, Destroy, Key};
use crate::args::{Global, Paging};
use crate::commands::{all_pages, given_id};
use crate::exit::Failure;
use crate::out::{Out, day, moment};
use crate::secret_input::confirm;
use crate::session::{Session, key_ref, name};

pub fn run(global: &Global, args: Key, out: Out) -> Result<(), Failure> {
    let session = Session::open(global, out)?;
    let realm = session.realm()?;
    let changed = match args {
        Key::Create(args) => return create(&session, realm, args),
        Key::List {
            state,
            prefix,
            paging,
        } => return list(&session, &realm, state, prefix, &paging),
        Key::Show { key } => {
            let command = DescribeKey {
                realm,
                key: key_ref(&key)?,
            };
            let key = session.run(async |client| client.describe_key(command).await)?;
            return out.show(&key, |out| facts(out, &key));
        }
        Key::Rotate { key } => {
            let command = RotateKey {
                realm,
                key: key_ref(&key)?,
            };
            session.run(async |client| client.rotate_key(command).await)?
        }
        Key::Activate { key, version } => {
            let command = ActivateKey {
                realm,
                key: key_ref(&key)?,
                version,
            };
            session.run(async |client| client.activate_key(command).await)?
        }
        Key::Suspend(args) => {
            let command = SuspendKey {
                realm,
                key: key_ref(&args.key)?,
                reason: args.reason,
            };
            session.run(async |client| client.suspend_key(command).await)?
        }
        Key::Resume(args) => {
            let command = ResumeKey {
                realm,
                key: key_ref(&args.key)?,
                reason: args.reason,
            };
            session.run(async |client| client.resume_key(command).await)?
        }
        Key::Deactivate {
            key: args,
            version,
            yes,
        } => {
            confirm(
                &format!("`{}` will never protect again with this version", args.key),
                &args.key,
                yes,
            )?;
            let command = DeactivateKey {
                realm,
                key: key_ref(&args.key)?,
                version,
                reason: args.reason,
            };
            session.run(async |client| client.deactivate_key(command).await)?
        }
        Key::Compromise {
            key,
            reason,
            since,
            version,
            yes,
        } => {
            confirm(&format!("`{key}` will be compromised for good"), &key, yes)?;
            let command = ReportCompromise {
                realm,
                key: key_ref(&key)?,
                version,
                since,
                reason,
            };
            session.run(async |client| client.report_compromise(command).await)?
        }
        Key::Destroy(args) => destroy(&session, realm, args)?,
    };
    out.show(&changed, |out| out.line(&summary(&changed)))
}

fn create(session: &Session, realm: RealmRef, args: Create) -> Result<(), Failure> {
    let periods =
        (args.protect_days.is_some() || args.process_days.is_some()).then(|| Cryptoperiod {
            originator: args.protect_days.map(Millis::days),
            recipient: args.process_days.map(Millis::days),
        });
    let command = CreateKey {
        realm,
        name: args.name.as_deref().map(name).transpose()?,
        spec: args.spec,
        purpose: args.purpose,
        protection: args.protection,
        export: args.export,
        activate: !args.inactive,
        cryptoperiod: periods,
        rotate_every: args.rotate_every_days.map(Millis::days),
        sensitivity: args.sensitivity,
        applications: args.applications,
        tags: args.tags.into_iter().collect(),
        owner: args.owner,
    };
    let key = session.run(async |client| client.create_key(command).await)?;
    session.out.show(&key, |out| {
        out.line(&format!("key {} made, id {}", called(&key), key.id))
    })
}

fn list(
    session: &Session,
    realm: &RealmRef,
    state: Option<State>,
    prefix: Option<String>,
    paging: &Paging,
) -> Result<(), Failure> {
    let page = all_pages(paging.limit, |after, limit| {
        let after = after
            .map(|text| given_id(&text, ObjectId::parse))
            .transpose()?;
        let command = ListKeys {
            realm: realm.clone(),
            after,
            limit,
            state,
            name_prefix: prefix.clone(),
        };
        session.run(async |client| client.list_keys(command).await)
    })?;
    session.out.show(&page, |out| {
        let rows: Vec<_> = page.items.iter().map(row).collect();
        out.table(
            &["KEY", "SPEC", "PURPOSE", "STATE", "VERSION", "MADE"],
            &rows,
        )
    })
}

fn destroy(session: &Session, realm: RealmRef, args: Destroy) -> Result<Shown, Failure> {
    let keyed = |text: &str| -> Result<KeyRef, Failure> { key_ref(text) };
    match args {
        Destroy::Schedule {
            key,
            after_days,
            reason,
            version,
        } => {
            let command = ScheduleDestruction {
                realm,
                key: keyed(&key)?,
                version,
                after_days,
                reason,
            };
            session.run(async |client| client.schedule_destruction(command).await)
        }
        Destroy::Cancel { key, version } => {
            let command = CancelDestruction {
                realm,
                key: keyed(&key)?,
                version,
            };
            session.run(async |client| client.cancel_destruction(command).await)
        }
        Destroy::Execute { key, yes } => {
            confirm(
                &format!("what is due of `{key}` will be destroyed and never come back"),
                &key,
                yes,
            )?;
            let command = ExecuteDestruction {
                realm,
                key: keyed(&key)?,
            };
            session.run(async |client| client.execute_destruction(command).await)
        }
        Destroy::Confirm { key, yes } => {
            confirm(&format!("the destruction of `{key}` will go on"), &key, yes)?;
            let command = ConfirmDestruction {
                realm,
                key: keyed(&key)?,
            };
            session.run(async |client| client.confirm_destruction(command).await)
        }
    }
}

fn called(key: &Shown) -> String {
    key.name
        .as_ref()
        .map_or_else(|| key.id.clone(), |name| format!("`{name}`"))
}

/// One line about how a key stands after a change.
fn summary(key: &Shown) -> String {
    let mut text = format!(
        "key {} is {}, version {}",
        called(key),
        key.state,
        key.current_version
    );
    let due = key
        .versions
        .iter()
        .filter_map(|version| version.destruction.as_ref())
        .map(|due| &due.due_at)
        .min();
    if let Some(due) = due {
        text.push_str(&format!(", to be destroyed {}", moment(due)));
    }
    text
}

fn row(key: &Shown) -> Vec<String> {
    vec![
        key.name.clone().unwrap_or_else(|| key.id.clone()),
        key.spec.clone().unwrap_or_default(),
        key.purpose.clone().unwrap_or_default(),
        key.state.clone(),
        key.current_version.to_string(),
        day(&key.created_at),
    ]
}

fn facts(out: Out, key: &Shown) -> Result<(), Failure> {
    let yes = |holds: bool, text: &str| {
        if holds {
            text.to_owned()
        } else {
            String::new()
        }
    };
    let tags: Vec<String> = key
        .tags
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    out.facts(&[
        ("name", key.name.clone().unwrap_or_default()),
        ("aliases", key.aliases.join(", ")),
        ("id", key.id.clone()),
        ("realm", key.realm.clone()),
        ("spec", key.spec.clone().unwrap_or_default()),
        ("purpose", key.purpose.clone().unwrap_or_default()),
        ("state", key.state.clone()),
        (
            "suspended",
            key.suspended_at
                .as_deref()
                .map(|at| format!("since {}", moment(at)))
                .unwrap_or_default(),
        ),
        ("protection", key.protection.clone()),
        ("export", key.export.clone()),
        (
            "exception",
            yes(
                key.non_approved_exception,
                "non-approved use was accepted at creation",
            ),
        ),
        ("sensitivity", key.sensitivity.clone()),
        (
            "protects for",
            period(
                key.cryptoperiod.originator_days,
                key.cryptoperiod.originator_seconds,
            ),
        ),
        ("processes for", processes(&key.cryptoperiod)),
        ("rotates", rotation(key)),
        ("applications", key.applications.join(", ")),
        ("tags", tags.join(", ")),
        ("owner", key.owner.clone()),
        (
            "made",
            format!("{} by {}", moment(&key.created_at), key.created_by),
        ),
        ("changed", moment(&key.changed_at)),
    ])?;
    out.line("")?;
    let rows: Vec<_> = key
        .versions
        .iter()
        .rev()
        .map(|version| version_row(key, version))
        .collect();
    out.table(
        &[
            "VERSION",
            "STATE",
            "MADE",
            "PROTECTS TO",
            "PROCESSES TO",
            "NOTES",
        ],
        &rows,
    )
}

fn processes(cryptoperiod: &ShownPeriod) -> String {
    period(cryptoperiod.recipient_days, cryptoperiod.recipient_seconds)
}

fn period(days: Option<u64>, seconds: Option<u64>) -> String {
    match (days, seconds) {
        (Some(days), _) => format!("{days} days"),
        (None, Some(seconds)) => format!("{seconds} seconds"),
        (None, None) => "unlimited".to_owned(),
    }
}

fn rotation(key: &Shown) -> String {
    if key.rotate_every_days.is_none() && key.rotate_every_seconds.is_none() {
        return "when asked to".to_owned();
    }
    let every = period(key.rotate_every_days, key.rotate_every_seconds);
    let next = key
        .rotate_at
        .as_deref()
        .map(|at| format!(", next {}", moment(at)))
        .unwrap_or_default();
    format!("every {every}{next}")
}

fn version_row(key: &Shown, version: &KeyVersion) -> Vec<String> {
    let date = |time: &Option<String>| time.as_deref().map(day).unwrap_or_else(|| "-".to_owned());
    let mut notes = Vec::new();
    if version.version == key.current_version {
        notes.push("current".to_owned());
    }
    if let Some(due) = &version.destruction {
        notes.push(match &due.held_until {
            Some(held) => format!("destruction held until {}", day(held)),
            None => format!("destruction due {}", day(&due.due_at)),
        });
    }
    if let Some(at) = &version.destroyed_at {
        notes.push(format!("destroyed {}", day(at)));
    }
    if version.compromise_found_after_destruction {
        notes.push("compromise found later".to_owned());
    }
    if version.was_exported {
        notes.push("was exported".to_owned());
    }
    vec![
        version.version.to_string(),
        version.state.clone(),
        day(&version.created_at),
        date(&version.protect_until),
        date(&version.process_until),
        notes.join(", "),
    ]
}
