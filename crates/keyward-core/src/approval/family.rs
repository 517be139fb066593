//! Algorithm families, as the table and every report spell them.

/// An algorithm without its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the name is the documentation; see `as_str`")]
pub enum Family {
    Rsa,
    Dsa,
    Dh,
    ElGamal,
    Ec,
    Ed25519,
    Ed448,
    X25519,
    X448,
    Sm2,
    Gost2001,
    Gost2012,
    MlKem,
    MlDsa,
    SlhDsa,
    Lms,
    Xmss,
    FnDsa,
    Aes,
    TripleDes,
    TwoKeyTripleDes,
    Des,
    Skipjack,
    Rc2,
    Rc4,
    Blowfish,
    Twofish,
    Serpent,
    Camellia,
    Seed,
    Aria,
    Sm4,
    Cast5,
    Idea,
    Ascon,
    ChaCha20Poly1305,
    Hmac,
    Cmac,
    Kmac,
    Poly1305,
    Md2,
    Md4,
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Sha512T224,
    Sha512T256,
    Sha3T224,
    Sha3T256,
    Sha3T384,
    Sha3T512,
    Shake128,
    Shake256,
    Ripemd160,
    Whirlpool,
    Blake2,
    Blake3,
    Sm3,
    Kbkdf,
    Hkdf,
    OneStepKdf,
    Pbkdf1,
    Pbkdf2,
    Scrypt,
    Bcrypt,
    Argon2,
    HashDrbg,
    HmacDrbg,
    CtrDrbg,
    DualEcDrbg,
}

impl Family {
    /// Every family with its name, in the order of the declaration.
    pub const ALL: [(Self, &'static str); 73] = [
        (Self::Rsa, "RSA"),
        (Self::Dsa, "DSA"),
        (Self::Dh, "DH"),
        (Self::ElGamal, "ElGamal"),
        (Self::Ec, "EC"),
        (Self::Ed25519, "Ed25519"),
        (Self::Ed448, "Ed448"),
        (Self::X25519, "X25519"),
        (Self::X448, "X448"),
        (Self::Sm2, "SM2"),
        (Self::Gost2001, "GOST-R-34.10-2001"),
        (Self::Gost2012, "GOST-R-34.10-2012"),
        (Self::MlKem, "ML-KEM"),
        (Self::MlDsa, "ML-DSA"),
        (Self::SlhDsa, "SLH-DSA"),
        (Self::Lms, "LMS"),
        (Self::Xmss, "XMSS"),
        (Self::FnDsa, "FN-DSA"),
        (Self::Aes, "AES"),
        (Self::TripleDes, "3DES"),
        (Self::TwoKeyTripleDes, "2TDEA"),
        (Self::Des, "DES"),
        (Self::Skipjack, "Skipjack"),
        (Self::Rc2, "RC2"),
        (Self::Rc4, "RC4"),
        (Self::Blowfish, "Blowfish"),
        (Self::Twofish, "Twofish"),
        (Self::Serpent, "Serpent"),
        (Self::Camellia, "Camellia"),
        (Self::Seed, "SEED"),
        (Self::Aria, "ARIA"),
        (Self::Sm4, "SM4"),
        (Self::Cast5, "CAST5"),
        (Self::Idea, "IDEA"),
        (Self::Ascon, "Ascon"),
        (Self::ChaCha20Poly1305, "ChaCha20-Poly1305"),
        (Self::Hmac, "HMAC"),
        (Self::Cmac, "CMAC"),
        (Self::Kmac, "KMAC"),
        (Self::Poly1305, "Poly1305"),
        (Self::Md2, "MD2"),
        (Self::Md4, "MD4"),
        (Self::Md5, "MD5"),
        (Self::Sha1, "SHA-1"),
        (Self::Sha224, "SHA-224"),
        (Self::Sha256, "SHA-256"),
        (Self::Sha384, "SHA-384"),
        (Self::Sha512, "SHA-512"),
        (Self::Sha512T224, "SHA-512/224"),
        (Self::Sha512T256, "SHA-512/256"),
        (Self::Sha3T224, "SHA3-224"),
        (Self::Sha3T256, "SHA3-256"),
        (Self::Sha3T384, "SHA3-384"),
        (Self::Sha3T512, "SHA3-512"),
        (Self::Shake128, "SHAKE128"),
        (Self::Shake256, "SHAKE256"),
        (Self::Ripemd160, "RIPEMD-160"),
        (Self::Whirlpool, "Whirlpool"),
        (Self::Blake2, "BLAKE2"),
        (Self::Blake3, "BLAKE3"),
        (Self::Sm3, "SM3"),
        (Self::Kbkdf, "KBKDF"),
        (Self::Hkdf, "HKDF"),
        (Self::OneStepKdf, "OneStepKDF"),
        (Self::Pbkdf1, "PBKDF1"),
        (Self::Pbkdf2, "PBKDF2"),
        (Self::Scrypt, "scrypt"),
        (Self::Bcrypt, "bcrypt"),
        (Self::Argon2, "Argon2"),
        (Self::HashDrbg, "Hash_DRBG"),
        (Self::HmacDrbg, "HMAC_DRBG"),
        (Self::CtrDrbg, "CTR_DRBG"),
        (Self::DualEcDrbg, "Dual_EC_DRBG"),
    ];

    /// Other spellings of the same family.
    const ALIASES: [(&'static str, Self); 24] = [
        ("ECDSA", Self::Ec),
        ("ECDH", Self::Ec),
        ("EdDSA", Self::Ed25519),
        ("DHE", Self::Dh),
        ("FFDH", Self::Dh),
        ("3TDEA", Self::TripleDes),
        ("TDEA", Self::TripleDes),
        ("DESede", Self::TripleDes),
        ("ARCFOUR", Self::Rc4),
        ("ChaCha20", Self::ChaCha20Poly1305),
        ("SHA1", Self::Sha1),
        ("SHA224", Self::Sha224),
        ("SHA256", Self::Sha256),
        ("SHA384", Self::Sha384),
        ("SHA512", Self::Sha512),
        ("RIPEMD160", Self::Ripemd160),
        ("BLAKE2b", Self::Blake2),
        ("BLAKE2s", Self::Blake2),
        ("Falcon", Self::FnDsa),
        ("HSS", Self::Lms),
        ("XMSSMT", Self::Xmss),
        ("SSKDF", Self::OneStepKdf),
        ("Argon2id", Self::Argon2),
        ("CAST-128", Self::Cast5),
    ];

    /// The name in every report.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL
            .iter()
            .find_map(|(family, name)| (*family == self).then_some(*name))
            .unwrap_or_default()
    }

    /// Reads a name or a common other spelling, whatever the case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find_map(|(family, name)| name.eq_ignore_ascii_case(text).then_some(*family))
            .or_else(|| {
                Self::ALIASES
                    .iter()
                    .find_map(|(name, family)| name.eq_ignore_ascii_case(text).then_some(*family))
            })
    }

    /// Whether a large quantum computer breaks it (Shor).
    #[must_use]
    pub const fn is_quantum_vulnerable(self) -> bool {
        matches!(
            self,
            Self::Rsa
                | Self::Dsa
                | Self::Dh
                | Self::ElGamal
                | Self::Ec
                | Self::Ed25519
                | Self::Ed448
                | Self::X25519
                | Self::X448
                | Self::Sm2
                | Self::Gost2001
                | Self::Gost2012
                | Self::DualEcDrbg
        )
    }

    /// Classical security strength in bits of this family at a size (SP 800-57 Part 1 Rev. 5, Table 2; hashes by
    /// collision resistance, Table 3); none where the table has no figure.
    #[must_use]
    pub const fn strength_bits(self, bits: u32) -> Option<u16> {
        Some(match self {
            Self::Rsa | Self::Dsa | Self::Dh | Self::ElGamal => match bits {
                0..1024 => 0,
                1024..2048 => 80,
                2048..3072 => 112,
                3072..7680 => 128,
                7680..15360 => 192,
                _ => 256,
            },
            Self::Ec | Self::Sm2 | Self::Gost2001 | Self::Gost2012 => match bits {
                0..160 => 0,
                160..224 => 80,
                224..256 => 112,
                256..384 => 128,
                384..512 => 192,
                _ => 256,
            },
            Self::Ed25519 | Self::X25519 => 128,
            Self::Ed448 | Self::X448 => 224,
            Self::Aes | Self::Hmac | Self::Cmac | Self::Kmac | Self::Camellia => {
                if bits > 256 {
                    256
                } else {
                    bits as u16
                }
            }
            Self::TripleDes => 112,
            Self::TwoKeyTripleDes => 80,
            Self::Des => 56,
            Self::ChaCha20Poly1305 => 256,
            Self::MlKem => match bits {
                512 => 128,
                768 => 192,
                1024 => 256,
                _ => return None,
            },
            Self::MlDsa => match bits {
                44 => 128,
                65 => 192,
                87 => 256,
                _ => return None,
            },
            Self::Md2 | Self::Md4 | Self::Md5 => 0,
            // Below 80: collisions were found (2017).
            Self::Sha1 => 63,
            Self::Sha224 | Self::Sha512T224 | Self::Sha3T224 => 112,
            Self::Sha256 | Self::Sha512T256 | Self::Sha3T256 => 128,
            Self::Sha384 | Self::Sha3T384 => 192,
            Self::Sha512 | Self::Sha3T512 => 256,
            _ => return None,
        })
    }
}
