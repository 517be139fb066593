//! A typed client of the REST interface: one method per command, over TLS on the validated module.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use keyward_client::{Client, Credential, Settings};
//! use keyward_core::command::{Encrypt, KeyRef, RealmRef};
//! use keyward_core::{name::Name, secret::Secret};
//!
//! let anchors = keyward_tls::Anchors::from_pem_file("ca.pem".as_ref())?;
//! let token = Secret::new(std::fs::read("token")?);
//! let client = Client::new(Settings::new("https://keys.example:8443", anchors, Credential::Token(token))?)?;
//! let sealed = client
//!     .encrypt(Encrypt {
//!         realm: RealmRef::Name(Name::new("shop")?),
//!         key: KeyRef::Name(Name::new("orders")?),
//!         context: b"order 17".to_vec(),
//!         plaintext: Secret::new(b"card number".to_vec()),
//!     })
//!     .await?;
//! println!("version {} of {}", sealed.version, sealed.key);
//! # Ok(())
//! # }
//! ```
//! Connections are kept and reused. A request is repeated by itself only where that is safe: nothing had been sent; or it
//! reads or uses; or it is a change, which then carries an idempotency key. [`Blocking`] is the same for programs
//! without async.
//!
//! It must never print or log what it carries, and never accept a server without a trusted certificate: there is no
//! switch for that.
#![forbid(unsafe_code)]

mod address;
mod blocking;
mod calls;
mod client;
mod connection;
mod error;
mod payload;
mod request;
mod retry;
mod token;
mod views;

pub use address::{AddressError, ServerAddress};
pub use blocking::Blocking;
pub use client::{Client, Credential, Settings};
pub use error::{ClientError, Refusal};
pub use keyward_protocol::rest::{format_time, parse_time};
pub use token::TokenError;
pub use views::{
    Anchor, Batch, BlastRadius, Body, Certificate, CertificateRequest, Change, Check, Ciphertext,
    Component, Concerned, CredentialUsed, Cryptoperiod, DataKey, DataKeyPair, DestroyedVersion,
    Destruction, DestructionCertificate, Encapsulated, ExportedKey, Grant, HashValue, Health,
    ImportKey, ItemError, Key, KeyVersion, Log, MacCode, Made, Module, ModuleFacts, ModuleList,
    ModuleService, Opened, Origin, Page, Plaintext, Policy, PolicyList, Principal, PublicKey,
    Quotas, Readiness, Realm, Record, RecordPage, RecordProof, Rules, SealRemainder, SecretValue,
    Segment, Settings as ServerSettings, Signature, Status, Token, Transition, Unwrapped, Verified,
    VerifiedExternal, Wrapped,
};
