//! `SubjectPublicKeyInfo` around a raw ML-KEM encapsulation key (RFC 9935); every other kind of public key comes from the
//! module in this form already.
use alloc::vec::Vec;

use crate::algorithm::KeySpec;

/// 2.16.840.1.101.3.4.4, the arc of the key-encapsulation mechanisms of NIST, as an object identifier short of its last
/// byte.
const KEMS: [u8; 10] = [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x04];

/// The structure; the bytes as they are for any other kind.
#[must_use]
pub fn wrapped(spec: KeySpec, public: &[u8]) -> Vec<u8> {
    let parameter_set = match spec {
        KeySpec::MlKem512 => 1,
        KeySpec::MlKem768 => 2,
        KeySpec::MlKem1024 => 3,
        _ => return public.to_vec(),
    };
    let identifier = tagged(0x30, &[&KEMS, &[parameter_set]]);
    let key = tagged(0x03, &[&[0], public]);
    tagged(0x30, &[&identifier, &key])
}

/// Tag, length, contents: DER for lengths below 2^16, which every public key is.
fn tagged(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let contents = parts.concat();
    let [.., high, low] = contents.len().to_be_bytes();
    let mut out = Vec::with_capacity(contents.len().saturating_add(4));
    out.push(tag);
    match (high, low) {
        (0, 0..=0x7f) => out.push(low),
        (0, _) => out.extend_from_slice(&[0x81, low]),
        _ => out.extend_from_slice(&[0x82, high, low]),
    }
    out.extend_from_slice(&contents);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encapsulation_key_is_wrapped_as_rfc_9935_has_it_and_nothing_else_is_touched() {
        let der = wrapped(KeySpec::MlKem768, &[0xaa; 1184]);
        // SEQUENCE(1202) { SEQUENCE(11) { OID 2.16.840.1.101.3.4.4.2 } BIT STRING(1185) }
        let start = "308204b2300b0609608648016503040402038204a100aa";
        assert!(
            crate::ids::hex(&der).starts_with(start),
            "{}",
            crate::ids::hex(&der[..30])
        );
        assert_eq!(der.len(), 1206);
        assert_eq!(wrapped(KeySpec::EcP256, &[1, 2]), [1, 2]);
    }
}
