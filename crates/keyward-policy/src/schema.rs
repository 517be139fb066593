//! The Cedar schema, made from the table of commands.
use std::fmt::Write as _;

use keyward_core::command::CommandKind;
use keyward_core::role::Role;

/// What a command acts on, in the schema's words.
#[expect(clippy::too_many_lines, reason = "one arm for each command")]
const fn resource(kind: CommandKind) -> &'static str {
    use CommandKind as K;
    match kind {
        K::DescribeKey
        | K::PutSecretVersion
        | K::ReadSecret
        | K::CreateCertificateRequest
        | K::GiveNotice
        | K::ExportKey
        | K::ReleaseKey
        | K::UpdateKey
        | K::PutAlias
        | K::RemoveAlias
        | K::ReadBlastRadius
        | K::ReadDestruction
        | K::RotateKey
        | K::ActivateKey
        | K::SuspendKey
        | K::ResumeKey
        | K::DeactivateKey
        | K::ReportCompromise
        | K::ScheduleDestruction
        | K::CancelDestruction
        | K::ExecuteDestruction
        | K::ConfirmDestruction
        | K::Encrypt
        | K::Decrypt
        | K::Sign
        | K::Verify
        | K::Mac
        | K::VerifyMac
        | K::EncryptBatch
        | K::DecryptBatch
        | K::SignBatch
        | K::VerifyBatch
        | K::MacBatch
        | K::ReEncrypt
        | K::GenerateDataKey
        | K::GenerateDataKeyWithoutPlaintext
        | K::GenerateDataKeyPair
        | K::Wrap
        | K::Unwrap
        | K::DeriveKey
        | K::AgreeKey
        | K::Encapsulate
        | K::Decapsulate
        | K::ExportPublicKey => "Key",
        K::CreateKey
        | K::ListKeys
        | K::CreateSecret
        | K::ListObjects
        | K::CreateImportKey
        | K::ImportKey
        | K::PutCertificate
        | K::Random
        | K::Hash
        | K::VerifyExternal
        | K::DescribeRealm
        | K::ConfigureRealm
        | K::SuspendRealm
        | K::ResumeRealm
        | K::CreateWorkload
        | K::ListPrincipals
        | K::RegisterAnchor
        | K::BindCertificate
        | K::PutPolicy
        | K::DeletePolicy
        | K::ListPolicies => "Realm",
        K::DescribePrincipal | K::IssueToken | K::RevokeToken | K::SetPrincipalEnabled => {
            "Principal"
        }
        K::ReadAudit
        | K::ProveRecord
        | K::ReadCheckpoint
        | K::ReadLog
        | K::ArchiveLog
        | K::RedactRecord
        | K::RotateLogKey => "Log",
        K::Unseal
        | K::Seal
        | K::CreateRealm
        | K::ListRealms
        | K::ListModules
        | K::ReadSettings
        | K::Status
        | K::ServerEvent
        | K::RejectedAttempts => "System",
    }
}

/// Groups of actions that the built-in roles are written in.
pub(crate) const GROUPS: [&str; 15] = [
    "govern-realm",
    "govern-installation",
    "key-life",
    "key-use",
    "key-read",
    "key-any",
    "evidence",
    "evidence-realm",
    "not-evidence",
    "see-realm",
    "archive",
    "sealing",
    "due-work",
    "bookkeeping",
    "other",
];

/// The groups a command belongs to.
#[expect(clippy::too_many_lines, reason = "one arm for each command")]
pub(crate) const fn groups(kind: CommandKind) -> &'static [&'static str] {
    use CommandKind as K;
    match kind {
        K::CreateKey
        | K::CreateSecret
        | K::PutSecretVersion
        | K::PutCertificate
        | K::CreateCertificateRequest
        | K::CreateImportKey
        | K::ImportKey
        | K::ExportKey
        | K::UpdateKey
        | K::PutAlias
        | K::RemoveAlias
        | K::ActivateKey
        | K::SuspendKey
        | K::ResumeKey
        | K::DeactivateKey
        | K::ReportCompromise
        | K::ScheduleDestruction
        | K::CancelDestruction
        | K::ConfirmDestruction => &["key-life", "key-any", "not-evidence"],
        K::RotateKey | K::ExecuteDestruction => {
            &["key-life", "key-any", "due-work", "not-evidence"]
        }
        K::Encrypt
        | K::Decrypt
        | K::Sign
        | K::Verify
        | K::Mac
        | K::VerifyMac
        | K::EncryptBatch
        | K::DecryptBatch
        | K::SignBatch
        | K::VerifyBatch
        | K::MacBatch
        | K::ReEncrypt
        | K::GenerateDataKey
        | K::GenerateDataKeyWithoutPlaintext
        | K::GenerateDataKeyPair
        | K::Wrap
        | K::Unwrap
        | K::DeriveKey
        | K::AgreeKey
        | K::Encapsulate
        | K::Decapsulate => &["key-use", "key-any", "not-evidence"],
        K::Random | K::Hash | K::VerifyExternal => &["key-use", "not-evidence"],
        K::DescribeKey
        | K::ListKeys
        | K::ListObjects
        | K::ReadBlastRadius
        | K::ReadDestruction
        | K::ExportPublicKey => &["key-read", "key-any"],
        K::GiveNotice => &["key-any", "due-work", "not-evidence"],
        K::ReadSecret | K::ReleaseKey => &["key-use", "key-any", "not-evidence"],
        K::DescribeRealm => &["govern-realm", "evidence-realm", "see-realm"],
        K::DescribePrincipal | K::ListPrincipals | K::ListPolicies => {
            &["govern-realm", "evidence-realm"]
        }
        K::CreateWorkload
        | K::SuspendRealm
        | K::ResumeRealm
        | K::IssueToken
        | K::RevokeToken
        | K::RegisterAnchor
        | K::BindCertificate
        | K::SetPrincipalEnabled
        | K::PutPolicy
        | K::DeletePolicy => &["govern-realm", "not-evidence"],
        K::CreateRealm | K::ConfigureRealm => &["govern-installation", "not-evidence"],
        K::Seal => &["govern-installation", "sealing", "not-evidence"],
        K::RedactRecord | K::RotateLogKey => &["govern-installation", "not-evidence"],
        K::ListRealms | K::Status | K::ListModules | K::ReadSettings => {
            &["govern-installation", "evidence"]
        }
        K::ReadAudit | K::ProveRecord | K::ReadCheckpoint | K::ReadLog => &["evidence"],
        K::ArchiveLog => &["archive", "not-evidence"],
        K::Unseal => &["other", "not-evidence"],
        K::ServerEvent | K::RejectedAttempts => &["bookkeeping", "not-evidence"],
    }
}

/// The schema as Cedar text.
#[must_use]
pub fn schema_text() -> String {
    let mut text = String::from("namespace Keyward {\n");
    text.push_str("  entity Principal = { realm: String, kind: String, name: String, roles: {\n");
    for role in Role::ALL {
        let _ = writeln!(text, "    \"{}\": Set<String>,", role.as_str());
    }
    text.push_str("  } };\n");
    text.push_str("  entity System, Realm, Log = { realm: String };\n");
    text.push_str("  entity Key = { realm: String, name?: String, spec?: String, purpose?: String, owner?: String } tags String;\n");
    text.push_str(
        "  type Context = { strong_authentication: Bool, now_ms: Long, source: ipaddr };\n",
    );
    for group in GROUPS {
        let _ = writeln!(text, "  action \"{group}\";");
    }
    for kind in CommandKind::ALL {
        let memberships: Vec<String> = groups(*kind)
            .iter()
            .map(|group| format!("\"{group}\""))
            .collect();
        let _ = writeln!(
            text,
            "  action \"{}\" in [{}] appliesTo {{ principal: Principal, resource: {}, context: Context }};",
            kind.as_str(),
            memberships.join(", "),
            resource(*kind)
        );
    }
    text.push_str("}\n");
    text
}
