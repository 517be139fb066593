//! The choke point, proven: every command through allowed, denied, module fault, a commit that fails before persisting and one
//! that fails after it. Each leaves exactly one closed record, and the log still verifies.
mod common;
#[path = "common/wrap.rs"]
mod wrap;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use common::*;
use futures_executor::block_on;
use keyward_core::ErrorCode;
use keyward_core::algorithm::{HashAlgorithm, KeySpec, Purpose};
use keyward_core::command::*;
use keyward_core::ids::{ObjectId, PrincipalId, RealmId};
use keyward_core::object::{ExportClass, ObjectKind};
use keyward_core::outcome::Outcome;
use keyward_core::record::Header;
use keyward_core::role::Role;
use keyward_core::time::Millis;
use keyward_engine::Caller;
use keyward_engine::permit::{Permit, PermitScope};
use keyward_engine::ports::module::{
    Done, KeyHandle, Module, ModuleDescription, ModuleFault, Operation, SelfTest,
};
use keyward_engine::ports::store::{
    Batch, Commit, Row, RowKey, Rows, Store, StoreDescription, StoreFault, Table,
};
use keyward_module_awslc::AwsLcModule;
use keyward_store::MemoryStore;

/// What the next commit does; back to normal after it.
const NORMAL: u8 = 0;
const FULL: u8 = 1;
const LOST_ANSWER: u8 = 2;

struct FaultyStore {
    inner: MemoryStore,
    next: AtomicU8,
}

impl Store for FaultyStore {
    fn get(&self, row: &RowKey) -> Result<Option<Row>, StoreFault> {
        self.inner.get(row)
    }
    fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Rows, StoreFault> {
        self.inner.scan(table, prefix, after, limit)
    }
    fn last(&self, table: Table, prefix: &[u8]) -> Result<Option<(Vec<u8>, Row)>, StoreFault> {
        self.inner.last(table, prefix)
    }
    fn commit(&self, batches: Vec<Batch>) -> Result<Vec<Commit>, StoreFault> {
        match self.next.swap(NORMAL, Ordering::SeqCst) {
            FULL => Err(StoreFault::Full),
            LOST_ANSWER => {
                self.inner.commit(batches)?;
                Err(StoreFault::Unknown("the test lost the answer"))
            }
            _ => self.inner.commit(batches),
        }
    }
    fn scrub(&self) -> Result<(), StoreFault> {
        self.inner.scrub()
    }
    fn describe(&self) -> Result<StoreDescription, StoreFault> {
        self.inner.describe()
    }
}

/// Fails every operation of a decided command while `fail` is set; custody goes on, so that the refusal can be recorded.
struct FaultyModule {
    inner: AwsLcModule,
    fail: AtomicU8,
}

impl Module for FaultyModule {
    fn describe(&self) -> ModuleDescription {
        self.inner.describe()
    }
    fn self_test(&self, which: SelfTest) -> Result<(), ModuleFault> {
        self.inner.self_test(which)
    }
    fn operate(&self, permit: &Permit, operation: Operation<'_>) -> Result<Done, ModuleFault> {
        if self.fail.load(Ordering::SeqCst) == 1
            && matches!(permit.scope(), PermitScope::Command { .. })
        {
            return Err(ModuleFault::Unavailable);
        }
        self.inner.operate(permit, operation)
    }
    fn release(&self, key: KeyHandle) {
        self.inner.release(key);
    }
}

struct Bench {
    world: World,
    store: Arc<FaultyStore>,
    module: Arc<FaultyModule>,
    auditor: Caller,
    custodian: Caller,
    operator: Caller,
    stranger: Caller,
    certified: Caller,
}

fn bench() -> Bench {
    let store = Arc::new(FaultyStore {
        inner: MemoryStore::new(),
        next: AtomicU8::new(NORMAL),
    });
    let module = Arc::new(FaultyModule {
        inner: AwsLcModule::start(keyward_module_awslc::Config::default()).unwrap(),
        fail: AtomicU8::new(0),
    });
    let world = world_on(
        Arc::clone(&module) as Arc<dyn Module>,
        Arc::clone(&store) as Arc<dyn Store>,
        true,
    );
    let of = |name: &str, role| workload(&world.engine, &world.admin, RealmId::SYSTEM, name, role);
    let (auditor, custodian, operator) = (
        of("auditor", Role::Auditor),
        of("custodian", Role::Custodian),
        of("operator", Role::BackupOperator),
    );
    let Outcome::Realm(other) = run(
        &world.engine,
        &world.admin,
        CreateRealm {
            name: name("elsewhere"),
            level: 1,
            rehearsal: true,
            quotas: None,
        },
    )
    .unwrap() else {
        panic!()
    };
    let stranger = workload(
        &world.engine,
        &world.admin,
        other.id,
        "stranger",
        Role::Custodian,
    );
    let certified = common::certified(&world);
    // Enough for a full tile, so that there is something to archive; also reserves leaves.
    let key = world.create(KeySpec::Aes256);
    for _ in 0..300 {
        world.encrypt(key, "x").unwrap();
    }
    Bench {
        world,
        store,
        module,
        auditor,
        custodian,
        operator,
        stranger,
        certified,
    }
}

impl Bench {
    /// Every record by index; what was archived is left out.
    fn indexed(&self) -> Vec<(u64, Header)> {
        let mut headers = Vec::new();
        for (_, row) in self
            .store
            .inner
            .scan(Table::LogBatch, &[], None, 1_000_000)
            .unwrap()
        {
            let batch: (u64, Vec<Vec<u8>>) = entries(&row.value);
            let decoded = batch
                .1
                .iter()
                .map(|entry| keyward_core::cbor::from_slice::<Header>(entry).unwrap());
            headers.extend((batch.0..).zip(decoded));
        }
        headers
    }

    fn newest(&self) -> Header {
        self.indexed().pop().unwrap().1
    }

    /// The index that the next record will have.
    fn next(&self) -> u64 {
        self.indexed().pop().unwrap().0 + 1
    }

    fn fresh_key(&self) -> KeyRef {
        KeyRef::Id(self.world.create(KeySpec::Aes256))
    }

    fn fresh_workload(&self) -> PrincipalId {
        use std::sync::atomic::AtomicU32;
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let called = format!("w{}", NEXT.fetch_add(1, Ordering::SeqCst));
        let create = CreateWorkload {
            realm: self.realm(),
            name: name(&called),
            roles: vec![Role::CryptoUser],
        };
        match run(&self.world.engine, &self.world.admin, create).unwrap() {
            Outcome::Principal(principal) => principal.id,
            other => panic!("{other:?}"),
        }
    }

    fn realm(&self) -> RealmRef {
        RealmRef::Id(self.world.realm)
    }

    /// A realm of its own for what would stop all the others.
    fn other_realm(&self) -> RealmRef {
        let called = keyward_core::ids::hex(&self.fresh_workload().0[..8]);
        let create = CreateRealm {
            name: name(&called),
            level: 1,
            rehearsal: true,
            quotas: None,
        };
        match run(&self.world.engine, &self.world.admin, create).unwrap() {
            Outcome::Realm(realm) => RealmRef::Id(realm.id),
            other => panic!("{other:?}"),
        }
    }

    fn made(&self, create: CreateKey) -> ObjectId {
        match run(&self.world.engine, &self.world.officer, create).unwrap() {
            Outcome::Key(view) => view.object.id,
            other => panic!("{other:?}"),
        }
    }

    fn new_secret(&self) -> CreateSecret {
        CreateSecret {
            realm: self.realm(),
            kind: ObjectKind::Secret,
            name: None,
            value: Value::Given(secret("a value")),
            sensitivity: keyward_core::object::Sensitivity::Moderate,
            applications: Vec::new(),
            tags: Default::default(),
            owner: None,
        }
    }

    fn fresh_secret(&self) -> KeyRef {
        let create = self.new_secret();
        match run(&self.world.engine, &self.world.officer, create).unwrap() {
            Outcome::Key(view) => KeyRef::Object(ObjectKind::Secret, view.object.id),
            other => panic!("{other:?}"),
        }
    }

    fn scheduled(&self) -> KeyRef {
        let key = self.fresh_key();
        let schedule = ScheduleDestruction {
            realm: self.realm(),
            key: key.clone(),
            version: None,
            after_days: 0,
            reason: "test".to_owned(),
        };
        run(&self.world.engine, &self.world.officer, schedule).unwrap();
        key
    }

    /// A command of this kind that would succeed now, and who may give it. System commands have no outside caller.
    fn sample(&self, kind: CommandKind) -> Option<(&Caller, Command)> {
        use CommandKind as K;
        let w = &self.world;
        let realm = self.realm();
        let unique = || name(&keyward_core::ids::hex(&self.fresh_workload().0[..8]));
        let key = || self.fresh_key();
        let life = |command: Command| Some((&w.officer, command));
        let govern = |command: Command| Some((&w.admin, command));
        let audit = |command: Command| Some((&self.auditor, command));
        let suspended = || {
            let key = key();
            run(
                &w.engine,
                &w.officer,
                SuspendKey {
                    realm: self.realm(),
                    key: key.clone(),
                    reason: None,
                },
            )
            .unwrap();
            key
        };
        match kind {
            // What has no outside caller: its own tests walk it.
            K::Unseal | K::ServerEvent | K::RejectedAttempts | K::GiveNotice => None,
            K::CreateSecret => life(self.new_secret().into()),
            K::PutSecretVersion => life(
                PutSecretVersion {
                    realm,
                    key: self.fresh_secret(),
                    value: Value::Generated(Alphabet::Alphanumeric, 32),
                }
                .into(),
            ),
            K::ReadSecret => Some((
                &w.user,
                ReadSecret {
                    realm,
                    key: self.fresh_secret(),
                    version: None,
                }
                .into(),
            )),
            K::ListObjects => life(
                ListObjects {
                    realm,
                    kind: ObjectKind::Secret,
                    after: None,
                    limit: 3,
                    state: None,
                    name_prefix: None,
                    filter: None,
                }
                .into(),
            ),
            K::PutCertificate => life(
                PutCertificate {
                    realm,
                    renews: None,
                    name: Some(unique()),
                    chain: include_bytes!("data/till-chain.der").to_vec(),
                    subject_key: None,
                    tags: Default::default(),
                    owner: None,
                }
                .into(),
            ),
            K::CreateCertificateRequest => life(
                CreateCertificateRequest {
                    realm,
                    key: KeyRef::Id(w.create(KeySpec::EcP256)),
                    subject: "CN=till.example".to_owned(),
                    alternative_names: vec!["dns:till.example".to_owned()],
                }
                .into(),
            ),
            K::CreateImportKey => life(
                CreateImportKey {
                    realm,
                    scheme: TransferScheme::EcdhP384,
                }
                .into(),
            ),
            K::ImportKey => {
                let ask = CreateImportKey {
                    realm,
                    scheme: TransferScheme::MlKem768,
                };
                let answer = run(&w.engine, &w.officer, ask).unwrap();
                life(
                    ImportKey {
                        create: w.create_command(KeySpec::Aes256),
                        transfer: wrap::wrap_for(&answer, &[7; 32]),
                    }
                    .into(),
                )
            }
            K::ExportKey => {
                let kek = CreateKey {
                    purpose: Some(keyward_core::algorithm::Purpose::Wrap),
                    ..w.create_command(KeySpec::Aes256)
                };
                let kek = self.made(kek);
                let key = self.made(CreateKey {
                    export: ExportClass::Wrapped,
                    ..w.create_command(KeySpec::Aes256)
                });
                life(
                    ExportKey {
                        realm,
                        key: KeyRef::Id(key),
                        version: None,
                        recipient: Recipient::Key(KeyRef::Id(kek)),
                    }
                    .into(),
                )
            }
            K::ReleaseKey => Some((
                &self.certified,
                ReleaseKey {
                    realm,
                    key: KeyRef::Id(self.made(CreateKey {
                        export: ExportClass::Session,
                        ..w.create_command(KeySpec::Aes256)
                    })),
                    version: None,
                }
                .into(),
            )),
            K::Seal => Some((&self.custodian, Seal { reason: None }.into())),
            K::CreateRealm => govern(
                CreateRealm {
                    name: unique(),
                    level: 1,
                    rehearsal: true,
                    quotas: None,
                }
                .into(),
            ),
            K::DescribeRealm => govern(DescribeRealm { realm }.into()),
            K::ListRealms => govern(
                ListRealms {
                    after: None,
                    limit: 10,
                }
                .into(),
            ),
            K::CreateWorkload => govern(
                CreateWorkload {
                    realm,
                    name: name(&format!("n-{}", unique())),
                    roles: vec![Role::CryptoUser],
                }
                .into(),
            ),
            K::DescribePrincipal => govern(
                DescribePrincipal {
                    principal: self.fresh_workload(),
                }
                .into(),
            ),
            K::ListPrincipals => govern(
                ListPrincipals {
                    realm,
                    after: None,
                    limit: 5,
                }
                .into(),
            ),
            K::IssueToken => govern(
                IssueToken {
                    principal: self.fresh_workload(),
                    lifetime: Millis::HOUR,
                }
                .into(),
            ),
            K::RevokeToken => {
                let issue = IssueToken {
                    principal: self.fresh_workload(),
                    lifetime: Millis::HOUR,
                };
                let Outcome::Token { id, .. } = run(&w.engine, &w.admin, issue).unwrap() else {
                    panic!()
                };
                govern(RevokeToken { token: id }.into())
            }
            K::RegisterAnchor => govern(
                RegisterAnchor {
                    realm,
                    certificate: self.fresh_workload().0.to_vec(),
                }
                .into(),
            ),
            K::BindCertificate => {
                let register = RegisterAnchor {
                    realm: realm.clone(),
                    certificate: vec![1, 2, 3],
                };
                let Outcome::Anchor { fingerprint } = run(&w.engine, &w.admin, register).unwrap()
                else {
                    panic!()
                };
                let principal = self.fresh_workload();
                govern(
                    BindCertificate {
                        realm,
                        anchor: fingerprint,
                        name: "cn:x".to_owned(),
                        principal,
                    }
                    .into(),
                )
            }
            K::SetPrincipalEnabled => govern(
                SetPrincipalEnabled {
                    principal: self.fresh_workload(),
                    enabled: false,
                }
                .into(),
            ),
            K::PutPolicy => govern(
                PutPolicy {
                    realm,
                    name: unique(),
                    text: "permit (principal, action, resource) when { false };".to_owned(),
                }
                .into(),
            ),
            K::DeletePolicy => {
                let called = unique();
                let text = "permit (principal, action, resource) when { false };".to_owned();
                run(
                    &w.engine,
                    &w.admin,
                    PutPolicy {
                        realm: realm.clone(),
                        name: called.clone(),
                        text,
                    },
                )
                .unwrap();
                govern(
                    DeletePolicy {
                        realm,
                        name: called,
                    }
                    .into(),
                )
            }
            K::ListPolicies => govern(ListPolicies { realm }.into()),
            K::CreateKey => life(w.create_command(KeySpec::EcP256).into()),
            K::DescribeKey => life(DescribeKey { realm, key: key() }.into()),
            K::ListKeys => life(
                ListKeys {
                    realm,
                    after: None,
                    limit: 3,
                    state: None,
                    name_prefix: None,
                    filter: None,
                }
                .into(),
            ),
            K::UpdateKey => {
                let mut update = UpdateKey::nothing(realm, key());
                update.tags.insert("a".to_owned(), Some("b".to_owned()));
                life(update.into())
            }
            K::PutAlias => life(
                PutAlias {
                    realm,
                    key: key(),
                    alias: unique(),
                    take: false,
                }
                .into(),
            ),
            K::RemoveAlias => {
                let (key, alias) = (key(), unique());
                let put = PutAlias {
                    realm: realm.clone(),
                    key: key.clone(),
                    alias: alias.clone(),
                    take: false,
                };
                run(&w.engine, &w.officer, put).unwrap();
                life(RemoveAlias { realm, key, alias }.into())
            }
            K::ReadDestruction => {
                let key = self.scheduled();
                let execute = ExecuteDestruction {
                    realm: realm.clone(),
                    key: key.clone(),
                };
                run(&w.engine, &w.officer, execute).unwrap();
                life(ReadDestruction { realm, key }.into())
            }
            K::ReadBlastRadius => life(ReadBlastRadius { realm, key: key() }.into()),
            K::ConfigureRealm => govern(
                ConfigureRealm {
                    realm,
                    level: Some(1),
                    quotas: None,
                    rules: None,
                }
                .into(),
            ),
            K::SuspendRealm => govern(
                SuspendRealm {
                    realm: self.other_realm(),
                    reason: None,
                }
                .into(),
            ),
            K::ResumeRealm => {
                let realm = self.other_realm();
                let suspend = SuspendRealm {
                    realm: realm.clone(),
                    reason: None,
                };
                run(&w.engine, &w.admin, suspend).unwrap();
                govern(
                    ResumeRealm {
                        realm,
                        reason: None,
                    }
                    .into(),
                )
            }
            K::RotateKey => life(RotateKey { realm, key: key() }.into()),
            K::ActivateKey => {
                let inactive = CreateKey {
                    activate: false,
                    ..w.create_command(KeySpec::Aes256)
                };
                let Outcome::Key(view) = run(&w.engine, &w.officer, inactive).unwrap() else {
                    panic!()
                };
                life(
                    ActivateKey {
                        realm,
                        key: KeyRef::Id(view.object.id),
                        version: None,
                    }
                    .into(),
                )
            }
            K::SuspendKey => life(
                SuspendKey {
                    realm,
                    key: key(),
                    reason: None,
                }
                .into(),
            ),
            K::ResumeKey => life(
                ResumeKey {
                    realm,
                    key: suspended(),
                    reason: None,
                }
                .into(),
            ),
            K::DeactivateKey => life(
                DeactivateKey {
                    realm,
                    key: key(),
                    version: None,
                    reason: None,
                }
                .into(),
            ),
            K::ReportCompromise => life(
                ReportCompromise {
                    realm,
                    key: key(),
                    version: None,
                    since: None,
                    reason: "seen".to_owned(),
                }
                .into(),
            ),
            K::ScheduleDestruction => life(
                ScheduleDestruction {
                    realm,
                    key: key(),
                    version: None,
                    after_days: 7,
                    reason: "old".to_owned(),
                }
                .into(),
            ),
            K::CancelDestruction => life(
                CancelDestruction {
                    realm,
                    key: self.scheduled(),
                    version: None,
                }
                .into(),
            ),
            K::ExecuteDestruction => life(
                ExecuteDestruction {
                    realm,
                    key: self.scheduled(),
                }
                .into(),
            ),
            // Nothing is held here, so it is refused with `conflict`; its effect is tested with the clock rule.
            K::ConfirmDestruction => life(
                ConfirmDestruction {
                    realm,
                    key: self.scheduled(),
                }
                .into(),
            ),
            K::Encrypt => {
                let command = Encrypt {
                    realm,
                    key: key(),
                    context: Vec::new(),
                    plaintext: secret("text"),
                };
                Some((&w.user, command.into()))
            }
            K::Decrypt => {
                let id = w.create(KeySpec::Aes256);
                let ciphertext = w.encrypt(id, "text").unwrap();
                let command = Decrypt {
                    realm,
                    key: KeyRef::Id(id),
                    accept_compromised: false,
                    context: b"row 7".to_vec(),
                    ciphertext,
                };
                Some((&w.user, command.into()))
            }
            K::Sign
            | K::Verify
            | K::Mac
            | K::VerifyMac
            | K::EncryptBatch
            | K::DecryptBatch
            | K::SignBatch
            | K::VerifyBatch
            | K::MacBatch => Some((&w.user, self.use_of(kind))),
            K::ReEncrypt
            | K::GenerateDataKey
            | K::GenerateDataKeyWithoutPlaintext
            | K::GenerateDataKeyPair
            | K::Wrap
            | K::Unwrap
            | K::DeriveKey
            | K::AgreeKey
            | K::Encapsulate
            | K::Decapsulate
            | K::Random
            | K::Hash
            | K::VerifyExternal
            | K::ExportPublicKey => Some((&w.user, self.material_of(kind))),
            K::Status => govern(Status {}.into()),
            K::ListModules => govern(ListModules {}.into()),
            K::ReadSettings => govern(ReadSettings {}.into()),
            K::ReadAudit => audit(
                ReadAudit {
                    from: 0,
                    limit: 10,
                    realm_filter: None,
                    target: None,
                    principal: None,
                    command: None,
                    refused_only: false,
                    since: None,
                    until: None,
                }
                .into(),
            ),
            K::ProveRecord => audit(ProveRecord { index: 290 }.into()),
            K::ReadCheckpoint => audit(ReadCheckpoint {}.into()),
            K::ReadLog => audit(
                ReadLog {
                    path: "tile/0/000".to_owned(),
                }
                .into(),
            ),
            K::ArchiveLog => Some((&self.operator, ArchiveLog { before: 20 }.into())),
            K::RedactRecord => {
                let index = self.next() - 1;
                govern(
                    RedactRecord {
                        index,
                        reason: "erasure".to_owned(),
                    }
                    .into(),
                )
            }
            K::RotateLogKey => govern(RotateLogKey {}.into()),
        }
    }

    /// A use of a key of its own that would succeed now.
    fn use_of(&self, kind: CommandKind) -> Command {
        use CommandKind as K;
        let w = &self.world;
        let (realm, message) = (self.realm(), || secret("message"));
        let (pair, code) = (
            || KeyRef::Id(w.create(KeySpec::EcP256)),
            || KeyRef::Id(w.create(KeySpec::HmacSha256)),
        );
        match kind {
            K::Sign => sign(realm, pair(), "message").into(),
            K::Verify => {
                let key = pair();
                let signature = signature(&w.engine, &w.user, &realm, &key, "message");
                verify(realm, key, "message", signature).into()
            }
            K::Mac => Mac {
                realm,
                key: code(),
                message: message(),
            }
            .into(),
            K::VerifyMac => {
                let key = code();
                let made = Mac {
                    realm: realm.clone(),
                    key: key.clone(),
                    message: message(),
                };
                let Outcome::Mac { mac, .. } = run(&w.engine, &w.user, made).unwrap() else {
                    panic!("a code")
                };
                VerifyMac {
                    realm,
                    key,
                    version: None,
                    accept_compromised: false,
                    message: message(),
                    mac,
                }
                .into()
            }
            K::EncryptBatch => EncryptBatch {
                realm,
                key: self.fresh_key(),
                items: vec![EncryptItem {
                    context: Vec::new(),
                    plaintext: message(),
                }],
            }
            .into(),
            K::DecryptBatch => {
                let id = w.create(KeySpec::Aes256);
                let ciphertext = w.encrypt(id, "text").unwrap();
                let context = b"row 7".to_vec();
                DecryptBatch {
                    realm,
                    key: KeyRef::Id(id),
                    accept_compromised: false,
                    items: vec![DecryptItem {
                        context,
                        ciphertext,
                    }],
                }
                .into()
            }
            K::SignBatch => SignBatch {
                realm,
                key: pair(),
                scheme: None,
                items: vec![message()],
            }
            .into(),
            K::VerifyBatch => {
                let key = pair();
                let signature = signature(&w.engine, &w.user, &realm, &key, "message");
                VerifyBatch {
                    realm,
                    key,
                    scheme: None,
                    accept_compromised: false,
                    items: vec![VerifyItem {
                        version: None,
                        message: message(),
                        signature,
                    }],
                }
                .into()
            }
            K::MacBatch => MacBatch {
                realm,
                key: code(),
                items: vec![message()],
            }
            .into(),
            other => panic!("{other:?} is no use of a key"),
        }
    }

    /// A command that makes material, or a key from a key, and would succeed now.
    fn material_of(&self, kind: CommandKind) -> Command {
        use CommandKind as K;
        let w = &self.world;
        let realm = self.realm();
        let key = |spec, purpose| KeyRef::Id(w.create_for(spec, purpose));
        let wrapping = || key(KeySpec::Aes256, Purpose::Wrap);
        let new = || w.create_command(KeySpec::Aes256);
        match kind {
            K::ReEncrypt => {
                let id = w.create(KeySpec::Aes256);
                ReEncrypt {
                    realm,
                    key: KeyRef::Id(id),
                    accept_compromised: false,
                    to: None,
                    context: b"row 7".to_vec(),
                    new_context: None,
                    ciphertext: w.encrypt(id, "text").unwrap(),
                }
                .into()
            }
            K::GenerateDataKey => GenerateDataKey {
                realm,
                key: self.fresh_key(),
                spec: KeySpec::Aes256,
                context: Vec::new(),
            }
            .into(),
            K::GenerateDataKeyWithoutPlaintext => GenerateDataKeyWithoutPlaintext {
                realm,
                key: self.fresh_key(),
                spec: KeySpec::Aes256,
                context: Vec::new(),
            }
            .into(),
            K::GenerateDataKeyPair => GenerateDataKeyPair {
                realm,
                key: wrapping(),
                spec: KeySpec::EcP256,
            }
            .into(),
            K::Wrap => Wrap {
                realm,
                key: wrapping(),
                material: secret("material"),
            }
            .into(),
            K::Unwrap => {
                let key = wrapping();
                let wrap = Wrap {
                    realm: realm.clone(),
                    key: key.clone(),
                    material: secret("material"),
                };
                let Outcome::Wrapped { wrapped, .. } = run(&w.engine, &w.user, wrap).unwrap()
                else {
                    panic!("wrapped")
                };
                Unwrap {
                    realm,
                    key,
                    version: None,
                    accept_compromised: false,
                    wrapped,
                }
                .into()
            }
            K::DeriveKey => DeriveKey {
                realm,
                key: key(KeySpec::HmacSha256, Purpose::Derive),
                info: b"test".to_vec(),
                new: new(),
            }
            .into(),
            K::AgreeKey => {
                let peer = w.public(w.create(KeySpec::EcP256));
                let (realm, key) = w.at(w.exceptional(KeySpec::EcP256, Purpose::Agree));
                AgreeKey {
                    realm,
                    key,
                    peer,
                    info: b"test".to_vec(),
                    new: new(),
                }
                .into()
            }
            K::Encapsulate => Encapsulate {
                realm,
                key: key(KeySpec::MlKem768, Purpose::Encapsulate),
                new: new(),
            }
            .into(),
            K::Decapsulate => {
                let key = key(KeySpec::MlKem768, Purpose::Encapsulate);
                let encapsulate = Encapsulate {
                    realm: realm.clone(),
                    key: key.clone(),
                    new: new(),
                };
                let sent = run(&w.engine, &w.user, encapsulate).unwrap();
                let Outcome::Encapsulated { ciphertext, .. } = sent else {
                    panic!("encapsulated")
                };
                Decapsulate {
                    realm,
                    key,
                    version: None,
                    accept_compromised: false,
                    ciphertext,
                    new: new(),
                }
                .into()
            }
            K::VerifyExternal => {
                let key = w.create(KeySpec::Ed25519);
                let public = w.public(key);
                let (realm, key) = w.at(key);
                VerifyExternal {
                    spec: KeySpec::Ed25519,
                    scheme: None,
                    public,
                    message: secret("message"),
                    signature: signature(&w.engine, &w.user, &realm, &key, "message"),
                    realm,
                }
                .into()
            }
            K::Random => Random { realm, length: 16 }.into(),
            K::Hash => Hash {
                realm,
                algorithm: HashAlgorithm::Sha256,
                message: secret("message"),
            }
            .into(),
            K::ExportPublicKey => ExportPublicKey {
                realm,
                key: KeyRef::Id(w.create(KeySpec::EcP256)),
                version: None,
            }
            .into(),
            other => panic!("{other:?} makes no material"),
        }
    }

    /// The new records of this kind since `before`, which must all be closed.
    fn since(&self, before: u64, kind: CommandKind) -> Vec<u16> {
        let new = self
            .indexed()
            .into_iter()
            .filter(|(index, h)| *index >= before && h.command == kind.number());
        new.map(|(_, header)| header.outcome).collect()
    }
}

fn entries(blob: &[u8]) -> (u64, Vec<Vec<u8>>) {
    let mut d = minicbor::Decoder::new(blob);
    d.map().unwrap();
    d.u8().unwrap();
    let first = d.u64().unwrap();
    d.u8().unwrap();
    let count = d.array().unwrap().unwrap();
    let mut found = Vec::new();
    for _ in 0..count {
        // A redacted record ends after its entry.
        let fields = d.array().unwrap().unwrap();
        found.push(d.bytes().unwrap().to_vec());
        for _ in 1..fields {
            d.skip().unwrap();
        }
    }
    (first, found)
}

/// Kinds whose effect ends the engine or that need no module for a user's key are noted where they are used.
fn kinds() -> impl Iterator<Item = CommandKind> {
    CommandKind::ALL.iter().copied()
}

#[test]
fn every_command_that_is_allowed_leaves_exactly_one_record_of_its_outcome() {
    let bench = bench();
    for kind in kinds().filter(|kind| *kind != CommandKind::Seal) {
        let Some((caller, command)) = bench.sample(kind) else {
            continue;
        };
        let before = bench.next();
        let result = run(&bench.world.engine, caller, command);
        let expected = if kind == CommandKind::ConfirmDestruction {
            ErrorCode::Conflict.number()
        } else {
            0
        };
        assert_eq!(
            bench.since(before, kind),
            [expected],
            "{kind:?}: {result:?}"
        );
        assert_eq!(result.is_ok(), expected == 0, "{kind:?}: {result:?}");
    }
    let before = bench.next();
    let (caller, command) = bench.sample(CommandKind::Seal).unwrap();
    run(&bench.world.engine, caller, command).unwrap();
    assert_eq!(bench.since(before, CommandKind::Seal), [0]);
    assert!(bench.world.engine.is_sealed());
    // Opening it again verifies the log's head against every record of its right edge.
    block_on(
        bench
            .world
            .engine
            .unseal("passphrase", &secret(PASSPHRASE), None),
    )
    .unwrap();
    assert_eq!(bench.since(before, CommandKind::Unseal), [0]);
    assert_eq!(bench.since(before, CommandKind::ServerEvent), [0]);
    bench.world.engine.close();
}

#[test]
fn every_command_that_is_denied_changes_nothing_and_leaves_exactly_one_record_of_the_refusal() {
    let bench = bench();
    for kind in kinds() {
        let Some((_, command)) = bench.sample(kind) else {
            continue;
        };
        let before = bench.next();
        let code = run(&bench.world.engine, &bench.stranger, command).unwrap_err();
        assert!(
            matches!(code, ErrorCode::PermissionDenied | ErrorCode::NotFound),
            "{kind:?} {code:?}"
        );
        assert_eq!(bench.since(before, kind), [code.number()], "{kind:?}");
        let header = bench.newest();
        assert_eq!(
            (header.post_image, header.state_tag),
            (None, None),
            "{kind:?}"
        );
    }
    bench.world.engine.close();
}

#[test]
fn a_module_fault_refuses_the_command_and_leaves_exactly_one_record() {
    let bench = bench();
    for kind in [
        CommandKind::CreateKey,
        CommandKind::RotateKey,
        CommandKind::Encrypt,
        CommandKind::Decrypt,
        CommandKind::Sign,
        CommandKind::Verify,
        CommandKind::Mac,
        CommandKind::VerifyMac,
        CommandKind::EncryptBatch,
        CommandKind::DecryptBatch,
        CommandKind::SignBatch,
        CommandKind::VerifyBatch,
        CommandKind::MacBatch,
        CommandKind::ReEncrypt,
        CommandKind::GenerateDataKey,
        CommandKind::GenerateDataKeyWithoutPlaintext,
        CommandKind::GenerateDataKeyPair,
        CommandKind::Wrap,
        CommandKind::Unwrap,
        CommandKind::DeriveKey,
        CommandKind::AgreeKey,
        CommandKind::Encapsulate,
        CommandKind::Decapsulate,
        CommandKind::Random,
        CommandKind::Hash,
        CommandKind::VerifyExternal,
    ] {
        let (caller, command) = bench.sample(kind).unwrap();
        let before = bench.next();
        bench.module.fail.store(1, Ordering::SeqCst);
        let code = run(&bench.world.engine, caller, command).unwrap_err();
        bench.module.fail.store(0, Ordering::SeqCst);
        assert_eq!(code, ErrorCode::ModuleUnavailable, "{kind:?}");
        assert_eq!(bench.since(before, kind), [code.number()], "{kind:?}");
        // The same again works: nothing was left half done, no reservation hangs.
        let (caller, command) = bench.sample(kind).unwrap();
        run(&bench.world.engine, caller, command).unwrap();
    }
    bench.world.engine.close();
}

#[test]
fn a_commit_that_fails_before_persisting_undoes_the_command_and_records_the_refusal_once() {
    let bench = bench();
    for kind in kinds() {
        let Some((caller, command)) = bench.sample(kind) else {
            continue;
        };
        let before = bench.next();
        bench.store.next.store(FULL, Ordering::SeqCst);
        let code = run(&bench.world.engine, caller, command).unwrap_err();
        assert_eq!(code, ErrorCode::DiskFull, "{kind:?}");
        assert_eq!(
            bench.since(before, kind),
            [ErrorCode::DiskFull.number()],
            "{kind:?}"
        );
        assert!(!bench.world.engine.is_sealed(), "{kind:?}");
        let header = bench.newest();
        assert_eq!(header.post_image, None, "{kind:?}");
        // And done again it works, on unchanged rows.
        if kind != CommandKind::Seal && kind != CommandKind::ConfirmDestruction {
            let (caller, command) = bench.sample(kind).unwrap();
            run(&bench.world.engine, caller, command)
                .unwrap_or_else(|code| panic!("{kind:?} again: {code:?}"));
        }
    }
    bench.world.engine.close();
}

#[test]
fn a_commit_whose_answer_is_lost_stops_the_engine_and_is_there_once_after_the_next_start() {
    for kind in kinds() {
        let bench = bench();
        let Some((caller, command)) = bench.sample(kind) else {
            continue;
        };
        let before = bench.next();
        bench.store.next.store(LOST_ANSWER, Ordering::SeqCst);
        let code = run(&bench.world.engine, caller, command).unwrap_err();
        assert_eq!(code, ErrorCode::OutcomeUnknown, "{kind:?}");
        assert!(bench.world.engine.is_dead(), "{kind:?}");
        let after = run(&bench.world.engine, &bench.world.admin, Status {}).unwrap_err();
        assert_eq!(
            after,
            ErrorCode::OutcomeUnknown,
            "{kind:?}: nothing goes on in a process that does not know"
        );
        bench.world.engine.close();
        let again = engine(&bench.world.module, &bench.world.store, &bench.world.clock);
        block_on(again.unseal("passphrase", &secret(PASSPHRASE), None))
            .unwrap_or_else(|problem| panic!("{kind:?}: {:?}", problem.code));
        assert_eq!(bench.since(before, kind).len(), 1, "{kind:?}");
        again.close();
    }
}

#[test]
fn attempts_without_a_proven_identity_are_recorded_together() {
    let bench = bench();
    let before = bench.next();
    for _ in 0..5 {
        let presented = keyward_engine::Presented::Token("kwt_nonsense");
        assert!(
            bench
                .world
                .engine
                .authenticate(&presented, Some([7; 16]))
                .is_err()
        );
    }
    assert_eq!(
        block_on(bench.world.engine.record_rejections(true)).unwrap(),
        1
    );
    assert_eq!(bench.since(before, CommandKind::RejectedAttempts), [0]);
    let absent = ObjectId([1; 16]);
    assert_eq!(bench.world.decrypt(absent, b"x"), Err(ErrorCode::NotFound));
    bench.world.engine.close();
}
