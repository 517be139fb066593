//! Golden files of every release open for ever: an installation of each is kept in `tests/golden/<release>/`, and every later
//! build must open it, find it whole, use its keys and go on writing to it.
//!
//! `rows.txt` is every stored row (table, key, version, value); `store.gz` the same as the SQLite file of that release;
//! `segment.cbor` an archived segment of its log; `facts.txt` what was known from outside. How the single rows are encoded is
//! tested beside their types (`src/rows/golden.rs`, `keyward-core/tests/formats.rs`).
//!
//! A release adds a directory: `KEYWARD_BLESS_RELEASE=0.2 cargo test -p keyward-engine --test golden`. An existing one is
//! never written again once it has shipped.
#![expect(clippy::disallowed_methods, reason = "a test reads its environment")]
mod common;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use common::*;
use futures_executor::block_on;
use keyward_core::ErrorCode;
use keyward_core::algorithm::KeySpec;
use keyward_core::command::*;
use keyward_core::ids::{ObjectId, RealmId, hex};
use keyward_core::outcome::Outcome;
use keyward_core::role::Role;
use keyward_core::time::Millis;
use keyward_engine::ports::module::Module;
use keyward_engine::ports::store::{Batch, Change, Row, RowKey, Store, Table};
use keyward_engine::{Engine, PassphraseSeal, Presented, PresentedCertificate, init};
use keyward_module_awslc::AwsLcModule;
use keyward_store::{DATABASE_FILE, MemoryStore, SqliteStore};

type Facts = BTreeMap<String, String>;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn releases() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(golden())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2));
    (0..text.len() / 2)
        .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
        .collect()
}

fn snapshot(store: &dyn Store) -> Vec<(RowKey, Row)> {
    let mut rows = Vec::new();
    for table in Table::ALL {
        let of_table = store.scan(table, &[], None, 1_000_000).unwrap();
        rows.extend(
            of_table
                .into_iter()
                .map(|(key, row)| (RowKey { table, key }, row)),
        );
    }
    rows
}

fn dumped(rows: &[(RowKey, Row)]) -> String {
    let line = |(at, row): &(RowKey, Row)| {
        let (table, key) = (at.table.number(), hex(&at.key));
        format!("{table} {key} {} {}\n", row.version, hex(&row.value))
    };
    rows.iter().map(line).collect()
}

fn loaded(dump: &str) -> Arc<dyn Store> {
    let store = MemoryStore::new();
    let changes = dump.lines().map(|line| {
        let fields: Vec<&str> = line.split(' ').collect();
        let number: u8 = fields[0].parse().unwrap();
        let table = Table::ALL
            .into_iter()
            .find(|table| table.number() == number)
            .unwrap();
        Change::Put {
            row: RowKey {
                table,
                key: unhex(fields[1]),
            },
            version: fields[2].parse().unwrap(),
            value: unhex(fields[3]),
        }
    });
    let batch = Batch {
        changes: changes.collect(),
        ..Batch::default()
    };
    store.commit(vec![batch]).unwrap();
    Arc::new(store)
}

fn facts(release: &Path) -> Facts {
    let text = std::fs::read_to_string(release.join("facts.txt")).unwrap();
    text.lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn module() -> Arc<dyn Module> {
    Arc::new(AwsLcModule::start(keyward_module_awslc::Config::default()).unwrap())
}

fn findings(module: &Arc<dyn Module>, store: &Arc<dyn Store>, passphrase: &str) -> Vec<String> {
    let engine = engine(module, store, &TestClock::new());
    let lines = engine.check("passphrase", &secret(passphrase), &[]);
    let lines = lines.unwrap_or_else(|problem| panic!("{:?}", problem.code));
    assert!(lines.len() >= 7);
    lines
        .into_iter()
        .filter(|line| !line.ok)
        .map(|line| format!("{}: {}", line.check, line.detail))
        .collect()
}

// --- making one ---

/// Makes the golden installation of a release, with every kind of row that the release writes.
fn make(into: &Path) {
    std::fs::create_dir_all(into).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let sqlite: Arc<dyn Store> = Arc::new(SqliteStore::create(directory.path()).unwrap());
    let module = module();
    let clock = TestClock::new();
    let made = init::initialise(
        Arc::clone(&module),
        &*sqlite,
        &*clock,
        &PassphraseSeal { iterations: 1_000 },
        &secret(PASSPHRASE),
    )
    .unwrap();
    let engine = engine(&module, &sqlite, &clock);
    block_on(engine.unseal("passphrase", &secret(PASSPHRASE), None)).unwrap();
    let mut facts = Facts::new();
    let token = |secret: &keyward_core::secret::Secret| {
        String::from_utf8(secret.expose().to_vec()).unwrap()
    };
    facts.insert("passphrase".to_owned(), PASSPHRASE.to_owned());
    facts.insert("admin token".to_owned(), token(&made.admin_token));
    facts.insert("log key".to_owned(), made.log_verifier_key.clone());
    let admin = login(&engine, &made.admin_token);
    people(&engine, &admin, &mut facts);
    keys(&engine, &mut facts);
    let officer = login(&engine, &secret(&facts["officer token"]));
    rest(&engine, &admin, &officer, &mut facts, into);
    engine.close();
    sqlite.scrub().unwrap();
    std::fs::write(into.join("rows.txt"), dumped(&snapshot(&*sqlite))).unwrap();
    drop(engine);
    drop(sqlite);
    let database = std::fs::read(directory.path().join(DATABASE_FILE)).unwrap();
    let file = std::fs::File::create(into.join("store.gz")).unwrap();
    let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::best());
    packed.write_all(&database).unwrap();
    packed.finish().unwrap();
    let text: String = facts
        .iter()
        .map(|(name, value)| format!("{name}: {value}\n"))
        .collect();
    std::fs::write(into.join("facts.txt"), text).unwrap();
}

fn people(engine: &Engine, admin: &keyward_engine::Caller, facts: &mut Facts) {
    let create = CreateRealm {
        name: name("orders"),
        level: 1,
        rehearsal: true,
        quotas: None,
    };
    let Outcome::Realm(realm) = run(engine, admin, create).unwrap() else {
        panic!("a realm")
    };
    facts.insert("realm".to_owned(), realm.id.to_string());
    for (fact, home, role) in [
        ("officer", realm.id, Role::CryptoOfficer),
        ("user", realm.id, Role::CryptoUser),
        ("auditor", RealmId::SYSTEM, Role::Auditor),
        ("operator", RealmId::SYSTEM, Role::BackupOperator),
    ] {
        let create = CreateWorkload {
            realm: RealmRef::Id(home),
            name: name(fact),
            roles: vec![role],
        };
        let Outcome::Principal(principal) = run(engine, admin, create).unwrap() else {
            panic!("a principal")
        };
        let issue = IssueToken {
            principal: principal.id,
            lifetime: Millis::days(300),
        };
        let Outcome::Token { text, .. } = run(engine, admin, issue).unwrap() else {
            panic!("a token")
        };
        let text = String::from_utf8(text.expose().to_vec()).unwrap();
        facts.insert(format!("{fact} token"), text);
        if fact == "user" {
            let register = RegisterAnchor {
                realm: RealmRef::Id(realm.id),
                certificate: b"a certificate of an authority".to_vec(),
            };
            let Outcome::Anchor { fingerprint } = run(engine, admin, register).unwrap() else {
                panic!("an anchor")
            };
            facts.insert("anchor".to_owned(), hex(&fingerprint));
            let bind = BindCertificate {
                realm: RealmRef::Id(realm.id),
                anchor: fingerprint,
                name: "dns:app.example".to_owned(),
                principal: principal.id,
            };
            run(engine, admin, bind).unwrap();
        }
    }
    let policy = PutPolicy {
        realm: RealmRef::Id(realm.id),
        name: name("extra"),
        text: "permit (principal, action, resource) when { false };".to_owned(),
    };
    run(engine, admin, policy).unwrap();
}

fn realm_of(facts: &Facts) -> RealmRef {
    RealmRef::Id(RealmId::parse(&facts["realm"]).unwrap())
}

fn new_key(facts: &Facts, spec: KeySpec) -> CreateKey {
    CreateKey {
        realm: realm_of(facts),
        name: None,
        spec,
        purpose: None,
        protection: keyward_core::algorithm::Protection::Software,
        export: keyward_core::object::ExportClass::Never,
        activate: true,
        cryptoperiod: None,
        rotate_every: None,
        sensitivity: keyward_core::object::Sensitivity::Moderate,
        applications: vec!["billing".to_owned()],
        tags: [("team".to_owned(), "orders".to_owned())].into(),
        owner: None,
        exception: None,
    }
}

fn protect(engine: &Engine, facts: &Facts, key: ObjectId, text: &str) -> Vec<u8> {
    let user = login(engine, &secret(&facts["user token"]));
    let command = Encrypt {
        realm: realm_of(facts),
        key: KeyRef::Id(key),
        context: b"row 7".to_vec(),
        plaintext: secret(text),
    };
    match run(engine, &user, command).unwrap() {
        Outcome::Ciphertext { ciphertext, .. } => ciphertext,
        other => panic!("{other:?}"),
    }
}

fn open_text(
    engine: &Engine,
    facts: &Facts,
    key: &str,
    ciphertext: &[u8],
) -> Result<Vec<u8>, ErrorCode> {
    let user = login(engine, &secret(&facts["user token"]));
    let command = Decrypt {
        realm: realm_of(facts),
        key: KeyRef::Id(ObjectId::parse(&facts[key]).unwrap()),
        accept_compromised: false,
        context: b"row 7".to_vec(),
        ciphertext: ciphertext.to_vec(),
    };
    run(engine, &user, command).map(|outcome| match outcome {
        Outcome::Plaintext { plaintext, .. } => plaintext.into_inner(),
        other => panic!("{other:?}"),
    })
}

fn keys(engine: &Engine, facts: &mut Facts) {
    let officer = login(engine, &secret(&facts["officer token"]));
    let mut create = |fact: &str, spec| {
        let command = CreateKey {
            name: Some(name(fact)),
            rotate_every: (fact == "kept").then(|| Millis::days(30)),
            ..new_key(facts, spec)
        };
        let Outcome::Key(view) = run(engine, &officer, command).unwrap() else {
            panic!("a key")
        };
        facts.insert(fact.to_owned(), view.object.id.to_string());
        view.object.id
    };
    let kept = create("kept", KeySpec::Aes256);
    let doomed = create("doomed", KeySpec::Aes256);
    let stopped = create("stopped", KeySpec::Aes128);
    let pending = create("pending", KeySpec::HmacSha256);
    for spec in [
        KeySpec::Rsa2048,
        KeySpec::EcP256,
        KeySpec::Ed25519,
        KeySpec::MlKem768,
    ] {
        create(spec.as_str(), spec);
    }
    let realm = realm_of(facts);
    facts.insert("text".to_owned(), "what was protected".to_owned());
    for (fact, key) in [("kept", kept), ("doomed", doomed), ("stopped", stopped)] {
        let ciphertext = protect(engine, facts, key, "what was protected");
        facts.insert(format!("{fact} ciphertext"), hex(&ciphertext));
    }
    let rotate = RotateKey {
        realm: realm.clone(),
        key: KeyRef::Id(kept),
    };
    run(engine, &officer, rotate).unwrap();
    let ciphertext = protect(engine, facts, kept, "what was protected");
    facts.insert("kept ciphertext of version 2".to_owned(), hex(&ciphertext));
    let suspend = SuspendKey {
        realm: realm.clone(),
        key: KeyRef::Id(stopped),
        reason: Some("under review".to_owned()),
    };
    run(engine, &officer, suspend).unwrap();
    for (key, after_days) in [(doomed, 0), (pending, 7)] {
        let schedule = ScheduleDestruction {
            realm: realm.clone(),
            key: KeyRef::Id(key),
            version: None,
            after_days,
            reason: "retired".to_owned(),
        };
        run(engine, &officer, schedule).unwrap();
    }
    let execute = ExecuteDestruction {
        realm,
        key: KeyRef::Id(doomed),
    };
    run(engine, &officer, execute).unwrap();
}

fn rest(
    engine: &Engine,
    admin: &keyward_engine::Caller,
    officer: &keyward_engine::Caller,
    facts: &mut Facts,
    into: &Path,
) {
    let kept = ObjectId::parse(&facts["kept"]).unwrap();
    while protect_until_tile(engine, facts, kept) < 270 {}
    let operator = login(engine, &secret(&facts["operator token"]));
    let archived = run(engine, &operator, ArchiveLog { before: 256 }).unwrap();
    let Outcome::Segment { bytes, .. } = archived else {
        panic!("a segment")
    };
    std::fs::write(into.join("segment.cbor"), bytes).unwrap();
    run(engine, admin, RotateLogKey {}).unwrap();
    let redact = RedactRecord {
        index: 260,
        reason: "erasure".to_owned(),
    };
    run(engine, admin, redact).unwrap();
    let repeated = repeat(engine, officer, facts);
    facts.insert("repeated".to_owned(), repeated.to_string());
}

/// One more record; the size of the log then.
fn protect_until_tile(engine: &Engine, facts: &Facts, key: ObjectId) -> u64 {
    protect(engine, facts, key, "x");
    let auditor = login(engine, &secret(&facts["auditor token"]));
    match run(engine, &auditor, ReadCheckpoint {}).unwrap() {
        Outcome::Checkpoint(note) => note.lines().nth(1).unwrap().parse().unwrap(),
        other => panic!("{other:?}"),
    }
}

/// A creation with an idempotency key that is remembered in the installation.
fn repeat(engine: &Engine, officer: &keyward_engine::Caller, facts: &Facts) -> ObjectId {
    let envelope = Envelope {
        idempotency_key: Some("created once".to_owned()),
        ..Envelope::default()
    };
    let command = Command::from(new_key(facts, KeySpec::Aes256));
    match block_on(engine.execute(officer, &command, &envelope)).unwrap() {
        Outcome::Key(view) => view.object.id,
        other => panic!("{other:?}"),
    }
}

// --- holding every release to it ---

fn for_every_release(check: impl Fn(&Path, &Facts, &Arc<dyn Module>)) {
    if let Ok(release) = std::env::var("KEYWARD_BLESS_RELEASE") {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| make(&golden().join(release)));
    }
    let module = module();
    let releases = releases();
    assert!(!releases.is_empty());
    for release in releases {
        check(&release, &facts(&release), &module);
    }
}

fn rows_of(release: &Path) -> String {
    std::fs::read_to_string(release.join("rows.txt")).unwrap()
}

/// The database file of a release in a directory of its own.
fn unpacked(release: &Path) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let packed = std::fs::File::open(release.join("store.gz")).unwrap();
    let mut database = Vec::new();
    flate2::read::GzDecoder::new(packed)
        .read_to_end(&mut database)
        .unwrap();
    std::fs::write(directory.path().join(DATABASE_FILE), database).unwrap();
    directory
}

#[test]
fn the_rows_of_every_release_are_whole_and_its_keys_work() {
    for_every_release(|release, facts, module| {
        let store = loaded(&rows_of(release));
        assert_eq!(
            findings(module, &store, &facts["passphrase"]),
            Vec::<String>::new()
        );
        use_it(module, &store, facts);
        assert_eq!(
            findings(module, &store, &facts["passphrase"]),
            Vec::<String>::new()
        );
    });
}

#[test]
fn the_database_of_every_release_opens_holds_those_rows_and_goes_on() {
    for_every_release(|release, facts, module| {
        let directory = unpacked(release);
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(directory.path()).unwrap());
        assert_eq!(dumped(&snapshot(&*store)), rows_of(release));
        use_it(module, &store, facts);
        assert_eq!(
            findings(module, &store, &facts["passphrase"]),
            Vec::<String>::new()
        );
        drop(store);
        let again: Arc<dyn Store> = Arc::new(SqliteStore::open(directory.path()).unwrap());
        assert_eq!(
            findings(module, &again, &facts["passphrase"]),
            Vec::<String>::new()
        );
    });
}

/// Uses everything an installation of any release has.
fn use_it(module: &Arc<dyn Module>, store: &Arc<dyn Store>, facts: &Facts) {
    let clock = TestClock::new();
    clock.wall.fetch_add(60_000, Ordering::SeqCst);
    let engine = engine(module, store, &clock);
    block_on(engine.unseal("passphrase", &secret(&facts["passphrase"]), None)).unwrap();
    let text = facts["text"].as_bytes();
    let ciphertext = |fact: &str| unhex(&facts[fact]);
    let opened = |key: &str, fact: &str| open_text(&engine, facts, key, &ciphertext(fact));
    assert_eq!(opened("kept", "kept ciphertext").unwrap(), text);
    assert_eq!(
        opened("kept", "kept ciphertext of version 2").unwrap(),
        text
    );
    assert_eq!(
        opened("doomed", "doomed ciphertext"),
        Err(ErrorCode::KeyDestroyed)
    );
    assert_eq!(
        opened("stopped", "stopped ciphertext"),
        Err(ErrorCode::KeySuspended)
    );

    let officer = login(&engine, &secret(&facts["officer token"]));
    let admin = login(&engine, &secret(&facts["admin token"]));
    let auditor = login(&engine, &secret(&facts["auditor token"]));
    let realm = realm_of(facts);
    let resume = ResumeKey {
        realm: realm.clone(),
        key: KeyRef::Name(name("stopped")),
        reason: None,
    };
    run(&engine, &officer, resume).unwrap();
    assert_eq!(opened("stopped", "stopped ciphertext").unwrap(), text);
    let list = ListKeys {
        filter: None,
        realm: realm.clone(),
        after: None,
        limit: 100,
        state: None,
        name_prefix: None,
    };
    let Outcome::Keys(page) = run(&engine, &officer, list).unwrap() else {
        panic!("keys")
    };
    assert!(page.items.len() >= 9, "{}", page.items.len());
    assert_eq!(
        repeat(&engine, &officer, facts).to_string(),
        facts["repeated"]
    );
    let presented = PresentedCertificate {
        fingerprint: [9; 32],
        anchors: vec![unhex(&facts["anchor"]).try_into().unwrap()],
        names: vec!["dns:app.example".to_owned()],
    };
    engine
        .authenticate(&Presented::Certificate(&presented), None)
        .unwrap();
    assert_eq!(engine.anchors().unwrap().len(), 1);
    let policies = run(
        &engine,
        &admin,
        ListPolicies {
            realm: realm.clone(),
        },
    )
    .unwrap();
    assert!(matches!(policies, Outcome::Policies(policies) if policies.len() == 1));
    let proof = run(&engine, &auditor, ProveRecord { index: 265 }).unwrap();
    assert!(matches!(proof, Outcome::Proof(_)));
    // What was due goes on being due.
    clock.pass(Millis::days(8));
    assert!(block_on(engine.run_due()).is_ok());
    let describe = DescribeKey {
        realm,
        key: KeyRef::Name(name("pending")),
    };
    let Outcome::Key(view) = run(&engine, &officer, describe).unwrap() else {
        panic!("a key")
    };
    assert_eq!(view.versions[0].version.state().as_str(), "destroyed");
    engine.close();
}

#[test]
fn an_installation_of_a_newer_format_is_refused_by_name() {
    for_every_release(|release, _, module| {
        let store = loaded(&rows_of(release));
        let at = RowKey {
            table: Table::Meta,
            key: b"installation".to_vec(),
        };
        let row = store.get(&at).unwrap().unwrap();
        let mut value = row.value.to_vec();
        // mac (32), then a map whose first entry is 0: format.
        assert_eq!(value[33..35], [0, 1]);
        value[34] = 2;
        let change = Change::Put {
            row: at,
            version: row.version,
            value,
        };
        let batch = Batch {
            changes: vec![change],
            ..Batch::default()
        };
        store.commit(vec![batch]).unwrap();
        let parts = keyward_engine::EngineParts {
            module: Arc::clone(module),
            store,
            clock: TestClock::new(),
            seals: Vec::new(),
            sizes: keyward_engine::CacheSizes::default(),
            writer: keyward_engine::Writer::Manual,
        };
        let refused = Engine::new(parts).err().map(|problem| problem.code);
        assert_eq!(refused, Some(ErrorCode::SchemaTooNew));
    });
}

#[test]
fn a_ciphertext_of_another_format_or_suite_is_refused_by_name() {
    for_every_release(|release, facts, module| {
        let store = loaded(&rows_of(release));
        let engine = engine(module, &store, &TestClock::new());
        block_on(engine.unseal("passphrase", &secret(&facts["passphrase"]), None)).unwrap();
        // After the magic: format, suite, kind of commitment.
        for position in 3..6 {
            let mut ciphertext = unhex(&facts["kept ciphertext"]);
            ciphertext[position] = 200;
            let refused = open_text(&engine, facts, "kept", &ciphertext);
            assert_eq!(refused, Err(ErrorCode::UnsupportedSuite), "byte {position}");
        }
        engine.close();
    });
}

#[test]
fn every_flipped_bit_and_every_other_length_of_a_ciphertext_is_refused() {
    for_every_release(|release, facts, module| {
        let store = loaded(&rows_of(release));
        let engine = engine(module, &store, &TestClock::new());
        block_on(engine.unseal("passphrase", &secret(&facts["passphrase"]), None)).unwrap();
        let good = unhex(&facts["kept ciphertext"]);
        assert!(open_text(&engine, facts, "kept", &good).is_ok());
        for bit in 0..good.len() * 8 {
            let mut flipped = good.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let refused = open_text(&engine, facts, "kept", &flipped);
            assert!(
                matches!(
                    refused,
                    Err(ErrorCode::InvalidCiphertext
                        | ErrorCode::UnsupportedSuite
                        | ErrorCode::CiphertextForeign)
                ),
                "bit {bit}: {refused:?}"
            );
        }
        for length in 0..good.len() {
            assert!(
                open_text(&engine, facts, "kept", &good[..length]).is_err(),
                "{length}"
            );
        }
        let longer = [good.as_slice(), &[0]].concat();
        assert!(open_text(&engine, facts, "kept", &longer).is_err());
        engine.close();
    });
}
