//! A small installation in memory, made once: where real rows, records, proofs and segments come from; and what becomes
//! of it when somebody changes what is stored.
use std::sync::{Arc, LazyLock};

use futures_executor::block_on;
use keyward_core::command::*;
use keyward_core::outcome::Outcome;
use keyward_core::record::StoredRecord;
use keyward_core::role::Role;
use keyward_core::secret::Secret;
use keyward_core::time::{Millis, Now, Timestamp};
use keyward_engine::ports::clock::Clock;
use keyward_engine::ports::module::Module;
use keyward_engine::ports::store::{Batch, Change, Row, RowKey, Store, Table};
use keyward_engine::{
    CacheSizes, Caller, Engine, EngineParts, PassphraseSeal, Presented, Writer, init,
};
use keyward_module_awslc::AwsLcModule;
use keyward_protocol::rest::Call;
use keyward_store::MemoryStore;

use crate::rest;

const PASSPHRASE: &[u8] = b"a passphrase of the fuzz targets";
/// Few, because every damaged store is opened with it.
const SEAL: PassphraseSeal = PassphraseSeal { iterations: 1_000 };

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Now {
        Now {
            wall: Timestamp(1_795_000_000_000),
            service: Millis(0),
        }
    }
}

struct Installation {
    module: Arc<dyn Module>,
    store: MemoryStore,
    rows: Vec<(RowKey, Row)>,
    token: Secret,
    ciphertext: Vec<u8>,
    proof: String,
    keys: String,
    checkpoint: String,
    segment: Vec<u8>,
    verifier_key: String,
    records: Vec<StoredRecord>,
}

static INSTALLATION: LazyLock<Installation> = LazyLock::new(make);

fn engine(module: &Arc<dyn Module>, store: Arc<dyn Store>) -> Option<Engine> {
    Engine::new(EngineParts {
        module: Arc::clone(module),
        store,
        clock: Arc::new(Fixed),
        seals: vec![Arc::new(SEAL)],
        sizes: CacheSizes::default(),
        writer: Writer::Thread,
    })
    .ok()
}

fn login(engine: &Engine, token: &Secret) -> Option<Caller> {
    let text = core::str::from_utf8(token.expose()).ok()?;
    engine.authenticate(&Presented::Token(text), None).ok()
}

/// Sends a request as a REST client would.
fn ask(engine: &Engine, caller: &Caller, request: &str) -> Option<Outcome> {
    let Some(Call::Command { command, envelope }) = rest::decoded(request.as_bytes()) else {
        panic!("the fuzz targets' own request is refused: {request}");
    };
    block_on(engine.execute(caller, &command, &envelope)).ok()
}

fn workload(engine: &Engine, admin: &Caller, role: Role) -> Caller {
    workload_in(engine, admin, "shop", role)
}

fn workload_in(engine: &Engine, admin: &Caller, realm: &str, role: Role) -> Caller {
    let name = role.as_str();
    let create = format!(
        "POST /v1/realms/{realm}/workloads\n\n{{\"name\":\"{name}\",\"roles\":[\"{name}\"]}}"
    );
    let Some(Outcome::Principal(made)) = ask(engine, admin, &create) else {
        panic!("no workload");
    };
    let issue = IssueToken {
        principal: made.id,
        lifetime: Millis::days(30),
    };
    match block_on(engine.execute(admin, &issue.into(), &Envelope::default())) {
        Ok(Outcome::Token { text, .. }) => login(engine, &text).expect("a caller"),
        _ => panic!("no token"),
    }
}

fn text(outcome: Option<Outcome>) -> String {
    match outcome {
        Some(Outcome::LogData(bytes)) => String::from_utf8(bytes).expect("text"),
        Some(Outcome::Checkpoint(text)) => text,
        other => panic!("not a text: {other:?}"),
    }
}

struct Used {
    auditor: Caller,
    ciphertext: Vec<u8>,
}

/// Something of every kind, so that every table has rows.
fn use_it(engine: &Engine, admin: &Caller) -> Used {
    let done = |caller: &Caller, request: &str| {
        ask(engine, caller, request).unwrap_or_else(|| panic!("refused: {request}"))
    };
    done(
        admin,
        "POST /v1/realms\n\n{\"name\":\"shop\",\"rehearsal\":true}",
    );
    done(
        admin,
        "PUT /v1/realms/shop/policies/nights\n\n{\"text\":\"forbid (principal, action, resource) when { context.now_ms < 1000 };\"}",
    );
    let officer = workload(engine, admin, Role::CryptoOfficer);
    let user = workload(engine, admin, Role::CryptoUser);
    let auditor = workload_in(engine, admin, "system", Role::Auditor);
    for (name, spec) in [
        ("orders", "aes-256"),
        ("doomed", "aes-256"),
        ("signer", "ec-p256"),
    ] {
        done(
            &officer,
            &format!("POST /v1/realms/shop/keys\n\n{{\"name\":\"{name}\",\"spec\":\"{spec}\"}}"),
        );
    }
    done(&officer, "POST /v1/realms/shop/keys/orders/rotate\n\n");
    done(
        &officer,
        "POST /v1/realms/shop/keys/doomed/destruction\n\n{\"after_days\":0,\"reason\":\"a seed\"}",
    );
    let _ = block_on(engine.run_due());
    let encrypt = "POST /v1/realms/shop/keys/orders/encrypt\n\n{\"plaintext\":\"b3JkZXI=\"}";
    let mut ciphertext = Vec::new();
    // More than one full tile of records, so that there is something to archive.
    for _ in 0..300 {
        if let Outcome::Ciphertext {
            ciphertext: bytes, ..
        } = done(&user, encrypt)
        {
            ciphertext = bytes;
        }
    }
    Used {
        auditor,
        ciphertext,
    }
}

fn make() -> Installation {
    let module: Arc<dyn Module> = Arc::new(
        AwsLcModule::start(keyward_module_awslc::Config::default()).expect("the module starts"),
    );
    let store = Arc::new(MemoryStore::new());
    let passphrase = || Secret::new(PASSPHRASE.to_vec());
    let made = init::initialise(Arc::clone(&module), &*store, &Fixed, &SEAL, &passphrase())
        .unwrap_or_else(|problem| panic!("{problem:?}"));
    let engine = engine(&module, Arc::clone(&store) as Arc<dyn Store>).expect("an engine");
    block_on(engine.unseal("passphrase", &passphrase(), None)).expect("it opens");
    let admin = login(&engine, &made.admin_token).expect("a caller");
    let used = use_it(&engine, &admin);
    let done = |caller: &Caller, request: &str| {
        ask(&engine, caller, request).unwrap_or_else(|| panic!("refused: {request}"))
    };
    let Outcome::Proof(proof) = done(&used.auditor, "GET /v1/audit/records/3/proof\n\n") else {
        panic!("no proof");
    };
    let keys = text(ask(&engine, &used.auditor, "GET /v1/log/keys\n\n"));
    let checkpoint = text(ask(&engine, &used.auditor, "GET /v1/audit/checkpoint\n\n"));
    let rows = all_rows(&*store);
    let records = rows
        .iter()
        .filter(|(key, _)| key.table == Table::LogBatch)
        .flat_map(|(_, row)| keyward_engine::stored_records(&row.value))
        .collect();
    let archivist = workload_in(&engine, &admin, "system", Role::BackupOperator);
    let Outcome::Segment { bytes: segment, .. } =
        done(&archivist, "POST /v1/audit/archive\n\n{\"before\":256}")
    else {
        panic!("no segment");
    };
    engine.close();
    Installation {
        module,
        store: store.fork(),
        rows,
        token: made.admin_token,
        ciphertext: used.ciphertext,
        proof: proof.proof,
        keys,
        checkpoint,
        segment,
        verifier_key: made.log_verifier_key,
        records,
    }
}

fn all_rows(store: &dyn Store) -> Vec<(RowKey, Row)> {
    let mut rows = Vec::new();
    for table in Table::ALL {
        for (key, row) in store.scan(table, b"", None, 10_000).expect("in memory") {
            rows.push((RowKey { table, key }, row));
        }
    }
    rows
}

pub(crate) fn rows() -> &'static [(RowKey, Row)] {
    &INSTALLATION.rows
}

pub(crate) fn records() -> Vec<StoredRecord> {
    INSTALLATION.records.iter().take(64).cloned().collect()
}

pub(crate) fn ciphertext() -> Vec<u8> {
    INSTALLATION.ciphertext.clone()
}

pub(crate) fn proof() -> &'static str {
    &INSTALLATION.proof
}

pub(crate) fn keys() -> &'static str {
    &INSTALLATION.keys
}

pub(crate) fn checkpoint() -> &'static str {
    &INSTALLATION.checkpoint
}

pub(crate) fn segment() -> Vec<u8> {
    INSTALLATION.segment.clone()
}

pub(crate) fn verifier_key() -> &'static str {
    &INSTALLATION.verifier_key
}

/// One stored row replaced (two bytes say which, the rest is its new value), then the installation is started and used.
/// Whatever was changed, it answers or refuses; and what was authenticated is never taken from a changed row.
pub(crate) fn damaged(bytes: &[u8]) {
    let Some((which, value)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    let all = rows();
    let (key, row) = &all[usize::from(u16::from_be_bytes(*which)) % all.len()];
    let store = INSTALLATION.store.fork();
    let change = Change::Put {
        row: key.clone(),
        version: row.version,
        value: value.to_vec(),
    };
    let batch = Batch {
        changes: vec![change],
        ..Batch::default()
    };
    store.commit(vec![batch]).expect("in memory");
    let Some(engine) = engine(&INSTALLATION.module, Arc::new(store)) else {
        return;
    };
    let passphrase = Secret::new(PASSPHRASE.to_vec());
    if block_on(engine.unseal("passphrase", &passphrase, None)).is_ok()
        && let Some(admin) = login(&engine, &INSTALLATION.token)
    {
        for request in [
            "GET /v1/realms\n\n",
            "GET /v1/status\n\n",
            "GET /v1/realms/shop/workloads\n\n",
            "GET /v1/realms/shop/policies\n\n",
            "GET /v1/audit/records?from=0&limit=50\n\n",
            "POST /v1/realms\n\n{\"name\":\"after\"}",
        ] {
            let _ = ask(&engine, &admin, request);
        }
        let _ = block_on(engine.run_due());
    }
    engine.close();
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut of_a_kind = (None, 0);
    (0_u16..)
        .zip(rows())
        // Three of every table: the log alone has hundreds.
        .filter(|(_, (key, _))| {
            let seen = if of_a_kind.0 == Some(key.table) {
                of_a_kind.1 + 1
            } else {
                0
            };
            of_a_kind = (Some(key.table), seen);
            seen < 3
        })
        .map(|(number, (_, row))| [&number.to_be_bytes(), &*row.value].concat())
        .collect()
}
