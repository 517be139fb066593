//! Making an installation: once, into an empty store, in one commit.
use std::sync::Arc;

use keyward_core::cbor;
use keyward_core::ids::{DeploymentId, NodeId, PrincipalId, RealmId, TokenId, hex};
use keyward_core::name::Name;
use keyward_core::object::{Grant, Principal, PrincipalKind, Quotas, Realm, Token};
use keyward_core::role::Role;
use keyward_core::secret::Secret;
use keyward_core::time::{Millis, Timestamp};
use keyward_core::tlog::{KeyHistory, Origin, TileWriter};
use keyward_core::{ErrorCode, Problem};
use minicbor::{Decode, Encode};

use crate::caller::TOKEN_PREFIX;
use crate::committer::LaneRow;
use crate::crypto::Crypto;
use crate::custody::{self, CreateParameters};
use crate::open::{LANE, open_problem, verifier_key};
use crate::ports::clock::Clock;
use crate::ports::module::Module;
use crate::ports::seal::Seal;
use crate::ports::store::{Batch, Change, Commit, Expect, Store, StoreFault};
use crate::problems::{change_problem, module_problem, store_problem};
use crate::rows::{self, Pointer, SealedChange, SetHash};

/// The stored format of this release.
pub const FORMAT: u32 = 1;

/// The row that says which installation this is.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Installation {
    #[n(0)]
    pub(crate) format: u32,
    #[n(1)]
    pub(crate) deployment: DeploymentId,
    #[n(2)]
    pub(crate) node: NodeId,
    #[n(3)]
    pub(crate) created_at: Timestamp,
    #[n(4)]
    pub(crate) origin: String,
}

/// What initialisation made, shown once.
pub struct Initialised {
    /// The installation's id.
    pub deployment: DeploymentId,
    /// The administrator's token.
    pub admin_token: Secret,
    /// The administrator.
    pub admin: PrincipalId,
    /// The log's verifier key: pin it, everything in the log is believed by it.
    pub log_verifier_key: String,
    /// The log's name.
    pub log_origin: String,
}

/// Reads which installation the store holds. The row is authenticated once the seal is open.
pub(crate) fn installation(store: &dyn Store) -> Result<Installation, Problem> {
    let row = store
        .get(&rows::meta("installation"))
        .map_err(|f| store_problem(&f))?;
    let row = row.ok_or_else(|| Problem::new(ErrorCode::NotInitialised))?;
    let payload = row.value.get(32..).unwrap_or_default();
    let installation: Installation = cbor::from_slice(payload)
        .map_err(|_| store_problem(&StoreFault::Corrupt("the installation row does not decode")))?;
    if installation.format > FORMAT {
        return Err(store_problem(&StoreFault::TooNew {
            found: installation.format,
            known: FORMAT,
        }));
    }
    Ok(installation)
}

/// A fresh bearer token and its row.
pub(crate) fn new_token(
    crypto: &Crypto,
    principal: PrincipalId,
    created_at: Timestamp,
    expires_at: Timestamp,
) -> Result<(Secret, Token), Problem> {
    let id = TokenId(crypto.random().map_err(module_problem)?);
    let secret = crypto.random::<32>().map_err(module_problem)?;
    let mut text = String::with_capacity(128);
    text.push_str(TOKEN_PREFIX);
    text.push_str(&id.to_string());
    text.push('_');
    let digits = Secret::new(hex(&secret).into_bytes());
    let digest = crypto.sha(&[digits.expose()]).map_err(module_problem)?;
    let mut text = text.into_bytes();
    text.extend_from_slice(digits.expose());
    Ok((
        Secret::new(text),
        Token {
            id,
            principal,
            digest,
            created_at,
            expires_at,
            revoked_at: None,
        },
    ))
}

/// A secret that breaks a rule is the caller's to correct.
fn creation_problem(fault: &custody::OpenFault) -> Problem {
    match fault {
        custody::OpenFault::Seal(crate::ports::seal::SealFault::Unacceptable(reason)) => {
            Problem::new(ErrorCode::InvalidField)
                .with("field", "passphrase")
                .with("reason", *reason)
        }
        other => open_problem(other),
    }
}

/// Makes the installation.
///
/// # Errors
/// `already_initialised`, `invalid_field` for a bad passphrase, or the fault of a port.
pub fn initialise(
    module: Arc<dyn Module>,
    store: &dyn Store,
    clock: &dyn Clock,
    seal: &dyn Seal,
    secret: &Secret,
) -> Result<Initialised, Problem> {
    if store
        .get(&rows::meta("installation"))
        .map_err(|f| store_problem(&f))?
        .is_some()
    {
        return Err(Problem::new(ErrorCode::AlreadyInitialised));
    }
    let crypto = Crypto::new(module);
    let deployment = DeploymentId(crypto.random().map_err(module_problem)?);
    let node = NodeId(crypto.random().map_err(module_problem)?);
    let created = custody::create(
        &crypto,
        &CreateParameters {
            deployment,
            seal,
            secret,
        },
    )
    .map_err(|fault| creation_problem(&fault))?;
    let sealer = &created.custody.sealer;
    let mut changes = created.changes;
    let now = clock.now().wall;
    let origin = format!("keyward/{deployment}/{LANE}");
    let put = |row, value: &dyn Fn() -> Vec<u8>| seal_bytes(sealer, row, &value());
    let installation = Installation {
        format: FORMAT,
        deployment,
        node,
        created_at: now,
        origin: origin.clone(),
    };
    changes.push(put(rows::meta("installation"), &|| {
        cbor::to_vec(&installation)
    })?);

    let key = verifier_key(&crypto, &origin, &created.log_key)?;
    let log_verifier_key = key.to_string();
    let log_origin = Origin::new(&origin).map_err(|_| Problem::new(ErrorCode::Internal))?;
    let history =
        KeyHistory::pinned(log_origin, key).map_err(|_| Problem::new(ErrorCode::Internal))?;
    changes.push(put(rows::meta("log-keys"), &|| {
        cbor::to_vec(&history.to_string())
    })?);

    let (admin, admin_token) = add_people(&crypto, sealer, now, &mut changes)?;
    let mut set_hash = SetHash::default();
    for change in &changes {
        set_hash.mix(&change.delta);
    }
    let wrapped =
        crate::committer::wrap_set_hash(&created.custody, &set_hash).map_err(module_problem)?;
    let lane = LaneRow {
        size: 0,
        frontier: TileWriter::new().frontier().to_bytes(),
        set_hash: wrapped,
        service: Millis(0),
        wall: now,
        node,
    };
    changes.push(put(rows::lane(LANE), &|| cbor::to_vec(&lane))?);
    commit(store, changes)?;
    Ok(Initialised {
        deployment,
        admin_token,
        admin,
        log_verifier_key,
        log_origin: origin,
    })
}

fn seal_bytes(
    sealer: &rows::RowSealer,
    row: crate::ports::store::RowKey,
    payload: &[u8],
) -> Result<SealedChange, Problem> {
    let (value, element) = sealer.seal(&row, 1, payload).map_err(module_problem)?;
    let delta = if rows::in_set(row.table) {
        element
    } else {
        SetHash::default()
    };
    Ok(SealedChange {
        row,
        expected: 0,
        value: Some(value),
        delta,
    })
}

fn add_people(
    crypto: &Crypto,
    sealer: &rows::RowSealer,
    now: Timestamp,
    changes: &mut Vec<SealedChange>,
) -> Result<(PrincipalId, Secret), Problem> {
    let name = |text: &str| Name::new(text).map_err(|_| Problem::new(ErrorCode::Internal));
    let realm = Realm {
        id: RealmId::SYSTEM,
        name: name("system")?,
        alias: 0,
        level: 1,
        rehearsal: false,
        suspended: false,
        quotas: Quotas::default(),
        created_at: now,
        created_by: PrincipalId::SERVER,
        rules: None,
    };
    let admin = PrincipalId(crypto.random().map_err(module_problem)?);
    let principal = Principal {
        id: admin,
        realm: RealmId::SYSTEM,
        name: name("administrator")?,
        kind: PrincipalKind::Workload,
        grants: vec![Grant {
            realm: RealmId::SYSTEM,
            role: Role::Administrator,
        }],
        enabled: true,
        created_at: now,
        created_by: PrincipalId::SERVER,
    };
    let (text, token) = new_token(crypto, admin, now, now.plus(Millis::days(30)))?;
    let pointer = Pointer { id: admin.0 };
    let mut put = |change: Result<SealedChange, rows::ChangeFault>| -> Result<(), Problem> {
        changes.push(change.map_err(|f| change_problem(&f))?);
        Ok(())
    };
    put(sealer.put(rows::realm(RealmId::SYSTEM), None, &realm))?;
    put(sealer.put(rows::principal(admin), None, &principal))?;
    put(sealer.put(
        rows::principal_name(RealmId::SYSTEM, &principal.name),
        None,
        &pointer,
    ))?;
    put(sealer.put(
        rows::principal_of_realm(RealmId::SYSTEM, admin),
        None,
        &pointer,
    ))?;
    put(sealer.put(rows::token(token.id), None, &token))?;
    Ok((admin, text))
}

fn commit(store: &dyn Store, changes: Vec<SealedChange>) -> Result<(), Problem> {
    let mut batch = Batch::default();
    for change in changes {
        batch.expect.push(Expect {
            row: change.row.clone(),
            version: change.expected,
        });
        if let Some(value) = change.value {
            batch.changes.push(Change::Put {
                row: change.row,
                version: 1,
                value,
            });
        }
    }
    match store
        .commit(vec![batch])
        .map_err(|f| store_problem(&f))?
        .first()
    {
        Some(Commit::Done) => Ok(()),
        _ => Err(Problem::new(ErrorCode::AlreadyInitialised)),
    }
}
