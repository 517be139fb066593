//! What is left of a key in the memory of the real server after it dropped it: nothing.
//!
//! The test does not know the keys, so it looks for them as a thief with a dump of the memory would: it tries every 32 bytes
//! that look random as an AES-256 key on a ciphertext the server gave out. While the server holds the key this finds it, which
//! proves that the search sees what is there. After the key is destroyed, or the seal is closed, not one fragment of 8 bytes
//! of it may be anywhere in the process, in either byte order.
use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use keyward_core::ciphertext;
use keyward_core::command as c;
use keyward_core::command::KeyRef;
use keyward_core::name::Name;
use keyward_core::secret::Secret;

use crate::world::{World, code, errors};
use crate::{client, runtime, shop};

/// Everything readable in the process, mapping by mapping.
fn each_chunk(process: u32, mut see: impl FnMut(&[u8])) {
    let memory = File::open(format!("/proc/{process}/mem"))
        .expect("root may read the memory of the server it started");
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let mut chunk = vec![0_u8; 4 << 20];
    for line in maps.lines() {
        let (range, rest) = line.split_once(' ').unwrap();
        // Code and constants of files on disk hold no keys; what is private and writable does.
        if !rest.starts_with("rw") || rest.contains("[vvar") || rest.contains("[vsyscall") {
            continue;
        }
        let (from, to) = range.split_once('-').unwrap();
        let mut at = u64::from_str_radix(from, 16).unwrap();
        let to = u64::from_str_radix(to, 16).unwrap();
        while at < to {
            let want = usize::try_from((to - at).min(chunk.len() as u64)).unwrap();
            let Ok(got) = memory.read_at(&mut chunk[..want], at) else {
                break;
            };
            see(&chunk[..got]);
            if got < 64 || at + got as u64 >= to {
                break;
            }
            // Windows that straddle two reads are seen by the second.
            at += got as u64 - 56;
        }
    }
}

/// Whether these bytes could be a random key: zeros and repetitions are rare in one.
fn looks_random(window: &[u8; 32]) -> bool {
    let mut seen = [0_u64; 4];
    for byte in window {
        seen[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }
    seen.iter().map(|word| word.count_ones()).sum::<u32>() >= 20
}

/// The key under which this ciphertext was made, if the process holds it in one piece.
fn find_key(process: u32, sealed: &[u8]) -> Option<[u8; 32]> {
    let (header, body) = ciphertext::parse(sealed).unwrap();
    let nonce: [u8; 12] = body[..12].try_into().unwrap();
    let aad = header.associated_data(b"");
    let mut found = None;
    let mut tried = std::collections::HashSet::new();
    each_chunk(process, |chunk| {
        for window in chunk.windows(32).step_by(8) {
            if found.is_some() {
                return;
            }
            let window: &[u8; 32] = window.try_into().unwrap();
            if !looks_random(window) || !tried.insert(*window) {
                continue;
            }
            let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, window).unwrap());
            let mut text = body[12..].to_vec();
            let nonce = Nonce::assume_unique_for_key(nonce);
            if key.open_in_place(nonce, Aad::from(&aad), &mut text).is_ok() {
                found = Some(*window);
            }
        }
    });
    found
}

/// How many fragments of 8 bytes of the key are in the process.
fn fragments(process: u32, key: &[u8; 32]) -> usize {
    let mut needles: HashMap<u64, ()> = HashMap::new();
    for window in key.windows(8) {
        needles.insert(u64::from_le_bytes(window.try_into().unwrap()), ());
        needles.insert(u64::from_be_bytes(window.try_into().unwrap()), ());
    }
    let mut filter = vec![false; 1 << 16];
    for needle in needles.keys() {
        filter[usize::from(*needle as u16)] = true;
    }
    let mut count = 0;
    each_chunk(process, |chunk| {
        let mut window = 0_u64;
        for (index, byte) in chunk.iter().enumerate() {
            window = (window >> 8) | (u64::from(*byte) << 56);
            if index >= 7 && filter[usize::from(window as u16)] && needles.contains_key(&window) {
                count += 1;
            }
        }
    });
    count
}

/// Creates a key and uses it in both directions; a ciphertext of it.
fn used_key(world: &World, name: &str) -> Vec<u8> {
    let made = world.by("officer", &["key", "create", name]);
    assert_eq!(code(&made), 0, "{}", errors(&made));
    let user = client(world, "billing.token");
    let key = || KeyRef::Name(Name::new(name).unwrap());
    runtime().block_on(async {
        let mut last = Vec::new();
        for _ in 0..20 {
            let command = c::Encrypt {
                realm: shop(),
                key: key(),
                context: Vec::new(),
                plaintext: Secret::new(b"what the key protects".to_vec()),
            };
            last = user.encrypt(command).await.unwrap().ciphertext;
            let command = c::Decrypt {
                realm: shop(),
                key: key(),
                accept_compromised: false,
                context: Vec::new(),
                ciphertext: last.clone(),
            };
            user.decrypt(command).await.unwrap();
        }
        last
    })
}

#[test]
fn a_destroyed_key_and_a_closed_seal_leave_no_fragment_in_the_servers_memory() {
    let world = World::running();
    world.good(&["realm", "create", "shop", "--rehearsal"]);
    for (name, role) in [("officer", "crypto-officer"), ("billing", "crypto-user")] {
        world.good(&["workload", "create", name, "--role", role, "-r", "shop"]);
        let file = format!("{name}.token");
        world.good(&[
            "workload", "token", name, "--days", "1", "-o", &file, "-r", "shop",
        ]);
    }
    let process = world.process();
    let doomed = used_key(&world, "doomed");
    let kept = used_key(&world, "kept");
    let doomed_key =
        find_key(process, &doomed).expect("control: the key is there while it is in use");
    let kept_key = find_key(process, &kept).expect("control: the other key as well");
    assert!(fragments(process, &doomed_key) > 0);

    for arguments in [
        &[
            "key",
            "destroy",
            "schedule",
            "doomed",
            "--after-days",
            "0",
            "--reason",
            "old",
        ][..],
        &["key", "destroy", "execute", "doomed", "--yes"][..],
    ] {
        let done = world.by("officer", arguments);
        // The scheduler may have been first.
        assert!(
            code(&done) == 0 || arguments[2] == "execute",
            "{}",
            errors(&done)
        );
    }
    assert_eq!(fragments(process, &doomed_key), 0, "of a destroyed key");
    assert!(
        fragments(process, &kept_key) > 0,
        "control: the other key is still in use"
    );

    world.good(&["seal", "--reason", "maintenance"]);
    assert_eq!(
        fragments(process, &kept_key),
        0,
        "of any key once the seal is closed"
    );
    assert_eq!(find_key(process, &kept), None);
}

#[test]
fn the_server_is_not_dumped_and_hides_its_memory_from_other_processes_of_its_user() {
    let world = World::running();
    let process = world.process();
    let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    let words: Vec<&str> = core.split_whitespace().collect();
    assert_eq!(words[4..6], ["0", "0"], "{core}");
    // A process that is not dumpable belongs to root in /proc, whoever runs it, and nobody but root may trace or read it.
    use std::os::unix::fs::MetadataExt as _;
    let owner = std::fs::metadata(format!("/proc/{process}/mem"))
        .unwrap()
        .uid();
    assert_eq!(owner, 0);
    if !rustix::process::geteuid().is_root() {
        assert!(File::open(format!("/proc/{process}/mem")).is_err());
    }
}
