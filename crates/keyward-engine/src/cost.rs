//! How long work in the module takes, roughly: enough to know what must not be done on a thread that serves others.
//!
//! Figures are nanoseconds on a common server core, rounded up; only their order matters.
use keyward_core::algorithm::{KeySpec, Service};

/// What a serving thread may do by itself.
const INLINE_MAX_NS: u64 = 300_000;
/// Hashing, the slowest thing done to every byte.
const BYTE_NS: u64 = 3;

/// Whether so many operations over so many bytes belong into the pool.
pub(crate) fn is_long(spec: KeySpec, service: Service, operations: usize, bytes: usize) -> bool {
    let each = operation_ns(spec, service).saturating_mul(operations as u64);
    each.saturating_add(BYTE_NS.saturating_mul(bytes as u64)) > INLINE_MAX_NS
}

const fn operation_ns(spec: KeySpec, service: Service) -> u64 {
    let (sign, verify, generate) = match spec {
        KeySpec::Rsa2048 => (700_000, 30_000, 150_000_000),
        KeySpec::Rsa3072 => (2_000_000, 50_000, 500_000_000),
        KeySpec::Rsa4096 => (4_500_000, 80_000, 1_500_000_000),
        KeySpec::EcP256 => (25_000, 60_000, 25_000),
        KeySpec::EcP384 => (150_000, 250_000, 150_000),
        KeySpec::EcP521 => (250_000, 350_000, 250_000),
        KeySpec::Ed25519 => (25_000, 60_000, 25_000),
        KeySpec::MlKem512 | KeySpec::MlKem768 | KeySpec::MlKem1024 => (60_000, 60_000, 60_000),
        KeySpec::MlDsa44 | KeySpec::MlDsa65 | KeySpec::MlDsa87 => (500_000, 150_000, 150_000),
        KeySpec::Aes128
        | KeySpec::Aes192
        | KeySpec::Aes256
        | KeySpec::HmacSha256
        | KeySpec::HmacSha384
        | KeySpec::HmacSha512 => (1_000, 1_000, 1_000),
    };
    match service {
        Service::Generate => generate,
        Service::Verify | Service::VerifyMac => verify,
        _ => sign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rsa_signature_and_long_message_goes_to_the_pool_and_a_short_elliptic_one_does_not() {
        for spec in [KeySpec::Rsa2048, KeySpec::Rsa3072, KeySpec::Rsa4096] {
            assert!(is_long(spec, Service::Sign, 1, 64), "{spec:?}");
            assert!(is_long(spec, Service::Generate, 1, 0), "{spec:?}");
            assert!(!is_long(spec, Service::Verify, 1, 64), "{spec:?}");
        }
        for spec in [KeySpec::EcP256, KeySpec::Ed25519, KeySpec::HmacSha256] {
            assert!(!is_long(spec, Service::Sign, 1, 64), "{spec:?}");
            assert!(is_long(spec, Service::Sign, 1, 4 << 20), "{spec:?}");
        }
        assert!(is_long(KeySpec::EcP256, Service::Sign, 256, 0));
    }
}
