//! Ephemeral key exchange: ECDH over the NIST curves, alone or with ML-KEM beside it.
//!
//! The hybrid groups are those of draft-ietf-tls-ecdhe-mlkem whose two halves are both approved: SecP256r1MLKEM768
//! and SecP384r1MLKEM1024. X25519MLKEM768 is left out because X25519 is no service of the certificate
//! (`rows::X25519`); a peer that offers only it beside classical groups gets a NIST curve.

use aws_lc_rs::agreement::{self, EphemeralPrivateKey, UnparsedPublicKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::kem::{self, Ciphertext, DecapsulationKey, EncapsulationKey};
use aws_lc_rs::rand::SystemRandom;
use rustls::crypto::{
    ActiveKeyExchange, CompletedKeyExchange, GetRandomFailed, SharedSecret, SupportedKxGroup,
};
use rustls::ffdhe_groups::FfdheGroup;
use rustls::{Error, NamedGroup, PeerMisbehaved, ProtocolVersion};

use crate::indicator::bracket;
use crate::rows::{self, Row};

/// The code point of SecP384r1MLKEM1024, which rustls has no name for yet.
const SECP384R1_MLKEM1024: NamedGroup = NamedGroup::Unknown(0x11ed);
/// First byte of an uncompressed point, the only form TLS 1.3 knows (RFC 8446 §4.2.8.2).
const UNCOMPRESSED: u8 = 4;

/// ECDH on P-256.
pub static SECP256R1: &dyn SupportedKxGroup = &P256;
/// ECDH on P-384.
pub static SECP384R1: &dyn SupportedKxGroup = &P384;
/// ECDH on P-521.
pub static SECP521R1: &dyn SupportedKxGroup = &P521;
/// ECDH on P-256 with ML-KEM-768.
pub static SECP256R1MLKEM768: &dyn SupportedKxGroup = &Hybrid {
    group: NamedGroup::secp256r1MLKEM768,
    classical: &P256,
    kem: &kem::ML_KEM_768,
    ciphertext_len: 1088,
    keygen: &rows::MLKEM768_KEYGEN,
    encapsulate: &rows::MLKEM768_ENCAPSULATE,
    decapsulate: &rows::MLKEM768_DECAPSULATE,
};
/// ECDH on P-384 with ML-KEM-1024.
pub static SECP384R1MLKEM1024: &dyn SupportedKxGroup = &Hybrid {
    group: SECP384R1_MLKEM1024,
    classical: &P384,
    kem: &kem::ML_KEM_1024,
    ciphertext_len: 1568,
    keygen: &rows::MLKEM1024_KEYGEN,
    encapsulate: &rows::MLKEM1024_ENCAPSULATE,
    decapsulate: &rows::MLKEM1024_DECAPSULATE,
};

static P256: Curve = Curve {
    group: NamedGroup::secp256r1,
    algorithm: &agreement::ECDH_P256,
    point_len: 65,
    keygen: &rows::KEYGEN_P256,
    agree: &rows::ECDH_P256,
};
static P384: Curve = Curve {
    group: NamedGroup::secp384r1,
    algorithm: &agreement::ECDH_P384,
    point_len: 97,
    keygen: &rows::KEYGEN_P384,
    agree: &rows::ECDH_P384,
};
static P521: Curve = Curve {
    group: NamedGroup::secp521r1,
    algorithm: &agreement::ECDH_P521,
    point_len: 133,
    keygen: &rows::KEYGEN_P521,
    agree: &rows::ECDH_P521,
};

const INVALID_SHARE: Error = Error::PeerMisbehaved(PeerMisbehaved::InvalidKeyShare);

/// One NIST curve.
#[derive(Debug, Clone, Copy)]
struct Curve {
    group: NamedGroup,
    algorithm: &'static agreement::Algorithm,
    point_len: usize,
    keygen: &'static Row,
    agree: &'static Row,
}

impl Curve {
    fn generate(&self) -> Result<CurveExchange, Error> {
        let private = bracket(self.keygen, || {
            EphemeralPrivateKey::generate(self.algorithm, &SystemRandom::new())
        })
        .map_err(|Unspecified| GetRandomFailed)?;
        let public = private
            .compute_public_key()
            .map_err(|Unspecified| GetRandomFailed)?
            .as_ref()
            .to_vec();
        Ok(CurveExchange {
            curve: *self,
            private,
            public,
        })
    }
}

impl SupportedKxGroup for Curve {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        Ok(Box::new(self.generate()?))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn name(&self) -> NamedGroup {
        self.group
    }

    fn fips(&self) -> bool {
        self.keygen.approved() && self.agree.approved()
    }
}

/// An EC key pair waiting for the peer's point.
struct CurveExchange {
    curve: Curve,
    private: EphemeralPrivateKey,
    public: Vec<u8>,
}

impl CurveExchange {
    /// The shared secret is added to the end of `secret`, which has room for it (so no copy of it is left behind by
    /// a growing buffer).
    fn agree_into(self, peer_point: &[u8], secret: &mut Vec<u8>) -> Result<(), Error> {
        // The module would take compressed points and SPKI as well; TLS does not.
        if peer_point.len() != self.curve.point_len || peer_point.first() != Some(&UNCOMPRESSED) {
            return Err(INVALID_SHARE);
        }
        let peer = UnparsedPublicKey::new(self.curve.algorithm, peer_point);
        bracket(self.curve.agree, || {
            agreement::agree_ephemeral(self.private, peer, INVALID_SHARE, |shared| {
                secret.extend_from_slice(shared);
                Ok(())
            })
        })
    }
}

impl ActiveKeyExchange for CurveExchange {
    fn complete(self: Box<Self>, peer_pub_key: &[u8]) -> Result<SharedSecret, Error> {
        let mut secret = Vec::with_capacity(self.curve.point_len);
        self.agree_into(peer_pub_key, &mut secret)?;
        Ok(SharedSecret::from(secret))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn pub_key(&self) -> &[u8] {
        &self.public
    }

    fn group(&self) -> NamedGroup {
        self.curve.group
    }
}

/// A NIST curve with ML-KEM beside it: both shares and both secrets one after the other, the curve first.
#[derive(Debug, Clone, Copy)]
struct Hybrid {
    group: NamedGroup,
    classical: &'static Curve,
    kem: &'static kem::Algorithm,
    ciphertext_len: usize,
    keygen: &'static Row,
    encapsulate: &'static Row,
    decapsulate: &'static Row,
}

impl Hybrid {
    /// Room for both secrets: a curve's is shorter than its point, ML-KEM's has 32 bytes.
    fn secret_buffer(&self) -> Vec<u8> {
        Vec::with_capacity(self.classical.point_len + 32)
    }
}

impl SupportedKxGroup for Hybrid {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let classical = self.classical.generate()?;
        let decapsulation_key = bracket(self.keygen, || DecapsulationKey::generate(self.kem))
            .map_err(|Unspecified| GetRandomFailed)?;
        let encapsulation_key = decapsulation_key
            .encapsulation_key()
            .and_then(|key| key.key_bytes())
            .map_err(|Unspecified| GetRandomFailed)?;
        let share = [classical.public.as_slice(), encapsulation_key.as_ref()].concat();
        Ok(Box::new(HybridExchange {
            hybrid: *self,
            classical,
            decapsulation_key,
            share,
        }))
    }

    fn start_and_complete(&self, peer_pub_key: &[u8]) -> Result<CompletedKeyExchange, Error> {
        let (peer_point, encapsulation_key) = peer_pub_key
            .split_at_checked(self.classical.point_len)
            .ok_or(INVALID_SHARE)?;
        let encapsulation_key =
            EncapsulationKey::new(self.kem, encapsulation_key).map_err(|_| INVALID_SHARE)?;
        let classical = self.classical.generate()?;
        let mut share = classical.public.clone();
        let mut secret = self.secret_buffer();
        classical.agree_into(peer_point, &mut secret)?;
        // the module checks the key (FIPS 203 §7.2) before it encapsulates
        let (ciphertext, shared) = bracket(self.encapsulate, || encapsulation_key.encapsulate())
            .map_err(|Unspecified| INVALID_SHARE)?;
        share.extend_from_slice(ciphertext.as_ref());
        secret.extend_from_slice(shared.as_ref());
        Ok(CompletedKeyExchange {
            group: self.group,
            pub_key: share,
            secret: SharedSecret::from(secret),
        })
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn name(&self) -> NamedGroup {
        self.group
    }

    fn fips(&self) -> bool {
        self.classical.fips()
            && [self.keygen, self.encapsulate, self.decapsulate]
                .iter()
                .all(|row| row.approved())
    }

    fn usable_for_version(&self, version: ProtocolVersion) -> bool {
        version == ProtocolVersion::TLSv1_3
    }
}

/// The client's two key pairs, waiting for the server's point and ciphertext.
struct HybridExchange {
    hybrid: Hybrid,
    classical: CurveExchange,
    decapsulation_key: DecapsulationKey,
    share: Vec<u8>,
}

impl ActiveKeyExchange for HybridExchange {
    fn complete(self: Box<Self>, peer_pub_key: &[u8]) -> Result<SharedSecret, Error> {
        let Self {
            hybrid,
            classical,
            decapsulation_key,
            ..
        } = *self;
        let (peer_point, ciphertext) = peer_pub_key
            .split_at_checked(hybrid.classical.point_len)
            .ok_or(INVALID_SHARE)?;
        if ciphertext.len() != hybrid.ciphertext_len {
            return Err(INVALID_SHARE);
        }
        let mut secret = hybrid.secret_buffer();
        classical.agree_into(peer_point, &mut secret)?;
        let shared = bracket(hybrid.decapsulate, || {
            decapsulation_key.decapsulate(Ciphertext::from(ciphertext))
        })
        .map_err(|Unspecified| INVALID_SHARE)?;
        secret.extend_from_slice(shared.as_ref());
        Ok(SharedSecret::from(secret))
    }

    // A client that offers the curve by itself too reuses this key pair for it, so a server without ML-KEM costs no
    // second round trip.
    fn hybrid_component(&self) -> Option<(NamedGroup, &[u8])> {
        Some((self.classical.curve.group, &self.classical.public))
    }

    fn complete_hybrid_component(
        self: Box<Self>,
        peer_pub_key: &[u8],
    ) -> Result<SharedSecret, Error> {
        Box::new(self.classical).complete(peer_pub_key)
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn pub_key(&self) -> &[u8] {
        &self.share
    }

    fn group(&self) -> NamedGroup {
        self.hybrid.group
    }
}
