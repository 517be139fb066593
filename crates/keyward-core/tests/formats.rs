//! The canonical bytes of every command are frozen: approvals, records and idempotency keys refer to their digests for ever.
//!
//! `tests/golden/commands.txt` has a line for each kind: number, name, bytes. A new kind gets a sample here and its line by
//! `KEYWARD_BLESS=1 cargo test -p keyward-core --test formats`; a line that is there is never changed.
#![expect(clippy::disallowed_methods, reason = "a test reads its environment")]
use std::collections::BTreeMap;
use std::path::Path;

use keyward_core::algorithm::{HashAlgorithm, KeySpec, Protection, Purpose, SignatureScheme};
use keyward_core::command::*;
use keyward_core::ids::{DeploymentId, ObjectId, PrincipalId, RealmId, TokenId, hex};
use keyward_core::name::Name;
use keyward_core::object::{Cryptoperiod, ExportClass, ObjectKind, Sensitivity};
use keyward_core::role::Role;
use keyward_core::secret::Secret;
use keyward_core::state::State;
use keyward_core::time::{Millis, Timestamp};

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

const NEVER: &[u8] = b"never in canonical bytes";

fn payload() -> Secret {
    Secret::new(NEVER.to_vec())
}

fn create_key() -> CreateKey {
    CreateKey {
        realm: RealmRef::Name(name("orders")),
        name: Some(name("card numbers")),
        spec: KeySpec::Aes256,
        purpose: Some(Purpose::Encrypt),
        protection: Protection::Software,
        export: ExportClass::Wrapped,
        activate: true,
        cryptoperiod: Some(Cryptoperiod {
            originator: Some(Millis::days(365)),
            recipient: Some(Millis::days(730)),
        }),
        rotate_every: Some(Millis::days(90)),
        sensitivity: Sensitivity::High,
        applications: vec!["till".to_owned()],
        tags: [("env".to_owned(), "prod".to_owned())].into(),
        owner: Some(PrincipalId([7; 16])),
        exception: None,
    }
}

/// One command of the kind, with every field given.
fn sample(kind: CommandKind) -> Command {
    use CommandKind as K;
    let realm = RealmRef::Id(RealmId([3; 16]));
    let key = KeyRef::Id(ObjectId([4; 16]));
    let principal = PrincipalId([7; 16]);
    let reason = || "a reason".to_owned();
    let command: Command = match kind {
        K::Unseal => Unseal {
            kind: "passphrase".to_owned(),
        }
        .into(),
        K::Seal => Seal {
            reason: Some(reason()),
        }
        .into(),
        K::CreateRealm => CreateRealm {
            name: name("orders"),
            level: 2,
            rehearsal: true,
            quotas: None,
        }
        .into(),
        K::DescribeRealm => DescribeRealm { realm }.into(),
        K::ListRealms => ListRealms {
            after: Some(RealmId([3; 16])),
            limit: 100,
        }
        .into(),
        K::CreateWorkload => CreateWorkload {
            realm,
            name: name("till"),
            roles: vec![Role::CryptoUser, Role::Auditor],
        }
        .into(),
        K::DescribePrincipal => DescribePrincipal { principal }.into(),
        K::ListPrincipals => ListPrincipals {
            realm,
            after: Some(principal),
            limit: 100,
        }
        .into(),
        K::IssueToken => IssueToken {
            principal,
            lifetime: Millis::days(30),
        }
        .into(),
        K::RevokeToken => RevokeToken {
            token: TokenId([8; 16]),
        }
        .into(),
        K::RegisterAnchor => RegisterAnchor {
            realm,
            certificate: vec![0x30, 0x03, 2, 1, 0],
        }
        .into(),
        K::BindCertificate => BindCertificate {
            realm,
            anchor: [9; 32],
            name: "dns:till.example".to_owned(),
            principal,
        }
        .into(),
        K::SetPrincipalEnabled => SetPrincipalEnabled {
            principal,
            enabled: false,
        }
        .into(),
        K::PutPolicy => PutPolicy {
            realm,
            name: name("extra"),
            text: "permit (principal, action, resource);".to_owned(),
        }
        .into(),
        K::DeletePolicy => DeletePolicy {
            realm,
            name: name("extra"),
        }
        .into(),
        K::ListPolicies => ListPolicies { realm }.into(),
        K::CreateKey => create_key().into(),
        K::DescribeKey => DescribeKey { realm, key }.into(),
        K::ListKeys => ListKeys {
            realm,
            after: Some(ObjectId([4; 16])),
            limit: 100,
            state: Some(State::Active),
            name_prefix: Some("card".to_owned()),
            filter: None,
        }
        .into(),
        K::RotateKey => RotateKey {
            realm,
            key: KeyRef::Name(name("card numbers")),
        }
        .into(),
        K::ActivateKey => ActivateKey {
            realm,
            key,
            version: Some(2),
        }
        .into(),
        K::SuspendKey => SuspendKey {
            realm,
            key,
            reason: Some(reason()),
        }
        .into(),
        K::ResumeKey => ResumeKey {
            realm,
            key,
            reason: Some(reason()),
        }
        .into(),
        K::DeactivateKey => DeactivateKey {
            realm,
            key,
            version: Some(2),
            reason: Some(reason()),
        }
        .into(),
        K::ReportCompromise => ReportCompromise {
            realm,
            key,
            version: Some(2),
            since: Some(Timestamp(1_790_000_000_123)),
            reason: reason(),
        }
        .into(),
        K::ScheduleDestruction => ScheduleDestruction {
            realm,
            key,
            version: Some(2),
            after_days: 7,
            reason: reason(),
        }
        .into(),
        K::CancelDestruction => CancelDestruction {
            realm,
            key,
            version: Some(2),
        }
        .into(),
        K::ExecuteDestruction => ExecuteDestruction { realm, key }.into(),
        K::ConfirmDestruction => ConfirmDestruction { realm, key }.into(),
        K::Encrypt => Encrypt {
            realm,
            key,
            context: b"row 7".to_vec(),
            plaintext: payload(),
        }
        .into(),
        K::Decrypt => Decrypt {
            realm,
            key,
            accept_compromised: true,
            context: b"row 7".to_vec(),
            ciphertext: NEVER.to_vec(),
        }
        .into(),
        K::Status => Status {}.into(),
        K::ReadAudit => ReadAudit {
            from: 17,
            limit: 100,
            realm_filter: Some(RealmId([3; 16])),
            target: Some([4; 16]),
            principal: Some(principal),
            command: Some(150),
            refused_only: true,
            since: Some(Timestamp(1_790_000_000_000)),
            until: Some(Timestamp(1_790_000_000_123)),
        }
        .into(),
        K::ProveRecord => ProveRecord { index: 17 }.into(),
        K::ReadCheckpoint => ReadCheckpoint {}.into(),
        K::ReadLog => ReadLog {
            path: "tile/0/000".to_owned(),
        }
        .into(),
        K::ArchiveLog => ArchiveLog { before: 256 }.into(),
        K::RedactRecord => RedactRecord {
            index: 17,
            reason: reason(),
        }
        .into(),
        K::RotateLogKey => RotateLogKey {}.into(),
        K::ServerEvent => ServerEvent {
            event: ServerEventKind::Started,
            detail: "in good order".to_owned(),
        }
        .into(),
        K::RejectedAttempts => RejectedAttempts {
            source: [1; 16],
            minute: 29_900_000,
            count: 3,
        }
        .into(),
        K::ConfigureRealm => ConfigureRealm {
            realm,
            level: Some(3),
            quotas: None,
            rules: None,
        }
        .into(),
        K::SuspendRealm => SuspendRealm {
            realm,
            reason: Some(reason()),
        }
        .into(),
        K::ResumeRealm => ResumeRealm {
            realm,
            reason: Some(reason()),
        }
        .into(),
        K::UpdateKey => UpdateKey {
            realm,
            key,
            name: Some(Edit::Set(name("cards"))),
            tags: [
                ("env".to_owned(), None),
                ("team".to_owned(), Some("till".to_owned())),
            ]
            .into(),
            owner: Some(principal),
            applications: Some(vec!["till".to_owned()]),
            sensitivity: Some(Sensitivity::Low),
            export: Some(ExportClass::Never),
            cryptoperiod: None,
            rotate_every: Some(Edit::Clear),
            min_protect: Some(2),
            min_process: Some(1),
        }
        .into(),
        K::PutAlias => PutAlias {
            realm,
            key,
            alias: name("current"),
            take: true,
        }
        .into(),
        K::RemoveAlias => RemoveAlias {
            realm,
            key,
            alias: name("current"),
        }
        .into(),
        K::ReadBlastRadius => ReadBlastRadius { realm, key }.into(),
        _ => return sample_of_use(kind, realm, key),
    };
    assert_eq!(command.kind(), kind);
    command
}

fn transfer() -> Transfer {
    Transfer {
        import_key: [5; 16],
        encapsulated: NEVER.to_vec(),
        wrapped: NEVER.to_vec(),
    }
}

fn sample_of_use(kind: CommandKind, realm: RealmRef, key: KeyRef) -> Command {
    use CommandKind as K;
    let command: Command = match kind {
        K::ReadDestruction => ReadDestruction { realm, key }.into(),
        K::CreateSecret => CreateSecret {
            realm,
            kind: ObjectKind::Secret,
            name: Some(name("password")),
            value: Value::Given(payload()),
            sensitivity: Sensitivity::High,
            applications: vec!["till".to_owned()],
            tags: [("env".to_owned(), "prod".to_owned())].into(),
            owner: Some(PrincipalId([7; 16])),
        }
        .into(),
        K::PutSecretVersion => PutSecretVersion {
            realm,
            key,
            value: Value::Generated(Alphabet::Printable, 32),
        }
        .into(),
        K::ReadSecret => ReadSecret {
            realm,
            key,
            version: Some(2),
        }
        .into(),
        K::ListObjects => ListObjects {
            realm,
            kind: ObjectKind::Secret,
            after: Some(ObjectId([4; 16])),
            limit: 100,
            state: Some(State::Active),
            name_prefix: Some("pass".to_owned()),
            filter: None,
        }
        .into(),
        K::PutCertificate => PutCertificate {
            realm,
            renews: Some(key.clone()),
            name: Some(name("till")),
            chain: vec![0x30, 0x03, 2, 1, 0],
            subject_key: Some(key),
            tags: [("env".to_owned(), "prod".to_owned())].into(),
            owner: Some(PrincipalId([7; 16])),
        }
        .into(),
        K::CreateCertificateRequest => CreateCertificateRequest {
            realm,
            key,
            subject: "CN=till".to_owned(),
            alternative_names: vec!["dns:till.example".to_owned()],
        }
        .into(),
        K::GiveNotice => GiveNotice {
            realm,
            key,
            due_at: Timestamp(1_790_000_000_123),
        }
        .into(),
        K::CreateImportKey => CreateImportKey {
            realm,
            scheme: TransferScheme::MlKem768,
        }
        .into(),
        K::ImportKey => ImportKey {
            create: create_key(),
            transfer: transfer(),
        }
        .into(),
        K::ExportKey => ExportKey {
            realm,
            key: key.clone(),
            version: Some(2),
            recipient: Recipient::Key(key),
        }
        .into(),
        K::ReleaseKey => ReleaseKey {
            realm,
            key,
            version: Some(2),
        }
        .into(),
        K::ListModules => ListModules {}.into(),
        K::ReadSettings => ReadSettings {}.into(),
        K::Sign => Sign {
            realm,
            key,
            scheme: Some(SignatureScheme::Ed25519),
            message: payload(),
        }
        .into(),
        K::Verify => Verify {
            realm,
            key,
            version: Some(2),
            scheme: Some(SignatureScheme::Ed25519),
            accept_compromised: true,
            message: payload(),
            signature: NEVER.to_vec(),
        }
        .into(),
        K::Mac => Mac {
            realm,
            key,
            message: payload(),
        }
        .into(),
        K::VerifyMac => VerifyMac {
            realm,
            key,
            version: Some(2),
            accept_compromised: true,
            message: payload(),
            mac: NEVER.to_vec(),
        }
        .into(),
        K::EncryptBatch => EncryptBatch {
            realm,
            key,
            items: vec![EncryptItem {
                context: NEVER.to_vec(),
                plaintext: payload(),
            }],
        }
        .into(),
        K::DecryptBatch => DecryptBatch {
            realm,
            key,
            accept_compromised: true,
            items: vec![DecryptItem {
                context: NEVER.to_vec(),
                ciphertext: NEVER.to_vec(),
            }],
        }
        .into(),
        K::SignBatch => SignBatch {
            realm,
            key,
            scheme: None,
            items: vec![payload()],
        }
        .into(),
        K::VerifyBatch => VerifyBatch {
            realm,
            key,
            scheme: None,
            accept_compromised: false,
            items: vec![VerifyItem {
                version: None,
                message: payload(),
                signature: NEVER.to_vec(),
            }],
        }
        .into(),
        K::MacBatch => MacBatch {
            realm,
            key,
            items: vec![payload()],
        }
        .into(),
        K::ReEncrypt => ReEncrypt {
            realm,
            key: key.clone(),
            accept_compromised: true,
            to: Some(key),
            context: NEVER.to_vec(),
            new_context: Some(NEVER.to_vec()),
            ciphertext: NEVER.to_vec(),
        }
        .into(),
        K::GenerateDataKey => GenerateDataKey {
            realm,
            key,
            spec: KeySpec::Aes256,
            context: NEVER.to_vec(),
        }
        .into(),
        K::GenerateDataKeyWithoutPlaintext => GenerateDataKeyWithoutPlaintext {
            realm,
            key,
            spec: KeySpec::Aes256,
            context: NEVER.to_vec(),
        }
        .into(),
        K::GenerateDataKeyPair => GenerateDataKeyPair {
            realm,
            key,
            spec: KeySpec::EcP256,
        }
        .into(),
        K::Wrap => Wrap {
            realm,
            key,
            material: payload(),
        }
        .into(),
        K::Unwrap => Unwrap {
            realm,
            key,
            version: Some(2),
            accept_compromised: true,
            wrapped: NEVER.to_vec(),
        }
        .into(),
        K::DeriveKey => DeriveKey {
            realm,
            key,
            info: b"info".to_vec(),
            new: create_key(),
        }
        .into(),
        K::AgreeKey => AgreeKey {
            realm,
            key,
            peer: b"peer".to_vec(),
            info: b"info".to_vec(),
            new: create_key(),
        }
        .into(),
        K::Encapsulate => Encapsulate {
            realm,
            key,
            new: create_key(),
        }
        .into(),
        K::Decapsulate => Decapsulate {
            realm,
            key,
            version: Some(2),
            accept_compromised: true,
            ciphertext: b"ciphertext".to_vec(),
            new: create_key(),
        }
        .into(),
        K::Random => Random { realm, length: 32 }.into(),
        K::Hash => Hash {
            realm,
            algorithm: HashAlgorithm::Sha256,
            message: payload(),
        }
        .into(),
        K::ExportPublicKey => ExportPublicKey {
            realm,
            key,
            version: Some(2),
        }
        .into(),
        K::VerifyExternal => VerifyExternal {
            realm,
            spec: KeySpec::EcP256,
            scheme: Some(SignatureScheme::Ecdsa),
            public: b"public key".to_vec(),
            message: payload(),
            signature: NEVER.to_vec(),
        }
        .into(),
        without => panic!("{without:?} has no sample: add one here, then bless"),
    };
    assert_eq!(command.kind(), kind);
    command
}

fn file() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/commands.txt")
}

fn golden() -> BTreeMap<u16, String> {
    let text = std::fs::read_to_string(file()).unwrap_or_default();
    text.lines()
        .map(|line| {
            (
                line.split(' ').next().unwrap().parse().unwrap(),
                line.to_owned(),
            )
        })
        .collect()
}

fn line(kind: CommandKind, command: &Command) -> String {
    let bytes = command.canonical(DeploymentId([1; 16]));
    format!("{} {} {}", kind.number(), kind.as_str(), hex(&bytes))
}

#[test]
fn every_command_has_the_canonical_bytes_it_always_had() {
    let mut known = golden();
    let mut missing = Vec::new();
    for kind in CommandKind::ALL.iter().copied() {
        let command = sample(kind);
        let now = line(kind, &command);
        if std::env::var_os("KEYWARD_BLESS").is_some() {
            known.entry(kind.number()).or_insert_with(|| now.clone());
        }
        let Some(before) = known.get(&kind.number()) else {
            missing.push(kind);
            continue;
        };
        assert_eq!(&now, before, "{kind:?} changed its canonical bytes");
    }
    if std::env::var_os("KEYWARD_BLESS").is_some() {
        let text: String = known.values().map(|line| format!("{line}\n")).collect();
        std::fs::write(file(), text).unwrap();
    }
    assert!(
        missing.is_empty(),
        "without a golden line: {missing:?}; add a sample and bless"
    );
}

#[test]
fn no_command_that_ever_was_is_forgotten() {
    for (number, line) in golden() {
        let kind = CommandKind::from_number(number);
        let kind = kind.unwrap_or_else(|| panic!("the number of `{line}` is not known any more"));
        assert!(
            line.starts_with(&format!("{number} {} ", kind.as_str())),
            "{line}"
        );
    }
}

#[test]
fn payloads_are_not_in_canonical_bytes() {
    let mut uses = 0;
    for kind in CommandKind::ALL.iter().copied() {
        let command = sample(kind);
        let bytes = command.canonical(DeploymentId([1; 16]));
        assert!(
            !bytes.windows(5).any(|window| window == b"never"),
            "{kind:?}"
        );
        uses += 1;
    }
    assert!(uses >= 11, "{uses}");
}
