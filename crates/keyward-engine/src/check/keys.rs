//! The key hierarchy against itself: every version's material as its state says, the puncture ledger without a gap and signed,
//! the puncturable states as it left them.
use std::collections::BTreeMap;

use keyward_core::algorithm::{KeySpec, SignatureScheme};
use keyward_core::cbor;
use keyward_core::limits::GCM_INVOCATIONS_MAX;
use keyward_core::object::{Object, ObjectKind, Usage, Version};
use keyward_core::state::State;

use super::{CheckLine, Findings, PAGE};
use crate::custody::{LedgerEntry, RingName};
use crate::open::Open;
use crate::ports::module::{ModuleFault, Operation, Output};
use crate::ports::store::{Row, RowKey, StoreFault, Table};
use crate::rows;

/// Checks what [`super::check_rows`] cannot see: rows can be authentic and still not fit the keys.
pub(super) fn check_keys(open: &Open) -> Result<Vec<CheckLine>, StoreFault> {
    Ok(vec![material(open)?, ledger(open)?])
}

/// Every row of a table, page by page.
fn each(open: &Open, table: Table, mut see: impl FnMut(RowKey, &Row)) -> Result<(), StoreFault> {
    let mut after: Option<Vec<u8>> = None;
    loop {
        let page = open.store.scan(table, &[], after.as_deref(), PAGE)?;
        let Some((last, _)) = page.last() else {
            return Ok(());
        };
        after = Some(last.clone());
        for (key, row) in page {
            see(RowKey { table, key }, &row);
        }
    }
}

/// Opens every version's material, and sees that no destroyed version can be opened. Rows that do not authenticate are
/// named by the check of rows.
fn material(open: &Open) -> Result<CheckLine, StoreFault> {
    let (mut findings, mut count) = (Findings::default(), 0_u64);
    let sealer = &open.custody.sealer;
    each(open, Table::Version, |key, row| {
        count = count.saturating_add(1);
        if let Ok(version) = sealer.decode::<Version>(&key, row)
            && let Err(finding) = one_version(open, &version.value)
        {
            findings.add(finding);
        }
    })?;
    each(open, Table::Usage, |key, row| {
        // A realm's counters share the table under a shorter key.
        if key.key.len() == 36
            && let Ok(usage) = sealer.decode::<Usage>(&key, row)
            && usage.value.reserved > GCM_INVOCATIONS_MAX
        {
            findings.add("a version has more encryptions reserved than one key may do".to_owned());
        }
    })?;
    Ok(findings.line(
        "keys.material",
        format!("{count} versions have the material that their states say"),
    ))
}

fn one_version(open: &Open, version: &Version) -> Result<(), String> {
    let named = || format!("version {} of {}", version.number, version.object);
    let custody = &open.custody;
    let object_key = rows::object(version.realm, version.object);
    let object = match open.store.get(&object_key) {
        Ok(Some(row)) => custody.sealer.decode::<Object>(&object_key, &row),
        _ => return Err(format!("{} has no object", named())),
    };
    let Ok(object) = object.map(|opened| opened.value) else {
        return Ok(());
    };
    if version.number > object.current {
        return Err(format!("{} is newer than its object knows", named()));
    }
    if object.kind == ObjectKind::Certificate {
        // It has no secret part.
        return Ok(());
    }
    let destroyed = version.state() == State::Destroyed;
    if destroyed != version.material.is_none() {
        let has = if destroyed { "has" } else { "has no" };
        let state = version.state().as_str();
        return Err(format!("{} is {state} and {has} material", named()));
    }
    if destroyed {
        return match custody.leaf(&object, version.number, version.leaf) {
            Err(ModuleFault::Gone) => Ok(()),
            _ => Err(format!(
                "{} is destroyed and its leaf is still there",
                named()
            )),
        };
    }
    let opened = match (object.spec, version.material.as_deref()) {
        (None, Some(blob)) => bytes(open, &object, version, blob),
        _ => custody.unwrap_material(&object, version).map(|_| ()),
    };
    match opened {
        Ok(()) => Ok(()),
        Err(fault) => Err(format!(
            "the material of {} does not open: {fault}",
            named()
        )),
    }
}

/// Opens the bytes of a secret or opaque object, which are no key of the module.
fn bytes(open: &Open, object: &Object, version: &Version, blob: &[u8]) -> Result<(), ModuleFault> {
    let leaf = open.custody.leaf(object, version.number, version.leaf)?;
    let unwrap = Operation::UnwrapBytes {
        kek: leaf.handle(),
        blob,
    };
    open.crypto.secret(unwrap).map(|_| ())
}

/// No epoch missing, every entry signed, the trees as the newest entries left them.
fn ledger(open: &Open) -> Result<CheckLine, StoreFault> {
    let mut findings = Findings::default();
    let mut expected = 2_u64;
    let mut newest = BTreeMap::new();
    each(open, Table::Ledger, |key, row| {
        let Ok(opened) = open.custody.sealer.decode::<LedgerEntry>(&key, row) else {
            return;
        };
        let entry = opened.value;
        if entry.epoch != expected {
            findings.add(format!(
                "epoch {} stands where {expected} belongs",
                entry.epoch
            ));
        }
        expected = entry.epoch.saturating_add(1);
        if !is_signed(open, &entry) {
            findings.add(format!("epoch {} is not signed by a log key", entry.epoch));
        }
        newest.insert(entry.realm, entry.tree_digest);
    })?;
    let epoch = open.custody.root.lock().epoch;
    if expected != epoch.saturating_add(1) {
        findings.add(format!("the ledger ends before epoch {epoch}"));
    }
    let trees = open.custody.trees.read();
    for (realm, digest) in newest {
        let now = trees.get(&realm).map(|tree| {
            open.crypto.digest(Operation::TreeDigest {
                tree: tree.handle.handle(),
            })
        });
        if !matches!(now, Some(Ok(now)) if now == digest) {
            findings.add(format!(
                "the puncturable state of realm {realm} is not the one the ledger ends with"
            ));
        }
    }
    Ok(findings.line(
        "custody.ledger",
        format!("the ledger leads to epoch {epoch} and to the puncturable states"),
    ))
}

fn is_signed(open: &Open, entry: &LedgerEntry) -> bool {
    let message = cbor::to_vec(&LedgerEntry {
        signature: Vec::new(),
        ..entry.clone()
    });
    let keys = open.custody.root.lock();
    let mut log_keys = keys
        .keys
        .iter()
        .filter(|(name, _)| matches!(name, RingName::Log(_)));
    log_keys.any(|(_, key)| {
        let Ok(public) = open
            .crypto
            .bytes(Operation::PublicKey { key: key.handle() })
        else {
            return false;
        };
        let verify = Operation::Verify {
            spec: KeySpec::Ed25519,
            public: &public,
            scheme: SignatureScheme::Ed25519,
            message: &message,
            signature: &entry.signature,
        };
        matches!(
            open.crypto.operate(open.crypto.permit(), verify),
            Ok(done) if matches!(done.output, Output::Verdict(true))
        )
    })
}
