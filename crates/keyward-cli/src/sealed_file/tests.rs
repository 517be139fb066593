//! Sealing and opening without a server: chunks of 4 KiB, a data key that is known.
use std::path::{Path, PathBuf};

use keyward_module_awslc::{AwsLcModule, CHUNK_OVERHEAD};

use super::part::{Part, Sink};
use super::progress::Progress;
use super::seal::{Source, Unlocked, seal};
use super::{Prefix, module, open};
use crate::exit::{Exit, Failure};
use crate::files::Existing;

const LOG2: u8 = 12;
const CHUNK: usize = 1 << LOG2;
const SEALED: usize = CHUNK + CHUNK_OVERHEAD;

struct Rig {
    module: AwsLcModule,
    directory: tempfile::TempDir,
}

impl Rig {
    fn new() -> Self {
        Self {
            module: module().unwrap(),
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn unlocked(&self, file: u8, resuming: bool) -> Unlocked {
        Unlocked {
            prefix: Prefix::new([file; 16], 0).with_chunks_of(LOG2),
            key: self.module.data_key(&[7; 32]).unwrap(),
            header_bytes: 0,
            resuming,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs one direction into a file; the result is what stands there afterwards.
    fn run(
        &self,
        resume: bool,
        work: impl FnOnce(&mut Sink, &Unlocked, &mut Progress) -> Result<(), Failure>,
        file: u8,
    ) -> Result<Vec<u8>, Failure> {
        let path = self.path("out");
        let part = Part::open(&path, Existing::Replace, resume)?;
        let resuming = part.left() > 0;
        let mut sink = Sink::Part(part);
        let unlocked = self.unlocked(file, resuming);
        let result = work(&mut sink, &unlocked, &mut Progress::new(None, false));
        match result {
            Ok(()) => sink.finish()?,
            Err(failure) => {
                let local = failure.exit == Exit::Local;
                return Err(sink.after(failure, local));
            }
        }
        let bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        Ok(bytes)
    }

    fn seal(&self, file: u8, data: &[u8], resume: bool) -> Result<Vec<u8>, Failure> {
        let work = |sink: &mut Sink, unlocked: &Unlocked, progress: &mut Progress| {
            let source = Source {
                from: data,
                name: "in",
            };
            seal(source, sink, unlocked, progress)
        };
        self.run(resume, work, file)
    }

    fn open(&self, file: u8, sealed: &[u8], resume: bool) -> Result<Vec<u8>, Failure> {
        let work = |sink: &mut Sink, unlocked: &Unlocked, progress: &mut Progress| {
            let source = Source {
                from: sealed,
                name: "in",
            };
            open::open(source, sink, unlocked, progress)
        };
        self.run(resume, work, file)
    }

    fn refused(&self, sealed: &[u8]) -> Failure {
        let failure = self.open(1, sealed, false).unwrap_err();
        assert_eq!(failure.exit, Exit::Integrity, "{failure:?}");
        let left = std::fs::read_dir(self.directory.path()).unwrap().count();
        assert_eq!(left, 0, "something was left");
        failure
    }

    /// What an earlier run left.
    fn leave(&self, bytes: &[u8]) {
        std::fs::write(self.path(".out.keyward-part"), bytes).unwrap();
    }
}

fn data(length: usize) -> Vec<u8> {
    (0..length)
        .map(|index| (index * 31 + index / 251) as u8)
        .collect()
}

#[test]
fn data_of_every_length_around_a_chunk_come_back_and_are_as_long_as_documented() {
    let rig = Rig::new();
    for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 5 * CHUNK + 17] {
        let data = data(length);
        let sealed = rig.seal(1, &data, false).unwrap();
        let chunks = length.div_ceil(CHUNK).max(1);
        assert_eq!(sealed.len(), length + chunks * CHUNK_OVERHEAD);
        assert_eq!(rig.open(1, &sealed, false).unwrap(), data);
    }
}

#[test]
fn a_changed_byte_anywhere_is_noticed_and_nothing_is_left() {
    let rig = Rig::new();
    let sealed = rig.seal(1, &data(2 * CHUNK + 100), false).unwrap();
    for place in (0..sealed.len()).step_by(97) {
        let mut bad = sealed.clone();
        bad[place] ^= 0x80;
        rig.refused(&bad);
    }
}

#[test]
fn a_file_that_ends_early_is_noticed_wherever_it_ends() {
    let rig = Rig::new();
    let sealed = rig.seal(1, &data(3 * CHUNK), false).unwrap();
    for length in (0..sealed.len())
        .step_by(211)
        .chain([SEALED, 2 * SEALED, sealed.len() - 1])
    {
        let failure = rig.refused(&sealed[..length]);
        assert_eq!(
            failure.what.contains("ends too early"),
            length % SEALED == 0,
            "{length}: {failure:?}"
        );
    }
}

#[test]
fn chunks_that_are_moved_repeated_left_out_added_or_from_another_file_are_noticed() {
    let rig = Rig::new();
    let sealed = rig.seal(1, &data(4 * CHUNK), false).unwrap();
    let other = rig.seal(2, &data(4 * CHUNK), false).unwrap();
    let chunk = |index: usize| &sealed[index * SEALED..(index + 1) * SEALED];
    let foreign = &other[SEALED..2 * SEALED];
    for order in [
        [chunk(1), chunk(0), chunk(2), chunk(3)].concat(),
        [chunk(0), chunk(2), chunk(3)].concat(),
        [chunk(0), chunk(1), chunk(1), chunk(2), chunk(3)].concat(),
        [chunk(0), chunk(1), chunk(3), chunk(2)].concat(),
        [chunk(0), foreign, chunk(2), chunk(3)].concat(),
        [&sealed[..], chunk(3)].concat(),
        [&sealed[..], b"x"].concat(),
        other.clone(),
    ] {
        rig.refused(&order);
    }
}

#[test]
fn sealing_goes_on_wherever_an_earlier_run_stopped() {
    let rig = Rig::new();
    let data = data(3 * CHUNK + 5);
    let whole = rig.seal(1, &data, false).unwrap();
    for length in [
        0,
        1,
        SEALED - 1,
        SEALED,
        SEALED + 1,
        3 * SEALED,
        whole.len(),
    ] {
        rig.leave(&whole[..length]);
        let resumed = rig.seal(1, &data, true).unwrap();
        let kept = length / SEALED * SEALED;
        assert_eq!(resumed[..kept], whole[..kept], "complete chunks are kept");
        assert_eq!(rig.open(1, &resumed, false).unwrap(), data, "{length}");
    }
    // What a power cut leaves may be long enough and not written.
    let mut holed = whole.clone();
    holed[SEALED..].fill(0);
    rig.leave(&holed);
    let resumed = rig.seal(1, &data, true).unwrap();
    assert_eq!(rig.open(1, &resumed, false).unwrap(), data);
    rig.leave(&[&whole[..], b"more"].concat());
    let resumed = rig.seal(1, &data, true).unwrap();
    assert_eq!(resumed, whole, "what follows the end is cut off");
}

#[test]
fn data_that_changed_meanwhile_are_not_mixed() {
    let rig = Rig::new();
    let mut data = data(3 * CHUNK);
    let whole = rig.seal(1, &data, false).unwrap();
    rig.leave(&whole[..2 * SEALED]);
    data[CHUNK] ^= 1;
    let failure = rig.seal(1, &data, true).unwrap_err();
    assert!(failure.what.contains("other data"), "{failure:?}");
}

#[test]
fn opening_goes_on_wherever_an_earlier_run_stopped_whatever_it_left() {
    let rig = Rig::new();
    let data = data(3 * CHUNK + 5);
    let sealed = rig.seal(1, &data, false).unwrap();
    for length in [0, 1, CHUNK, CHUNK + 1, data.len()] {
        rig.leave(&data[..length]);
        assert_eq!(rig.open(1, &sealed, true).unwrap(), data);
    }
    rig.leave(&vec![9; data.len() + 100]);
    assert_eq!(rig.open(1, &sealed, true).unwrap(), data);
}

#[test]
fn a_second_run_on_the_same_file_is_refused() {
    let rig = Rig::new();
    let path = rig.path("out");
    let first = Part::open(&path, Existing::Keep, false).unwrap();
    let second = Part::open(&path, Existing::Keep, false);
    assert!(second.is_err_and(|failure| failure.what.contains("another run")));
    drop(first);
    assert!(Part::open(&path, Existing::Keep, false).is_ok());
}

#[test]
fn more_than_there_is_room_for_is_refused_beforehand() {
    let rig = Rig::new();
    let part = Part::open(&rig.path("out"), Existing::Keep, false).unwrap();
    assert!(part.check_room(1).is_ok());
    assert!(part.check_room(u64::MAX).unwrap_err().what.contains("free"));
}

/// Written by the first release with this format; `KEYWARD_BLESS=1` writes a new one, which only a new format may do.
#[test]
#[allow(clippy::disallowed_methods, reason = "a test may read its environment")]
fn the_golden_file_of_format_1_opens_for_ever() {
    let rig = Rig::new();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/file-v1.kwf");
    let header = Prefix::new([1; 16], 0).with_chunks_of(LOG2).to_bytes();
    if std::env::var_os("KEYWARD_BLESS").is_some() && !golden.exists() {
        let sealed = rig.seal(1, &data(CHUNK + 100), false).unwrap();
        std::fs::write(&golden, [&header[..], &sealed].concat()).unwrap();
    }
    let bytes = std::fs::read(&golden).unwrap();
    let (prefix, chunks) = bytes.split_first_chunk().unwrap();
    assert_eq!(Prefix::parse(prefix).unwrap().to_bytes(), header);
    assert_eq!(rig.open(1, chunks, false).unwrap(), data(CHUNK + 100));
}
