//! `key import-key`, `key import`, `key export`, `key release`.
use std::path::PathBuf;

use clap::{Args, Subcommand};
use keyward_core::command::TransferScheme;

use super::Create;

/// Material on its way in and out.
#[derive(Debug, Subcommand)]
pub enum Transfer {
    /// Ask for a key to wrap material for; good once, for you, for an hour
    #[command(
        after_help = "Writes DIRECTORY/public.der (ML-KEM: public.raw), DIRECTORY/info.bin and\n\
        DIRECTORY/id. With ecdh-p384-kwp, then for a 32-byte key in key.bin:\n\n  \
        openssl ecparam -name P-384 -genkey -noout -out own.pem\n  \
        openssl pkey -in own.pem -pubout -outform DER -out own.der\n  \
        openssl pkeyutl -derive -inkey own.pem -peerkey d/public.der -out z.bin\n  \
        openssl kdf -keylen 32 -kdfopt digest:SHA256 \\\n      \
        -kdfopt hexkey:$(xxd -p -c 0 z.bin) \\\n      \
        -kdfopt hexinfo:$(xxd -p -c 0 d/info.bin) -binary -out kek.bin SSKDF\n  \
        openssl enc -id-aes256-wrap-pad -iv A65959A6 \\\n      \
        -K $(xxd -p -c 0 kek.bin) -in key.bin -out wrapped.bin\n\n\
        and bring it: keyward key import orders --import-key d --encapsulated own.der \\\n    \
        --wrapped wrapped.bin"
    )]
    ImportKey {
        /// How you will wrap: ecdh-p384-kwp, ml-kem-768-kwp, ml-kem-1024-kwp
        #[arg(long, default_value = "ecdh-p384-kwp", value_parser = scheme)]
        scheme: TransferScheme,
        /// Directory to make
        #[arg(long, short, value_name = "DIRECTORY")]
        output: PathBuf,
    },
    /// Make a key of material from outside, wrapped for an import key
    Import(Box<Import>),
    /// Let material out, wrapped
    #[command(
        after_help = "Example:\n  keyward key export orders --wrapping-key kek -o orders.kwp -r shop"
    )]
    Export {
        /// Name or id
        key: String,
        /// Version [default: the current one]
        #[arg(long, value_name = "NUMBER")]
        version: Option<u32>,
        /// Wrapping key of the realm, by name or id
        #[arg(long, value_name = "KEY", required_unless_present = "public_key")]
        wrapping_key: Option<String>,
        /// Ephemeral public key (DER) or ML-KEM encapsulation key to wrap for
        #[arg(
            long,
            value_name = "FILE",
            conflicts_with = "wrapping_key",
            requires = "scheme"
        )]
        public_key: Option<PathBuf>,
        /// How to wrap for it
        #[arg(long, value_parser = scheme)]
        scheme: Option<TransferScheme>,
        /// File for the wrapped material; what else is needed stands beside it
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
    },
    /// Let a symmetric key out in the clear; only with a client certificate
    #[command(after_help = "Example:\n  \
        keyward key release disk-7 -o disk-7.key -r shop \\\n      \
        --certificate db.pem --private-key db.key")]
    Release {
        /// Name or id
        key: String,
        /// Version [default: the current one]
        #[arg(long, value_name = "NUMBER")]
        version: Option<u32>,
        /// File to write, readable by you only
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
    },
}

/// Import.
#[derive(Debug, Args)]
#[command(
    override_usage = "keyward key import [OPTIONS] --import-key <DIRECTORY> \\\n         \
    --encapsulated <FILE> --wrapped <FILE> [NAME]"
)]
pub struct Import {
    #[command(flatten)]
    pub create: Create,
    /// Directory that `key import-key` made, or the import key's id
    #[arg(long, value_name = "DIRECTORY")]
    pub import_key: String,
    /// Your ephemeral public key (DER), or the ML-KEM ciphertext
    #[arg(long, value_name = "FILE")]
    pub encapsulated: PathBuf,
    /// The wrapped material
    #[arg(long, value_name = "FILE")]
    pub wrapped: PathBuf,
}

fn scheme(text: &str) -> Result<TransferScheme, String> {
    TransferScheme::parse(text).ok_or_else(|| {
        format!(
            "it is one of {}; RSA-AES-KEY-WRAP is not offered: it rests on RSA-OAEP, which the module does not approve",
            TransferScheme::ALL.map(TransferScheme::as_str).join(", ")
        )
    })
}
