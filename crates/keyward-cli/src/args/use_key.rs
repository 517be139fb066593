//! What keys are used for, beside encrypting: `sign`, `mac`, `wrap`, `data-key` and their like.
use std::path::PathBuf;

use clap::Args;
use keyward_core::algorithm::{HashAlgorithm, KeySpec, SignatureScheme};

/// Where bytes go, and how.
#[derive(Debug, Args)]
pub struct Written {
    /// File to write, readable by you only [default: standard output]
    #[arg(id = "output", long = "output", short, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Replace the file if it is there
    #[arg(long)]
    pub force: bool,
    /// Write base64 instead of bytes
    #[arg(long)]
    pub base64: bool,
}

/// Sign a file or standard input with a key's current version.
///
/// The signature is written as other programs read it: raw for RSA and
/// Ed25519, DER for ECDSA. One operation takes up to 4 MiB.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    keyward sign -k releases -r shop app.tar.gz -o app.sig\n  \
    keyward sign -k releases -r shop --base64 < notes.txt\n  \
    keyward sign -k legal -r shop --scheme rsa-pkcs1-sha-256 a.pdf -o a.sig")]
pub struct Sign {
    /// File to sign [default: standard input]
    pub file: Option<PathBuf>,
    /// Key, by name or id
    #[arg(long, short, value_name = "KEY")]
    pub key: String,
    /// How, e.g. rsa-pss-sha-384 [default: the first of the key's kind]
    #[arg(long, value_name = "SCHEME", value_parser = scheme)]
    pub scheme: Option<SignatureScheme>,
    #[command(flatten)]
    pub written: Written,
}

/// Verify a signature that a key's version made.
///
/// Exits with 5 if it does not verify.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    keyward verify -k releases -r shop app.tar.gz --signature app.sig\n  \
    keyward verify -k releases -r shop a.txt --signature a.b64 --base64")]
pub struct Verify {
    /// File that was signed [default: standard input]
    pub file: Option<PathBuf>,
    /// Key, by name or id
    #[arg(long, short, value_name = "KEY")]
    pub key: String,
    /// File with the signature
    #[arg(long, short, value_name = "FILE")]
    pub signature: PathBuf,
    /// How it was signed [default: the first of the key's kind]
    #[arg(long, value_name = "SCHEME", value_parser = scheme)]
    pub scheme: Option<SignatureScheme>,
    #[command(flatten)]
    pub made: Made,
}

/// What is known of the thing to check or open.
#[derive(Debug, Args)]
pub struct Made {
    /// Version that made it [default: the newest eight are tried]
    #[arg(long, value_name = "NUMBER")]
    pub version: Option<u32>,
    /// It is base64 instead of bytes
    #[arg(long)]
    pub base64: bool,
    /// Knowingly process with a compromised key; recorded
    #[arg(long)]
    pub accept_compromised: bool,
}

/// Make a message authentication code (HMAC) of a file or standard input.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    keyward mac -k sessions -r shop cookie.bin -o cookie.mac\n  \
    keyward mac -k sessions -r shop --base64 < cookie.bin")]
pub struct Mac {
    /// File to authenticate [default: standard input]
    pub file: Option<PathBuf>,
    /// Key, by name or id
    #[arg(long, short, value_name = "KEY")]
    pub key: String,
    #[command(flatten)]
    pub written: Written,
}

/// Check a message authentication code.
///
/// Exits with 5 if it does not fit.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    keyward verify-mac -k sessions -r shop cookie.bin --mac cookie.mac")]
pub struct VerifyMac {
    /// File that was authenticated [default: standard input]
    pub file: Option<PathBuf>,
    /// Key, by name or id
    #[arg(long, short, value_name = "KEY")]
    pub key: String,
    /// File with the code
    #[arg(long, short, value_name = "FILE")]
    pub mac: PathBuf,
    #[command(flatten)]
    pub made: Made,
}

/// Decrypt and encrypt again inside the server: under the newest version, or
/// another key.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    keyward re-encrypt -k orders -r shop old.kwc -o new.kwc\n  \
    keyward re-encrypt -k orders --to archive -r shop a.kwc -o b.kwc")]
pub struct ReEncrypt {
    /// File with the ciphertext [default: standard input]
    pub file: Option<PathBuf>,
    /// Key that encrypted it, by name or id
    #[arg(long, short, value_name = "KEY")]
    pub key: String,
    /// Key to encrypt under [default: the same]
    #[arg(long, value_name = "KEY")]
    pub to: Option<String>,
    /// Text that was bound to the ciphertext
    #[arg(long, value_name = "TEXT")]
    pub aad: Option<String>,
    /// Text to bind to it from now on [default: the same]
    #[arg(long, value_name = "TEXT")]
    pub new_aad: Option<String>,
    /// Knowingly process with a compromised key; recorded
    #[arg(long)]
    pub accept_compromised: bool,
    #[command(flatten)]
    pub written: Written,
}

/// Make a data key for encrypting elsewhere.
///
/// The key is written in the clear into one file and encrypted into another;
/// keep the encrypted one with the data and decrypt it when it is needed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    keyward data-key -k orders -r shop --key-file k.bin --sealed-file k.kwc\n  \
    keyward data-key -k orders -r shop --sealed-file k.kwc\n  \
    keyward data-key -k orders -r shop --json")]
pub struct DataKey {
    /// Key that protects it, by name or id
    #[arg(long, short, value_name = "KEY")]
    pub key: String,
    /// Its kind
    #[arg(long, default_value = "aes-256", value_parser = spec)]
    pub spec: KeySpec,
    /// File for the key itself, readable by you only [default: not given out]
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// File for the encrypted key
    #[arg(long, value_name = "FILE")]
    pub sealed_file: Option<PathBuf>,
    /// Text bound to the encrypted key; needed again to decrypt
    #[arg(long, value_name = "TEXT")]
    pub aad: Option<String>,
    /// Replace files that are there
    #[arg(long)]
    pub force: bool,
}

/// Make a pair that the server does not keep, its private key wrapped.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    keyward data-key-pair -k transport -r shop --spec ec-p256 \\\n    \
        --public-file p.der --wrapped-file p.kwp")]
pub struct DataKeyPair {
    /// Wrapping key, by name or id
    #[arg(long, short, value_name = "KEY")]
    pub key: String,
    /// Its kind
    #[arg(long, value_parser = spec)]
    pub spec: KeySpec,
    /// File for the public key, DER
    #[arg(long, value_name = "FILE", requires = "wrapped_file")]
    pub public_file: Option<PathBuf>,
    /// File for the wrapped private key (PKCS #8 under AES-KWP)
    #[arg(long, value_name = "FILE", requires = "public_file")]
    pub wrapped_file: Option<PathBuf>,
    /// Replace files that are there
    #[arg(long)]
    pub force: bool,
}

/// Wrap key material (AES-KWP) under a wrapping key.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    keyward wrap -k transport -r shop backup.key -o backup.kwp")]
pub struct Wrap {
    /// File with the material, up to 16 KiB [default: standard input]
    pub file: Option<PathBuf>,
    /// Wrapping key, by name or id
    #[arg(long, short, value_name = "KEY")]
    pub key: String,
    #[command(flatten)]
    pub written: Written,
}

/// Unwrap key material.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    keyward unwrap -k transport -r shop backup.kwp -o backup.key")]
pub struct Unwrap {
    /// File with the wrapped material [default: standard input]
    pub file: Option<PathBuf>,
    /// Wrapping key, by name or id
    #[arg(long, short, value_name = "KEY")]
    pub key: String,
    /// Version that wrapped [default: the newest eight are tried]
    #[arg(long, value_name = "NUMBER")]
    pub version: Option<u32>,
    /// Knowingly process with a compromised key; recorded
    #[arg(long)]
    pub accept_compromised: bool,
    #[command(flatten)]
    pub written: Written,
}

/// Write random bytes from the module's generator.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    keyward random 32 -r shop --base64\n  \
    keyward random 4096 -r shop -o seed.bin")]
pub struct Random {
    /// How many, up to 65536
    #[arg(value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub length: u32,
    #[command(flatten)]
    pub written: Written,
}

/// Hash a file or standard input in the module.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keyward hash -r shop app.tar.gz --algorithm sha-512")]
pub struct Hash {
    /// File to hash, up to 4 MiB [default: standard input]
    pub file: Option<PathBuf>,
    /// Which: sha-256, sha-384, sha-512, sha3-256, sha3-384, sha3-512
    #[arg(long, default_value = "sha-256", value_parser = hash)]
    pub algorithm: HashAlgorithm,
}

fn spec(text: &str) -> Result<KeySpec, String> {
    KeySpec::parse(text).ok_or_else(|| {
        let names: Vec<&str> = KeySpec::ALL.iter().map(|one| one.as_str()).collect();
        format!("there are: {}", names.join(", "))
    })
}

fn scheme(text: &str) -> Result<SignatureScheme, String> {
    SignatureScheme::parse(text).ok_or_else(|| {
        let names: Vec<&str> = SignatureScheme::ALL
            .iter()
            .map(|one| one.as_str())
            .collect();
        format!("there are: {}", names.join(", "))
    })
}

fn hash(text: &str) -> Result<HashAlgorithm, String> {
    HashAlgorithm::parse(text).ok_or_else(|| {
        let names: Vec<&str> = HashAlgorithm::ALL.iter().map(|one| one.as_str()).collect();
        format!("there are: {}", names.join(", "))
    })
}
