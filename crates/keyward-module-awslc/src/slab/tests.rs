//! Guarded memory: wiped before reuse, bounded, and what the system granted is reported.
#![allow(clippy::expect_used, reason = "a test fails by panicking")]
use std::collections::HashSet;

use super::*;

#[test]
fn a_slot_is_all_zero_when_it_comes_back_from_the_free_list() {
    let slab = Slab::new(1 << 20);
    for length in [1, 32, 33, 500, 8192] {
        let first = slab.keep(&vec![0xff; length]).expect("room");
        let at = first.bytes().as_ptr();
        drop(first);
        let again = slab.allocate(length).expect("room");
        assert_eq!(
            again.bytes().as_ptr(),
            at,
            "the slot just freed is the next one given"
        );
        assert_eq!(again.bytes(), vec![0; length]);
    }
}

#[test]
fn slots_in_use_never_overlap() {
    let slab = Slab::new(1 << 22);
    let mut held = Vec::new();
    let mut starts = HashSet::new();
    for round in 0..3000_usize {
        let length = 1 + (round * 37) % 200;
        let fill = u8::try_from(round % 251).expect("small");
        let slot = slab.keep(&vec![fill; length]).expect("room");
        assert!(starts.insert(slot.bytes().as_ptr() as usize));
        held.push((slot, fill, length));
    }
    for (slot, fill, length) in &held {
        assert_eq!(slot.bytes(), vec![*fill; *length]);
    }
}

#[test]
fn the_limit_is_kept_and_freed_room_is_used_again() {
    let slab = Slab::new(CHUNK);
    let held: Vec<_> = (0..CHUNK / 32)
        .map(|_| slab.allocate(32).expect("room"))
        .collect();
    assert!(slab.allocate(32).is_none());
    assert!(slab.allocate(64).is_none());
    drop(held);
    assert!(slab.allocate(32).is_some());
    assert_eq!(slab.report().mapped, CHUNK);
}

#[test]
fn what_fits_no_slot_is_refused() {
    let slab = Slab::new(1 << 30);
    assert!(slab.allocate(8192).is_some());
    assert!(slab.allocate(8193).is_none());
}

/// The kernel's own word on the pages: locked, left out of dumps and of children, with inaccessible neighbours.
#[test]
fn the_pages_are_locked_undumped_unforked_and_guarded() {
    let slab = Slab::new(1 << 20);
    let slot = slab.allocate(32).expect("room");
    let report = slab.report();
    let address = slot.bytes().as_ptr() as usize;
    let maps = std::fs::read_to_string("/proc/self/smaps").expect("linux");
    let lines: Vec<&str> = maps.lines().collect();
    let range = |line: &str| {
        let (from, to) = line.split_whitespace().next()?.split_once('-')?;
        Some((
            usize::from_str_radix(from, 16).ok()?,
            usize::from_str_radix(to, 16).ok()?,
        ))
    };
    let heads: Vec<(usize, (usize, usize), &str)> = lines
        .iter()
        .enumerate()
        .filter_map(|(at, line)| Some((at, range(line)?, *line)))
        .collect();
    let own = heads
        .iter()
        .position(|(_, (from, to), _)| (*from..*to).contains(&address))
        .expect("the slot is mapped");
    let (at, (from, to), _) = heads[own];
    let flags = lines[at..]
        .iter()
        .find(|line| line.starts_with("VmFlags"))
        .expect("flags");
    let has = |flag: &str| flags.split_whitespace().any(|word| word == flag);
    assert_eq!(has("lo"), report.unlocked == 0);
    assert_eq!(has("dd"), report.dumpable == 0);
    assert_eq!(has("dc"), report.inherited == 0);
    for (neighbour, edge) in [(own.wrapping_sub(1), from), (own + 1, to)] {
        let (_, (low, high), line) = heads[neighbour];
        assert!(
            low == edge || high == edge,
            "a guard page touches the region"
        );
        assert!(line.contains("---p"), "{line}");
    }
}
