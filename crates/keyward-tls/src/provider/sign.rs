//! Private keys of certificates: loading, choosing a scheme, signing.
//!
//! A key lives inside the module's own object; this crate keeps no copy of its encoding.

use core::fmt;
use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self as sig, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaKeyPair,
};
use rustls::crypto::KeyProvider;
use rustls::sign::{Signer, SigningKey, public_key_to_spki};
use rustls::{Error, SignatureAlgorithm, SignatureScheme};
use rustls_pki_types::{AlgorithmIdentifier, PrivateKeyDer, SubjectPublicKeyInfoDer, alg_id};

use zeroize::Zeroizing;

use super::verify::rsa_modulus_bits;
use crate::indicator::bracket;
use crate::rows::{self, Row};

const REFUSED: &str = "the module refused the private key: it must be an unencrypted RSA key of 2048, 3072 or 4096 \
     bits, an EC key on P-256, P-384 or P-521, or an Ed25519 key, as PKCS#8, PKCS#1 or SEC1";

/// Loads private keys into the module.
#[derive(Debug)]
pub(super) struct ModuleKeys;

impl KeyProvider for ModuleKeys {
    fn load_private_key(
        &self,
        key_der: PrivateKeyDer<'static>,
    ) -> Result<Arc<dyn SigningKey>, Error> {
        Ok(Arc::new(ModuleKey::load(&Zeroizing::new(key_der))?))
    }

    fn fips(&self) -> bool {
        [ECDSA_P256, ECDSA_P384, ECDSA_P521, EDWARDS]
            .iter()
            .chain(RSA)
            .all(|scheme| scheme.row.approved())
    }
}

/// A signature scheme with its row.
#[derive(Debug, Clone, Copy)]
struct Scheme {
    scheme: SignatureScheme,
    row: &'static Row,
}

const ECDSA_P256: Scheme = Scheme {
    scheme: SignatureScheme::ECDSA_NISTP256_SHA256,
    row: &rows::SIGN_ECDSA_P256_SHA256,
};
const ECDSA_P384: Scheme = Scheme {
    scheme: SignatureScheme::ECDSA_NISTP384_SHA384,
    row: &rows::SIGN_ECDSA_P384_SHA384,
};
const ECDSA_P521: Scheme = Scheme {
    scheme: SignatureScheme::ECDSA_NISTP521_SHA512,
    row: &rows::SIGN_ECDSA_P521_SHA512,
};
const EDWARDS: Scheme = Scheme {
    scheme: SignatureScheme::ED25519,
    row: &rows::SIGN_ED25519,
};
/// In the order of our preference: PSS before PKCS#1 v1.5.
const RSA: &[Scheme] = &[
    Scheme {
        scheme: SignatureScheme::RSA_PSS_SHA256,
        row: &rows::SIGN_RSA_PSS_SHA256,
    },
    Scheme {
        scheme: SignatureScheme::RSA_PSS_SHA384,
        row: &rows::SIGN_RSA_PSS_SHA384,
    },
    Scheme {
        scheme: SignatureScheme::RSA_PSS_SHA512,
        row: &rows::SIGN_RSA_PSS_SHA512,
    },
    Scheme {
        scheme: SignatureScheme::RSA_PKCS1_SHA256,
        row: &rows::SIGN_RSA_PKCS1_SHA256,
    },
    Scheme {
        scheme: SignatureScheme::RSA_PKCS1_SHA384,
        row: &rows::SIGN_RSA_PKCS1_SHA384,
    },
    Scheme {
        scheme: SignatureScheme::RSA_PKCS1_SHA512,
        row: &rows::SIGN_RSA_PKCS1_SHA512,
    },
];

static CURVES: &[(&EcdsaSigningAlgorithm, Scheme, AlgorithmIdentifier)] = &[
    (
        &sig::ECDSA_P256_SHA256_ASN1_SIGNING,
        ECDSA_P256,
        alg_id::ECDSA_P256,
    ),
    (
        &sig::ECDSA_P384_SHA384_ASN1_SIGNING,
        ECDSA_P384,
        alg_id::ECDSA_P384,
    ),
    (
        &sig::ECDSA_P521_SHA512_ASN1_SIGNING,
        ECDSA_P521,
        alg_id::ECDSA_P521,
    ),
];

/// A private key inside the module, with its public half in the form certificates carry.
pub(crate) struct ModuleKey {
    inner: Arc<Inner>,
    spki: SubjectPublicKeyInfoDer<'static>,
}

enum Inner {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair, Scheme),
    Edwards(Ed25519KeyPair),
}

impl ModuleKey {
    pub(crate) fn load(key: &PrivateKeyDer<'_>) -> Result<Self, Error> {
        match key {
            PrivateKeyDer::Pkcs1(der) => {
                Self::rsa(RsaKeyPair::from_der(der.secret_pkcs1_der()).map_err(|_| refused())?)
            }
            PrivateKeyDer::Sec1(der) => Self::ec(der.secret_sec1_der()).ok_or_else(refused),
            PrivateKeyDer::Pkcs8(der) => {
                let der = der.secret_pkcs8_der();
                if let Ok(pair) = RsaKeyPair::from_pkcs8(der) {
                    return Self::rsa(pair);
                }
                if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
                    return Ok(Self::edwards(pair));
                }
                Self::ec(der).ok_or_else(refused)
            }
            _ => Err(refused()),
        }
    }

    fn rsa(pair: RsaKeyPair) -> Result<Self, Error> {
        let public = pair.public_key().as_ref();
        match rsa_modulus_bits(public) {
            Some(2048 | 3072 | 4096) => {}
            Some(bits) => {
                return Err(Error::General(format!(
                    "the RSA key has {bits} bits; approved signing needs 2048, 3072 or 4096: make a new key"
                )));
            }
            None => return Err(refused()),
        }
        let spki = public_key_to_spki(&alg_id::RSA_ENCRYPTION, public);
        Ok(Self {
            inner: Arc::new(Inner::Rsa(pair)),
            spki,
        })
    }

    fn ec(der: &[u8]) -> Option<Self> {
        CURVES.iter().find_map(|(algorithm, scheme, id)| {
            let pair = EcdsaKeyPair::from_private_key_der(algorithm, der).ok()?;
            Some(Self::ecdsa(pair, *scheme, id))
        })
    }

    fn ecdsa(pair: EcdsaKeyPair, scheme: Scheme, id: &AlgorithmIdentifier) -> Self {
        let spki = public_key_to_spki(id, pair.public_key());
        Self {
            inner: Arc::new(Inner::Ecdsa(pair, scheme)),
            spki,
        }
    }

    fn edwards(pair: Ed25519KeyPair) -> Self {
        let spki = public_key_to_spki(&alg_id::ED25519, pair.public_key());
        Self {
            inner: Arc::new(Inner::Edwards(pair)),
            spki,
        }
    }

    fn schemes(&self) -> &[Scheme] {
        match &*self.inner {
            Inner::Rsa(_) => RSA,
            Inner::Ecdsa(_, scheme) => core::slice::from_ref(scheme),
            Inner::Edwards(_) => &[EDWARDS],
        }
    }
}

fn refused() -> Error {
    Error::General(REFUSED.into())
}

impl fmt::Debug for ModuleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModuleKey")
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}

impl SigningKey for ModuleKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let scheme = self
            .schemes()
            .iter()
            .find(|scheme| offered.contains(&scheme.scheme))?;
        Some(Box::new(ModuleSigner {
            key: Arc::clone(&self.inner),
            scheme: *scheme,
        }))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(SubjectPublicKeyInfoDer::from(self.spki.as_ref()))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        match &*self.inner {
            Inner::Rsa(_) => SignatureAlgorithm::RSA,
            Inner::Ecdsa(..) => SignatureAlgorithm::ECDSA,
            Inner::Edwards(_) => SignatureAlgorithm::ED25519,
        }
    }
}

struct ModuleSigner {
    key: Arc<Inner>,
    scheme: Scheme,
}

impl fmt::Debug for ModuleSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModuleSigner")
            .field("scheme", &self.scheme.scheme)
            .finish_non_exhaustive()
    }
}

impl Signer for ModuleSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let random = SystemRandom::new();
        bracket(self.scheme.row, || match &*self.key {
            Inner::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(
                    rsa_padding(self.scheme.scheme)?,
                    &random,
                    message,
                    &mut signature,
                )?;
                Ok(signature)
            }
            Inner::Ecdsa(pair, _) => Ok(pair.sign(&random, message)?.as_ref().to_vec()),
            Inner::Edwards(pair) => Ok(pair.try_sign(message)?.as_ref().to_vec()),
        })
        .map_err(|aws_lc_rs::error::Unspecified| {
            Error::General("the module refused to sign".into())
        })
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme.scheme
    }
}

fn rsa_padding(
    scheme: SignatureScheme,
) -> Result<&'static dyn sig::RsaEncoding, aws_lc_rs::error::Unspecified> {
    Ok(match scheme {
        SignatureScheme::RSA_PSS_SHA256 => &sig::RSA_PSS_SHA256,
        SignatureScheme::RSA_PSS_SHA384 => &sig::RSA_PSS_SHA384,
        SignatureScheme::RSA_PSS_SHA512 => &sig::RSA_PSS_SHA512,
        SignatureScheme::RSA_PKCS1_SHA256 => &sig::RSA_PKCS1_SHA256,
        SignatureScheme::RSA_PKCS1_SHA384 => &sig::RSA_PKCS1_SHA384,
        SignatureScheme::RSA_PKCS1_SHA512 => &sig::RSA_PKCS1_SHA512,
        _ => return Err(aws_lc_rs::error::Unspecified),
    })
}
