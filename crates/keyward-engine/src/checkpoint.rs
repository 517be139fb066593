//! Signing the log's head: the newest checkpoint, and the pause in signing while the key is replaced.
//!
//! A rotation states from which size on the new key signs. Nothing larger may be signed with the old key, so from the moment
//! the statement is made until it is durable, the last checkpoint of the old key is all there is.
use std::sync::Arc;

use keyward_core::tlog::{Checkpoint, Origin, SignedNote, TreeHead};
use keyward_core::{ErrorCode, Problem};

use crate::open::Open;
use crate::signing::ModuleSigner;

/// The newest checkpoint, and who holds signing up.
#[derive(Default)]
pub(crate) struct Signing {
    newest: Option<(TreeHead, String)>,
    held: u32,
}

impl Signing {
    /// The key was replaced: what it has signed is not the newest any more.
    pub(crate) fn forget(&mut self) {
        self.newest = None;
    }
}

/// Signing goes on when this is dropped.
pub(crate) struct SigningHeld(Arc<Open>);

impl Drop for SigningHeld {
    fn drop(&mut self) {
        let mut signing = self.0.signing.lock();
        signing.held = signing.held.saturating_sub(1);
    }
}

impl Open {
    /// The newest checkpoint: signed now if the tree grew since the last one.
    pub(crate) fn checkpoint(&self) -> Result<(TreeHead, String), Problem> {
        self.sign_newest(&mut self.signing.lock())
    }

    /// The newest checkpoint, which stays the newest until the guard is dropped.
    pub(crate) fn hold_signing(self: &Arc<Self>) -> Result<(TreeHead, SigningHeld), Problem> {
        let mut signing = self.signing.lock();
        let (head, _) = self.sign_newest(&mut signing)?;
        signing.held = signing.held.saturating_add(1);
        Ok((head, SigningHeld(Arc::clone(self))))
    }

    /// The checkpoint to publish: cosigned if there are witnesses, else the newest.
    pub(crate) fn published(&self) -> Result<String, Problem> {
        match self.cosigned.get() {
            Some(cosigned) => Ok(cosigned.note),
            None => Ok(self.checkpoint()?.1),
        }
    }

    /// A checkpoint for a proof of a record: the cosigned one if it covers the record.
    pub(crate) fn covering(&self, index: u64) -> Result<(TreeHead, String), Problem> {
        match self.cosigned.get() {
            Some(cosigned) if cosigned.head.size > index => Ok((cosigned.head, cosigned.note)),
            _ => self.checkpoint(),
        }
    }

    fn sign_newest(&self, signing: &mut Signing) -> Result<(TreeHead, String), Problem> {
        let head = self.committer.head();
        if let Some((signed, note)) = &signing.newest
            && (signing.held > 0 || signed.size == head.size)
        {
            return Ok((*signed, note.clone()));
        }
        let identity = self.identity.read();
        let internal = || Problem::new(ErrorCode::AuditUnavailable);
        let origin: Origin = identity.history.origin().clone();
        let text = Checkpoint::new(origin, head).to_string();
        let mut note = SignedNote::new(text).map_err(|_| internal())?;
        let signer = ModuleSigner {
            crypto: &self.crypto,
            key: &identity.key,
        };
        note.sign(identity.history.current().1, &signer)
            .map_err(|_| internal())?;
        let note = note.to_string();
        signing.newest = Some((head, note.clone()));
        Ok((head, note))
    }
}
