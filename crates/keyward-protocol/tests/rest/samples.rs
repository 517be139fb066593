//! One of everything an answer can hold, with every optional member present at least once.
use std::collections::BTreeMap;

use keyward_core::algorithm::{
    HashAlgorithm, Indicator, KeySpec, Protection, Purpose, SignatureScheme,
};
use keyward_core::ids::{CorrelationId, NodeId, ObjectId, PrincipalId, RealmId, TokenId};
use keyward_core::name::Name;
use keyward_core::object::{
    Birth, Component, Cryptoperiod, Destruction, Edge, EdgeKind, ExportClass, Grant, Object,
    ObjectKind, Origin, Part, Principal, PrincipalKind, Quotas, Realm, RealmRules, Sensitivity,
    Transition, Version,
};
use keyward_core::outcome::{
    BatchItem, BlastRadius, CertificateFacts, CertificateView, Concerned, KeyView, Outcome, Page,
    PolicyText, RecordProof, StatusLine, StatusView, VersionView,
};
use keyward_core::record::{Body, Credential, Header, RecordView, StateChange};
use keyward_core::role::Role;
use keyward_core::secret::Secret;
use keyward_core::state::State;
use keyward_core::time::{Millis, Timestamp};
use keyward_core::{ErrorCode, Problem};

pub const T0: Timestamp = Timestamp(1_795_420_800_000);
pub const REALM: RealmId = RealmId([0x11; 16]);
pub const KEY: ObjectId = ObjectId([0x22; 16]);
pub const WHO: PrincipalId = PrincipalId([0x33; 16]);

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub fn realm() -> Realm {
    Realm {
        id: REALM,
        name: name("shop \"east\""),
        alias: 42,
        level: 2,
        rehearsal: true,
        suspended: false,
        quotas: Quotas {
            keys: 5,
            rate_per_second: 6,
            in_flight: 7,
            audit_bytes_per_day: 8,
        },
        created_at: T0,
        created_by: WHO,
        rules: Some(RealmRules {
            rotate_every: Some(Millis::days(90)),
            widest_export: Some(ExportClass::Wrapped),
            exceptions: Some(true),
        }),
    }
}

pub fn principal() -> Principal {
    Principal {
        id: WHO,
        realm: REALM,
        name: name("billing"),
        kind: PrincipalKind::Workload,
        grants: vec![
            Grant {
                realm: REALM,
                role: Role::CryptoUser,
            },
            Grant {
                realm: RealmId::SYSTEM,
                role: Role::BackupOperator,
            },
        ],
        enabled: true,
        created_at: T0,
        created_by: PrincipalId::SERVER,
    }
}

fn origin() -> Origin {
    Origin {
        birth: Birth::Generated,
        module: "AWS-LC FIPS".into(),
        version: "3.1.0".into(),
        certificates: vec![5314, 5298],
        entropy: "CPU jitter, passive".into(),
        approved: true,
        attestation: Some(vec![1, 2, 3]),
    }
}

fn version(number: u32, state: State) -> VersionView {
    VersionView {
        version: Version {
            object: KEY,
            realm: REALM,
            number,
            leaf: 9,
            material: None,
            public: Some(vec![0x30, 0x00]),
            components: vec![Component {
                part: Part::Secret,
                state,
                history: vec![Transition {
                    to: state,
                    at: T0,
                    by: WHO,
                    reason: Some("because".into()),
                    approval: Some(3),
                }],
            }],
            origin: origin(),
            created_at: T0,
            activated_at: Some(T0),
            activate_at: Some(T0.plus(Millis::DAY)),
            protect_until: Some(T0.plus(Millis::days(730))),
            process_until: Some(T0.plus(Millis::days(1825))),
            destruction: Some(Destruction {
                scheduled_at: T0,
                due_at: T0.plus(Millis::days(7)),
                due_service: Millis::days(7),
                by: WHO,
                reason: "no longer used".into(),
                held_until: Some(T0.plus(Millis::days(8))),
                confirmed_by: Some(WHO),
            }),
            destroyed_at: Some(T0.plus(Millis::days(9))),
            compromise_found_after_destruction: false,
            was_exported: false,
            hsm_reference: None,
            puncture_epoch: Some(3),
        },
        uses_reserved: 65_536,
    }
}

pub fn key() -> KeyView {
    KeyView {
        object: Object {
            id: KEY,
            realm: REALM,
            kind: ObjectKind::Symmetric,
            spec: Some(KeySpec::Aes256),
            purpose: Some(Purpose::Encrypt),
            protection: Protection::Software,
            owner: WHO,
            name: Some(name("orders")),
            aliases: vec![name("commandes-é")],
            tags: BTreeMap::from([
                ("env".into(), "prod".into()),
                ("a\"b".into(), "\u{1f511}\n".into()),
            ]),
            sensitivity: Sensitivity::Moderate,
            applications: vec!["shop".into()],
            export: ExportClass::Never,
            exception: false,
            cryptoperiod: Cryptoperiod {
                originator: Some(Millis::days(730)),
                recipient: Some(Millis(90_500)),
            },
            rotate_every: Some(Millis::days(90)),
            rotate_at: Some(T0.plus(Millis::days(90))),
            current: 2,
            min_protect: 2,
            min_process: 1,
            suspended_at: Some(T0),
            created_at: T0,
            created_by: WHO,
            changed_at: T0,
        },
        row_version: 7,
        versions: vec![version(1, State::Deactivated), version(2, State::Active)],
    }
}

/// The same key with nothing optional in it.
pub fn bare_key() -> KeyView {
    let mut view = key();
    let object = &mut view.object;
    object.name = None;
    object.aliases.clear();
    object.tags.clear();
    object.applications.clear();
    object.cryptoperiod = Cryptoperiod {
        originator: None,
        recipient: None,
    };
    (object.rotate_every, object.rotate_at, object.suspended_at) = (None, None, None);
    view.versions.remove(0);
    let bare = &mut view.versions[0].version;
    bare.components[0].history[0].reason = None;
    bare.components[0].history[0].approval = None;
    bare.origin.attestation = None;
    (bare.public, bare.destruction) = (None, None);
    (bare.activated_at, bare.activate_at, bare.destroyed_at) = (None, None, None);
    (bare.protect_until, bare.process_until) = (None, None);
    view
}

pub fn record(index: u64) -> RecordView {
    RecordView {
        index,
        header: Header {
            format: 1,
            time: T0,
            node: NodeId([0x44; 16]),
            lane: 0,
            realm: REALM,
            realm_seq: index + 1,
            command: 150,
            target: Some(KEY.0),
            target_version: Some(2),
            outcome: 0,
            indicator: Indicator::Approved,
            body_digest: [0x55; 32],
            post_image: Some([0x66; 32]),
            state_tag: Some([0x77; 32]),
        },
        body: Some(Body {
            principal: WHO,
            credential: Credential::Token(TokenId([0x88; 16])),
            source: Some([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7]),
            correlation: Some(CorrelationId([0x99; 16])),
            command_digest: Some([0xaa; 32]),
            module: Some("AWS-LC FIPS 3.1.0".into()),
            policies: vec!["built-in:crypto-user".into()],
            approval: Some(1),
            change: Some(StateChange {
                from: State::Active,
                to: State::Suspended,
            }),
            detail: Some("a \"quoted\" fact".into()),
            payload_bytes: Some(1024),
        }),
    }
}

/// A refusal of an unknown caller, and a redacted record of a release to come.
pub fn odd_records() -> Vec<RecordView> {
    let mut refused = record(8);
    refused.header.outcome = 502;
    refused.header.command = 2;
    refused.header.realm = RealmId::SYSTEM;
    (refused.header.target, refused.header.target_version) = (None, None);
    (refused.header.post_image, refused.header.state_tag) = (None, None);
    let body = refused.body.as_mut().unwrap();
    body.principal = PrincipalId::UNSEALER;
    body.credential = Credential::Seal("passphrase".into());
    body.source = Some([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    (body.correlation, body.command_digest, body.module) = (None, None, None);
    (body.approval, body.change, body.detail, body.payload_bytes) = (None, None, None, None);
    body.policies.clear();
    let mut later = record(9);
    (later.header.command, later.header.outcome) = (60_000, 60_001);
    later.body = None;
    let with = |index, credential| {
        let mut one = record(index);
        one.body.as_mut().unwrap().credential = credential;
        one
    };
    vec![
        refused,
        later,
        with(10, Credential::System),
        with(11, Credential::Certificate([0xbb; 32])),
        with(12, Credential::Unproven),
    ]
}

pub fn status() -> StatusView {
    StatusView {
        product: "0.1.0".into(),
        deployment: "ab".repeat(16),
        node: "cd".repeat(16),
        unsealed: true,
        seals: vec!["passphrase".into()],
        module: "AWS-LC FIPS".into(),
        module_version: "3.1.0".into(),
        certificates: vec![5314],
        store: "sqlite".into(),
        log_size: 12,
        log_root: "ef".repeat(32),
        wall: T0,
        service_ms: 123_456,
        checks: vec![
            StatusLine {
                check: "module.integrity".into(),
                ok: true,
                detail: "passed at start".into(),
            },
            StatusLine {
                check: "clock".into(),
                ok: false,
                detail: "61 s apart".into(),
            },
        ],
    }
}

/// A public key on P-256, as a SubjectPublicKeyInfo.
fn p256() -> Vec<u8> {
    let mut der = vec![
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08,
        0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
    ];
    der.extend_from_slice(&[0x11; 32]);
    der.extend_from_slice(&[0x22; 32]);
    der
}

/// A batch of which the second item was refused.
fn batch(scheme: Option<SignatureScheme>, item: impl Fn() -> BatchItem) -> Outcome {
    let refused = Problem::new(ErrorCode::VersionNotFound).with("version", "9");
    Outcome::Batch {
        key: KEY,
        scheme,
        items: vec![Ok(item()), Err(refused), Ok(item())],
    }
}

/// A certificate object, whose only component is public.
pub fn certificate() -> CertificateView {
    let mut view = bare_key();
    view.object.kind = ObjectKind::Certificate;
    (view.object.spec, view.object.purpose) = (None, None);
    view.versions[0].version.components[0].part = Part::Public;
    view.versions[0].version.public = Some(vec![0x30, 0x00]);
    CertificateView {
        key: view,
        facts: CertificateFacts {
            subject: "CN=till.example,O=\"Shop\"".into(),
            issuer: "CN=Shop CA".into(),
            serial: "0a0b".into(),
            not_before: T0,
            not_after: T0.plus(Millis::days(90)),
            alternative_names: vec!["dns:till.example".into()],
        },
        fingerprint: [0xcc; 32],
        pem: "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n".into(),
    }
}

/// Every outcome: file name, schema, status, outcome.
#[allow(clippy::too_many_lines, reason = "a table")]
pub fn outcomes() -> Vec<(&'static str, Option<&'static str>, Outcome)> {
    let page_of_keys = Page {
        items: vec![bare_key()],
        more: true,
    };
    vec![
        ("done", None, Outcome::Done),
        ("realm", Some("Realm"), Outcome::Realm(realm())),
        (
            "realms",
            Some("RealmPage"),
            Outcome::Realms(Page {
                items: vec![realm()],
                more: false,
            }),
        ),
        (
            "principal",
            Some("Principal"),
            Outcome::Principal(principal()),
        ),
        (
            "principals",
            Some("PrincipalPage"),
            Outcome::Principals(Page {
                items: vec![principal()],
                more: true,
            }),
        ),
        (
            "token",
            Some("Token"),
            Outcome::Token {
                id: TokenId([0x88; 16]),
                text: Secret::new(b"kwt_0123456789".to_vec()),
                expires_at: T0.plus(Millis::DAY),
            },
        ),
        (
            "anchor",
            Some("Anchor"),
            Outcome::Anchor {
                fingerprint: [0xcc; 32],
            },
        ),
        (
            "policies",
            Some("PolicyList"),
            Outcome::Policies(vec![PolicyText {
                name: name("nights"),
                text: "permit(principal, action, resource);\n".into(),
                changed_at: T0,
                changed_by: WHO,
            }]),
        ),
        ("key", Some("Key"), Outcome::Key(Box::new(key()))),
        ("keys", Some("KeyPage"), Outcome::Keys(page_of_keys)),
        (
            "blast-radius",
            Some("BlastRadius"),
            Outcome::BlastRadius(BlastRadius {
                key: KEY,
                concerned: vec![Concerned {
                    edge: Edge {
                        kind: EdgeKind::Derived,
                        from: KEY,
                        to: ObjectId([0x23; 16]),
                        version: 2,
                        created_at: T0,
                    },
                    distance: 1,
                    name: Some(name("till")),
                    kind: ObjectKind::Symmetric,
                }],
                more: false,
            }),
        ),
        (
            "modules",
            Some("ModuleList"),
            Outcome::Modules(vec![keyward_core::outcome::ModuleView {
                number: 1,
                name: "AWS-LC FIPS".into(),
                version: "3.1.0".into(),
                certificates: vec![5314],
                level: 1,
                approved_mode: true,
                entropy: "CPU jitter, passive".into(),
                services: vec![keyward_core::outcome::ModuleService {
                    spec: KeySpec::Aes256,
                    service: keyward_core::algorithm::Service::Encrypt,
                    permitted: true,
                }],
            }]),
        ),
        (
            "settings",
            Some("Settings"),
            Outcome::Settings(vec![("listen".into(), "127.0.0.1:8443".into())]),
        ),
        (
            "destruction",
            Some("DestructionCertificate"),
            Outcome::Destruction(Box::new(keyward_core::outcome::DestructionCertificate {
                deployment: "ab".repeat(16),
                object: key().object,
                destroyed: vec![keyward_core::outcome::DestroyedVersion {
                    number: 1,
                    created_at: T0,
                    destroyed_at: T0.plus(Millis::days(8)),
                    by: WHO,
                    reason: Some("shop closed".into()),
                    leaf: 17,
                    epoch: Some(3),
                    tree_digest: Some([0xdd; 32]),
                    compromise_found: false,
                }],
                remaining: vec![2],
                seals: vec![("passphrase".into(), "an old copy still opens".into())],
                issued_at: T0.plus(Millis::days(9)),
            })),
        ),
        (
            "secret-value",
            Some("SecretValue"),
            Outcome::SecretValue {
                value: Secret::new(b"hello".to_vec()),
                object: KEY,
                version: 2,
            },
        ),
        (
            "released",
            Some("ReleasedKey"),
            Outcome::Released {
                material: Secret::new(b"hello".to_vec()),
                object: KEY,
                version: 2,
            },
        ),
        (
            "import-key",
            Some("ImportKey"),
            Outcome::ImportKey {
                id: [0x44; 16],
                scheme: keyward_core::command::TransferScheme::EcdhP384,
                public: vec![1, 2],
                info: vec![3, 4],
                expires_at: T0.plus(Millis::HOUR),
            },
        ),
        (
            "exported",
            Some("ExportedKey"),
            Outcome::Exported {
                object: KEY,
                version: 2,
                wrapped: vec![5, 6],
                encapsulated: Some(vec![7, 8]),
                info: Some(vec![9]),
            },
        ),
        (
            "certificate-request",
            Some("CertificateRequest"),
            Outcome::CertificateRequest {
                pem: "-----BEGIN CERTIFICATE REQUEST-----\n".into(),
                key: KEY,
                version: 1,
            },
        ),
        (
            "certificate",
            Some("Certificate"),
            Outcome::Certificate(Box::new(certificate())),
        ),
        (
            "ciphertext",
            Some("Ciphertext"),
            Outcome::Ciphertext {
                ciphertext: b"KWC...".to_vec(),
                key: KEY,
                version: 2,
            },
        ),
        (
            "plaintext",
            Some("Plaintext"),
            Outcome::Plaintext {
                plaintext: Secret::new(b"hello".to_vec()),
                key: KEY,
                version: 1,
            },
        ),
        (
            "data-key",
            Some("DataKey"),
            Outcome::DataKey {
                plaintext: Some(Secret::new(vec![4; 32])),
                ciphertext: b"KWC...".to_vec(),
                spec: KeySpec::Aes256,
                key: KEY,
                version: 2,
            },
        ),
        (
            "data-key-without-plaintext",
            Some("DataKey"),
            Outcome::DataKey {
                plaintext: None,
                ciphertext: b"KWC...".to_vec(),
                spec: KeySpec::HmacSha384,
                key: KEY,
                version: 2,
            },
        ),
        (
            "data-key-pair",
            Some("DataKeyPair"),
            Outcome::DataKeyPair {
                public: vec![0x30, 0],
                wrapped: vec![8; 24],
                spec: KeySpec::EcP256,
                key: KEY,
                version: 1,
            },
        ),
        (
            "wrapped",
            Some("Wrapped"),
            Outcome::Wrapped {
                wrapped: vec![8; 24],
                key: KEY,
                version: 1,
            },
        ),
        (
            "unwrapped",
            Some("Unwrapped"),
            Outcome::Unwrapped {
                material: Secret::new(vec![1, 2, 3]),
                key: KEY,
                version: 1,
            },
        ),
        (
            "encapsulated",
            Some("Encapsulated"),
            Outcome::Encapsulated {
                ciphertext: vec![6; 10],
                key: Box::new(bare_key()),
            },
        ),
        (
            "verified-external",
            Some("VerifiedExternal"),
            Outcome::VerifiedExternal {
                scheme: SignatureScheme::RsaPkcs1Sha384,
            },
        ),
        (
            "random",
            Some("Random"),
            Outcome::Random(Secret::new(vec![0xf0; 5])),
        ),
        (
            "hash",
            Some("HashValue"),
            Outcome::Hash {
                algorithm: HashAlgorithm::Sha3_256,
                digest: vec![0xab; 32],
            },
        ),
        (
            "public-key",
            Some("PublicKey"),
            Outcome::PublicKey {
                der: p256(),
                spec: KeySpec::EcP256,
                key: KEY,
                version: 1,
            },
        ),
        (
            "public-key-ml-kem",
            Some("PublicKey"),
            Outcome::PublicKey {
                der: keyward_core::spki::wrapped(KeySpec::MlKem512, &[0; 800]),
                spec: KeySpec::MlKem512,
                key: KEY,
                version: 1,
            },
        ),
        (
            "signature",
            Some("Signature"),
            Outcome::Signature {
                signature: vec![0x30, 6, 2, 1, 1, 2, 1, 1],
                scheme: SignatureScheme::Ecdsa,
                key: KEY,
                version: 3,
            },
        ),
        (
            "mac",
            Some("Mac"),
            Outcome::Mac {
                mac: vec![7; 32],
                key: KEY,
                version: 1,
            },
        ),
        (
            "verified",
            Some("Verified"),
            Outcome::Verified {
                scheme: Some(SignatureScheme::RsaPssSha256),
                key: KEY,
                version: 2,
            },
        ),
        (
            "verified-mac",
            Some("VerifiedMac"),
            Outcome::Verified {
                scheme: None,
                key: KEY,
                version: 2,
            },
        ),
        (
            "ciphertext-batch",
            Some("CiphertextBatch"),
            batch(None, || BatchItem::Ciphertext {
                ciphertext: b"KWC...".to_vec(),
                version: 2,
            }),
        ),
        (
            "plaintext-batch",
            Some("PlaintextBatch"),
            batch(None, || BatchItem::Plaintext {
                plaintext: Secret::new(b"hello".to_vec()),
                version: 1,
            }),
        ),
        (
            "signature-batch",
            Some("SignatureBatch"),
            batch(Some(SignatureScheme::Ed25519), || BatchItem::Signature {
                signature: vec![5; 64],
                version: 1,
            }),
        ),
        (
            "verified-batch",
            Some("VerifiedBatch"),
            batch(Some(SignatureScheme::Ecdsa), || BatchItem::Verified {
                version: 4,
            }),
        ),
        (
            "mac-batch",
            Some("MacBatch"),
            batch(None, || BatchItem::Mac {
                mac: vec![7; 32],
                version: 1,
            }),
        ),
        (
            "status",
            Some("Status"),
            Outcome::Status(Box::new(status())),
        ),
        (
            "records",
            Some("RecordPage"),
            Outcome::Records {
                records: std::iter::once(record(7)).chain(odd_records()).collect(),
                next: 13,
                size: 20,
            },
        ),
        (
            "proof",
            Some("RecordProof"),
            Outcome::Proof(Box::new(RecordProof {
                index: 7,
                entry: vec![1, 2, 3, 4],
                body: Some(vec![5, 6]),
                proof: "c2sp.org/tlog-proof@v1\n".into(),
            })),
        ),
        (
            "checkpoint",
            None,
            Outcome::Checkpoint("keyward/log\n7\nAAAA\n".into()),
        ),
        ("log-data", None, Outcome::LogData(vec![0, 1, 2])),
        (
            "segment",
            None,
            Outcome::Segment {
                from: 0,
                to: 7,
                bytes: vec![9, 9],
            },
        ),
    ]
}
