//! Attributes, names, filters, conditional changes and realms, through the engine on the real module.
mod common;

use std::collections::BTreeMap;

use common::*;
use futures_executor::block_on;
use keyward_core::ErrorCode;
use keyward_core::algorithm::KeySpec;
use keyward_core::command::*;
use keyward_core::ids::ObjectId;
use keyward_core::object::{Cryptoperiod, ExportClass, RealmRules};
use keyward_core::outcome::{KeyView, Outcome};
use keyward_core::time::Millis;

impl World {
    fn key_view(&self, outcome: Result<Outcome, ErrorCode>) -> KeyView {
        match outcome {
            Ok(Outcome::Key(view)) => *view,
            other => panic!("{other:?}"),
        }
    }
    fn shown(&self, key: &KeyRef) -> KeyView {
        let describe = DescribeKey {
            realm: RealmRef::Id(self.realm),
            key: key.clone(),
        };
        self.key_view(run(&self.engine, &self.officer, describe))
    }
    fn update(&self, key: ObjectId) -> UpdateKey {
        let (realm, key) = self.at(key);
        UpdateKey::nothing(realm, key)
    }
    fn put_alias(&self, key: ObjectId, alias: &str, take: bool) -> Result<Outcome, ErrorCode> {
        let (realm, key) = self.at(key);
        let put = PutAlias {
            realm,
            key,
            alias: name(alias),
            take,
        };
        run(&self.engine, &self.officer, put)
    }
    fn named(&self, text: &str) -> Result<ObjectId, ErrorCode> {
        let describe = DescribeKey {
            realm: RealmRef::Id(self.realm),
            key: KeyRef::Name(name(text)),
        };
        run(&self.engine, &self.officer, describe).map(|outcome| match outcome {
            Outcome::Key(view) => view.object.id,
            other => panic!("{other:?}"),
        })
    }
    fn list(&self, filter: KeyFilter) -> Vec<ObjectId> {
        let list = ListKeys {
            realm: RealmRef::Id(self.realm),
            after: None,
            limit: 100,
            state: None,
            name_prefix: None,
            filter: Some(filter),
        };
        match run(&self.engine, &self.user, list).unwrap() {
            Outcome::Keys(page) => page.items.iter().map(|view| view.object.id).collect(),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn attributes_change_together_and_narrow_only() {
    let world = world(memory(), false);
    let create = CreateKey {
        name: Some(name("orders")),
        export: ExportClass::Wrapped,
        ..world.create_command(KeySpec::Aes256)
    };
    let view = world.key_view(run(&world.engine, &world.officer, create));
    let id = view.object.id;
    let mut update = world.update(id);
    update.name = Some(Edit::Set(name("orders-2027")));
    update.tags = BTreeMap::from([("env".to_owned(), Some("prod".to_owned()))]);
    update.applications = Some(vec!["till".to_owned()]);
    update.export = Some(ExportClass::Never);
    update.rotate_every = Some(Edit::Set(Millis::days(30)));
    update.cryptoperiod = Some(Cryptoperiod {
        originator: Some(Millis::days(10)),
        recipient: Some(Millis::days(20)),
    });
    let changed = world.key_view(run(&world.engine, &world.officer, update));
    assert_eq!(changed.row_version, view.row_version + 1);
    assert_eq!(changed.object.name, Some(name("orders-2027")));
    let born = view.versions[0].version.created_at;
    assert_eq!(changed.object.rotate_at, Some(born.plus(Millis::days(30))));
    let version = &changed.versions[0].version;
    assert_eq!(version.protect_until, Some(born.plus(Millis::days(10))));
    assert_eq!(version.process_until, Some(born.plus(Millis::days(20))));
    assert_eq!(world.named("orders-2027"), Ok(id));
    assert_eq!(world.named("orders"), Err(ErrorCode::NotFound));
    // What was shown is what is stored.
    assert_eq!(world.shown(&KeyRef::Id(id)), changed);

    let mut wider = world.update(id);
    wider.export = Some(ExportClass::Wrapped);
    assert_eq!(
        run(&world.engine, &world.officer, wider).unwrap_err(),
        ErrorCode::ExportClassWidening
    );
    let mut longer = world.update(id);
    longer.cryptoperiod = Some(Cryptoperiod {
        originator: Some(Millis::days(11)),
        recipient: Some(Millis::days(20)),
    });
    assert_eq!(
        run(&world.engine, &world.officer, longer).unwrap_err(),
        ErrorCode::CryptoperiodInvalid
    );
    let mut nobody = world.update(id);
    nobody.owner = Some(keyward_core::ids::PrincipalId([9; 16]));
    assert_eq!(
        run(&world.engine, &world.officer, nobody).unwrap_err(),
        ErrorCode::InvalidField
    );
    let mut denied = world.update(id);
    denied.name = Some(Edit::Clear);
    assert_eq!(
        run(&world.engine, &world.user, denied.clone()).unwrap_err(),
        ErrorCode::PermissionDenied
    );
    assert_eq!(
        run(&world.engine, &world.admin, denied).unwrap_err(),
        ErrorCode::NotFound
    );
    assert_eq!(
        world.shown(&KeyRef::Id(id)),
        changed,
        "refusals change nothing"
    );
    // An update that changes nothing writes nothing.
    let same = world.key_view(run(&world.engine, &world.officer, world.update(id)));
    assert_eq!(same, changed);
    world.engine.close();
}

#[test]
fn names_and_aliases_are_unique_move_at_once_and_are_freed() {
    let world = world(memory(), false);
    let (old, new) = (world.create(KeySpec::Aes256), world.create(KeySpec::Aes256));
    world.put_alias(old, "current", false).unwrap();
    world.put_alias(old, "first", false).unwrap();
    assert_eq!(world.named("current"), Ok(old));
    assert_eq!(
        world.put_alias(new, "current", false).unwrap_err(),
        ErrorCode::NameTaken
    );
    let moved = world.key_view(world.put_alias(new, "current", true));
    assert_eq!(moved.object.aliases, [name("current")]);
    assert_eq!(world.named("current"), Ok(new));
    assert_eq!(
        world.shown(&KeyRef::Id(old)).object.aliases,
        [name("first")]
    );
    // The same again changes nothing.
    let again = world.key_view(world.put_alias(new, "current", true));
    assert_eq!(again.row_version, moved.row_version);
    // An alias becomes the name; then it cannot be taken as an alias.
    let mut rename = world.update(new);
    rename.name = Some(Edit::Set(name("current")));
    let renamed = world.key_view(run(&world.engine, &world.officer, rename));
    assert_eq!(
        (renamed.object.name, renamed.object.aliases),
        (Some(name("current")), vec![])
    );
    assert_eq!(
        world.put_alias(old, "current", true).unwrap_err(),
        ErrorCode::NameTaken
    );
    let create = CreateKey {
        name: Some(name("first")),
        ..world.create_command(KeySpec::Aes128)
    };
    assert_eq!(
        run(&world.engine, &world.officer, create.clone()).unwrap_err(),
        ErrorCode::NameTaken
    );
    let (realm, key) = world.at(old);
    let remove = RemoveAlias {
        realm,
        key,
        alias: name("first"),
    };
    run(&world.engine, &world.officer, remove.clone()).unwrap();
    assert_eq!(
        run(&world.engine, &world.officer, remove).unwrap_err(),
        ErrorCode::NotFound
    );
    assert_eq!(world.named("first"), Err(ErrorCode::NotFound));
    run(&world.engine, &world.officer, create).unwrap();
    // A restart finds the same names.
    world.engine.close();
    let engine = engine(&world.module, &world.store, &world.clock);
    block_on(engine.unseal("passphrase", &secret(PASSPHRASE), None)).unwrap();
    let world = World { engine, ..world };
    assert_eq!(world.named("current"), Ok(new));
    world.engine.close();
}

#[test]
fn a_change_that_was_decided_on_another_state_is_refused() {
    let world = world(memory(), false);
    let id = world.create(KeySpec::Aes256);
    let revision = world.shown(&KeyRef::Id(id)).row_version;
    let at = |revisions: Vec<u64>, tag: &str| {
        let mut update = world.update(id);
        update.tags.insert("t".to_owned(), Some(tag.to_owned()));
        let envelope = Envelope {
            if_match: Some(revisions),
            ..Envelope::default()
        };
        block_on(
            world
                .engine
                .execute(&world.officer, &update.into(), &envelope),
        )
        .map_err(|problem| problem.code)
    };
    at(vec![revision], "a").unwrap();
    assert_eq!(
        at(vec![revision], "b").unwrap_err(),
        ErrorCode::PreconditionFailed
    );
    assert_eq!(at(vec![], "b").unwrap_err(), ErrorCode::PreconditionFailed);
    at(vec![revision, revision + 1], "c").unwrap();
    world.engine.close();
}

#[test]
fn filters_narrow_and_a_forbidden_key_is_not_listed() {
    let world = world(memory(), true);
    let tagged = CreateKey {
        tags: BTreeMap::from([("env".to_owned(), "prod".to_owned())]),
        rotate_every: Some(Millis::days(30)),
        ..world.create_command(KeySpec::Aes256)
    };
    let tagged = world
        .key_view(run(&world.engine, &world.officer, tagged))
        .object;
    let other = world.create(KeySpec::HmacSha256);
    let doomed = world.create(KeySpec::EcP256);
    let (realm, key) = world.at(doomed);
    let schedule = ScheduleDestruction {
        realm,
        key,
        version: None,
        after_days: 7,
        reason: "old".to_owned(),
    };
    run(&world.engine, &world.officer, schedule).unwrap();
    let by = |tag: &str, value: Option<&str>| {
        world.list(KeyFilter {
            tag: Some((tag.to_owned(), value.map(str::to_owned))),
            ..KeyFilter::default()
        })
    };
    assert_eq!(by("env", Some("prod")), [tagged.id]);
    assert_eq!(by("env", None), [tagged.id]);
    assert_eq!(by("env", Some("test")), []);
    let spec = |spec| {
        world.list(KeyFilter {
            spec: Some(spec),
            ..KeyFilter::default()
        })
    };
    assert_eq!(spec(KeySpec::HmacSha256), [other]);
    let due = tagged.rotate_at.unwrap();
    let rotation = |end| {
        world.list(KeyFilter {
            rotation_due_before: Some(end),
            ..KeyFilter::default()
        })
    };
    assert_eq!(rotation(due), []);
    assert_eq!(rotation(due.plus(Millis(1))), [tagged.id]);
    let destruction = KeyFilter {
        destruction_due_before: Some(due),
        ..KeyFilter::default()
    };
    assert_eq!(world.list(destruction), [doomed]);
    let hide = PutPolicy {
        realm: RealmRef::Id(world.realm),
        name: name("hide"),
        text: r#"forbid (principal, action == Keyward::Action::"describe-key", resource)
            when { resource.hasTag("env") && resource.getTag("env") == "prod" };"#
            .to_owned(),
    };
    run(&world.engine, &world.admin, hide).unwrap();
    assert_eq!(
        by("env", None),
        [],
        "what may not be described is not listed"
    );
    world.engine.close();
}

#[test]
fn minimum_versions_shut_out_older_ones() {
    let world = world(memory(), false);
    let id = world.create(KeySpec::Aes256);
    let old = world.encrypt(id, "old").unwrap();
    let (realm, key) = world.at(id);
    run(&world.engine, &world.officer, RotateKey { realm, key }).unwrap();
    let minimum = |process, protect| {
        let mut update = world.update(id);
        (update.min_process, update.min_protect) = (process, protect);
        run(&world.engine, &world.officer, update)
    };
    assert_eq!(minimum(Some(3), None).unwrap_err(), ErrorCode::InvalidField);
    assert_eq!(minimum(Some(0), None).unwrap_err(), ErrorCode::InvalidField);
    assert_eq!(
        minimum(Some(2), None).unwrap_err(),
        ErrorCode::InvalidField,
        "version 1 could protect and not process"
    );
    minimum(Some(2), Some(2)).unwrap();
    assert_eq!(world.decrypt(id, &old), Err(ErrorCode::VersionBelowMinimum));
    minimum(Some(1), None).unwrap();
    assert_eq!(world.decrypt(id, &old).unwrap(), b"old");
    world.engine.close();
}

#[test]
fn nothing_is_used_in_a_suspended_realm_and_its_rules_hold_for_new_keys() {
    let world = world(memory(), false);
    let id = world.create(KeySpec::Aes256);
    let sealed = world.encrypt(id, "text").unwrap();
    let realm = || RealmRef::Id(world.realm);
    let suspend = || SuspendRealm {
        realm: realm(),
        reason: Some("moved".to_owned()),
    };
    assert_eq!(
        run(&world.engine, &world.officer, suspend()).unwrap_err(),
        ErrorCode::PermissionDenied
    );
    run(&world.engine, &world.admin, suspend()).unwrap();
    assert_eq!(
        run(&world.engine, &world.admin, suspend()).unwrap_err(),
        ErrorCode::StateUnchanged
    );
    assert_eq!(world.decrypt(id, &sealed), Err(ErrorCode::RealmSuspended));
    assert_eq!(world.encrypt(id, "x"), Err(ErrorCode::RealmSuspended));
    let create = world.create_command(KeySpec::Aes256);
    assert_eq!(
        run(&world.engine, &world.officer, create).unwrap_err(),
        ErrorCode::RealmSuspended
    );
    let resume = ResumeRealm {
        realm: realm(),
        reason: None,
    };
    run(&world.engine, &world.admin, resume).unwrap();
    assert_eq!(world.decrypt(id, &sealed).unwrap(), b"text");

    let configure = |level, rules| ConfigureRealm {
        realm: realm(),
        level,
        quotas: None,
        rules,
    };
    let rules = RealmRules {
        rotate_every: Some(Millis::days(90)),
        widest_export: Some(ExportClass::Never),
        exceptions: None,
    };
    run(&world.engine, &world.admin, configure(None, Some(rules))).unwrap();
    let wide = CreateKey {
        export: ExportClass::Wrapped,
        ..world.create_command(KeySpec::Aes256)
    };
    assert_eq!(
        run(&world.engine, &world.officer, wide).unwrap_err(),
        ErrorCode::ExportForbidden
    );
    let made = world.create(KeySpec::Aes256);
    let made = world.shown(&KeyRef::Id(made));
    assert_eq!(made.object.rotate_every, Some(Millis::days(90)));
    // A higher level than the module's stops use at once; it cannot sink again while keys are there.
    run(&world.engine, &world.admin, configure(Some(2), None)).unwrap();
    assert_eq!(world.encrypt(id, "x"), Err(ErrorCode::LevelRuleUnmet));
    assert_eq!(
        run(&world.engine, &world.admin, configure(Some(1), None)).unwrap_err(),
        ErrorCode::Conflict
    );
    world.engine.close();
}
