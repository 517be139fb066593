//! Built-in roles, and which of them must never meet in one principal.
use minicbor::{Decode, Encode};

/// What a principal may be, per realm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Role {
    /// People and policy, never keys.
    #[n(0)]
    Administrator,
    /// The life of keys, never their use.
    #[n(1)]
    CryptoOfficer,
    /// The use of keys, never their life.
    #[n(2)]
    CryptoUser,
    /// Reads everything that is evidence, changes nothing.
    #[n(3)]
    Auditor,
    /// Holds a share of the root.
    #[n(4)]
    Custodian,
    /// Makes and restores backups.
    #[n(5)]
    BackupOperator,
}

impl Role {
    /// All built-in roles.
    pub const ALL: [Self; 6] = [
        Self::Administrator,
        Self::CryptoOfficer,
        Self::CryptoUser,
        Self::Auditor,
        Self::Custodian,
        Self::BackupOperator,
    ];

    /// The name used in every interface and in policies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::CryptoOfficer => "crypto-officer",
            Self::CryptoUser => "crypto-user",
            Self::Auditor => "auditor",
            Self::Custodian => "custodian",
            Self::BackupOperator => "backup-operator",
        }
    }

    /// Reads the interface name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// Whether separation of duties forbids one principal to hold both.
    #[must_use]
    pub const fn conflicts_with(self, other: Self) -> bool {
        use Role::{Administrator, Auditor, BackupOperator, CryptoOfficer, CryptoUser, Custodian};
        match (self, other) {
            (Administrator, CryptoOfficer | CryptoUser | Auditor | Custodian)
            | (CryptoOfficer | CryptoUser | Custodian, Administrator | Auditor)
            | (CryptoOfficer, CryptoUser)
            | (CryptoUser, CryptoOfficer | Custodian)
            | (Custodian, CryptoUser)
            | (Auditor, Administrator | CryptoOfficer | CryptoUser | Custodian | BackupOperator)
            | (BackupOperator, Auditor) => true,
            (Administrator, Administrator | BackupOperator)
            | (CryptoOfficer, CryptoOfficer | Custodian | BackupOperator)
            | (CryptoUser, CryptoUser | BackupOperator)
            | (Custodian, CryptoOfficer | Custodian | BackupOperator)
            | (Auditor, Auditor)
            | (
                BackupOperator,
                Administrator | CryptoOfficer | CryptoUser | Custodian | BackupOperator,
            ) => false,
        }
    }

    /// The first pair in a set that must not be together.
    #[must_use]
    pub fn first_conflict(roles: &[Self]) -> Option<(Self, Self)> {
        roles.iter().enumerate().find_map(|(i, a)| {
            roles
                .iter()
                .skip(i + 1)
                .find(|b| a.conflicts_with(**b))
                .map(|b| (*a, *b))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conflict_is_symmetric_and_never_with_itself() {
        for a in Role::ALL {
            assert!(!a.conflicts_with(a));
            for b in Role::ALL {
                assert_eq!(a.conflicts_with(b), b.conflicts_with(a), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn whoever_governs_keys_never_uses_them_and_whoever_audits_does_nothing_else() {
        assert!(Role::CryptoOfficer.conflicts_with(Role::CryptoUser));
        assert!(Role::Administrator.conflicts_with(Role::CryptoOfficer));
        for other in Role::ALL {
            assert_eq!(Role::Auditor.conflicts_with(other), other != Role::Auditor);
        }
    }
}
