//! The six key states of SP 800-57 Part 1 Rev. 5 §7 and the edges between them.
use minicbor::{Decode, Encode};

/// The state of one component of one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum State {
    /// Generated, not yet authorised for use.
    #[n(0)]
    PreActivation,
    /// May protect and process.
    #[n(1)]
    Active,
    /// Use is stopped for the time being, both ways.
    #[n(2)]
    Suspended,
    /// May process what it protected, never protect again.
    #[n(3)]
    Deactivated,
    /// Known or suspected to be known to others.
    #[n(4)]
    Compromised,
    /// The material is gone; what is known about it may stay.
    #[n(5)]
    Destroyed,
}

impl State {
    /// All six, in the standard's order.
    pub const ALL: [Self; 6] = [
        Self::PreActivation,
        Self::Active,
        Self::Suspended,
        Self::Deactivated,
        Self::Compromised,
        Self::Destroyed,
    ];

    /// The name used in every interface.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PreActivation => "pre-activation",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deactivated => "deactivated",
            Self::Compromised => "compromised",
            Self::Destroyed => "destroyed",
        }
    }

    /// Reads the interface name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether the standard has an edge from this state to `next` (SP 800-57 Part 1 §7).
    ///
    /// Staying in a state is not an edge: whoever asks for it is told that nothing would change.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        use State::{Active, Compromised, Deactivated, Destroyed, PreActivation, Suspended};
        match (self, next) {
            (PreActivation, Active | Compromised | Destroyed)
            | (Active, Suspended | Deactivated | Compromised | Destroyed)
            | (Suspended, Active | Deactivated | Compromised | Destroyed)
            | (Deactivated, Compromised | Destroyed)
            | (Compromised, Destroyed) => true,
            (PreActivation, PreActivation | Suspended | Deactivated)
            | (Active, PreActivation | Active)
            | (Suspended, PreActivation | Suspended)
            | (Deactivated, PreActivation | Active | Suspended | Deactivated)
            | (Compromised, PreActivation | Active | Suspended | Deactivated | Compromised)
            | (Destroyed, _) => false,
        }
    }

    /// Whether this state lets the key apply new protection (encrypt, sign, wrap).
    #[must_use]
    pub const fn may_protect(self) -> bool {
        matches!(self, Self::Active)
    }

    /// Whether this state lets the key process what it protected (decrypt, verify, unwrap).
    ///
    /// A compromised key processes only by an explicit, recorded choice, which is decided elsewhere.
    #[must_use]
    pub const fn may_process(self) -> bool {
        matches!(self, Self::Active | Self::Deactivated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows: from; columns: to; in the order of [`State::ALL`].
    const MATRIX: [[bool; 6]; 6] = [
        [false, true, false, false, true, true],
        [false, false, true, true, true, true],
        [false, true, false, true, true, true],
        [false, false, false, false, true, true],
        [false, false, false, false, false, true],
        [false, false, false, false, false, false],
    ];

    #[test]
    fn the_full_matrix_is_the_standards() {
        for (row, from) in MATRIX.iter().zip(State::ALL) {
            for (&expected, to) in row.iter().zip(State::ALL) {
                assert_eq!(from.may_become(to), expected, "{from:?} -> {to:?}");
            }
        }
    }

    #[test]
    fn only_an_active_key_protects_and_no_suspended_or_destroyed_key_works_at_all() {
        for state in State::ALL {
            assert_eq!(state.may_protect(), state == State::Active);
        }
        assert!(!State::Suspended.may_process());
        assert!(!State::Destroyed.may_process());
        assert!(!State::PreActivation.may_process());
        assert!(State::Deactivated.may_process());
    }

    #[test]
    fn every_name_reads_back() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
    }
}
