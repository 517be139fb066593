//! One method per command.
mod data;
mod material;

use std::borrow::Cow;

use http::HeaderMap;
use keyward_core::command as core;
use keyward_core::secret::Secret;
use serde::Deserialize;

use crate::client::{Client, read};
use crate::error::ClientError;
use crate::payload::Payload;
use crate::request::Request;
use crate::views::{
    Anchor, BlastRadius, Certificate, CertificateRequest, Ciphertext, DestructionCertificate,
    ExportedKey, Health, ImportKey, Key, ModuleList, Page, Plaintext, PolicyList, Principal,
    Readiness, Realm, RecordPage, RecordProof, SecretValue, Segment, Settings, Status, Token,
};

macro_rules! calls {
    ($($name:ident $command:ident => $answer:ty, $doc:literal;)*) => {
        impl Client { $(
            #[doc = $doc]
            ///
            /// # Errors
            /// The server's refusal, or why there is no answer.
            pub async fn $name(&self, command: core::$command) -> Result<$answer, ClientError> {
                self.json(Request::of(&command.into())?).await
            }
        )* }
    };
}

macro_rules! silent_calls {
    ($($name:ident $command:ident, $doc:literal;)*) => {
        impl Client { $(
            #[doc = $doc]
            ///
            /// # Errors
            /// The server's refusal, or why there is no answer.
            pub async fn $name(&self, command: core::$command) -> Result<(), ClientError> {
                self.send(Request::of(&command.into())?).await.map(|_| ())
            }
        )* }
    };
}

calls! {
    status Status => Status, "Shows the server's status.";
    list_modules ListModules => ModuleList, "Shows the modules the server uses.";
    read_settings ReadSettings => Settings, "Shows the settings the server runs with.";
    create_realm CreateRealm => Realm, "Makes a realm.";
    describe_realm DescribeRealm => Realm, "Shows a realm.";
    list_realms ListRealms => Page<Realm>, "Lists realms.";
    configure_realm ConfigureRealm => Realm, "Changes the rules of a realm.";
    suspend_realm SuspendRealm => Realm, "Stops every use in a realm.";
    resume_realm ResumeRealm => Realm, "Allows use in a realm again.";
    create_workload CreateWorkload => Principal, "Makes a workload.";
    describe_principal DescribePrincipal => Principal, "Shows a principal.";
    list_principals ListPrincipals => Page<Principal>, "Lists a realm's principals.";
    register_anchor RegisterAnchor => Anchor, "Registers a certificate authority.";
    list_policies ListPolicies => PolicyList, "Lists a realm's policies.";
    create_key CreateKey => Key, "Makes a key.";
    describe_key DescribeKey => Key, "Shows a key and its versions.";
    list_keys ListKeys => Page<Key>, "Lists keys.";
    put_alias PutAlias => Key, "Gives a key one more name, or moves it there.";
    remove_alias RemoveAlias => Key, "Takes a further name away.";
    read_destruction ReadDestruction => DestructionCertificate, "Shows what is known about a destruction.";
    read_blast_radius ReadBlastRadius => BlastRadius, "Shows what depends on a key.";
    create_secret CreateSecret => Key, "Makes a secret or opaque data.";
    put_secret_version PutSecretVersion => Key, "Gives a secret another value.";
    list_objects ListObjects => Page<Key>, "Lists objects that are no keys.";
    put_certificate PutCertificate => Key, "Keeps a certificate.";
    create_certificate_request CreateCertificateRequest => CertificateRequest, "Makes a certificate request.";
    create_import_key CreateImportKey => ImportKey, "Asks for a key to wrap material for.";
    import_key ImportKey => Key, "Makes a key of material from outside.";
    export_key ExportKey => ExportedKey, "Lets material out, wrapped.";
    rotate_key RotateKey => Key, "Makes a new version.";
    activate_key ActivateKey => Key, "Activates a version.";
    suspend_key SuspendKey => Key, "Stops all use.";
    resume_key ResumeKey => Key, "Allows use again.";
    deactivate_key DeactivateKey => Key, "Ends protection by a version for good.";
    report_compromise ReportCompromise => Key, "Records a compromise.";
    schedule_destruction ScheduleDestruction => Key, "Sets a date for destruction.";
    cancel_destruction CancelDestruction => Key, "Clears that date.";
    execute_destruction ExecuteDestruction => Key, "Destroys the versions that are due.";
    confirm_destruction ConfirmDestruction => Key, "Lets a held destruction go on.";
    read_audit ReadAudit => RecordPage, "Reads audit records.";
    prove_record ProveRecord => RecordProof, "Proves that a record is in the log.";
}

silent_calls! {
    seal Seal, "Closes the seal.";
    set_principal_enabled SetPrincipalEnabled, "Enables or disables a principal.";
    revoke_token RevokeToken, "Revokes a bearer token.";
    bind_certificate BindCertificate, "Binds a certificate name to a workload.";
    put_policy PutPolicy, "Writes a policy.";
    delete_policy DeletePolicy, "Removes a policy.";
    redact_record RedactRecord, "Removes the body of a record.";
    rotate_log_key RotateLogKey, "Replaces the log-signing key.";
}

/// Base64 of an answer, read in place.
#[derive(Deserialize)]
struct Sealed<'a> {
    #[serde(borrow)]
    ciphertext: Cow<'a, str>,
    key: String,
    version: u32,
}

#[derive(Deserialize)]
struct Opened<'a> {
    #[serde(borrow)]
    plaintext: &'a str,
    key: String,
    version: u32,
}

#[derive(Deserialize)]
struct Valued<'a> {
    #[serde(borrow)]
    value: &'a str,
    object: String,
    version: u32,
}

#[derive(Deserialize)]
struct Material<'a> {
    #[serde(borrow)]
    material: &'a str,
    object: String,
    version: u32,
}

#[derive(Deserialize)]
struct Issued<'a> {
    id: String,
    #[serde(borrow)]
    token: &'a str,
    expires_at: String,
}

impl Client {
    /// Changes attributes of a key; with a revision, only if the key is still at it.
    ///
    /// # Errors
    /// The server's refusal (`precondition_failed` when it changed meanwhile), or why there is no answer.
    pub async fn update_key(
        &self,
        command: core::UpdateKey,
        revision: Option<u64>,
    ) -> Result<Key, ClientError> {
        let mut request = Request::of(&command.into())?;
        request.if_match = revision;
        self.json(request).await
    }

    /// Shows a certificate and what it says.
    ///
    /// # Errors
    /// The server's refusal, or why there is no answer.
    pub async fn describe_certificate(
        &self,
        command: core::DescribeKey,
    ) -> Result<Certificate, ClientError> {
        self.json(Request::of(&command.into())?).await
    }

    /// Reads a secret's value.
    ///
    /// # Errors
    /// The server's refusal, or why there is no answer.
    pub async fn read_secret(&self, command: core::ReadSecret) -> Result<SecretValue, ClientError> {
        let answer = self.send(Request::of(&command.into())?).await?;
        let read: Valued<'_> = read(&answer.body)?;
        Ok(SecretValue {
            value: Secret::new(from_base64(read.value)?),
            object: read.object,
            version: read.version,
        })
    }

    /// Lets a symmetric key out in the clear; needs a client certificate.
    ///
    /// # Errors
    /// The server's refusal, or why there is no answer.
    pub async fn release_key(&self, command: core::ReleaseKey) -> Result<SecretValue, ClientError> {
        let answer = self.send(Request::of(&command.into())?).await?;
        let read: Material<'_> = read(&answer.body)?;
        Ok(SecretValue {
            value: Secret::new(from_base64(read.material)?),
            object: read.object,
            version: read.version,
        })
    }

    /// Encrypts under the key's current version.
    ///
    /// # Errors
    /// The server's refusal, or why there is no answer.
    pub async fn encrypt(&self, command: core::Encrypt) -> Result<Ciphertext, ClientError> {
        let answer = self.send(Request::of(&command.into())?).await?;
        let sealed: Sealed<'_> = read(&answer.body)?;
        Ok(Ciphertext {
            ciphertext: from_base64(&sealed.ciphertext)?,
            key: sealed.key,
            version: sealed.version,
        })
    }

    /// Decrypts.
    ///
    /// # Errors
    /// The server's refusal, or why there is no answer.
    pub async fn decrypt(&self, command: core::Decrypt) -> Result<Plaintext, ClientError> {
        let answer = self.send(Request::of(&command.into())?).await?;
        let opened: Opened<'_> = read(&answer.body)?;
        let plaintext = Secret::new(from_base64(opened.plaintext)?);
        Ok(Plaintext {
            plaintext,
            key: opened.key,
            version: opened.version,
        })
    }

    /// Issues a bearer token.
    ///
    /// # Errors
    /// The server's refusal, or why there is no answer. If the answer was lost, the repetition is refused with
    /// `secret_not_replayable`: revoke the token by its id from the audit log and issue another.
    pub async fn issue_token(&self, command: core::IssueToken) -> Result<Token, ClientError> {
        let answer = self.send(Request::of(&command.into())?).await?;
        let issued: Issued<'_> = read(&answer.body)?;
        let token = Secret::new(issued.token.as_bytes().to_vec());
        Ok(Token {
            id: issued.id,
            token,
            expires_at: issued.expires_at,
        })
    }

    /// Opens the seal.
    ///
    /// # Errors
    /// The server's refusal, or why there is no answer.
    pub async fn unseal(&self, kind: &str, secret: &Secret) -> Result<(), ClientError> {
        let body = Payload::credential(kind, secret).ok_or_else(|| ClientError::Answer {
            reason: "the seal's secret is not text in UTF-8".to_owned(),
        })?;
        self.send(Request::unseal(body)).await.map(|_| ())
    }

    /// Whether the server runs, and whether it is sealed.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn health(&self) -> Result<Health, ClientError> {
        self.json(Request::get("/v1/health")).await
    }

    /// Whether the server takes commands.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn readiness(&self) -> Result<Readiness, ClientError> {
        // 503 is an answer here, not a refusal.
        let answer = self.send_plain(Request::get("/v1/ready")).await?;
        read(&answer.body)
    }

    /// The newest signed checkpoint.
    ///
    /// # Errors
    /// The server's refusal, or why there is no answer.
    pub async fn read_checkpoint(&self) -> Result<String, ClientError> {
        let answer = self
            .send(Request::of(&core::ReadCheckpoint {}.into())?)
            .await?;
        String::from_utf8(answer.body.to_vec()).map_err(|_| ClientError::Answer {
            reason: "the checkpoint is not text".to_owned(),
        })
    }

    /// A tile, a bundle of entries, or the key history.
    ///
    /// # Errors
    /// The server's refusal, or why there is no answer.
    pub async fn read_log(&self, command: core::ReadLog) -> Result<Vec<u8>, ClientError> {
        Ok(self
            .send(Request::of(&command.into())?)
            .await?
            .body
            .to_vec())
    }

    /// Archives a segment of the log.
    ///
    /// # Errors
    /// The server's refusal, or why there is no answer.
    pub async fn archive_log(&self, command: core::ArchiveLog) -> Result<Segment, ClientError> {
        let answer = self.send(Request::of(&command.into())?).await?;
        Ok(Segment {
            from: number(&answer.head.headers, "keyward-log-from")?,
            to: number(&answer.head.headers, "keyward-log-to")?,
            bytes: answer.body.to_vec(),
        })
    }
}

fn from_base64(text: &str) -> Result<Vec<u8>, ClientError> {
    base64_simd::STANDARD
        .decode_to_vec(text)
        .map_err(|_| ClientError::Answer {
            reason: "the data is not valid base64".to_owned(),
        })
}

fn number(headers: &HeaderMap, name: &str) -> Result<u64, ClientError> {
    let text = headers.get(name).and_then(|value| value.to_str().ok());
    text.and_then(|text| text.parse().ok())
        .ok_or_else(|| ClientError::Answer {
            reason: format!("header {name} is missing or not a number"),
        })
}
