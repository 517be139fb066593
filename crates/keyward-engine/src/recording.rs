//! A record on its way: everything but its place in the log, which the committer gives it.
use keyward_core::algorithm::Indicator;
use keyward_core::cbor;
use keyward_core::ids::{NodeId, RealmId};
use keyward_core::limits::RECORD_MAX_BYTES;
use keyward_core::record::{Body, Header, RECORD_VERSION};
use keyward_core::time::Timestamp;
use keyward_core::{ErrorCode, Problem};

use crate::crypto::Crypto;
use crate::ports::module::ModuleFault;
use crate::rows::SealedChange;

/// What is known of a record before it is placed.
pub(crate) struct Draft {
    pub(crate) time: Timestamp,
    pub(crate) realm: RealmId,
    pub(crate) command: u16,
    pub(crate) target: Option<[u8; 16]>,
    pub(crate) target_version: Option<u32>,
    pub(crate) outcome: u16,
    pub(crate) indicator: Indicator,
    salt: [u8; 16],
    body: Vec<u8>,
    body_digest: [u8; 32],
    post_image: Option<[u8; 32]>,
}

/// The facts a draft is made from.
pub(crate) struct Facts {
    pub(crate) time: Timestamp,
    pub(crate) realm: RealmId,
    pub(crate) command: u16,
    pub(crate) target: Option<[u8; 16]>,
    pub(crate) target_version: Option<u32>,
    pub(crate) indicator: Indicator,
    pub(crate) body: Body,
}

impl Draft {
    pub(crate) fn new(
        crypto: &Crypto,
        facts: Facts,
        outcome: Option<ErrorCode>,
        changes: &[SealedChange],
    ) -> Result<Self, Problem> {
        let mut body = cbor::to_vec(&facts.body);
        if body.len() > RECORD_MAX_BYTES {
            // A record must always be possible: what does not fit is cut to what identifies it.
            body = cbor::to_vec(&Body {
                detail: None,
                policies: Vec::new(),
                ..facts.body
            });
        }
        let fault = |_: ModuleFault| Problem::new(ErrorCode::ModuleFault);
        let salt = crypto.salt().map_err(fault)?;
        let body_digest = crypto.sha(&[&salt, &body]).map_err(fault)?;
        let post_image = if changes.is_empty() {
            None
        } else {
            Some(post_image(crypto, changes).map_err(fault)?)
        };
        Ok(Self {
            time: facts.time,
            realm: facts.realm,
            command: facts.command,
            target: facts.target,
            target_version: facts.target_version,
            outcome: outcome.map_or(0, ErrorCode::number),
            indicator: facts.indicator,
            salt,
            body,
            body_digest,
            post_image,
        })
    }

    /// The same command, now refused because its effect could not be stored.
    pub(crate) fn refused(&mut self, code: ErrorCode) {
        self.outcome = code.number();
        self.post_image = None;
    }

    /// About how many bytes it takes in the log.
    pub(crate) const fn bytes(&self) -> u64 {
        const HEADER: u64 = 160;
        HEADER.saturating_add(self.body.len() as u64)
    }

    /// Whether a state tag belongs to it.
    pub(crate) const fn is_change(&self) -> bool {
        self.post_image.is_some()
    }

    /// Its salt.
    pub(crate) const fn salt(&self) -> &[u8; 16] {
        &self.salt
    }

    /// Its body, canonical.
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The header at its place: the leaf entry is its canonical form.
    pub(crate) const fn placed(
        &self,
        node: NodeId,
        lane: u32,
        realm_seq: u64,
        state_tag: Option<[u8; 32]>,
    ) -> Header {
        Header {
            format: RECORD_VERSION,
            time: self.time,
            node,
            lane,
            realm: self.realm,
            realm_seq,
            command: self.command,
            target: self.target,
            target_version: self.target_version,
            outcome: self.outcome,
            indicator: self.indicator,
            body_digest: self.body_digest,
            post_image: self.post_image,
            state_tag,
        }
    }
}

/// SHA-256 over every changed row as it is written.
fn post_image(crypto: &Crypto, changes: &[SealedChange]) -> Result<[u8; 32], ModuleFault> {
    let mut bytes = Vec::with_capacity(changes.len().saturating_mul(96));
    for change in changes {
        bytes.push(change.row.table.number());
        bytes.extend_from_slice(
            &u32::try_from(change.row.key.len())
                .unwrap_or(u32::MAX)
                .to_be_bytes(),
        );
        bytes.extend_from_slice(&change.row.key);
        bytes.extend_from_slice(&change.expected.to_be_bytes());
        let digest = match &change.value {
            Some(value) => crypto.sha(&[value])?,
            None => [0; 32],
        };
        bytes.extend_from_slice(&digest);
    }
    crypto.sha(&[&bytes])
}
