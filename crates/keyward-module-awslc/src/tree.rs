//! The puncturable state of a realm: [`keyward_core::puncture`] with seeds in guarded memory and KBKDF as its PRF.
use core::cell::RefCell;
use std::sync::Arc;

use aws_lc_rs::aead::NONCE_LEN;
use aws_lc_rs::kdf::kbkdf_ctr_hmac;
use aws_lc_rs::rand;
use keyward_core::algorithm::KeySpec;
use keyward_core::puncture::{
    NodeLabel, Path, PuncturableTree, SEED_LEN, TreeFault, TreePrf, TreeWriter,
};
use keyward_engine::permit::Permit;
use keyward_engine::ports::module::{Done, KeyHandle, ModuleFault, Output};
use zeroize::{Zeroize, Zeroizing};

use crate::derive::{self, Label};
use crate::material::{Material, Seed};
use crate::operate::{give_bytes, scrub_stack, sha256_parts};
use crate::services::Services;
use crate::slab::Slab;
use crate::start::AwsLcModule;
use crate::symmetric;

const NODE_LABEL: &[u8; 14] = b"keyward tree 1";
/// Room for a tag after what is sealed in place.
const TAG_LEN: usize = 16;

impl AwsLcModule {
    pub(crate) fn tree_create(&self, permit: &Permit) -> Result<Done, ModuleFault> {
        let mut services = Services::new();
        let mut root = self.slab.allocate(SEED_LEN).ok_or(ModuleFault::Full)?;
        services
            .run(|| rand::fill(root.bytes_mut()))
            .map_err(|_| ModuleFault::Failed("random generator"))?;
        let tree = PuncturableTree::create(Arc::new(root));
        self.give_key(permit, &services, Material::Tree(tree))
    }

    pub(crate) fn tree_open(
        &self,
        permit: &Permit,
        key: KeyHandle,
        aad: &[u8],
        blob: &[u8],
    ) -> Result<Done, ModuleFault> {
        let mut services = Services::new();
        let stored = self
            .find(key)?
            .with(|key| symmetric::open(&mut services, key.symmetric()?, aad, blob))?;
        let tree = PuncturableTree::decode(stored.expose(), |seed| {
            self.slab.keep(seed).map(Arc::new).ok_or(ModuleFault::Full)
        })
        .map_err(|fault| match fault {
            keyward_core::puncture::TreeDecodeFault::Seed(fault) => fault,
            _ => ModuleFault::Refused,
        })?;
        drop(stored);
        scrub_stack();
        self.give_key(permit, &services, Material::Tree(tree))
    }

    pub(crate) fn tree_seal(
        &self,
        permit: &Permit,
        tree: KeyHandle,
        key: KeyHandle,
        aad: &[u8],
    ) -> Result<Done, ModuleFault> {
        let (tree, key) = (self.find(tree)?, self.find(key)?);
        let mut services = Services::new();
        let mut blob = Vec::new();
        let sealed = tree.with(|tree| {
            let tree = tree.tree()?;
            key.with(|key| {
                // Reserved in full first: the seeds stand here in the clear until they are encrypted in place, and the
                // buffer must not move in between.
                let room = tree.encoded_len().checked_add(NONCE_LEN + TAG_LEN);
                blob.try_reserve_exact(room.ok_or(ModuleFault::Full)?)
                    .map_err(|_| ModuleFault::Full)?;
                blob.extend_from_slice(&[0; NONCE_LEN]);
                tree.encode(&mut Plain(&mut blob));
                symmetric::seal(&mut services, key.symmetric()?, aad, &mut blob, 0)
            })
        });
        if sealed.is_err() {
            blob.zeroize();
        }
        sealed?;
        give_bytes(permit, &services, blob)
    }

    pub(crate) fn tree_leaf(
        &self,
        permit: &Permit,
        tree: KeyHandle,
        leaf: u64,
        info: &[u8],
    ) -> Result<Done, ModuleFault> {
        let prf = SeedPrf::new(&self.slab);
        let seed = self
            .find(tree)?
            .with(|tree| tree.tree()?.leaf(&prf, leaf).map_err(fault))?;
        let mut services = prf.services.into_inner();
        let material = derive::derive(
            &self.slab,
            &mut services,
            &Label::Leaf,
            seed.bytes(),
            info,
            KeySpec::Aes256,
        )?;
        scrub_stack();
        self.give_key(permit, &services, material)
    }

    pub(crate) fn tree_puncture(
        &self,
        permit: &Permit,
        tree: KeyHandle,
        leaves: &[u64],
    ) -> Result<Done, ModuleFault> {
        let prf = SeedPrf::new(&self.slab);
        let punctured = self
            .find(tree)?
            .with(|tree| tree.tree()?.puncture(&prf, leaves).map_err(fault))?;
        scrub_stack();
        self.give_key(
            permit,
            &prf.services.into_inner(),
            Material::Tree(punctured),
        )
    }

    pub(crate) fn tree_digest(
        &self,
        permit: &Permit,
        tree: KeyHandle,
    ) -> Result<Done, ModuleFault> {
        let mut services = Services::new();
        let digest = self.find(tree)?.with(|tree| {
            let tree = tree.tree()?;
            sha256_parts(&mut services, |feed| tree.shape(feed))
        })?;
        let indicator = services.conclude(permit)?;
        Ok(Done {
            output: Output::Digest(digest),
            indicator,
        })
    }
}

fn fault(fault: TreeFault<ModuleFault>) -> ModuleFault {
    match fault {
        TreeFault::Punctured => ModuleFault::Gone,
        TreeFault::OutOfRange => ModuleFault::Refused,
        TreeFault::Prf(fault) => fault,
    }
}

/// Writes the stored form in the clear, for sealing in place.
struct Plain<'a>(&'a mut Vec<u8>);

impl TreeWriter<Seed> for Plain<'_> {
    fn public(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn seed(&mut self, seed: &Seed) {
        self.0.extend_from_slice(seed.bytes());
    }
}

/// KBKDF in counter mode with HMAC-SHA-256, one bracketed service per step: a child is
/// `KBKDF(parent, "keyward tree 1" ‖ 00 ‖ depth ‖ prefix ‖ [256]32)`.
struct SeedPrf<'a> {
    slab: &'a Arc<Slab>,
    services: RefCell<Services>,
}

impl<'a> SeedPrf<'a> {
    fn new(slab: &'a Arc<Slab>) -> Self {
        Self {
            slab,
            services: RefCell::new(Services::new()),
        }
    }
}

impl TreePrf for SeedPrf<'_> {
    type Seed = Seed;
    type Error = ModuleFault;

    fn descend(&self, from: &Seed, path: Path) -> Result<Seed, ModuleFault> {
        let algorithm = derive::kbkdf()?;
        let mut services = self.services.borrow_mut();
        // Two buffers that swap: the seeds passed on the way never leave this frame and are wiped with it.
        let mut above = Zeroizing::new([0; SEED_LEN]);
        let mut below = Zeroizing::new([0; SEED_LEN]);
        above.copy_from_slice(from.bytes());
        for label in path.labels() {
            services
                .run(|| kbkdf_ctr_hmac(algorithm, &*above, &fixed_input(label), &mut *below))
                .map_err(|_| ModuleFault::Failed("kbkdf"))?;
            core::mem::swap(&mut above, &mut below);
        }
        self.slab
            .keep(&*above)
            .map(Arc::new)
            .ok_or(ModuleFault::Full)
    }
}

/// `label ‖ 00 ‖ node ‖ [256]32`, without allocating: a leaf takes up to 40 of these.
fn fixed_input(node: NodeLabel) -> [u8; 25] {
    let mut fixed = [0; 25];
    let node = node.to_bytes();
    let source = NODE_LABEL
        .iter()
        .chain(&[0])
        .chain(&node)
        .chain(&[0, 0, 1, 0]);
    for (to, from) in fixed.iter_mut().zip(source) {
        *to = *from;
    }
    fixed
}
