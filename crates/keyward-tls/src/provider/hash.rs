//! Transcript hashes: SHA-256 and SHA-384 of the module.

use aws_lc_rs::digest;
use rustls::crypto::hash::{self, HashAlgorithm};

use crate::indicator::bracket;
use crate::rows::{self, Row};

/// SHA-256.
pub(super) static SHA256: ModuleHash = ModuleHash {
    algorithm: HashAlgorithm::SHA256,
    digest: &digest::SHA256,
    row: &rows::SHA256,
};

/// SHA-384.
pub(super) static SHA384: ModuleHash = ModuleHash {
    algorithm: HashAlgorithm::SHA384,
    digest: &digest::SHA384,
    row: &rows::SHA384,
};

/// One hash function of the module.
pub(super) struct ModuleHash {
    algorithm: HashAlgorithm,
    digest: &'static digest::Algorithm,
    row: &'static Row,
}

impl hash::Hash for ModuleHash {
    fn start(&self) -> Box<dyn hash::Context> {
        Box::new(Running {
            context: digest::Context::new(self.digest),
            row: self.row,
        })
    }

    fn hash(&self, data: &[u8]) -> hash::Output {
        output(self.row, || digest::digest(self.digest, data))
    }

    fn output_len(&self) -> usize {
        self.digest.output_len()
    }

    fn algorithm(&self) -> HashAlgorithm {
        self.algorithm
    }

    fn fips(&self) -> bool {
        self.row.approved()
    }
}

struct Running {
    context: digest::Context,
    row: &'static Row,
}

impl hash::Context for Running {
    fn fork_finish(&self) -> hash::Output {
        let context = self.context.clone();
        output(self.row, || context.finish())
    }

    fn fork(&self) -> Box<dyn hash::Context> {
        Box::new(Self {
            context: self.context.clone(),
            row: self.row,
        })
    }

    fn finish(self: Box<Self>) -> hash::Output {
        let Self { context, row } = *self;
        output(row, || context.finish())
    }

    fn update(&mut self, data: &[u8]) {
        self.context.update(data);
    }
}

fn output(row: &'static Row, finish: impl FnOnce() -> digest::Digest) -> hash::Output {
    match bracket(row, || Ok::<_, core::convert::Infallible>(finish())) {
        Ok(digest) => hash::Output::new(digest.as_ref()),
        Err(never) => match never {},
    }
}
