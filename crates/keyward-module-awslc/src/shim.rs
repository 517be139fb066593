//! Every `unsafe` of this crate: the module's calls that `aws-lc-rs` does not offer or offers with copies left behind,
//! and memory taken from the system with guard pages around it.
//!
//! Nothing here decides anything. A function here takes slices, checks lengths before it passes pointers, and gives back
//! values; the reason beside each block says why the call is sound.
#![expect(
    unsafe_code,
    reason = "the one place that calls the module's C interface and maps memory; reviewed line by line"
)]
use core::ffi::{CStr, c_uint, c_void};
use core::mem::{MaybeUninit, size_of};
use core::ptr::{NonNull, null_mut};
use std::sync::Arc;

use aws_lc_fips_sys as sys;
use rustix::mm::{
    Advice, MapFlags, MprotectFlags, ProtFlags, madvise, mlock, mmap_anonymous, mprotect, munmap,
};

/// Runs one service of the module and says whether its indicator approved it.
///
/// The counter belongs to the thread; the closure runs on this thread and must call exactly one service.
pub(crate) fn bracket<T>(service: impl FnOnce() -> T) -> (T, bool) {
    // SAFETY: takes nothing, reads a counter of the calling thread.
    let before = unsafe { sys::FIPS_service_indicator_before_call() };
    let result = service();
    // SAFETY: as above.
    let after = unsafe { sys::FIPS_service_indicator_after_call() };
    (result, before != after)
}

/// The version that the library itself reports.
pub(crate) fn version() -> String {
    // SAFETY: returns a pointer to a string constant of the library, nul-terminated and never freed.
    let text = unsafe { CStr::from_ptr(sys::awslc_version_string()) };
    text.to_string_lossy().into_owned()
}

/// The module's integrity test. On a mismatch the module itself may end the process.
pub(crate) fn integrity_test() -> bool {
    // SAFETY: takes nothing; hashes the module's own code and constants.
    unsafe { sys::BORINGSSL_integrity_test() == 1 }
}

/// All known-answer tests. On a mismatch the module itself may end the process.
pub(crate) fn self_test() -> bool {
    // SAFETY: takes nothing; works on constants of its own.
    unsafe { sys::BORINGSSL_self_test() == 1 }
}

/// The hash of an HMAC key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MacHash {
    Sha256,
    Sha384,
    Sha512,
}

/// Longest HMAC of [`MacHash`].
pub(crate) const MAC_MAX: usize = 64;

/// HMAC over the parts as if concatenated; gives the length written into `out`.
///
/// The context lives and is wiped in one stack frame: `aws_lc_rs::hmac` moves it about and leaves copies of the keyed
/// states behind.
pub(crate) fn hmac(
    hash: MacHash,
    key: &[u8],
    parts: &[&[u8]],
    out: &mut [u8; MAC_MAX],
) -> Option<usize> {
    let mut context = MaybeUninit::<sys::HMAC_CTX>::uninit();
    let mut length: c_uint = 0;
    // SAFETY: `context` is initialised by HMAC_CTX_init before any other use, never moves, and is wiped by
    // HMAC_CTX_cleanup on every way out. Every pointer comes with the length of the slice it points into. `out` has room
    // for the longest of the three hashes. EVP_sha* return constants.
    let done = unsafe {
        let context = context.as_mut_ptr();
        sys::HMAC_CTX_init(context);
        let digest = match hash {
            MacHash::Sha256 => sys::EVP_sha256(),
            MacHash::Sha384 => sys::EVP_sha384(),
            MacHash::Sha512 => sys::EVP_sha512(),
        };
        let started =
            sys::HMAC_Init_ex(context, key.as_ptr().cast(), key.len(), digest, null_mut()) == 1;
        let fed = started
            && parts
                .iter()
                .all(|part| sys::HMAC_Update(context, part.as_ptr(), part.len()) == 1);
        let done = fed && sys::HMAC_Final(context, out.as_mut_ptr(), &raw mut length) == 1;
        sys::HMAC_CTX_cleanup(context);
        done
    };
    (done && length as usize <= MAC_MAX).then_some(length as usize)
}

/// Direction of [`kwp`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrapping {
    Wrap,
    Unwrap,
}

/// AES-KWP (SP 800-38F) under a 16, 24 or 32 byte key; gives the length written into `out`, which must have room for
/// `input` and 15 bytes more.
///
/// `aws_lc_rs::key_wrap` has no 192-bit keys, keeps its own copy of the key without wiping it and leaves the key schedule
/// on the stack; here the schedule is wiped.
pub(crate) fn kwp(direction: Wrapping, kek: &[u8], input: &[u8], out: &mut [u8]) -> Option<usize> {
    let bits: c_uint = match kek.len() {
        16 => 128,
        24 => 192,
        32 => 256,
        _ => return None,
    };
    let mut schedule = MaybeUninit::<sys::AES_KEY>::zeroed();
    let mut length = 0_usize;
    // SAFETY: `kek` is as long as `bits` says; AES_set_*_key fills the whole of what the other calls read of `schedule`;
    // `out` goes with its length, which the module checks before it writes; the schedule is wiped before the frame ends.
    let done = unsafe {
        let key = schedule.as_mut_ptr();
        let (source, size) = (input.as_ptr(), input.len());
        let (target, room) = (out.as_mut_ptr(), out.len());
        let done = match direction {
            Wrapping::Wrap => {
                sys::AES_set_encrypt_key(kek.as_ptr(), bits, key) == 0
                    && sys::AES_wrap_key_padded(key, target, &raw mut length, room, source, size)
                        == 1
            }
            Wrapping::Unwrap => {
                sys::AES_set_decrypt_key(kek.as_ptr(), bits, key) == 0
                    && sys::AES_unwrap_key_padded(key, target, &raw mut length, room, source, size)
                        == 1
            }
        };
        sys::OPENSSL_cleanse(key.cast::<c_void>(), size_of::<sys::AES_KEY>());
        done
    };
    (done && length <= out.len()).then_some(length)
}

/// Longest ECDH shared secret: the field size of P-521.
pub(crate) const SHARED_MAX: usize = 66;

struct Pkey(NonNull<sys::EVP_PKEY>);

impl Pkey {
    fn parse(
        reader: unsafe extern "C" fn(*mut sys::CBS) -> *mut sys::EVP_PKEY,
        der: &[u8],
    ) -> Option<Self> {
        let mut cursor = MaybeUninit::<sys::CBS>::uninit();
        // SAFETY: CBS_init sets the cursor to the slice, which outlives the call; the parser reads within it and returns
        // null or a key that this value then owns.
        let key = unsafe {
            sys::CBS_init(cursor.as_mut_ptr(), der.as_ptr(), der.len());
            reader(cursor.as_mut_ptr())
        };
        NonNull::new(key).map(Self)
    }
}

impl Drop for Pkey {
    fn drop(&mut self) {
        // SAFETY: this value owns one reference; EVP_PKEY_free wipes what it frees.
        unsafe { sys::EVP_PKEY_free(self.0.as_ptr()) }
    }
}

/// ECDH: the shared x coordinate of a PKCS#8 private key and a SubjectPublicKeyInfo peer, written into `out`; gives its
/// length. Fails if the curves differ.
///
/// `aws_lc_rs::agreement::agree` computes the same and frees the shared secret without wiping it.
pub(crate) fn ecdh(private: &[u8], peer: &[u8], out: &mut [u8; SHARED_MAX]) -> Option<usize> {
    let private = Pkey::parse(sys::EVP_parse_private_key, private)?;
    let peer = Pkey::parse(sys::EVP_parse_public_key, peer)?;
    let mut length = out.len();
    // SAFETY: both keys live until the end of the function and the context only counts references to them; `length` tells
    // the module how much room `out` has and comes back as what was written; the context is freed on every way out.
    let done = unsafe {
        let context = sys::EVP_PKEY_CTX_new(private.0.as_ptr(), null_mut());
        let done = !context.is_null()
            && sys::EVP_PKEY_derive_init(context) == 1
            && sys::EVP_PKEY_derive_set_peer(context, peer.0.as_ptr()) == 1
            && sys::EVP_PKEY_derive(context, out.as_mut_ptr(), &raw mut length) == 1;
        sys::EVP_PKEY_CTX_free(context);
        done
    };
    (done && length <= SHARED_MAX).then_some(length)
}

/// What the system granted for a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grants {
    /// Never swapped out.
    pub(crate) locked: bool,
    /// Left out of core dumps.
    pub(crate) undumped: bool,
    /// Absent from child processes.
    pub(crate) unforked: bool,
}

/// Memory from the system with an inaccessible page on either side. Lives as long as any of its slots.
struct Region {
    base: NonNull<c_void>,
    length: usize,
}

// SAFETY: the region is plain memory without thread affinity; access goes through slots, which do not overlap.
unsafe impl Send for Region {}
// SAFETY: as above; the region itself hands out nothing.
unsafe impl Sync for Region {}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: `base` and `length` are exactly what mmap gave; no slot is left, since each holds a reference. Nothing
        // useful can be done if the system refuses.
        let _ = unsafe { munmap(self.base.as_ptr(), self.length) };
    }
}

/// One part of a region, owned exclusively: slots of one region never overlap, and a slot cannot be copied.
pub(crate) struct Slot {
    start: NonNull<u8>,
    size: usize,
    _region: Arc<Region>,
}

// SAFETY: a slot owns its bytes exclusively, like a Box<[u8]>.
unsafe impl Send for Slot {}
// SAFETY: shared access only reads.
unsafe impl Sync for Slot {}

impl Slot {
    /// Maps `size * count` bytes and cuts them into slots of `size` bytes; both must be above zero.
    pub(crate) fn map(size: usize, count: usize) -> Option<(Vec<Self>, Grants)> {
        let page = rustix::param::page_size();
        let data = size
            .checked_mul(count)
            .filter(|data| *data > 0)?
            .next_multiple_of(page);
        let length = data.checked_add(page.checked_mul(2)?)?;
        // SAFETY: a fresh anonymous mapping at an address of the system's choosing aliases nothing. mprotect, mlock and
        // madvise work on the part between the guard pages of that same mapping; failing, they change nothing that
        // matters for soundness.
        let (base, grants) = unsafe {
            let base =
                mmap_anonymous(null_mut(), length, ProtFlags::empty(), MapFlags::PRIVATE).ok()?;
            let inner = base.byte_add(page);
            if mprotect(inner, data, MprotectFlags::READ | MprotectFlags::WRITE).is_err() {
                let _ = munmap(base, length);
                return None;
            }
            let grants = Grants {
                locked: mlock(inner, data).is_ok(),
                undumped: madvise(inner, data, Advice::LinuxDontDump).is_ok(),
                unforked: madvise(inner, data, Advice::LinuxDontFork).is_ok(),
            };
            (NonNull::new(base)?, grants)
        };
        let region = Arc::new(Region { base, length });
        let slots = (0..count)
            .map(|index| Self {
                // SAFETY: page + index * size + size <= page + data < length: inside the mapping.
                start: unsafe { base.cast::<u8>().add(page + index * size) },
                size,
                _region: Arc::clone(&region),
            })
            .collect();
        Some((slots, grants))
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: the slot owns `size` initialised (zero-filled by the system) bytes at `start` for as long as it lives.
        unsafe { core::slice::from_raw_parts(self.start.as_ptr(), self.size) }
    }

    /// The bytes, to write.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`, and `&mut self` makes this the only access.
        unsafe { core::slice::from_raw_parts_mut(self.start.as_ptr(), self.size) }
    }
}
