//! `key update`, `key alias`, `key blast-radius`.
use keyward_core::command::{
    Edit, KeyFilter, PutAlias, ReadBlastRadius, ReadDestruction, RealmRef, RemoveAlias, UpdateKey,
};
use keyward_core::object::Cryptoperiod;
use keyward_core::time::Millis;

use super::view;
use crate::args::key::attributes::{Alias, Filter, Update};
use crate::exit::Failure;
use crate::out::{Out, moment};
use crate::session::{Session, key_ref, name};

/// The filter, if there is anything in it.
pub fn filter(args: Filter) -> Option<KeyFilter> {
    let filter = KeyFilter {
        spec: args.spec,
        purpose: args.purpose,
        tag: args.tag.map(|text| match text.split_once('=') {
            Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
            None => (text, None),
        }),
        owner: args.owner,
        rotation_due_before: args.rotation_due_before,
        destruction_due_before: args.destruction_due_before,
    };
    (filter != KeyFilter::default()).then_some(filter)
}

pub fn update(session: &Session, realm: RealmRef, args: Update) -> Result<(), Failure> {
    let mut command = UpdateKey::nothing(realm, key_ref(&args.key)?);
    command.name = match args.name {
        Some(text) => Some(Edit::Set(name(&text)?)),
        None => args.no_name.then_some(Edit::Clear),
    };
    let written = args.tags.into_iter().map(|(key, value)| (key, Some(value)));
    let removed = args.untags.into_iter().map(|key| (key, None));
    command.tags = removed.chain(written).collect();
    command.owner = args.owner;
    command.applications = (!args.applications.is_empty()).then_some(args.applications);
    command.sensitivity = args.sensitivity;
    command.export = args.export;
    command.cryptoperiod = args.protect_days.map(|days| Cryptoperiod {
        originator: Some(Millis::days(days)),
        recipient: args.process_days.map(Millis::days),
    });
    command.rotate_every = match args.rotate_every_days {
        Some(days) => Some(Edit::Set(Millis::days(days))),
        None => args.no_rotation.then_some(Edit::Clear),
    };
    command.min_protect = args.min_protect;
    command.min_process = args.min_process;
    if command == UpdateKey::nothing(command.realm.clone(), command.key.clone()) {
        return Err(Failure::usage(
            "nothing is named that should change",
            "`keyward key update --help` lists what can.",
        ));
    }
    let revision = args.if_revision;
    let key = session.run(async |client| client.update_key(command, revision).await)?;
    session.out.show(&key, |out| {
        out.say(&format!(
            "key {} changed, revision {}",
            view::called(&key),
            key.revision
        ))
    })
}

pub fn alias(session: &Session, realm: RealmRef, args: Alias) -> Result<(), Failure> {
    let key = match args {
        Alias::Add { key, alias, take } => {
            let command = PutAlias {
                realm,
                key: key_ref(&key)?,
                alias: name(&alias)?,
                take,
            };
            session.run(async |client| client.put_alias(command).await)?
        }
        Alias::Remove { key, alias } => {
            let command = RemoveAlias {
                realm,
                key: key_ref(&key)?,
                alias: name(&alias)?,
            };
            session.run(async |client| client.remove_alias(command).await)?
        }
    };
    session.out.show(&key, |out| {
        let aliases = if key.aliases.is_empty() {
            "no aliases".to_owned()
        } else {
            format!("aliases {}", key.aliases.join(", "))
        };
        out.say(&format!("key {} has {aliases}", view::called(&key)))
    })
}

pub fn blast_radius(session: &Session, realm: RealmRef, key: &str) -> Result<(), Failure> {
    let command = ReadBlastRadius {
        realm,
        key: key_ref(key)?,
    };
    let radius = session.run(async |client| client.read_blast_radius(command).await)?;
    session.out.show(&radius, |out| shown(out, key, &radius))
}

fn shown(out: Out, key: &str, radius: &keyward_client::BlastRadius) -> Result<(), Failure> {
    if radius.concerned.is_empty() {
        return out.say(&format!("nothing else depends on `{key}`"));
    }
    let rows: Vec<_> = radius
        .concerned
        .iter()
        .map(|one| {
            vec![
                one.name.clone().unwrap_or_else(|| one.object.clone()),
                one.kind.clone(),
                one.relation.clone(),
                one.distance.to_string(),
                moment(&one.since),
            ]
        })
        .collect();
    out.table(0, &["OBJECT", "KIND", "RELATION", "STEPS", "SINCE"], &rows)?;
    if radius.more {
        out.say("There are more; this is what fits into one answer.")?;
    }
    Ok(())
}

pub fn destruction(session: &Session, realm: RealmRef, key: &str) -> Result<(), Failure> {
    let command = ReadDestruction {
        realm,
        key: key_ref(key)?,
    };
    let known = session.run(async |client| client.read_destruction(command).await)?;
    session.out.show(&known, |out| {
        let remaining: Vec<String> = known
            .remaining_versions
            .iter()
            .map(u32::to_string)
            .collect();
        let mut facts = vec![
            ("key", known.name.clone().unwrap_or_default()),
            ("id", known.object.clone()),
            ("deployment", known.deployment.clone()),
            ("not destroyed", remaining.join(", ")),
        ];
        for seal in &known.seals {
            facts.push(("old copies", format!("{}: {}", seal.kind, seal.old_copy)));
        }
        facts.push(("as of", moment(&known.issued_at)));
        out.facts(&facts)?;
        out.line("")?;
        let rows: Vec<_> = known
            .destroyed
            .iter()
            .map(|one| {
                vec![
                    one.version.to_string(),
                    moment(&one.destroyed_at),
                    one.epoch.map(|epoch| epoch.to_string()).unwrap_or_default(),
                    one.leaf.to_string(),
                    one.reason.clone().unwrap_or_default(),
                ]
            })
            .collect();
        out.table(4, &["VERSION", "DESTROYED", "EPOCH", "LEAF", "WHY"], &rows)
    })
}
