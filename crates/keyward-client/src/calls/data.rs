//! Signatures, message authentication codes, and batches.
use std::borrow::Cow;

use keyward_core::command as core;
use keyward_core::command::Command;
use keyward_core::secret::Secret;
use serde::Deserialize;

use super::from_base64;
use crate::client::{Client, read};
use crate::error::ClientError;
use crate::request::Request;
use crate::views::{Batch, ItemError, MacCode, Made, Opened, Signature, Verified};

#[derive(Deserialize)]
struct Signed<'a> {
    #[serde(borrow)]
    signature: Cow<'a, str>,
    scheme: String,
    key: String,
    version: u32,
}

#[derive(Deserialize)]
struct Coded<'a> {
    #[serde(borrow)]
    mac: Cow<'a, str>,
    key: String,
    version: u32,
}

/// An item of any batch: one of the first four, or an error. Base64 is read in place.
#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    ciphertext: Option<&'a str>,
    plaintext: Option<&'a str>,
    signature: Option<&'a str>,
    mac: Option<&'a str>,
    version: Option<u32>,
    error: Option<ItemError>,
}

#[derive(Deserialize)]
struct Items<'a> {
    key: String,
    scheme: Option<String>,
    #[serde(borrow)]
    items: Vec<Item<'a>>,
}

fn incomplete() -> ClientError {
    ClientError::Answer {
        reason: "an item of the batch has neither a result nor an error".to_owned(),
    }
}

fn made(text: Option<&str>, version: Option<u32>) -> Result<Made, ClientError> {
    Ok(Made {
        bytes: from_base64(text.ok_or_else(incomplete)?)?,
        version: version.ok_or_else(incomplete)?,
    })
}

impl Client {
    async fn batch<T>(
        &self,
        command: Command,
        each: impl Fn(&Item<'_>) -> Result<T, ClientError>,
    ) -> Result<Batch<T>, ClientError> {
        let answer = self.send(Request::of(&command)?).await?;
        let Items { key, scheme, items } = read(&answer.body)?;
        let items = items.into_iter().map(|mut item| match item.error.take() {
            Some(error) => Ok(Err(error)),
            None => each(&item).map(Ok),
        });
        Ok(Batch {
            key,
            scheme,
            items: items.collect::<Result<_, ClientError>>()?,
        })
    }

    /// Signs a message with the key's current version.
    ///
    /// # Errors
    /// The server's refusal, or why there is no answer.
    pub async fn sign(&self, command: core::Sign) -> Result<Signature, ClientError> {
        let answer = self.send(Request::of(&command.into())?).await?;
        let signed: Signed<'_> = read(&answer.body)?;
        Ok(Signature {
            signature: from_base64(&signed.signature)?,
            scheme: signed.scheme,
            key: signed.key,
            version: signed.version,
        })
    }

    /// Verifies a signature.
    ///
    /// # Errors
    /// `signature_invalid` if it does not verify; any other refusal, or why there is no answer.
    pub async fn verify(&self, command: core::Verify) -> Result<Verified, ClientError> {
        self.json(Request::of(&command.into())?).await
    }

    /// Makes a message authentication code with the key's current version.
    ///
    /// # Errors
    /// The server's refusal, or why there is no answer.
    pub async fn mac(&self, command: core::Mac) -> Result<MacCode, ClientError> {
        let answer = self.send(Request::of(&command.into())?).await?;
        let coded: Coded<'_> = read(&answer.body)?;
        Ok(MacCode {
            mac: from_base64(&coded.mac)?,
            key: coded.key,
            version: coded.version,
        })
    }

    /// Checks a message authentication code.
    ///
    /// # Errors
    /// `mac_invalid` if it does not fit; any other refusal, or why there is no answer.
    pub async fn verify_mac(&self, command: core::VerifyMac) -> Result<Verified, ClientError> {
        self.json(Request::of(&command.into())?).await
    }

    /// Encrypts several items.
    ///
    /// # Errors
    /// The server's refusal of the whole batch, or why there is no answer.
    pub async fn encrypt_batch(
        &self,
        command: core::EncryptBatch,
    ) -> Result<Batch<Made>, ClientError> {
        self.batch(command.into(), |item| made(item.ciphertext, item.version))
            .await
    }

    /// Decrypts several items.
    ///
    /// # Errors
    /// The server's refusal of the whole batch, or why there is no answer.
    pub async fn decrypt_batch(
        &self,
        command: core::DecryptBatch,
    ) -> Result<Batch<Opened>, ClientError> {
        self.batch(command.into(), |item| {
            let text = item.plaintext.ok_or_else(incomplete)?;
            Ok(Opened {
                plaintext: Secret::new(from_base64(text)?),
                version: item.version.ok_or_else(incomplete)?,
            })
        })
        .await
    }

    /// Signs several messages.
    ///
    /// # Errors
    /// The server's refusal of the whole batch, or why there is no answer.
    pub async fn sign_batch(&self, command: core::SignBatch) -> Result<Batch<Made>, ClientError> {
        self.batch(command.into(), |item| made(item.signature, item.version))
            .await
    }

    /// Verifies several signatures; the version that made each.
    ///
    /// # Errors
    /// The server's refusal of the whole batch, or why there is no answer.
    pub async fn verify_batch(
        &self,
        command: core::VerifyBatch,
    ) -> Result<Batch<u32>, ClientError> {
        self.batch(command.into(), |item| item.version.ok_or_else(incomplete))
            .await
    }

    /// Makes message authentication codes for several messages.
    ///
    /// # Errors
    /// The server's refusal of the whole batch, or why there is no answer.
    pub async fn mac_batch(&self, command: core::MacBatch) -> Result<Batch<Made>, ClientError> {
        self.batch(command.into(), |item| made(item.mac, item.version))
            .await
    }
}
