//! Key material, keys from keys, and what needs no key.
use std::borrow::Cow;

use keyward_core::command as core;
use keyward_core::command::Command;
use keyward_core::secret::Secret;
use serde::Deserialize;

use super::from_base64;
use crate::client::{Client, read};
use crate::error::ClientError;
use crate::request::Request;
use crate::views::{
    Ciphertext, DataKey, DataKeyPair, Encapsulated, HashValue, Key, PublicKey, Unwrapped,
    VerifiedExternal, Wrapped,
};

#[derive(Deserialize)]
struct Bytes<'a> {
    #[serde(borrow, default)]
    plaintext: Option<&'a str>,
    #[serde(borrow, default)]
    ciphertext: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    wrapped: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    material: Option<&'a str>,
    #[serde(borrow, default)]
    public_key: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    wrapped_private_key: Option<Cow<'a, str>>,
    #[serde(default)]
    spec: String,
    key: String,
    version: u32,
}

#[derive(Deserialize)]
struct Generated<'a> {
    #[serde(borrow)]
    bytes: &'a str,
}

#[derive(Deserialize)]
struct Shared<'a> {
    #[serde(borrow)]
    ciphertext: Cow<'a, str>,
    new_key: Key,
}

fn given(text: Option<&str>) -> Result<Vec<u8>, ClientError> {
    from_base64(text.ok_or_else(|| ClientError::Answer {
        reason: "the answer is not complete".to_owned(),
    })?)
}

impl Client {
    /// Decrypts and encrypts again inside the server.
    ///
    /// # Errors
    /// The server's refusal, or why there is no answer.
    pub async fn re_encrypt(&self, command: core::ReEncrypt) -> Result<Ciphertext, ClientError> {
        let answer = self.send(Request::of(&command.into())?).await?;
        let read: Bytes<'_> = read(&answer.body)?;
        Ok(Ciphertext {
            ciphertext: given(read.ciphertext.as_deref())?,
            key: read.key,
            version: read.version,
        })
    }

    /// Makes a data key: in the clear, and encrypted under the key.
    ///
    /// # Errors
    /// The server's refusal, or why there is no answer.
    pub async fn generate_data_key(
        &self,
        command: core::GenerateDataKey,
    ) -> Result<DataKey, ClientError> {
        self.data_key(command.into()).await
    }

    /// Makes a data key that is given encrypted only.
    ///
    /// # Errors
    /// The server's refusal, or why there is no answer.
    pub async fn generate_data_key_without_plaintext(
        &self,
        command: core::GenerateDataKeyWithoutPlaintext,
    ) -> Result<DataKey, ClientError> {
        self.data_key(command.into()).await
    }

    async fn data_key(&self, command: Command) -> Result<DataKey, ClientError> {
        let answer = self.send(Request::of(&command)?).await?;
        let read: Bytes<'_> = read(&answer.body)?;
        let plaintext = match read.plaintext {
            Some(text) => Some(Secret::new(from_base64(text)?)),
            None => None,
        };
        Ok(DataKey {
            plaintext,
            ciphertext: given(read.ciphertext.as_deref())?,
            spec: read.spec,
            key: read.key,
            version: read.version,
        })
    }

    /// Makes a pair whose private key is given wrapped only.
    ///
    /// # Errors
    /// The server's refusal, or why there is no answer.
    pub async fn generate_data_key_pair(
        &self,
        command: core::GenerateDataKeyPair,
    ) -> Result<DataKeyPair, ClientError> {
        let answer = self.send(Request::of(&command.into())?).await?;
        let read: Bytes<'_> = read(&answer.body)?;
        Ok(DataKeyPair {
            public_key: given(read.public_key.as_deref())?,
            wrapped_private_key: given(read.wrapped_private_key.as_deref())?,
            spec: read.spec,
            key: read.key,
            version: read.version,
        })
    }

    /// Wraps key material.
    ///
    /// # Errors
    /// The server's refusal, or why there is no answer.
    pub async fn wrap(&self, command: core::Wrap) -> Result<Wrapped, ClientError> {
        let answer = self.send(Request::of(&command.into())?).await?;
        let read: Bytes<'_> = read(&answer.body)?;
        Ok(Wrapped {
            wrapped: given(read.wrapped.as_deref())?,
            key: read.key,
            version: read.version,
        })
    }

    /// Unwraps key material.
    ///
    /// # Errors
    /// `wrapped_key_invalid` if no version fits; any other refusal, or why there is no answer.
    pub async fn unwrap(&self, command: core::Unwrap) -> Result<Unwrapped, ClientError> {
        let answer = self.send(Request::of(&command.into())?).await?;
        let read: Bytes<'_> = read(&answer.body)?;
        Ok(Unwrapped {
            material: Secret::new(given(read.material)?),
            key: read.key,
            version: read.version,
        })
    }

    /// Derives a key.
    ///
    /// # Errors
    /// The server's refusal, or why there is no answer.
    pub async fn derive_key(&self, command: core::DeriveKey) -> Result<Key, ClientError> {
        self.json(Request::of(&command.into())?).await
    }

    /// Agrees on a key.
    ///
    /// # Errors
    /// The server's refusal, or why there is no answer.
    pub async fn agree_key(&self, command: core::AgreeKey) -> Result<Key, ClientError> {
        self.json(Request::of(&command.into())?).await
    }

    /// Encapsulates a shared key.
    ///
    /// # Errors
    /// The server's refusal, or why there is no answer.
    pub async fn encapsulate(
        &self,
        command: core::Encapsulate,
    ) -> Result<Encapsulated, ClientError> {
        let answer = self.send(Request::of(&command.into())?).await?;
        let shared: Shared<'_> = read(&answer.body)?;
        Ok(Encapsulated {
            ciphertext: from_base64(&shared.ciphertext)?,
            key: shared.new_key,
        })
    }

    /// Decapsulates a shared key.
    ///
    /// # Errors
    /// The server's refusal, or why there is no answer.
    pub async fn decapsulate(&self, command: core::Decapsulate) -> Result<Key, ClientError> {
        self.json(Request::of(&command.into())?).await
    }

    /// Bytes from the module's generator.
    ///
    /// # Errors
    /// The server's refusal, or why there is no answer.
    pub async fn random(&self, command: core::Random) -> Result<Secret, ClientError> {
        let answer = self.send(Request::of(&command.into())?).await?;
        let made: Generated<'_> = read(&answer.body)?;
        Ok(Secret::new(from_base64(made.bytes)?))
    }

    /// Verifies another party's signature.
    ///
    /// # Errors
    /// `signature_invalid` if it does not verify; any other refusal, or why there is no answer.
    pub async fn verify_external(
        &self,
        command: core::VerifyExternal,
    ) -> Result<VerifiedExternal, ClientError> {
        self.json(Request::of(&command.into())?).await
    }

    /// A hash, made in the module.
    ///
    /// # Errors
    /// The server's refusal, or why there is no answer.
    pub async fn hash(&self, command: core::Hash) -> Result<HashValue, ClientError> {
        self.json(Request::of(&command.into())?).await
    }

    /// Shows the public key of a pair.
    ///
    /// # Errors
    /// The server's refusal, or why there is no answer.
    pub async fn export_public_key(
        &self,
        command: core::ExportPublicKey,
    ) -> Result<PublicKey, ClientError> {
        self.json(Request::of(&command.into())?).await
    }
}
