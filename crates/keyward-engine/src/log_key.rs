//! Replacing the log-signing key.
use std::sync::Arc;

use keyward_core::tlog::{KeyHistory, Rotation};
use keyward_core::{ErrorCode, Problem};

use crate::crypto::Held;
use crate::custody::{Custody, RingName, row_after};
use crate::open::{LogIdentity, Open, verifier_key};
use crate::ports::store::Row;
use crate::problems::{change_problem, store_problem};
use crate::rows::{self, SealedChange};
use crate::signing::{ModuleSigner, ModuleVerifier};

/// What a rotation will write.
pub(crate) struct Prepared {
    pub(crate) changes: Vec<SealedChange>,
    pub(crate) statement: String,
    pub(crate) number: u32,
    pub(crate) history: KeyHistory,
    pub(crate) keyring_row: Row,
}

/// Signs the statement with both keys and prepares the rows. The new key signs trees larger than `size`.
pub(crate) fn prepare(open: &Open, key: &Arc<Held>, size: u64) -> Result<Prepared, Problem> {
    let internal = || Problem::new(ErrorCode::AuditUnavailable);
    let identity = open.identity.read();
    let (_, old) = identity.history.current();
    let number = identity.number.checked_add(1).ok_or_else(internal)?;
    let origin = identity.history.origin().clone();
    let new = verifier_key(&open.crypto, origin.as_str(), key)?;
    let rotation = Rotation {
        origin,
        from_size: size.saturating_add(1),
        old: old.clone(),
        new: new.clone(),
    };
    let mut note = rotation.to_note().map_err(|_| internal())?;
    let signed_by = |held: &Held, note: &mut keyward_core::tlog::SignedNote, name| {
        note.sign(
            name,
            &ModuleSigner {
                crypto: &open.crypto,
                key: held,
            },
        )
        .map_err(|_| internal())
    };
    signed_by(&identity.key, &mut note, old)?;
    signed_by(key, &mut note, &new)?;
    let statement = note.to_string();
    let mut history = identity.history.clone();
    let verifier = ModuleVerifier {
        crypto: &open.crypto,
    };
    history
        .rotate(&open.crypto, &verifier, note)
        .map_err(|_| internal())?;
    drop(identity);

    let history_key = rows::meta("log-keys");
    let stored = open
        .store
        .get(&history_key)
        .map_err(|f| store_problem(&f))?;
    let sealer = &open.custody.sealer;
    let mut changes = vec![
        sealer
            .put(history_key, stored.as_ref(), &history.to_string())
            .map_err(|f| change_problem(&f))?,
    ];
    let root = open.custody.root.lock();
    let keyring = open
        .custody
        .new_ring_key(&root, RingName::Log(number), key)
        .map_err(|f| change_problem(&f))?;
    let keyring_row = row_after(&keyring).ok_or_else(internal)?;
    changes.push(keyring);
    Ok(Prepared {
        changes,
        statement,
        number,
        history,
        keyring_row,
    })
}

/// Takes the committed key over.
pub(crate) fn adopt(
    open: &Open,
    key: Arc<Held>,
    number: u32,
    history: KeyHistory,
    keyring_row: Row,
) {
    let mut root = open.custody.root.lock();
    Custody::adopt_key(
        &mut root,
        RingName::Log(number),
        Arc::clone(&key),
        keyring_row,
    );
    drop(root);
    *open.identity.write() = LogIdentity {
        history,
        number,
        key,
    };
    open.signing.lock().forget();
}
