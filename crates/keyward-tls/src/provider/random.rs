//! Random bytes from the module's DRBG.

use aws_lc_rs::rand;
use rustls::crypto::{GetRandomFailed, SecureRandom};

use crate::indicator::bracket;
use crate::rows;

/// The DRBG of the module.
#[derive(Debug)]
pub(crate) struct ModuleRandom;

impl SecureRandom for ModuleRandom {
    fn fill(&self, buf: &mut [u8]) -> Result<(), GetRandomFailed> {
        bracket(&rows::RANDOM, || rand::fill(buf)).map_err(|_| GetRandomFailed)
    }

    fn fips(&self) -> bool {
        rows::RANDOM.approved()
    }
}
