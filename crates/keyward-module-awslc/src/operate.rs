//! One arm per operation. Each runs its services under the indicator bracket, asks whether the result may be given out,
//! and only then lets it leave or gives it a handle.
use aws_lc_rs::digest;
use aws_lc_rs::rand;
use keyward_core::algorithm::{Indicator, KeySpec};
use keyward_engine::permit::Permit;
use keyward_engine::ports::module::{
    Done, HashAlgorithm, KeyHandle, ModuleFault, Operation, Output,
};
use zeroize::Zeroize;

use crate::material::Material;
use crate::services::Services;
use crate::start::AwsLcModule;

/// Most random bytes in one call: the generator's own request limit is 2^16 bytes, larger fills are several requests.
const RANDOM_MAX: usize = 1 << 20;

type Answer = Result<Done, ModuleFault>;

impl AwsLcModule {
    pub(crate) fn dispatch(&self, permit: &Permit, operation: Operation<'_>) -> Answer {
        match operation {
            Operation::Random { length } => random(permit, length),
            Operation::Sha256 { parts } => sha256(permit, parts),
            Operation::Hash { algorithm, message } => hash(permit, algorithm, message),
            Operation::Generate { spec } => self.generate(permit, spec),
            Operation::GenerateEphemeral { spec } => self.generate_ephemeral(permit, spec),
            Operation::WrapKey { kek, key } => self.wrap_key(permit, kek, key),
            Operation::UnwrapKey { kek, blob, spec } => self.unwrap_key(permit, kek, blob, spec),
            Operation::WrapBytes { kek, bytes } => self.wrap_bytes(permit, kek, bytes),
            Operation::UnwrapBytes { kek, blob } => self.unwrap_bytes(permit, kek, blob),
            Operation::DeriveKey { key, info, spec } => self.derive_key(permit, key, info, spec),
            Operation::DerivePassphrase {
                passphrase,
                salt,
                iterations,
            } => self.derive_passphrase(permit, passphrase, salt, iterations),
            Operation::PublicKey { key } => self.public_key(key),
            Operation::TreeCreate => self.tree_create(permit),
            Operation::TreeOpen { key, aad, blob } => self.tree_open(permit, key, aad, blob),
            Operation::TreeSeal { tree, key, aad } => self.tree_seal(permit, tree, key, aad),
            Operation::TreeLeaf { tree, leaf, info } => self.tree_leaf(permit, tree, leaf, info),
            Operation::TreePuncture { tree, leaves } => self.tree_puncture(permit, tree, leaves),
            Operation::TreeDigest { tree } => self.tree_digest(permit, tree),
            Operation::Encrypt {
                key,
                aad,
                plaintext,
                out,
            } => self.encrypt(permit, key, aad, plaintext, out),
            Operation::Decrypt { key, aad, sealed } => self.decrypt(permit, key, aad, sealed),
            Operation::Mac { key, parts } => self.mac(permit, key, parts),
            Operation::VerifyMac { key, parts, mac } => self.verify_mac(permit, key, parts, mac),
            Operation::Sign {
                key,
                scheme,
                message,
            } => self.sign(permit, key, scheme, message),
            Operation::Verify {
                spec,
                public,
                scheme,
                message,
                signature,
            } => crate::sign::verify(permit, spec, public, scheme, message, signature),
            Operation::Agree { key, peer, info } => self.agree(permit, key, peer, info),
            Operation::AgreeEphemeral { key, peer, info } => {
                self.agree_ephemeral(permit, key, peer, info)
            }
            Operation::Encapsulate { spec, public } => self.encapsulate(permit, spec, public),
            Operation::Decapsulate { key, ciphertext } => self.decapsulate(permit, key, ciphertext),
            Operation::Reveal { key } => self.reveal(permit, key),
        }
    }

    fn generate(&self, permit: &Permit, spec: KeySpec) -> Answer {
        let mut services = Services::new();
        let material = Material::generate(&self.slab, &mut services, spec)?;
        scrub_stack();
        self.give_key(permit, &services, material)
    }

    fn generate_ephemeral(&self, permit: &Permit, spec: KeySpec) -> Answer {
        let mut services = Services::new();
        let material = Material::generate_ephemeral(&self.slab, &mut services, spec)?;
        scrub_stack();
        self.give_key(permit, &services, material)
    }

    fn public_key(&self, key: KeyHandle) -> Answer {
        let public = self
            .find(key)?
            .with(|material| material.any_pair()?.public_der())?;
        Ok(Done {
            output: Output::Bytes(public),
            indicator: Indicator::NotApplicable,
        })
    }

    fn reveal(&self, permit: &Permit, key: KeyHandle) -> Answer {
        if !permit.allows_reveal() {
            return Err(ModuleFault::Refused);
        }
        let bytes = self
            .find(key)?
            .with(|material| Ok(material.symmetric()?.bytes().to_vec()))?;
        Ok(Done {
            output: Output::Secret(bytes.into()),
            indicator: Indicator::NotApplicable,
        })
    }

    /// Gives a new key its handle if the permit lets it out; otherwise the key is wiped here.
    pub(crate) fn give_key(
        &self,
        permit: &Permit,
        services: &Services,
        material: Material,
    ) -> Answer {
        let indicator = services.conclude(permit)?;
        Ok(Done {
            output: Output::Key(self.insert(material)),
            indicator,
        })
    }
}

/// Gives out bytes if the permit lets them out; otherwise they are wiped here.
pub(crate) fn give_bytes(permit: &Permit, services: &Services, mut bytes: Vec<u8>) -> Answer {
    match services.conclude(permit) {
        Ok(indicator) => Ok(Done {
            output: Output::Bytes(bytes),
            indicator,
        }),
        Err(fault) => {
            bytes.zeroize();
            Err(fault)
        }
    }
}

fn random(permit: &Permit, length: usize) -> Answer {
    if length > RANDOM_MAX {
        return Err(ModuleFault::Refused);
    }
    let mut bytes = vec![0; length];
    let mut services = Services::new();
    // No bytes are no service: the generator is not asked and its indicator would not rise.
    if length > 0 {
        services
            .run(|| rand::fill(&mut bytes))
            .map_err(|_| ModuleFault::Failed("random generator"))?;
    }
    give_bytes(permit, &services, bytes)
}

fn sha256(permit: &Permit, parts: &[&[u8]]) -> Answer {
    let mut services = Services::new();
    let digest = sha256_parts(&mut services, |feed| {
        parts.iter().for_each(|part| feed(part))
    })?;
    let indicator = services.conclude(permit)?;
    Ok(Done {
        output: Output::Digest(digest),
        indicator,
    })
}

/// SHA-256 over whatever `source` feeds it, as one service.
pub(crate) fn sha256_parts(
    services: &mut Services,
    source: impl FnOnce(&mut dyn FnMut(&[u8])),
) -> Result<[u8; 32], ModuleFault> {
    let digest = services.run(|| {
        let mut context = digest::Context::new(&digest::SHA256);
        source(&mut |part| context.update(part));
        context.finish()
    });
    digest
        .as_ref()
        .try_into()
        .map_err(|_| ModuleFault::Failed("hash length"))
}

fn hash(permit: &Permit, algorithm: HashAlgorithm, message: &[u8]) -> Answer {
    let algorithm = match algorithm {
        HashAlgorithm::Sha256 => &digest::SHA256,
        HashAlgorithm::Sha384 => &digest::SHA384,
        HashAlgorithm::Sha512 => &digest::SHA512,
        HashAlgorithm::Sha3_256 => &digest::SHA3_256,
        HashAlgorithm::Sha3_384 => &digest::SHA3_384,
        HashAlgorithm::Sha3_512 => &digest::SHA3_512,
    };
    let mut services = Services::new();
    let digest = services.run(|| digest::digest(algorithm, message));
    give_bytes(permit, &services, digest.as_ref().to_vec())
}

/// How far below its caller [`scrub_stack`] reaches.
const SCRUBBED: usize = 32 * 1024;

/// Overwrites the stack below the caller. The module wipes its contexts, but compilers spill what they like; after key
/// material was generated, read or written, whatever a finished call left lower on this thread's stack goes.
#[inline(never)]
pub(crate) fn scrub_stack() {
    // The array is the wiping: it must be filled with zeros before anything may look at it, and black_box looks.
    let mut below = [0_u8; SCRUBBED];
    core::hint::black_box(&mut below);
}
