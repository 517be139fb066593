//! Secrets, certificates, import and export, edges and the scheduler, through the engine on the real module.
mod common;
#[path = "common/wrap.rs"]
mod wrap;

use common::*;
use futures_executor::block_on;
use keyward_core::ErrorCode;
use keyward_core::algorithm::{KeySpec, Purpose};
use keyward_core::command::*;
use keyward_core::ids::ObjectId;
use keyward_core::object::{Birth, EdgeKind, ExportClass, ObjectKind, Sensitivity};
use keyward_core::outcome::{BlastRadius, KeyView, Outcome};
use keyward_core::state::State;
use keyward_core::time::Millis;
use keyward_engine::Caller;

const CHAIN: &[u8] = include_bytes!("data/till-chain.der");
const PAIR: &[u8] = include_bytes!("data/till-key.p8");

impl World {
    fn view(&self, outcome: Result<Outcome, ErrorCode>) -> KeyView {
        match outcome {
            Ok(Outcome::Key(view)) => *view,
            other => panic!("{other:?}"),
        }
    }
    fn new_secret(&self, called: Option<&str>, value: Value) -> CreateSecret {
        CreateSecret {
            realm: RealmRef::Id(self.realm),
            kind: ObjectKind::Secret,
            name: called.map(name),
            value,
            sensitivity: Sensitivity::High,
            applications: Vec::new(),
            tags: Default::default(),
            owner: None,
        }
    }
    fn read(
        &self,
        caller: &Caller,
        key: KeyRef,
        version: Option<u32>,
    ) -> Result<Vec<u8>, ErrorCode> {
        let read = ReadSecret {
            realm: RealmRef::Id(self.realm),
            key,
            version,
        };
        run(&self.engine, caller, read).map(|outcome| match outcome {
            Outcome::SecretValue { value, .. } => value.into_inner(),
            other => panic!("{other:?}"),
        })
    }
    fn import_key(&self, caller: &Caller, scheme: TransferScheme) -> Outcome {
        let ask = CreateImportKey {
            realm: RealmRef::Id(self.realm),
            scheme,
        };
        run(&self.engine, caller, ask).unwrap()
    }
    fn import(&self, create: CreateKey, transfer: Transfer) -> Result<KeyView, ErrorCode> {
        match run(&self.engine, &self.officer, ImportKey { create, transfer }) {
            Ok(Outcome::Key(view)) => Ok(*view),
            Ok(other) => panic!("{other:?}"),
            Err(code) => Err(code),
        }
    }
    fn radius(&self, key: ObjectId) -> BlastRadius {
        let (realm, key) = self.at(key);
        match run(&self.engine, &self.user, ReadBlastRadius { realm, key }).unwrap() {
            Outcome::BlastRadius(radius) => radius,
            other => panic!("{other:?}"),
        }
    }
    fn reopened(self) -> Self {
        self.engine.close();
        let engine = engine(&self.module, &self.store, &self.clock);
        block_on(engine.unseal("passphrase", &secret(PASSPHRASE), None)).unwrap();
        Self { engine, ..self }
    }
}

fn named(kind: ObjectKind, text: &str) -> KeyRef {
    KeyRef::Named(kind, name(text))
}

#[test]
fn a_secret_has_versions_is_read_by_users_and_survives_a_restart() {
    let world = world(memory(), false);
    let value = Value::Given(secret("first"));
    let made = world.view(run(
        &world.engine,
        &world.officer,
        world.new_secret(Some("db"), value),
    ));
    assert_eq!(made.versions[0].version.origin.birth, Birth::Imported);
    assert_eq!(made.versions[0].version.material, None);
    let db = || named(ObjectKind::Secret, "db");
    assert_eq!(world.read(&world.user, db(), None).unwrap(), b"first");
    assert_eq!(
        world.read(&world.officer, db(), None).unwrap_err(),
        ErrorCode::PermissionDenied,
        "who governs does not read"
    );
    let put = PutSecretVersion {
        realm: RealmRef::Id(world.realm),
        key: db(),
        value: Value::Generated(Alphabet::Hexadecimal, 40),
    };
    let put = world.view(run(&world.engine, &world.officer, put));
    assert_eq!(put.object.current, 2);
    let states: Vec<State> = put.versions.iter().map(|v| v.version.state()).collect();
    assert_eq!(states, [State::Deactivated, State::Active]);
    assert_eq!(put.versions[1].version.origin.birth, Birth::Generated);
    let world = world.reopened();
    let generated = world.read(&world.user, db(), None).unwrap();
    assert!(generated.len() == 40 && generated.iter().all(u8::is_ascii_hexdigit));
    assert_eq!(world.read(&world.user, db(), Some(1)).unwrap(), b"first");
    assert_eq!(
        world.read(&world.user, db(), Some(3)).unwrap_err(),
        ErrorCode::VersionNotFound
    );
    world.engine.close();
}

#[test]
fn a_secret_is_no_key_and_a_key_is_no_secret_by_whatever_name_it_is_called() {
    let world = world(memory(), true);
    let made = world.view(run(
        &world.engine,
        &world.officer,
        world.new_secret(Some("same"), Value::Given(secret("x"))),
    ));
    let create = CreateKey {
        name: Some(name("same")),
        ..world.create_command(KeySpec::Aes256)
    };
    let key = world
        .view(run(&world.engine, &world.officer, create))
        .object
        .id;
    let id = made.object.id;
    for wrong in [
        KeyRef::Id(key),
        KeyRef::Name(name("same")),
        KeyRef::Object(ObjectKind::Secret, key),
        KeyRef::Object(ObjectKind::Opaque, id),
    ] {
        assert_eq!(
            world.read(&world.user, wrong, None).unwrap_err(),
            ErrorCode::NotFound
        );
    }
    assert_eq!(world.encrypt(id, "x"), Err(ErrorCode::NotFound));
    let describe = |key| DescribeKey {
        realm: RealmRef::Id(world.realm),
        key,
    };
    assert_eq!(
        run(&world.engine, &world.user, describe(KeyRef::Id(id))).unwrap_err(),
        ErrorCode::NotFound
    );
    let list = ListKeys {
        realm: RealmRef::Id(world.realm),
        after: None,
        limit: 100,
        state: None,
        name_prefix: None,
        filter: None,
    };
    let Outcome::Keys(page) = run(&world.engine, &world.user, list).unwrap() else {
        panic!()
    };
    assert_eq!(page.items.len(), 1);
    let list = ListObjects {
        realm: RealmRef::Id(world.realm),
        kind: ObjectKind::Secret,
        after: None,
        limit: 100,
        state: None,
        name_prefix: Some("sa".to_owned()),
        filter: None,
    };
    let Outcome::Keys(page) = run(&world.engine, &world.user, list).unwrap() else {
        panic!()
    };
    assert_eq!(
        page.items.iter().map(|v| v.object.id).collect::<Vec<_>>(),
        [id]
    );
    world.engine.close();
}

#[test]
fn values_have_limits_and_generated_ones_enough_strength() {
    let world = world(memory(), false);
    let create =
        |value| run(&world.engine, &world.officer, world.new_secret(None, value)).map(|_| ());
    let bytes = |length| Value::Given(keyward_core::secret::Secret::new(vec![7; length]));
    assert_eq!(create(bytes(0)), Err(ErrorCode::InvalidField));
    assert_eq!(create(bytes((64 << 10) + 1)), Err(ErrorCode::DataTooLarge));
    create(bytes(64 << 10)).unwrap();
    create(bytes(1)).unwrap();
    for weak in [
        (Alphabet::Digits, 10),
        (Alphabet::Hexadecimal, 15),
        (Alphabet::Bytes, 7),
    ] {
        assert_eq!(
            create(Value::Generated(weak.0, weak.1)),
            Err(ErrorCode::InvalidField),
            "{weak:?}"
        );
    }
    create(Value::Generated(Alphabet::Bytes, 8)).unwrap();
    world.engine.close();
}

#[test]
fn a_secret_is_suspended_compromised_and_destroyed_like_a_key() {
    let world = world(memory(), true);
    let value = Value::Given(secret("doomed"));
    run(
        &world.engine,
        &world.officer,
        world.new_secret(Some("s"), value),
    )
    .unwrap();
    let realm = || RealmRef::Id(world.realm);
    let key = || named(ObjectKind::Secret, "s");
    let suspend = SuspendKey {
        realm: realm(),
        key: key(),
        reason: None,
    };
    run(&world.engine, &world.officer, suspend).unwrap();
    assert_eq!(
        world.read(&world.user, key(), None).unwrap_err(),
        ErrorCode::KeySuspended
    );
    let resume = ResumeKey {
        realm: realm(),
        key: key(),
        reason: None,
    };
    run(&world.engine, &world.officer, resume).unwrap();
    let schedule = ScheduleDestruction {
        realm: realm(),
        key: key(),
        version: None,
        after_days: 7,
        reason: "old".to_owned(),
    };
    run(&world.engine, &world.officer, schedule).unwrap();
    assert_eq!(
        world.read(&world.user, key(), None).unwrap_err(),
        ErrorCode::DestructionPending
    );
    world.clock.pass(Millis::days(8));
    assert_eq!(
        block_on(world.engine.run_due()).unwrap(),
        1,
        "the scheduler finds it"
    );
    assert_eq!(
        world.read(&world.user, key(), None).unwrap_err(),
        ErrorCode::KeyDestroyed
    );
    world.engine.close();
}

#[test]
fn keys_of_every_kind_come_in_wrapped_and_their_origin_stays() {
    let world = world(memory(), false);
    let cases: [(KeySpec, &[u8]); 3] = [
        (KeySpec::Aes256, &[9; 32]),
        (KeySpec::HmacSha384, &[8; 48]),
        (KeySpec::EcP256, PAIR),
    ];
    for scheme in TransferScheme::ALL {
        for (spec, material) in cases {
            let answer = world.import_key(&world.officer, scheme);
            let transfer = wrap::wrap_for(&answer, material);
            let view = world.import(world.create_command(spec), transfer.clone());
            let view = view.unwrap_or_else(|code| panic!("{scheme:?} {spec:?} {code:?}"));
            let version = &view.versions[0].version;
            assert_eq!(version.origin.birth, Birth::Imported);
            assert!(
                !version.origin.approved,
                "nothing vouches for how it was made"
            );
            assert_eq!(version.public.is_some(), spec.is_pair());
            assert_eq!(
                world
                    .import(world.create_command(spec), transfer)
                    .unwrap_err(),
                ErrorCode::InvalidField,
                "an import key is good once"
            );
            if spec == KeySpec::Aes256 {
                let sealed = world.encrypt(view.object.id, "hello").unwrap();
                assert_eq!(world.decrypt(view.object.id, &sealed).unwrap(), b"hello");
            }
        }
    }
    world.engine.close();
}

#[test]
fn an_import_key_is_for_one_caller_one_realm_and_one_hour_and_a_refusal_does_not_use_it_up() {
    let world = world(memory(), false);
    let create = || world.create_command(KeySpec::Aes256);
    let other = workload(
        &world.engine,
        &world.admin,
        world.realm,
        "second officer",
        keyward_core::role::Role::CryptoOfficer,
    );
    let foreign = world.import_key(&other, TransferScheme::MlKem768);
    assert_eq!(
        world
            .import(create(), wrap::wrap_for(&foreign, &[1; 32]))
            .unwrap_err(),
        ErrorCode::InvalidField
    );
    let answer = world.import_key(&world.officer, TransferScheme::EcdhP384);
    let good = wrap::wrap_for(&answer, &[1; 32]);
    let mut tampered = good.clone();
    tampered.wrapped[3] ^= 1;
    assert_eq!(
        world.import(create(), tampered).unwrap_err(),
        ErrorCode::WrappedKeyInvalid
    );
    let mut no_point = good.clone();
    *no_point.encapsulated.last_mut().unwrap() ^= 1;
    assert_eq!(
        world.import(create(), no_point).unwrap_err(),
        ErrorCode::PublicKeyInvalid
    );
    let short = wrap::wrap_for(&answer, &[1; 16]);
    assert_eq!(
        world.import(create(), short).unwrap_err(),
        ErrorCode::KeyMaterialInvalid
    );
    let no_pair = wrap::wrap_for(&answer, &[0x30; 138]);
    assert_eq!(
        world
            .import(world.create_command(KeySpec::EcP256), no_pair)
            .unwrap_err(),
        ErrorCode::KeyMaterialInvalid
    );
    let other_curve = wrap::wrap_for(&answer, PAIR);
    assert_eq!(
        world
            .import(world.create_command(KeySpec::EcP384), other_curve)
            .unwrap_err(),
        ErrorCode::KeyMaterialInvalid
    );
    world.import(create(), good).unwrap();
    let late = world.import_key(&world.officer, TransferScheme::EcdhP384);
    world.clock.pass(Millis::HOUR);
    assert_eq!(
        world
            .import(create(), wrap::wrap_for(&late, &[1; 32]))
            .unwrap_err(),
        ErrorCode::InvalidField
    );
    let before = world.import_key(&world.officer, TransferScheme::EcdhP384);
    let good = wrap::wrap_for(&before, &[1; 32]);
    let world = world.reopened();
    let create = world.create_command(KeySpec::Aes256);
    assert_eq!(
        world.import(create, good).unwrap_err(),
        ErrorCode::InvalidField,
        "import keys end with the process"
    );
    world.engine.close();
}

#[test]
fn a_secret_comes_in_wrapped_too() {
    let world = world(memory(), false);
    let answer = world.import_key(&world.officer, TransferScheme::MlKem1024);
    let value = Value::Wrapped(wrap::wrap_for(&answer, b"over the wire"));
    run(
        &world.engine,
        &world.officer,
        world.new_secret(Some("w"), value),
    )
    .unwrap();
    let read = world.read(&world.user, named(ObjectKind::Secret, "w"), None);
    assert_eq!(read.unwrap(), b"over the wire");
    world.engine.close();
}

#[test]
fn material_leaves_only_as_its_class_allows() {
    let world = world(memory(), false);
    let made = |purpose, export| {
        let create = CreateKey {
            purpose: Some(purpose),
            export,
            ..world.create_command(KeySpec::Aes256)
        };
        world
            .view(run(&world.engine, &world.officer, create))
            .object
            .id
    };
    let kek = made(Purpose::Wrap, ExportClass::Never);
    let never = made(Purpose::Encrypt, ExportClass::Never);
    let wrapped = made(Purpose::Encrypt, ExportClass::Wrapped);
    let session = made(Purpose::Encrypt, ExportClass::Session);
    let export = |key: ObjectId, recipient| {
        let (realm, key) = world.at(key);
        let export = ExportKey {
            realm,
            key,
            version: None,
            recipient,
        };
        run(&world.engine, &world.officer, export)
    };
    let under = |kek| Recipient::Key(KeyRef::Id(kek));
    assert_eq!(
        export(never, under(kek)).unwrap_err(),
        ErrorCode::ExportForbidden
    );
    assert_eq!(
        export(wrapped, under(session)).unwrap_err(),
        ErrorCode::UsageNotPermitted,
        "an encryption key does not wrap"
    );
    assert_eq!(
        export(wrapped, under(ObjectId([1; 16]))).unwrap_err(),
        ErrorCode::WrappingKeyUnsuitable
    );
    export(wrapped, under(kek)).unwrap();
    let radius = world.radius(kek);
    assert_eq!(radius.concerned.len(), 1);
    assert_eq!(radius.concerned[0].edge.kind, EdgeKind::Wraps);
    assert_eq!(radius.concerned[0].edge.to, wrapped);

    // For a public key: what leaves opens only with the private one, and is the key that encrypted.
    let (private, public) = wrap::ephemeral();
    let recipient = Recipient::Public(TransferScheme::EcdhP384, public);
    let Outcome::Exported {
        wrapped: blob,
        encapsulated: Some(encapsulated),
        info: Some(info),
        ..
    } = export(session, recipient).unwrap()
    else {
        panic!()
    };
    let out = wrap::unwrap_kwp(&wrap::agreed(private, &encapsulated, &info), &blob);

    let release = |caller: &Caller, key: ObjectId| {
        let (realm, key) = world.at(key);
        let release = ReleaseKey {
            realm,
            key,
            version: None,
        };
        run(&world.engine, caller, release)
    };
    assert_eq!(
        release(&world.user, session).unwrap_err(),
        ErrorCode::ChannelInsufficient
    );
    let certified = certified(&world);
    assert_eq!(
        release(&certified, wrapped).unwrap_err(),
        ErrorCode::ExportForbidden
    );
    assert_eq!(
        release(&world.officer, session).unwrap_err(),
        ErrorCode::PermissionDenied
    );
    let Outcome::Released { material, .. } = release(&certified, session).unwrap() else {
        panic!()
    };
    assert_eq!(material.expose(), out, "both ways out give the same key");
    let (realm, key) = world.at(session);
    let view = world.view(run(
        &world.engine,
        &world.officer,
        DescribeKey { realm, key },
    ));
    assert!(view.versions[0].version.was_exported);
    world.engine.close();
}

#[test]
fn a_compromise_says_how_much_it_concerns() {
    let world = world(memory(), false);
    let kek = CreateKey {
        purpose: Some(Purpose::Wrap),
        ..world.create_command(KeySpec::Aes256)
    };
    let kek = world
        .view(run(&world.engine, &world.officer, kek))
        .object
        .id;
    for _ in 0..3 {
        let key = CreateKey {
            export: ExportClass::Wrapped,
            ..world.create_command(KeySpec::Aes128)
        };
        let key = world
            .view(run(&world.engine, &world.officer, key))
            .object
            .id;
        let (realm, key) = world.at(key);
        let export = ExportKey {
            realm,
            key,
            version: None,
            recipient: Recipient::Key(KeyRef::Id(kek)),
        };
        run(&world.engine, &world.officer, export).unwrap();
    }
    let (realm, key) = world.at(kek);
    let report = ReportCompromise {
        realm,
        key,
        version: None,
        since: None,
        reason: "seen".to_owned(),
    };
    run(&world.engine, &world.officer, report).unwrap();
    assert_eq!(world.radius(kek).concerned.len(), 3);
    world.engine.close();
}

fn put_certificate(world: &World, subject_key: Option<ObjectId>) -> PutCertificate {
    PutCertificate {
        realm: RealmRef::Id(world.realm),
        renews: None,
        name: Some(name("till")),
        chain: CHAIN.to_vec(),
        subject_key: subject_key.map(KeyRef::Id),
        tags: Default::default(),
        owner: None,
    }
}

#[test]
fn a_certificate_is_kept_linked_shown_and_watched() {
    let world = world(memory(), false);
    let other = world.create(KeySpec::EcP256);
    assert_eq!(
        run(
            &world.engine,
            &world.officer,
            put_certificate(&world, Some(other))
        )
        .unwrap_err(),
        ErrorCode::InvalidField,
        "it is for another key"
    );
    let answer = world.import_key(&world.officer, TransferScheme::EcdhP384);
    let transfer = wrap::wrap_for(&answer, PAIR);
    let pair = world
        .import(world.create_command(KeySpec::EcP256), transfer)
        .unwrap()
        .object
        .id;
    let made = world.view(run(
        &world.engine,
        &world.officer,
        put_certificate(&world, Some(pair)),
    ));
    assert_eq!(made.object.kind, ObjectKind::Certificate);
    assert_eq!(made.versions[0].version.state(), State::Active);
    let radius = world.radius(pair);
    assert_eq!(radius.concerned[0].edge.kind, EdgeKind::Certifies);
    let describe = DescribeKey {
        realm: RealmRef::Id(world.realm),
        key: named(ObjectKind::Certificate, "till"),
    };
    let Outcome::Certificate(view) = run(&world.engine, &world.user, describe).unwrap() else {
        panic!()
    };
    assert_eq!(view.facts.subject, "CN=till.example,O=Shop");
    assert_eq!(view.facts.issuer, "CN=Shop CA,O=Shop");
    assert_eq!(
        view.facts.alternative_names,
        ["dns:till.example", "ip:192.0.2.7"]
    );
    assert_eq!(view.pem.matches("BEGIN CERTIFICATE").count(), 2);
    // Thirty days before its end a notice is recorded; afterwards the next one is due.
    let end = view.facts.not_after;
    let wait = end.since(keyward_core::time::Timestamp(
        world.clock.wall.load(std::sync::atomic::Ordering::SeqCst),
    ));
    world.clock.pass(Millis(wait.0 - Millis::days(29).0));
    assert!(block_on(world.engine.run_due()).unwrap() >= 1);
    let renew = PutCertificate {
        renews: Some(named(ObjectKind::Certificate, "till")),
        name: None,
        ..put_certificate(&world, Some(pair))
    };
    let renewed = world.view(run(&world.engine, &world.officer, renew));
    assert_eq!(renewed.object.current, 2);
    world.engine.close();
}

#[test]
fn chains_that_are_none_are_refused() {
    let world = world(memory(), false);
    let put = |chain: Vec<u8>| {
        let put = PutCertificate {
            chain,
            ..put_certificate(&world, None)
        };
        run(&world.engine, &world.officer, put)
            .map(|_| ())
            .unwrap_err()
    };
    let mut swapped = CHAIN.to_vec();
    let first = 4 + usize::from(u16::from_be_bytes([CHAIN[2], CHAIN[3]]));
    swapped.rotate_left(first);
    for bad in [
        Vec::new(),
        vec![0x30, 0x00],
        CHAIN[..CHAIN.len() - 1].to_vec(),
        swapped,
        [CHAIN, &[0]].concat(),
        vec![0x30; 70_000],
    ] {
        assert_eq!(put(bad), ErrorCode::InvalidField);
    }
    world.engine.close();
}

#[test]
fn a_request_is_signed_by_the_key_and_names_what_was_asked() {
    use der::{Decode as _, DecodePem as _, Encode as _};
    use x509_cert::request::CertReq;
    let world = world(memory(), false);
    for spec in [
        KeySpec::EcP256,
        KeySpec::EcP384,
        KeySpec::EcP521,
        KeySpec::Ed25519,
        KeySpec::Rsa2048,
    ] {
        let key = world.create(spec);
        let (realm, key) = world.at(key);
        let request = CreateCertificateRequest {
            realm: realm.clone(),
            key: key.clone(),
            subject: "CN=till.example,O=Shop".to_owned(),
            alternative_names: vec!["dns:till.example".to_owned(), "ip:192.0.2.7".to_owned()],
        };
        let Outcome::CertificateRequest { pem, .. } =
            run(&world.engine, &world.officer, request).unwrap()
        else {
            panic!()
        };
        let request = CertReq::from_pem(&pem).unwrap();
        let view = world.view(run(
            &world.engine,
            &world.officer,
            DescribeKey { realm, key },
        ));
        let public = view.versions[0].version.public.clone().unwrap();
        assert_eq!(request.info.public_key.to_der().unwrap(), public);
        let message = request.info.to_der().unwrap();
        let signature = request.signature.raw_bytes();
        use aws_lc_rs::signature as s;
        let algorithm: &dyn s::VerificationAlgorithm = match spec {
            KeySpec::EcP256 => &s::ECDSA_P256_SHA256_ASN1,
            KeySpec::EcP384 => &s::ECDSA_P384_SHA384_ASN1,
            KeySpec::EcP521 => &s::ECDSA_P521_SHA512_ASN1,
            KeySpec::Ed25519 => &s::ED25519,
            _ => &s::RSA_PKCS1_2048_8192_SHA256,
        };
        s::UnparsedPublicKey::new(algorithm, &public)
            .verify(&message, signature)
            .unwrap();
        assert!(CertReq::from_der(&request.to_der().unwrap()).is_ok());
    }
    let key = world.create(KeySpec::EcP256);
    let refused = |subject: &str, names: &[&str]| {
        let (realm, key) = world.at(key);
        let request = CreateCertificateRequest {
            realm,
            key,
            subject: subject.to_owned(),
            alternative_names: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        run(&world.engine, &world.officer, request).unwrap_err()
    };
    assert_eq!(refused("no name", &[]), ErrorCode::InvalidField);
    assert_eq!(refused("", &[]), ErrorCode::InvalidField);
    assert_eq!(refused("CN=a", &["a"]), ErrorCode::InvalidField);
    assert_eq!(refused("CN=a", &["dns:\u{e9}"]), ErrorCode::InvalidField);
    let (realm, key) = world.at(world.create(KeySpec::Aes256));
    let request = CreateCertificateRequest {
        realm,
        key,
        subject: "CN=a".to_owned(),
        alternative_names: Vec::new(),
    };
    assert_eq!(
        run(&world.engine, &world.officer, request).unwrap_err(),
        ErrorCode::UsageNotPermitted
    );
    world.engine.close();
}

#[test]
fn an_overdue_rotation_runs_on_resume_and_a_refused_one_does_not_fill_the_log() {
    let world = world(memory(), false);
    let create = CreateKey {
        rotate_every: Some(Millis::days(1)),
        ..world.create_command(KeySpec::Aes256)
    };
    let id = world
        .view(run(&world.engine, &world.officer, create))
        .object
        .id;
    let (realm, key) = world.at(id);
    let suspend = SuspendKey {
        realm: realm.clone(),
        key: key.clone(),
        reason: None,
    };
    run(&world.engine, &world.officer, suspend).unwrap();
    world.clock.pass(Millis::days(2));
    let size = |world: &World| match run(&world.engine, &world.admin, Status {}).unwrap() {
        Outcome::Status(status) => status.log_size,
        other => panic!("{other:?}"),
    };
    let before = size(&world);
    for _ in 0..60 {
        assert_eq!(block_on(world.engine.run_due()).unwrap(), 0);
        world.clock.pass(Millis(1_000));
    }
    let records = size(&world) - before;
    assert!(records < 10, "{records} records in a minute");
    let resume = ResumeKey {
        realm: realm.clone(),
        key: key.clone(),
        reason: None,
    };
    run(&world.engine, &world.officer, resume).unwrap();
    assert_eq!(block_on(world.engine.run_due()).unwrap(), 1);
    assert_eq!(world.state(id), [State::Deactivated, State::Active]);
    // A key that was ended by hand does not begin anew.
    let deactivate = DeactivateKey {
        realm,
        key,
        version: None,
        reason: None,
    };
    run(&world.engine, &world.officer, deactivate).unwrap();
    world.clock.pass(Millis::days(2));
    assert_eq!(block_on(world.engine.run_due()).unwrap(), 0);
    assert_eq!(world.state(id), [State::Deactivated, State::Deactivated]);
    world.engine.close();
}

#[test]
fn a_destruction_leaves_facts_that_can_be_shown() {
    let world = world(memory(), true);
    let id = world.create(KeySpec::Aes256);
    let read = || {
        let (realm, key) = world.at(id);
        run(&world.engine, &world.user, ReadDestruction { realm, key })
    };
    assert_eq!(read().unwrap_err(), ErrorCode::Conflict);
    let (realm, key) = world.at(id);
    let schedule = ScheduleDestruction {
        realm: realm.clone(),
        key: key.clone(),
        version: None,
        after_days: 0,
        reason: "shop closed".to_owned(),
    };
    run(&world.engine, &world.officer, schedule).unwrap();
    run(
        &world.engine,
        &world.officer,
        ExecuteDestruction { realm, key },
    )
    .unwrap();
    let Outcome::Destruction(known) = read().unwrap() else {
        panic!()
    };
    assert_eq!((known.destroyed.len(), known.remaining.len()), (1, 0));
    let one = &known.destroyed[0];
    assert_eq!(one.reason.as_deref(), Some("shop closed"));
    assert_eq!(one.by, world.officer.principal());
    assert!(one.epoch.is_some() && one.tree_digest.is_some());
    assert_eq!(known.seals[0].0, "passphrase");
    assert!(known.seals[0].1.contains("does not protect"));
    world.engine.close();
}

#[test]
fn an_exception_is_chosen_at_birth_where_the_realm_allows_it() {
    let world = world(memory(), false);
    let create = || CreateKey {
        exception: Some(true),
        ..world.create_command(KeySpec::Aes256)
    };
    assert_eq!(
        run(&world.engine, &world.officer, create()).unwrap_err(),
        ErrorCode::InvalidField
    );
    let allow = ConfigureRealm {
        realm: RealmRef::Id(world.realm),
        level: None,
        quotas: None,
        rules: Some(keyward_core::object::RealmRules {
            exceptions: Some(true),
            ..Default::default()
        }),
    };
    run(&world.engine, &world.admin, allow).unwrap();
    let made = world.view(run(&world.engine, &world.officer, create()));
    assert!(made.object.exception);
    let plain = world.create(KeySpec::Aes256);
    let (realm, key) = world.at(plain);
    let plain = world.view(run(
        &world.engine,
        &world.officer,
        DescribeKey { realm, key },
    ));
    assert!(!plain.object.exception);
    world.engine.close();
}
