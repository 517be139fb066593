//! Record protection: AES-GCM in the module's TLS record modes, which own the nonce rule.
//!
//! In these modes the module itself refuses a nonce that does not count up, so no fault above can repeat one.
//! Keys never leave: `extract_keys` is refused.

use aws_lc_rs::aead::{self, Aad, Nonce, TlsProtocolId, TlsRecordOpeningKey, TlsRecordSealingKey};
use rustls::crypto::cipher::{
    self, AeadKey, InboundOpaqueMessage, InboundPlainMessage, Iv, KeyBlockShape, MessageDecrypter,
    MessageEncrypter, NONCE_LEN, OutboundOpaqueMessage, OutboundPlainMessage, PrefixedPayload,
    Tls12AeadAlgorithm, Tls13AeadAlgorithm, UnsupportedOperationError, make_tls12_aad,
    make_tls13_aad,
};
use rustls::{ConnectionTrafficSecrets, ContentType, Error, ProtocolVersion};

use crate::indicator::bracket;
use crate::rows::{self, Row};

const TAG_LEN: usize = 16;
const EXPLICIT_NONCE_LEN: usize = 8;
const FIXED_IV_LEN: usize = NONCE_LEN - EXPLICIT_NONCE_LEN;
/// The largest plaintext of one record (RFC 8446 §5.1, RFC 5246 §6.2.1).
const MAX_FRAGMENT_LEN: usize = 1 << 14;

/// AES-128-GCM for TLS 1.3.
pub(super) static TLS13_AES128: Gcm = Gcm {
    algorithm: &aead::AES_128_GCM,
    key_len: 16,
    seal: &rows::TLS13_AES128_SEAL,
    open: &rows::TLS13_AES128_OPEN,
};

/// AES-256-GCM for TLS 1.3.
pub(super) static TLS13_AES256: Gcm = Gcm {
    algorithm: &aead::AES_256_GCM,
    key_len: 32,
    seal: &rows::TLS13_AES256_SEAL,
    open: &rows::TLS13_AES256_OPEN,
};

/// AES-128-GCM for TLS 1.2.
pub(super) static TLS12_AES128: Gcm = Gcm {
    algorithm: &aead::AES_128_GCM,
    key_len: 16,
    seal: &rows::TLS12_AES128_SEAL,
    open: &rows::TLS12_AES128_OPEN,
};

/// AES-256-GCM for TLS 1.2.
pub(super) static TLS12_AES256: Gcm = Gcm {
    algorithm: &aead::AES_256_GCM,
    key_len: 32,
    seal: &rows::TLS12_AES256_SEAL,
    open: &rows::TLS12_AES256_OPEN,
};

/// AES-GCM of one key length in one protocol version.
pub(super) struct Gcm {
    algorithm: &'static aead::Algorithm,
    key_len: usize,
    seal: &'static Row,
    open: &'static Row,
}

impl Gcm {
    // The factory methods of rustls cannot fail. A key the module refuses therefore gives an encrypter that refuses
    // every record, which ends the connection.
    fn sealing(&self, protocol: TlsProtocolId, key: &AeadKey) -> Option<TlsRecordSealingKey> {
        TlsRecordSealingKey::new(self.algorithm, protocol, key.as_ref()).ok()
    }

    fn opening(&self, protocol: TlsProtocolId, key: &AeadKey) -> Option<TlsRecordOpeningKey> {
        TlsRecordOpeningKey::new(self.algorithm, protocol, key.as_ref()).ok()
    }

    fn approved(&self) -> bool {
        self.seal.approved() && self.open.approved()
    }
}

impl Tls13AeadAlgorithm for Gcm {
    fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageEncrypter> {
        Box::new(Tls13Encrypter {
            key: self.sealing(TlsProtocolId::TLS13, &key),
            iv,
            row: self.seal,
        })
    }

    fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageDecrypter> {
        Box::new(Tls13Decrypter {
            key: self.opening(TlsProtocolId::TLS13, &key),
            iv,
            row: self.open,
        })
    }

    fn key_len(&self) -> usize {
        self.key_len
    }

    fn extract_keys(
        &self,
        _key: AeadKey,
        _iv: Iv,
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        Err(UnsupportedOperationError)
    }

    fn fips(&self) -> bool {
        self.approved()
    }
}

impl Tls12AeadAlgorithm for Gcm {
    fn encrypter(&self, key: AeadKey, iv: &[u8], _extra: &[u8]) -> Box<dyn MessageEncrypter> {
        Box::new(Tls12Encrypter {
            key: self.sealing(TlsProtocolId::TLS12, &key),
            fixed_iv: fixed_iv(iv),
            row: self.seal,
        })
    }

    fn decrypter(&self, key: AeadKey, iv: &[u8]) -> Box<dyn MessageDecrypter> {
        Box::new(Tls12Decrypter {
            key: self.opening(TlsProtocolId::TLS12, &key),
            fixed_iv: fixed_iv(iv),
            row: self.open,
        })
    }

    fn key_block_shape(&self) -> KeyBlockShape {
        KeyBlockShape {
            enc_key_len: self.key_len,
            fixed_iv_len: FIXED_IV_LEN,
            // The explicit part is the record number (SP 800-38D §8.2.1), so no start value is derived for it.
            explicit_nonce_len: 0,
        }
    }

    fn extract_keys(
        &self,
        _key: AeadKey,
        _iv: &[u8],
        _explicit: &[u8],
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        Err(UnsupportedOperationError)
    }

    fn fips(&self) -> bool {
        self.approved()
    }
}

struct Tls13Encrypter {
    key: Option<TlsRecordSealingKey>,
    iv: Iv,
    row: &'static Row,
}

impl MessageEncrypter for Tls13Encrypter {
    fn encrypt(
        &mut self,
        msg: OutboundPlainMessage<'_>,
        seq: u64,
    ) -> Result<OutboundOpaqueMessage, Error> {
        let total_len = self.encrypted_payload_len(msg.payload.len());
        let mut payload = PrefixedPayload::with_capacity(total_len);
        payload.extend_from_chunks(&msg.payload);
        payload.extend_from_slice(&[u8::from(msg.typ)]);
        let nonce = Nonce::assume_unique_for_key(cipher::Nonce::new(&self.iv, seq).0);
        let aad = Aad::from(make_tls13_aad(total_len));
        let key = self.key.as_mut().ok_or(Error::EncryptError)?;
        let tag = bracket(self.row, || {
            key.seal_in_place_separate_tag(nonce, aad, payload.as_mut())
        })
        .map_err(|_| Error::EncryptError)?;
        payload.extend_from_slice(tag.as_ref());
        Ok(OutboundOpaqueMessage::new(
            ContentType::ApplicationData,
            // RFC 8446 §5.2: the record layer says TLS 1.2 for ever
            ProtocolVersion::TLSv1_2,
            payload,
        ))
    }

    fn encrypted_payload_len(&self, payload_len: usize) -> usize {
        payload_len + 1 + TAG_LEN
    }
}

struct Tls13Decrypter {
    key: Option<TlsRecordOpeningKey>,
    iv: Iv,
    row: &'static Row,
}

impl MessageDecrypter for Tls13Decrypter {
    fn decrypt<'a>(
        &mut self,
        mut msg: InboundOpaqueMessage<'a>,
        seq: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        let nonce = Nonce::assume_unique_for_key(cipher::Nonce::new(&self.iv, seq).0);
        let aad = Aad::from(make_tls13_aad(msg.payload.len()));
        let key = self.key.as_ref().ok_or(Error::DecryptError)?;
        let plain_len = bracket(self.row, || {
            key.open_in_place(nonce, aad, &mut msg.payload)
                .map(|plain| plain.len())
        })
        .map_err(|_| Error::DecryptError)?;
        msg.payload.truncate(plain_len);
        msg.into_tls13_unpadded_message()
    }
}

struct Tls12Encrypter {
    key: Option<TlsRecordSealingKey>,
    fixed_iv: [u8; FIXED_IV_LEN],
    row: &'static Row,
}

impl MessageEncrypter for Tls12Encrypter {
    fn encrypt(
        &mut self,
        msg: OutboundPlainMessage<'_>,
        seq: u64,
    ) -> Result<OutboundOpaqueMessage, Error> {
        let explicit = seq.to_be_bytes();
        let mut payload =
            PrefixedPayload::with_capacity(self.encrypted_payload_len(msg.payload.len()));
        payload.extend_from_slice(&explicit);
        payload.extend_from_chunks(&msg.payload);
        let nonce = tls12_nonce(self.fixed_iv, explicit);
        let aad = Aad::from(make_tls12_aad(seq, msg.typ, msg.version, msg.payload.len()));
        let key = self.key.as_mut().ok_or(Error::EncryptError)?;
        let plain = payload
            .as_mut()
            .get_mut(EXPLICIT_NONCE_LEN..)
            .ok_or(Error::EncryptError)?;
        let tag = bracket(self.row, || {
            key.seal_in_place_separate_tag(nonce, aad, plain)
        })
        .map_err(|_| Error::EncryptError)?;
        payload.extend_from_slice(tag.as_ref());
        Ok(OutboundOpaqueMessage::new(msg.typ, msg.version, payload))
    }

    fn encrypted_payload_len(&self, payload_len: usize) -> usize {
        EXPLICIT_NONCE_LEN + payload_len + TAG_LEN
    }
}

struct Tls12Decrypter {
    key: Option<TlsRecordOpeningKey>,
    fixed_iv: [u8; FIXED_IV_LEN],
    row: &'static Row,
}

impl MessageDecrypter for Tls12Decrypter {
    fn decrypt<'a>(
        &mut self,
        mut msg: InboundOpaqueMessage<'a>,
        seq: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        let plain_len = msg
            .payload
            .len()
            .checked_sub(EXPLICIT_NONCE_LEN + TAG_LEN)
            .ok_or(Error::DecryptError)?;
        if plain_len > MAX_FRAGMENT_LEN {
            return Err(Error::PeerSentOversizedRecord);
        }
        let (explicit, sealed) = msg
            .payload
            .split_first_chunk_mut::<EXPLICIT_NONCE_LEN>()
            .ok_or(Error::DecryptError)?;
        let nonce = tls12_nonce(self.fixed_iv, *explicit);
        let aad = Aad::from(make_tls12_aad(seq, msg.typ, msg.version, plain_len));
        let key = self.key.as_ref().ok_or(Error::DecryptError)?;
        bracket(self.row, || {
            key.open_in_place(nonce, aad, sealed)
                .map(|plain| plain.len())
        })
        .map_err(|_| Error::DecryptError)?;
        Ok(msg.into_plain_message_range(EXPLICIT_NONCE_LEN..EXPLICIT_NONCE_LEN + plain_len))
    }
}

fn fixed_iv(iv: &[u8]) -> [u8; FIXED_IV_LEN] {
    let mut fixed = [0; FIXED_IV_LEN];
    // rustls slices the key block by `key_block_shape`, so the lengths agree
    for (to, from) in fixed.iter_mut().zip(iv) {
        *to = *from;
    }
    fixed
}

fn tls12_nonce(fixed_iv: [u8; FIXED_IV_LEN], explicit: [u8; EXPLICIT_NONCE_LEN]) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    let (fixed_part, explicit_part) = nonce.split_at_mut(FIXED_IV_LEN);
    fixed_part.copy_from_slice(&fixed_iv);
    explicit_part.copy_from_slice(&explicit);
    Nonce::assume_unique_for_key(nonce)
}
