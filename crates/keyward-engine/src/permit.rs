//! The proof that a decision was made: without it no module does anything, and only the engine makes it.
//!
//! Outside this crate a permit can neither be built from its fields
//! ```compile_fail,E0451
//! use keyward_engine::permit::{Permit, PermitScope};
//! let forged = Permit { scope: PermitScope::Custody };
//! ```
//! nor asked for
//! ```compile_fail,E0624
//! use keyward_engine::permit::{Permit, PermitScope};
//! let forged = Permit::new(PermitScope::Custody);
//! ```
//! nor copied from one that was lent.
//! ```compile_fail,E0599
//! fn keep(lent: &keyward_engine::permit::Permit) -> keyward_engine::permit::Permit {
//!     keyward_engine::permit::Permit::clone(lent)
//! }
//! ```
use core::fmt;

/// Why the module is being asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PermitScope {
    /// The engine's own custody, log and credential work.
    Custody,
    /// One decided command on a user's key.
    Command {
        /// The command's stable number.
        number: u16,
        /// Whether the key carries a recorded non-approved exception.
        exception: bool,
        /// Whether material may be given out in the clear (data keys, session export).
        reveal: bool,
    },
}

/// A permit. It has no public constructor: see the compile-fail tests.
pub struct Permit {
    scope: PermitScope,
}

impl Permit {
    /// Only the engine's own modules reach this.
    pub(crate) const fn new(scope: PermitScope) -> Self {
        Self { scope }
    }

    /// What it was made for.
    #[must_use]
    pub const fn scope(&self) -> PermitScope {
        self.scope
    }

    /// Whether a non-approved result may be used.
    #[must_use]
    pub const fn allows_not_approved(&self) -> bool {
        matches!(
            self.scope,
            PermitScope::Command {
                exception: true,
                ..
            }
        )
    }

    /// Whether key material may leave in the clear.
    #[must_use]
    pub const fn allows_reveal(&self) -> bool {
        matches!(self.scope, PermitScope::Command { reveal: true, .. })
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("scope", &self.scope)
            .finish()
    }
}

/// A permit for tests of module adapters; absent from every build that ships.
#[cfg(feature = "danger_test_permits")]
#[must_use]
pub const fn danger_permit(scope: PermitScope) -> Permit {
    Permit::new(scope)
}
