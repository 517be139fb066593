//! Drives the module through its port, as the engine does.
#![allow(dead_code, reason = "each test binary uses its own part of the rig")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use keyward_core::algorithm::{Indicator, KeySpec, SignatureScheme};
use keyward_core::secret::Secret;
use keyward_engine::permit::{Permit, PermitScope, danger_permit};
use keyward_engine::ports::module::{Done, KeyHandle, Module, ModuleFault, Operation, Output};
use keyward_module_awslc::{AwsLcModule, Config};

/// The module and a permit of the engine's own work.
pub struct Rig {
    pub module: AwsLcModule,
    pub permit: Permit,
}

pub const EXCEPTION: PermitScope = PermitScope::Command {
    number: 1,
    exception: true,
    reveal: false,
};
pub const REVEAL: PermitScope = PermitScope::Command {
    number: 1,
    exception: false,
    reveal: true,
};

impl Rig {
    pub fn start() -> Self {
        let module = AwsLcModule::start(Config::default()).expect("the certified module is linked");
        Self {
            module,
            permit: danger_permit(PermitScope::Custody),
        }
    }

    pub fn with(scope: PermitScope) -> Self {
        Self {
            permit: danger_permit(scope),
            ..Self::start()
        }
    }

    pub fn done(&self, operation: Operation<'_>) -> Result<Done, ModuleFault> {
        self.module.operate(&self.permit, operation)
    }

    /// The output of an operation that must succeed and be approved.
    pub fn approved(&self, operation: Operation<'_>) -> Output {
        let done = self.done(operation).expect("the operation succeeds");
        assert_eq!(done.indicator, Indicator::Approved);
        done.output
    }

    pub fn generate(&self, spec: KeySpec) -> KeyHandle {
        key(self.approved(Operation::Generate { spec }))
    }

    pub fn wrap_key(&self, kek: KeyHandle, key: KeyHandle) -> Vec<u8> {
        bytes(self.approved(Operation::WrapKey { kek, key }))
    }

    /// A key with known material, taken in as the port takes keys in.
    pub fn import(&self, spec: KeySpec, material: &[u8]) -> Result<KeyHandle, ModuleFault> {
        let kek = self.generate(KeySpec::Aes256);
        let material = Secret::new(material.to_vec());
        let blob = bytes(self.approved(Operation::WrapBytes {
            kek,
            bytes: &material,
        }));
        let done = self.done(Operation::UnwrapKey {
            kek,
            blob: &blob,
            spec,
        });
        self.module.release(kek);
        done.map(|done| key(done.output))
    }

    /// The canonical material of a key, through the port's own wrapping.
    pub fn export(&self, held: KeyHandle) -> Vec<u8> {
        let kek = self.generate(KeySpec::Aes256);
        let blob = self.wrap_key(kek, held);
        let Output::Secret(secret) = self.approved(Operation::UnwrapBytes { kek, blob: &blob })
        else {
            panic!("not a secret")
        };
        self.module.release(kek);
        secret.into_inner()
    }

    pub fn encrypt(&self, key: KeyHandle, aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        self.approved(Operation::Encrypt {
            key,
            aad,
            plaintext,
            out: &mut out,
        });
        out
    }

    pub fn decrypt(
        &self,
        key: KeyHandle,
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, ModuleFault> {
        match self.done(Operation::Decrypt { key, aad, sealed })?.output {
            Output::Secret(plaintext) => Ok(plaintext.into_inner()),
            other => panic!("not a secret: {other:?}"),
        }
    }

    pub fn mac(&self, key: KeyHandle, parts: &[&[u8]]) -> Vec<u8> {
        bytes(self.approved(Operation::Mac { key, parts }))
    }

    pub fn public(&self, key: KeyHandle) -> Vec<u8> {
        bytes(
            self.done(Operation::PublicKey { key })
                .expect("a pair")
                .output,
        )
    }

    pub fn sign(&self, key: KeyHandle, scheme: SignatureScheme, message: &[u8]) -> Vec<u8> {
        bytes(self.approved(Operation::Sign {
            key,
            scheme,
            message,
        }))
    }

    pub fn verify(
        &self,
        spec: KeySpec,
        public: &[u8],
        scheme: SignatureScheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, ModuleFault> {
        let done = self.done(Operation::Verify {
            spec,
            public,
            scheme,
            message,
            signature,
        })?;
        assert_eq!(done.indicator, Indicator::Approved);
        match done.output {
            Output::Verdict(verdict) => Ok(verdict),
            other => panic!("not a verdict: {other:?}"),
        }
    }
}

pub fn key(output: Output) -> KeyHandle {
    match output {
        Output::Key(key) => key,
        other => panic!("not a key: {other:?}"),
    }
}

pub fn bytes(output: Output) -> Vec<u8> {
    match output {
        Output::Bytes(bytes) => bytes,
        other => panic!("not bytes: {other:?}"),
    }
}

pub fn digest(output: Output) -> [u8; 32] {
    match output {
        Output::Digest(digest) => digest,
        other => panic!("not a digest: {other:?}"),
    }
}

pub fn hex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2));
    text.as_bytes()
        .chunks(2)
        .map(|pair| {
            let pair = core::str::from_utf8(pair).expect("ascii");
            u8::from_str_radix(pair, 16).expect("hex")
        })
        .collect()
}
