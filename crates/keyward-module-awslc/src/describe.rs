//! What the module says of itself: read from the running library, joined with what its certificate says.
use keyward_core::algorithm::{KeySpec, Service};
use keyward_engine::ports::module::ModuleDescription;

use crate::approvals;

/// How the module came into this process: the two builds have a certificate each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Linkage {
    /// Part of this executable.
    Static,
    /// A shared library.
    Dynamic,
}

impl Linkage {
    const fn certificate(self) -> u32 {
        match self {
            Self::Static => 5314,
            Self::Dynamic => 5298,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Static => "AWS-LC 3 Cryptographic Module (static)",
            Self::Dynamic => "AWS-LC 3 Cryptographic Module (dynamic)",
        }
    }
}

/// Looks among the process' mapped files for the module as a shared library.
pub(crate) fn linkage() -> Linkage {
    match std::fs::read_to_string("/proc/self/maps") {
        Ok(maps) if maps.lines().any(|line| line.contains("libaws_lc_fips")) => Linkage::Dynamic,
        _ => Linkage::Static,
    }
}

/// The description; `approved_mode` is asked anew each time.
pub(crate) fn describe(number: u16, version: &str, linkage: Linkage) -> ModuleDescription {
    ModuleDescription {
        module: number,
        name: linkage.name().into(),
        version: version.into(),
        certificates: vec![linkage.certificate()],
        level: 1,
        approved_mode: is_fips_mode(),
        entropy: entropy().into(),
        services: services(),
    }
}

/// Whether the linked library is a FIPS build (`FIPS_mode() == 1`).
pub(crate) fn is_fips_mode() -> bool {
    aws_lc_rs::try_fips_mode().is_ok()
}

/// Where the seeds of the module's generator come from, by the build that is linked.
fn entropy() -> &'static str {
    if aws_lc_rs::try_fips_cpu_jitter_entropy().is_ok() {
        "AES-256 CTR_DRBG of the module, seeded from CPU jitter and the operating system; the certificate gives no \
         assurance of the minimum strength of generated keys"
    } else {
        "AES-256 CTR_DRBG of the module, seeded from the operating system's generator, outside the module's \
         boundary; the certificate gives no assurance of the minimum strength of generated keys"
    }
}

/// Every pair of kind and service that works, from the approval rows.
fn services() -> Vec<(KeySpec, Service)> {
    let mut services: Vec<_> = approvals::ROWS
        .iter()
        .filter_map(|row| row.subject.key_service())
        .collect();
    services.sort_unstable();
    services.dedup();
    services
}
