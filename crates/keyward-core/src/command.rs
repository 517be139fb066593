//! Everything that can be asked of Keyward. Protocols translate into these; the engine knows nothing else.
//!
//! Numbers and field indexes are frozen: records, approvals and digests refer to them for ever. A command gains fields
//! only with new indexes and a default; a change of meaning is a new number.
//!
//! Here are the numbers and what all commands have in common; their fields are in the modules below, by theme.
mod attributes;
mod audit;
mod certificate;
mod data;
mod identity;
mod key;
mod material;
mod policy;
mod realm;
mod secret;
mod server;
mod transfer;
mod use_key;

use alloc::string::String;
use alloc::vec::Vec;

use minicbor::{Decode, Encode, Encoder};

use crate::ids::{CorrelationId, DeploymentId, ObjectId, RealmId};
use crate::name::Name;
use crate::object::ObjectKind;

pub use attributes::*;
pub use audit::*;
pub use certificate::*;
pub use data::*;
pub use identity::*;
pub use key::*;
pub use material::*;
pub use policy::*;
pub use realm::*;
pub use secret::*;
pub use server::*;
pub use transfer::*;
pub use use_key::*;

/// An object named by id or by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub enum KeyRef {
    /// By id.
    #[n(0)]
    Id(#[n(0)] ObjectId),
    /// By name or alias.
    #[n(1)]
    Name(#[n(0)] Name),
    /// By id, what is no key: a secret, opaque data, a certificate.
    #[n(2)]
    Object(#[n(0)] ObjectKind, #[n(1)] ObjectId),
    /// By name or alias, what is no key.
    #[n(3)]
    Named(#[n(0)] ObjectKind, #[n(1)] Name),
}

/// A realm named by id or by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub enum RealmRef {
    /// By id.
    #[n(0)]
    Id(#[n(0)] RealmId),
    /// By name.
    #[n(1)]
    Name(#[n(0)] Name),
}

impl RealmRef {
    /// The installation's own realm.
    pub const SYSTEM: Self = Self::Id(RealmId::SYSTEM);
}

/// What a command does to the world, which fixes how it is executed and recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Reads metadata or evidence.
    Read,
    /// Uses a key; changes nothing but counters.
    Use,
    /// Changes what is stored.
    Change,
}

macro_rules! commands {
    ($($(#[$doc:meta])* $number:literal $variant:ident $text:literal $effect:ident;)*) => {
        /// The kinds of commands, by stable number.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum CommandKind {
            $($(#[$doc])* $variant = $number,)*
        }

        impl CommandKind {
            /// All kinds, in number order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable number.
            #[must_use]
            pub const fn number(self) -> u16 {
                self as u16
            }
            /// The name in policies, records as shown, and documentation.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
            /// What it does to the world.
            #[must_use]
            pub const fn effect(self) -> Effect {
                match self { $(Self::$variant => Effect::$effect,)* }
            }
            /// The kind with this number.
            #[must_use]
            pub const fn from_number(number: u16) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }
        }

        /// A command with its arguments.
        #[derive(Debug)]
        pub enum Command {
            $($(#[$doc])* $variant($variant),)*
        }

        impl Command {
            /// Its kind.
            #[must_use]
            pub const fn kind(&self) -> CommandKind {
                match self { $(Self::$variant(_) => CommandKind::$variant,)* }
            }

            fn encode_body(&self, e: &mut Encoder<&mut Vec<u8>>) {
                // Writing to a Vec cannot fail.
                match self { $(Self::$variant(body) => { let _ = e.encode(body); })* }
            }
        }

        $(impl From<$variant> for Command {
            fn from(body: $variant) -> Self { Self::$variant(body) }
        })*
    };
}

commands! {
    /// Open the seal: the credential is the seal's own secret.
    2 Unseal "unseal" Change;
    /// Close it: keys leave memory, the server answers health and unseal only.
    3 Seal "seal" Change;
    /// Make a realm.
    10 CreateRealm "create-realm" Change;
    /// Show a realm.
    11 DescribeRealm "describe-realm" Read;
    /// List realms.
    12 ListRealms "list-realms" Read;
    /// Make a workload.
    20 CreateWorkload "create-workload" Change;
    /// Show a principal.
    21 DescribePrincipal "describe-principal" Read;
    /// List principals.
    22 ListPrincipals "list-principals" Read;
    /// Issue a bearer token.
    23 IssueToken "issue-token" Change;
    /// Revoke one.
    24 RevokeToken "revoke-token" Change;
    /// Register a certificate authority for a realm.
    25 RegisterAnchor "register-anchor" Change;
    /// Bind a certificate name to a workload.
    26 BindCertificate "bind-certificate" Change;
    /// Enable or disable a principal.
    27 SetPrincipalEnabled "set-principal-enabled" Change;
    /// Write a policy.
    30 PutPolicy "put-policy" Change;
    /// Remove a policy.
    31 DeletePolicy "delete-policy" Change;
    /// List policies.
    32 ListPolicies "list-policies" Read;
    /// Change the rules of a realm.
    33 ConfigureRealm "configure-realm" Change;
    /// Stop every use in a realm.
    34 SuspendRealm "suspend-realm" Change;
    /// Allow it again.
    35 ResumeRealm "resume-realm" Change;
    /// Make a key.
    100 CreateKey "create-key" Change;
    /// Show a key.
    101 DescribeKey "describe-key" Read;
    /// List keys.
    102 ListKeys "list-keys" Read;
    /// Make a new version and let it protect from now on.
    103 RotateKey "rotate-key" Change;
    /// Pre-activation to active.
    104 ActivateKey "activate-key" Change;
    /// Stop all use for the time being.
    105 SuspendKey "suspend-key" Change;
    /// Allow use again.
    106 ResumeKey "resume-key" Change;
    /// End protection for good.
    107 DeactivateKey "deactivate-key" Change;
    /// Record that others may know it.
    108 ReportCompromise "report-compromise" Change;
    /// Set a date for destruction.
    109 ScheduleDestruction "schedule-destruction" Change;
    /// Clear that date.
    110 CancelDestruction "cancel-destruction" Change;
    /// Destroy what is due.
    111 ExecuteDestruction "execute-destruction" Change;
    /// Allow a held irreversible job to go on.
    112 ConfirmDestruction "confirm-destruction" Change;
    /// Change attributes of a key.
    113 UpdateKey "update-key" Change;
    /// Give a key one more name, or move it there.
    114 PutAlias "put-alias" Change;
    /// Take a further name away.
    115 RemoveAlias "remove-alias" Change;
    /// Show what depends on a key.
    116 ReadBlastRadius "read-blast-radius" Read;
    /// Show what is known about a destruction.
    117 ReadDestruction "read-destruction" Read;
    /// Make a secret or opaque data.
    120 CreateSecret "create-secret" Change;
    /// Give a secret another value.
    121 PutSecretVersion "put-secret-version" Change;
    /// Read a value.
    122 ReadSecret "read-secret" Use;
    /// List objects that are no keys.
    123 ListObjects "list-objects" Read;
    /// Keep a certificate.
    124 PutCertificate "put-certificate" Change;
    /// Make a certificate request.
    125 CreateCertificateRequest "create-certificate-request" Use;
    /// Say that something nears its end.
    126 GiveNotice "give-notice" Change;
    /// Ask for a key to wrap material for.
    130 CreateImportKey "create-import-key" Change;
    /// Make a key of material from outside.
    131 ImportKey "import-key" Change;
    /// Let material out, wrapped.
    132 ExportKey "export-key" Change;
    /// Let material out in the clear.
    133 ReleaseKey "release-key" Change;
    /// Encrypt.
    150 Encrypt "encrypt" Use;
    /// Decrypt.
    151 Decrypt "decrypt" Use;
    /// Sign.
    152 Sign "sign" Use;
    /// Verify a signature.
    153 Verify "verify" Use;
    /// Make a message authentication code.
    154 Mac "mac" Use;
    /// Check a message authentication code.
    155 VerifyMac "verify-mac" Use;
    /// Encrypt several items.
    156 EncryptBatch "encrypt-batch" Use;
    /// Decrypt several items.
    157 DecryptBatch "decrypt-batch" Use;
    /// Sign several messages.
    158 SignBatch "sign-batch" Use;
    /// Verify several signatures.
    159 VerifyBatch "verify-batch" Use;
    /// Make several message authentication codes.
    160 MacBatch "mac-batch" Use;
    /// Decrypt and encrypt again.
    161 ReEncrypt "re-encrypt" Use;
    /// Make a data key.
    162 GenerateDataKey "generate-data-key" Use;
    /// Make a data key, given encrypted only.
    163 GenerateDataKeyWithoutPlaintext "generate-data-key-without-plaintext" Use;
    /// Make a pair, its private key given wrapped only.
    164 GenerateDataKeyPair "generate-data-key-pair" Use;
    /// Wrap key material.
    165 Wrap "wrap" Use;
    /// Unwrap key material.
    166 Unwrap "unwrap" Use;
    /// Derive a key.
    167 DeriveKey "derive-key" Change;
    /// Agree on a key.
    168 AgreeKey "agree-key" Change;
    /// Encapsulate a shared key.
    169 Encapsulate "encapsulate" Change;
    /// Decapsulate a shared key.
    170 Decapsulate "decapsulate" Change;
    /// Random bytes.
    171 Random "random" Use;
    /// A hash.
    172 Hash "hash" Use;
    /// Show a public key.
    173 ExportPublicKey "export-public-key" Read;
    /// Verify a signature of another party.
    175 VerifyExternal "verify-external" Use;
    /// Status of the server and what it runs on.
    200 Status "status" Read;
    /// Read audit records.
    201 ReadAudit "read-audit" Read;
    /// Prove that a record is in the log.
    202 ProveRecord "prove-record" Read;
    /// The newest signed checkpoint.
    203 ReadCheckpoint "read-checkpoint" Read;
    /// Tiles and entries for whoever verifies the log.
    204 ReadLog "read-log" Read;
    /// Archive a sealed segment of the log.
    205 ArchiveLog "archive-log" Change;
    /// Remove the body of a record; its proof stays.
    206 RedactRecord "redact-record" Change;
    /// Replace the log-signing key.
    207 RotateLogKey "rotate-log-key" Change;
    /// Show the modules the server uses.
    208 ListModules "list-modules" Read;
    /// Show the settings it runs with.
    209 ReadSettings "read-settings" Read;
    /// The server started, stopped, recovered.
    220 ServerEvent "server-event" Change;
    /// Attempts that proved no identity, per source and minute.
    221 RejectedAttempts "rejected-attempts" Change;
}

impl Command {
    /// Canonical bytes `[number, schema, deployment, body]`; what approvers see is a rendering of exactly these.
    ///
    /// Payloads of use commands are not in it: neither a record nor an approval may hold them, not even as a digest of
    /// guessable data.
    #[must_use]
    pub fn canonical(&self, deployment: DeploymentId) -> Vec<u8> {
        let mut out = Vec::with_capacity(96);
        let mut e = Encoder::new(&mut out);
        let _ = e
            .array(4)
            .and_then(|e| e.u16(self.kind().number()))
            .and_then(|e| e.u16(1));
        let _ = e.encode(deployment);
        self.encode_body(&mut e);
        out
    }

    /// The realm the command is about.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "one arm for each command")]
    pub const fn realm(&self) -> &RealmRef {
        match self {
            Self::DescribeRealm(c) => &c.realm,
            Self::CreateWorkload(c) => &c.realm,
            Self::ListPrincipals(c) => &c.realm,
            Self::RegisterAnchor(c) => &c.realm,
            Self::BindCertificate(c) => &c.realm,
            Self::PutPolicy(c) => &c.realm,
            Self::DeletePolicy(c) => &c.realm,
            Self::ListPolicies(c) => &c.realm,
            Self::CreateKey(c) => &c.realm,
            Self::DescribeKey(c) => &c.realm,
            Self::ListKeys(c) => &c.realm,
            Self::RotateKey(c) => &c.realm,
            Self::ActivateKey(c) => &c.realm,
            Self::SuspendKey(c) => &c.realm,
            Self::ResumeKey(c) => &c.realm,
            Self::DeactivateKey(c) => &c.realm,
            Self::ReportCompromise(c) => &c.realm,
            Self::ScheduleDestruction(c) => &c.realm,
            Self::CancelDestruction(c) => &c.realm,
            Self::ExecuteDestruction(c) => &c.realm,
            Self::ConfirmDestruction(c) => &c.realm,
            Self::UpdateKey(c) => &c.realm,
            Self::PutAlias(c) => &c.realm,
            Self::RemoveAlias(c) => &c.realm,
            Self::ReadBlastRadius(c) => &c.realm,
            Self::ReadDestruction(c) => &c.realm,
            Self::ConfigureRealm(c) => &c.realm,
            Self::SuspendRealm(c) => &c.realm,
            Self::ResumeRealm(c) => &c.realm,
            Self::CreateSecret(c) => &c.realm,
            Self::PutSecretVersion(c) => &c.realm,
            Self::ReadSecret(c) => &c.realm,
            Self::ListObjects(c) => &c.realm,
            Self::PutCertificate(c) => &c.realm,
            Self::CreateCertificateRequest(c) => &c.realm,
            Self::GiveNotice(c) => &c.realm,
            Self::CreateImportKey(c) => &c.realm,
            Self::ImportKey(c) => &c.create.realm,
            Self::ExportKey(c) => &c.realm,
            Self::ReleaseKey(c) => &c.realm,
            Self::Encrypt(c) => &c.realm,
            Self::Decrypt(c) => &c.realm,
            Self::Sign(c) => &c.realm,
            Self::Verify(c) => &c.realm,
            Self::Mac(c) => &c.realm,
            Self::VerifyMac(c) => &c.realm,
            Self::EncryptBatch(c) => &c.realm,
            Self::DecryptBatch(c) => &c.realm,
            Self::SignBatch(c) => &c.realm,
            Self::VerifyBatch(c) => &c.realm,
            Self::MacBatch(c) => &c.realm,
            Self::ReEncrypt(c) => &c.realm,
            Self::GenerateDataKey(c) => &c.realm,
            Self::GenerateDataKeyWithoutPlaintext(c) => &c.realm,
            Self::GenerateDataKeyPair(c) => &c.realm,
            Self::Wrap(c) => &c.realm,
            Self::Unwrap(c) => &c.realm,
            Self::DeriveKey(c) => &c.realm,
            Self::AgreeKey(c) => &c.realm,
            Self::Encapsulate(c) => &c.realm,
            Self::Decapsulate(c) => &c.realm,
            Self::ExportPublicKey(c) => &c.realm,
            Self::Random(c) => &c.realm,
            Self::VerifyExternal(c) => &c.realm,
            Self::Hash(c) => &c.realm,
            Self::Unseal(_)
            | Self::Seal(_)
            | Self::CreateRealm(_)
            | Self::ListRealms(_)
            | Self::DescribePrincipal(_)
            | Self::IssueToken(_)
            | Self::RevokeToken(_)
            | Self::SetPrincipalEnabled(_)
            | Self::Status(_)
            | Self::ReadAudit(_)
            | Self::ProveRecord(_)
            | Self::ReadCheckpoint(_)
            | Self::ReadLog(_)
            | Self::ArchiveLog(_)
            | Self::RedactRecord(_)
            | Self::RotateLogKey(_)
            | Self::ListModules(_)
            | Self::ReadSettings(_)
            | Self::ServerEvent(_)
            | Self::RejectedAttempts(_) => &RealmRef::SYSTEM,
        }
    }

    /// The object the command is about, if it names one.
    #[must_use]
    pub const fn key(&self) -> Option<&KeyRef> {
        match self {
            Self::DescribeKey(c) => Some(&c.key),
            Self::RotateKey(c) => Some(&c.key),
            Self::ActivateKey(c) => Some(&c.key),
            Self::SuspendKey(c) => Some(&c.key),
            Self::ResumeKey(c) => Some(&c.key),
            Self::DeactivateKey(c) => Some(&c.key),
            Self::ReportCompromise(c) => Some(&c.key),
            Self::ScheduleDestruction(c) => Some(&c.key),
            Self::CancelDestruction(c) => Some(&c.key),
            Self::ExecuteDestruction(c) => Some(&c.key),
            Self::ConfirmDestruction(c) => Some(&c.key),
            Self::UpdateKey(c) => Some(&c.key),
            Self::PutAlias(c) => Some(&c.key),
            Self::RemoveAlias(c) => Some(&c.key),
            Self::ReadBlastRadius(c) => Some(&c.key),
            Self::ReadDestruction(c) => Some(&c.key),
            Self::PutSecretVersion(c) => Some(&c.key),
            Self::ReadSecret(c) => Some(&c.key),
            Self::PutCertificate(c) => c.renews.as_ref(),
            Self::CreateCertificateRequest(c) => Some(&c.key),
            Self::GiveNotice(c) => Some(&c.key),
            Self::ExportKey(c) => Some(&c.key),
            Self::ReleaseKey(c) => Some(&c.key),
            Self::Encrypt(c) => Some(&c.key),
            Self::Decrypt(c) => Some(&c.key),
            Self::Sign(c) => Some(&c.key),
            Self::Verify(c) => Some(&c.key),
            Self::Mac(c) => Some(&c.key),
            Self::VerifyMac(c) => Some(&c.key),
            Self::EncryptBatch(c) => Some(&c.key),
            Self::DecryptBatch(c) => Some(&c.key),
            Self::SignBatch(c) => Some(&c.key),
            Self::VerifyBatch(c) => Some(&c.key),
            Self::MacBatch(c) => Some(&c.key),
            Self::ReEncrypt(c) => Some(&c.key),
            Self::GenerateDataKey(c) => Some(&c.key),
            Self::GenerateDataKeyWithoutPlaintext(c) => Some(&c.key),
            Self::GenerateDataKeyPair(c) => Some(&c.key),
            Self::Wrap(c) => Some(&c.key),
            Self::Unwrap(c) => Some(&c.key),
            Self::DeriveKey(c) => Some(&c.key),
            Self::AgreeKey(c) => Some(&c.key),
            Self::Encapsulate(c) => Some(&c.key),
            Self::Decapsulate(c) => Some(&c.key),
            Self::ExportPublicKey(c) => Some(&c.key),
            _ => None,
        }
    }
}

/// What accompanies every command, from whichever protocol.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Envelope {
    /// Makes a change safe to repeat for 24 hours.
    pub idempotency_key: Option<String>,
    /// The caller's or the listener's name for the request.
    pub correlation: Option<CorrelationId>,
    /// The change is made only if the object's row is at one of these revisions.
    pub if_match: Option<Vec<u64>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_unique_and_read_back() {
        for (i, kind) in CommandKind::ALL.iter().enumerate() {
            assert_eq!(CommandKind::from_number(kind.number()), Some(*kind));
            for other in CommandKind::ALL.iter().skip(i + 1) {
                assert!(kind.number() < other.number(), "{kind:?} {other:?}");
                assert_ne!(kind.as_str(), other.as_str());
            }
        }
    }
}
