//! `key`.
pub mod attributes;
mod made;
mod transfer;
pub mod view;

use keyward_client::Key as Shown;
use keyward_core::command::{
    ActivateKey, CancelDestruction, ConfirmDestruction, CreateKey, DeactivateKey, DescribeKey,
    ExecuteDestruction, KeyFilter, KeyRef, ListKeys, RealmRef, ReportCompromise, ResumeKey,
    RotateKey, ScheduleDestruction, SuspendKey,
};
use keyward_core::ids::ObjectId;
use keyward_core::object::Cryptoperiod;
use keyward_core::state::State;
use keyward_core::time::Millis;

use crate::args::key::{Change, Create, Destroy, Key};
use crate::args::{Global, Paging};
use crate::commands::{all_pages, by_name, given_id};
use crate::exit::Failure;
use crate::out::Out;
use crate::secret_input::confirm;
use crate::session::{Session, key_ref, name};

pub fn run(global: &Global, args: Key, out: Out) -> Result<(), Failure> {
    let session = Session::open(global, out)?;
    let realm = session.realm()?;
    match args {
        Key::Create(args) => create(&session, realm, args),
        Key::List {
            state,
            prefix,
            filter,
            paging,
        } => {
            let filter = attributes::filter(filter);
            list(&session, &realm, state, prefix, filter, &paging)
        }
        Key::Update(args) => attributes::update(&session, realm, *args),
        Key::Alias(args) => attributes::alias(&session, realm, args),
        Key::Destruction { key } => attributes::destruction(&session, realm, &key),
        Key::BlastRadius { key } => attributes::blast_radius(&session, realm, &key),
        Key::Show { key } => {
            let command = DescribeKey {
                realm,
                key: key_ref(&key)?,
            };
            let key = session.run(async |client| client.describe_key(command).await)?;
            out.show(&key, |out| view::facts(out, &key))
        }
        Key::Made(args) => made::run(&session, realm, args),
        Key::Transfer(args) => transfer::run(&session, realm, args),
        Key::Change(args) => apply(&session, realm, args, &key_ref),
    }
}

/// How a text names an object.
type Refer<'a> = &'a dyn Fn(&str) -> Result<KeyRef, Failure>;

/// Changes an object and says how it stands then.
pub fn apply(
    session: &Session,
    realm: RealmRef,
    args: Change,
    refer: Refer<'_>,
) -> Result<(), Failure> {
    let changed = change(session, realm, args, refer)?;
    session
        .out
        .show(&changed, |out| out.say(&view::summary(&changed)))
}

/// What answers with the key as it is afterwards.
fn change(
    session: &Session,
    realm: RealmRef,
    args: Change,
    refer: Refer<'_>,
) -> Result<Shown, Failure> {
    match args {
        Change::Activate { key, version } => {
            let command = ActivateKey {
                realm,
                key: refer(&key)?,
                version,
            };
            session.run(async |client| client.activate_key(command).await)
        }
        Change::Suspend(args) => {
            let command = SuspendKey {
                realm,
                key: refer(&args.key)?,
                reason: args.reason,
            };
            session.run(async |client| client.suspend_key(command).await)
        }
        Change::Resume(args) => {
            let command = ResumeKey {
                realm,
                key: refer(&args.key)?,
                reason: args.reason,
            };
            session.run(async |client| client.resume_key(command).await)
        }
        Change::Deactivate {
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
                key: refer(&args.key)?,
                version,
                reason: args.reason,
            };
            session.run(async |client| client.deactivate_key(command).await)
        }
        Change::Compromise {
            key,
            reason,
            since,
            version,
            yes,
        } => {
            confirm(&format!("`{key}` will be compromised for good"), &key, yes)?;
            let command = ReportCompromise {
                realm,
                key: refer(&key)?,
                version,
                since,
                reason,
            };
            session.run(async |client| client.report_compromise(command).await)
        }
        Change::Destroy(args) => destroy(session, realm, args, refer),
        Change::Rotate { key } => {
            let command = RotateKey {
                realm,
                key: refer(&key)?,
            };
            session.run(async |client| client.rotate_key(command).await)
        }
    }
}

fn create(session: &Session, realm: RealmRef, args: Create) -> Result<(), Failure> {
    let command = new_key(realm, args)?;
    let key = session.run(async |client| client.create_key(command).await)?;
    session.out.show(&key, |out| {
        out.say(&format!("key {} made, id {}", view::called(&key), key.id))
    })
}

/// What the flags say of a new key.
fn new_key(realm: RealmRef, args: Create) -> Result<CreateKey, Failure> {
    let periods =
        (args.protect_days.is_some() || args.process_days.is_some()).then(|| Cryptoperiod {
            originator: args.protect_days.map(Millis::days),
            recipient: args.process_days.map(Millis::days),
        });
    Ok(CreateKey {
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
        exception: args.non_approved_exception.then_some(true),
    })
}

fn list(
    session: &Session,
    realm: &RealmRef,
    state: Option<State>,
    prefix: Option<String>,
    filter: Option<KeyFilter>,
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
            filter: filter.clone(),
        };
        session.run(async |client| client.list_keys(command).await)
    })?;
    session.out.show(&page, |out| {
        let rows = by_name(page.items.iter().map(view::row).collect());
        out.table(
            0,
            &["KEY", "SPEC", "PURPOSE", "STATE", "VERSION", "MADE"],
            &rows,
        )
    })
}

fn destroy(
    session: &Session,
    realm: RealmRef,
    args: Destroy,
    keyed: Refer<'_>,
) -> Result<Shown, Failure> {
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
