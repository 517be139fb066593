//! Every command goes over the wire and comes out of the server's decoder as it went in.
use std::collections::BTreeMap;

use keyward_core::algorithm::{HashAlgorithm, KeySpec, Protection, Purpose, SignatureScheme};
use keyward_core::command::Value as Value_;
use keyward_core::command::*;
use keyward_core::ids::{ObjectId, PrincipalId, RealmId, TokenId};
use keyward_core::name::Name;
use keyward_core::object::{
    Cryptoperiod, ExportClass, ObjectKind, Quotas, RealmRules, Sensitivity,
};
use keyward_core::role::Role;
use keyward_core::secret::Secret;
use keyward_core::state::State;
use keyward_core::time::Timestamp;
use keyward_protocol::rest::{self, Call, Headers};

use super::*;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// What the server makes of a request.
fn decoded(request: &Request) -> rest::Call {
    let path = request.target.path();
    let body = request.body.as_ref().map_or(&b""[..], Payload::as_slice);
    let headers = Headers {
        content_type: request.body.as_ref().map(|_| &b"application/json"[..]),
        accept: Some(request.accept.as_bytes()),
        ..Headers::default()
    };
    let matched =
        rest::find(request.method.as_str(), path).unwrap_or_else(|p| panic!("{path}: {p}"));
    rest::decode(&matched, request.target.query(), &headers, body)
        .unwrap_or_else(|p| panic!("{path}: {p}"))
        .call
}

fn realms() -> [RealmRef; 3] {
    [
        RealmRef::SYSTEM,
        RealmRef::Id(RealmId([0xab; 16])),
        RealmRef::Name(name("a/b c+d é%?#")),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn about_realms(realm: &RealmRef) -> Vec<Command> {
    let (realm, principal) = (realm.clone(), PrincipalId([3; 16]));
    vec![
        VerifyExternal {
            realm: realm.clone(),
            spec: KeySpec::Rsa3072,
            scheme: Some(SignatureScheme::RsaPkcs1Sha256),
            public: vec![0x30],
            message: Secret::new(vec![1]),
            signature: vec![2, 3],
        }
        .into(),
        Random {
            realm: realm.clone(),
            length: 32,
        }
        .into(),
        Hash {
            realm: realm.clone(),
            algorithm: HashAlgorithm::Sha3_512,
            message: Secret::new(vec![1, 2]),
        }
        .into(),
        DescribeRealm {
            realm: realm.clone(),
        }
        .into(),
        CreateSecret {
            realm: realm.clone(),
            kind: ObjectKind::Secret,
            name: Some(name("s \"1\"")),
            value: Value_::Given(Secret::new(vec![0, 255])),
            sensitivity: Sensitivity::High,
            applications: vec!["x".into()],
            tags: BTreeMap::from([("a".into(), "b".into())]),
            owner: Some(principal),
        }
        .into(),
        CreateSecret {
            realm: realm.clone(),
            kind: ObjectKind::Opaque,
            name: None,
            value: Value_::Generated(Alphabet::Hexadecimal, 64),
            sensitivity: Sensitivity::Moderate,
            applications: vec![],
            tags: BTreeMap::new(),
            owner: None,
        }
        .into(),
        ListObjects {
            realm: realm.clone(),
            kind: ObjectKind::Certificate,
            after: Some(ObjectId([4; 16])),
            limit: 7,
            state: Some(State::Active),
            name_prefix: Some("a&b".into()),
            filter: Some(KeyFilter {
                tag: Some(("env".into(), None)),
                ..KeyFilter::default()
            }),
        }
        .into(),
        PutCertificate {
            realm: realm.clone(),
            renews: None,
            name: Some(name("till")),
            chain: vec![0x30, 0x03, 0x02, 0x01, 0x01, 0x30, 0x00],
            subject_key: Some(KeyRef::Name(name("pair 1"))),
            tags: BTreeMap::from([("a".into(), "b".into())]),
            owner: Some(principal),
        }
        .into(),
        CreateImportKey {
            realm: realm.clone(),
            scheme: TransferScheme::MlKem1024,
        }
        .into(),
        ImportKey {
            create: CreateKey {
                realm: realm.clone(),
                name: Some(name("k")),
                spec: KeySpec::Aes256,
                purpose: None,
                protection: Protection::Software,
                export: ExportClass::Never,
                activate: true,
                cryptoperiod: None,
                rotate_every: None,
                sensitivity: Sensitivity::Moderate,
                applications: vec![],
                tags: BTreeMap::new(),
                owner: None,
                exception: Some(true),
            },
            transfer: Transfer {
                import_key: [5; 16],
                encapsulated: vec![1, 2],
                wrapped: vec![3, 4, 5],
            },
        }
        .into(),
        ConfigureRealm {
            realm: realm.clone(),
            level: Some(2),
            quotas: Some(Quotas::default()),
            rules: Some(RealmRules {
                rotate_every: Some(Millis(3_600_000)),
                widest_export: Some(ExportClass::Wrapped),
                exceptions: Some(true),
            }),
        }
        .into(),
        ConfigureRealm {
            realm: realm.clone(),
            level: None,
            quotas: None,
            rules: Some(RealmRules::default()),
        }
        .into(),
        SuspendRealm {
            realm: realm.clone(),
            reason: Some("moved \"out\"".into()),
        }
        .into(),
        ResumeRealm {
            realm: realm.clone(),
            reason: None,
        }
        .into(),
        CreateWorkload {
            realm: realm.clone(),
            name: name("w \"1\""),
            roles: vec![Role::CryptoUser, Role::BackupOperator],
        }
        .into(),
        ListPrincipals {
            realm: realm.clone(),
            after: Some(principal),
            limit: 7,
        }
        .into(),
        RegisterAnchor {
            realm: realm.clone(),
            certificate: vec![0x30; 100],
        }
        .into(),
        BindCertificate {
            realm: realm.clone(),
            anchor: [0xcd; 32],
            name: "dns:a".into(),
            principal,
        }
        .into(),
        PutPolicy {
            realm: realm.clone(),
            name: name("p/q"),
            text: "permit(\n);".into(),
        }
        .into(),
        DeletePolicy {
            realm: realm.clone(),
            name: name("p/q"),
        }
        .into(),
        ListPolicies {
            realm: realm.clone(),
        }
        .into(),
        ListKeys {
            realm: realm.clone(),
            after: Some(ObjectId([4; 16])),
            limit: 1000,
            state: Some(State::PreActivation),
            name_prefix: Some("a&b=c +%".into()),
            filter: Some(KeyFilter {
                spec: Some(KeySpec::EcP521),
                purpose: Some(Purpose::Sign),
                tag: Some(("a b".into(), Some("c=d&".into()))),
                owner: Some(principal),
                rotation_due_before: Some(Timestamp(1_795_420_800_123)),
                destruction_due_before: Some(Timestamp(1_795_420_800_000)),
            }),
        }
        .into(),
        ListKeys {
            realm: realm.clone(),
            after: None,
            limit: 1,
            state: None,
            name_prefix: None,
            filter: None,
        }
        .into(),
        CreateKey {
            realm: realm.clone(),
            name: Some(name("k")),
            spec: KeySpec::Aes256,
            purpose: Some(Purpose::Wrap),
            protection: Protection::HsmRecoverable,
            export: ExportClass::Wrapped,
            activate: false,
            cryptoperiod: Some(Cryptoperiod {
                originator: Some(Millis::days(3)),
                recipient: Some(Millis(5000)),
            }),
            rotate_every: Some(Millis::days(90)),
            sensitivity: Sensitivity::High,
            applications: vec!["x".into(), "y\"".into()],
            tags: BTreeMap::from([("a".into(), "b\n".into())]),
            owner: Some(principal),
            exception: None,
        }
        .into(),
        CreateKey {
            realm,
            name: None,
            spec: KeySpec::EcP384,
            purpose: None,
            protection: Protection::Software,
            export: ExportClass::Never,
            activate: true,
            cryptoperiod: None,
            rotate_every: Some(Millis(3_600_000)),
            sensitivity: Sensitivity::Moderate,
            applications: vec![],
            tags: BTreeMap::new(),
            owner: None,
            exception: None,
        }
        .into(),
    ]
}

fn plain_key(realm: &RealmRef) -> CreateKey {
    CreateKey {
        realm: realm.clone(),
        name: Some(name("made \"here\"")),
        spec: KeySpec::Aes256,
        purpose: None,
        protection: Protection::Software,
        export: ExportClass::Never,
        activate: true,
        cryptoperiod: None,
        rotate_every: None,
        sensitivity: Sensitivity::Moderate,
        applications: vec![],
        tags: BTreeMap::new(),
        owner: None,
        exception: None,
    }
}

fn about_keys(realm: &RealmRef, key: &KeyRef) -> Vec<Command> {
    let (realm, key) = (realm.clone(), key.clone());
    let reason = || Some("because \"so\"".to_owned());
    macro_rules! make {
        ($($name:ident { $($field:ident : $value:expr),* })*) => {
            vec![$($name { realm: realm.clone(), key: key.clone(), $($field: $value),* }.into()),*]
        };
    }
    make! {
        DescribeKey {}
        ReadBlastRadius {}
        ReadDestruction {}
        CreateCertificateRequest { subject: "CN=a\"b".to_owned(), alternative_names: vec!["dns:a".to_owned()] }
        ExportKey { version: Some(2), recipient: Recipient::Key(KeyRef::Name(name("kek"))) }
        ExportKey { version: None, recipient: Recipient::Public(TransferScheme::EcdhP384, vec![9, 8]) }
        ReleaseKey { version: Some(1) }
        PutAlias { alias: name("a/b ç"), take: true }
        RemoveAlias { alias: name("a/b ç") }
        UpdateKey {
            name: Some(Edit::Set(name("n\""))),
            tags: BTreeMap::from([("a".to_owned(), Some("b\n".to_owned())), ("gone".to_owned(), None)]),
            owner: Some(PrincipalId([3; 16])), applications: Some(vec!["x".to_owned()]),
            sensitivity: Some(Sensitivity::High), export: Some(ExportClass::Never),
            cryptoperiod: Some(Cryptoperiod { originator: Some(Millis::days(3)), recipient: Some(Millis(5000)) }),
            rotate_every: Some(Edit::Set(Millis::days(90))), min_protect: Some(2), min_process: Some(1)
        }
        UpdateKey {
            name: Some(Edit::Clear), tags: BTreeMap::new(), owner: None, applications: Some(vec![]), sensitivity: None,
            export: None, cryptoperiod: None, rotate_every: Some(Edit::Clear), min_protect: None, min_process: None
        }
        RotateKey {}
        ActivateKey { version: Some(2) }
        ActivateKey { version: None }
        SuspendKey { reason: reason() }
        ResumeKey { reason: None }
        DeactivateKey { version: Some(1), reason: reason() }
        ReportCompromise { version: None, since: Some(Timestamp(1_795_420_800_123)), reason: "lost".to_owned() }
        ScheduleDestruction { version: Some(3), after_days: 7, reason: "old".to_owned() }
        CancelDestruction { version: Some(3) }
        CancelDestruction { version: None }
        ExecuteDestruction {}
        ConfirmDestruction {}
        Decrypt { accept_compromised: true, context: vec![1], ciphertext: vec![2, 3] }
        Encrypt { context: vec![], plaintext: Secret::new(vec![]) }
        Sign { scheme: Some(SignatureScheme::RsaPkcs1Sha512), message: Secret::new(vec![1; 70]) }
        Sign { scheme: None, message: Secret::new(vec![]) }
        Verify {
            version: Some(3), scheme: Some(SignatureScheme::Ecdsa), accept_compromised: true,
            message: Secret::new(vec![1, 2]), signature: vec![3]
        }
        Verify { version: None, scheme: None, accept_compromised: false, message: Secret::new(vec![]), signature: vec![] }
        Mac { message: Secret::new(vec![9; 5]) }
        VerifyMac { version: Some(1), accept_compromised: true, message: Secret::new(vec![1]), mac: vec![2; 32] }
        EncryptBatch { items: vec![
            EncryptItem { context: vec![1], plaintext: Secret::new(vec![2; 9]) },
            EncryptItem { context: vec![], plaintext: Secret::new(vec![]) },
        ] }
        DecryptBatch { accept_compromised: true, items: vec![DecryptItem { context: vec![1], ciphertext: vec![2; 9] }] }
        SignBatch { scheme: Some(SignatureScheme::Ed25519), items: vec![Secret::new(vec![1]), Secret::new(vec![])] }
        VerifyBatch { scheme: None, accept_compromised: true, items: vec![
            VerifyItem { version: Some(2), message: Secret::new(vec![1]), signature: vec![4] },
            VerifyItem { version: None, message: Secret::new(vec![]), signature: vec![] },
        ] }
        MacBatch { items: vec![Secret::new(vec![1; 3])] }
        ReEncrypt {
            accept_compromised: true, to: Some(KeyRef::Name(name("other / 2"))), context: vec![1], new_context: Some(vec![]),
            ciphertext: vec![2; 5]
        }
        ReEncrypt { accept_compromised: false, to: None, context: vec![], new_context: None, ciphertext: vec![] }
        GenerateDataKey { spec: KeySpec::Aes128, context: vec![7] }
        GenerateDataKeyWithoutPlaintext { spec: KeySpec::Aes256, context: vec![] }
        GenerateDataKeyPair { spec: KeySpec::EcP256 }
        Wrap { material: Secret::new(vec![1; 40]) }
        Unwrap { version: Some(4), accept_compromised: true, wrapped: vec![1; 24] }
        DeriveKey { info: vec![1, 2], new: plain_key(&realm) }
        AgreeKey { peer: vec![0x30], info: vec![1], new: plain_key(&realm) }
        Encapsulate { new: plain_key(&realm) }
        Decapsulate { version: Some(2), accept_compromised: true, ciphertext: vec![9; 9], new: plain_key(&realm) }
        ExportPublicKey { version: Some(2) }
        ExportPublicKey { version: None }
    }
}

fn about_objects(realm: &RealmRef, kind: ObjectKind, key: &KeyRef) -> Vec<Command> {
    let (realm, key) = (realm.clone(), key.clone());
    let mut all: Vec<Command> = vec![
        DescribeKey {
            realm: realm.clone(),
            key: key.clone(),
        }
        .into(),
        SuspendKey {
            realm: realm.clone(),
            key: key.clone(),
            reason: Some("x".into()),
        }
        .into(),
        ExecuteDestruction {
            realm: realm.clone(),
            key: key.clone(),
        }
        .into(),
        UpdateKey {
            name: Some(Edit::Clear),
            ..UpdateKey::nothing(realm.clone(), key.clone())
        }
        .into(),
    ];
    if kind == ObjectKind::Certificate {
        all.push(
            PutCertificate {
                realm,
                renews: Some(key),
                name: None,
                chain: vec![0x30, 0x00],
                subject_key: None,
                tags: BTreeMap::new(),
                owner: None,
            }
            .into(),
        );
        return all;
    }
    all.push(
        PutSecretVersion {
            realm: realm.clone(),
            key: key.clone(),
            value: Value_::Wrapped(Transfer {
                import_key: [5; 16],
                encapsulated: vec![1, 2],
                wrapped: vec![3],
            }),
        }
        .into(),
    );
    let version = Some(3);
    all.push(
        ReadSecret {
            realm,
            key,
            version,
        }
        .into(),
    );
    all
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn others() -> Vec<Command> {
    let principal = PrincipalId([3; 16]);
    vec![
        Seal {
            reason: Some("x".into()),
        }
        .into(),
        Status {}.into(),
        ListModules {}.into(),
        ReadSettings {}.into(),
        CreateRealm {
            name: name("r"),
            level: 3,
            rehearsal: true,
            quotas: Some(Quotas {
                keys: 1,
                ..Quotas::default()
            }),
        }
        .into(),
        CreateRealm {
            name: name("r"),
            level: 1,
            rehearsal: false,
            quotas: None,
        }
        .into(),
        ListRealms {
            after: Some(RealmId([9; 16])),
            limit: 2,
        }
        .into(),
        DescribePrincipal { principal }.into(),
        IssueToken {
            principal,
            lifetime: Millis::days(30),
        }
        .into(),
        IssueToken {
            principal,
            lifetime: Millis(8 * Millis::HOUR.0),
        }
        .into(),
        SetPrincipalEnabled {
            principal,
            enabled: true,
        }
        .into(),
        SetPrincipalEnabled {
            principal: PrincipalId::SCHEDULER,
            enabled: false,
        }
        .into(),
        RevokeToken {
            token: TokenId([5; 16]),
        }
        .into(),
        ReadAudit {
            from: 5,
            limit: 10,
            realm_filter: Some(RealmId::SYSTEM),
            target: Some([6; 16]),
            principal: Some(principal),
            command: Some(150),
            refused_only: true,
            since: Some(Timestamp(1_790_000_000_123)),
            until: Some(Timestamp(1_790_000_000_124)),
        }
        .into(),
        ReadAudit {
            from: 0,
            limit: 1,
            realm_filter: None,
            target: None,
            principal: None,
            command: None,
            refused_only: false,
            since: None,
            until: None,
        }
        .into(),
        ProveRecord { index: u64::MAX }.into(),
        ReadCheckpoint {}.into(),
        ReadLog {
            path: "tile/entries/x001/067.p/5".into(),
        }
        .into(),
        ArchiveLog { before: 9 }.into(),
        RedactRecord {
            index: 1,
            reason: "r".into(),
        }
        .into(),
        RotateLogKey {}.into(),
    ]
}

#[test]
fn every_command_reads_back_from_the_wire_as_it_was_asked() {
    let mut all = others();
    for realm in realms() {
        all.extend(about_realms(&realm));
        for key in [
            KeyRef::Id(ObjectId([7; 16])),
            KeyRef::Name(name("käse / 1")),
        ] {
            all.extend(about_keys(&realm, &key));
        }
    }
    for realm in realms() {
        for kind in [
            ObjectKind::Secret,
            ObjectKind::Opaque,
            ObjectKind::Certificate,
        ] {
            for key in [
                KeyRef::Object(kind, ObjectId([7; 16])),
                KeyRef::Named(kind, name("käse / 1")),
            ] {
                all.extend(about_objects(&realm, kind, &key));
            }
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    for command in &all {
        let request = Request::of(command).unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let Call::Command { command: back, .. } = decoded(&request) else {
            panic!("{command:?} is no command")
        };
        assert_eq!(format!("{command:?}"), format!("{back:?}"));
        seen.insert(command.kind());
    }
    for kind in CommandKind::ALL {
        let callable = !matches!(
            kind,
            CommandKind::Unseal
                | CommandKind::ServerEvent
                | CommandKind::RejectedAttempts
                | CommandKind::GiveNotice
        );
        assert_eq!(seen.contains(kind), callable, "{kind:?}");
    }
}

#[test]
fn data_and_context_arrive_byte_for_byte() {
    let (data, context): (Vec<u8>, Vec<u8>) = ((0..=255).collect(), (0..77).collect());
    let (realm, key) = (RealmRef::SYSTEM, KeyRef::Id(ObjectId([7; 16])));
    let command = Encrypt {
        realm,
        key,
        context: context.clone(),
        plaintext: Secret::new(data.clone()),
    }
    .into();
    let Call::Command {
        command: Command::Encrypt(back),
        ..
    } = decoded(&Request::of(&command).unwrap())
    else {
        panic!("not an encryption")
    };
    assert_eq!(
        (back.plaintext.expose(), &back.context),
        (&data[..], &context)
    );
}

#[test]
fn a_seals_secret_arrives_as_it_is() {
    let secret = "pass \"phrase\" \\ é \u{1f511} \u{7f}\t";
    let body = Payload::credential("passphrase", &Secret::new(secret.as_bytes().to_vec())).unwrap();
    let Call::Unseal {
        command,
        secret: back,
        ..
    } = decoded(&Request::unseal(body))
    else {
        panic!("not an unsealing")
    };
    assert_eq!(
        (command.kind.as_str(), back.expose()),
        ("passphrase", secret.as_bytes())
    );
}

#[test]
fn what_only_the_server_does_cannot_be_asked() {
    let event: Command = RejectedAttempts {
        source: [0; 16],
        minute: 0,
        count: 1,
    }
    .into();
    assert!(matches!(
        Request::of(&event),
        Err(ClientError::NotCallable { .. })
    ));
}
