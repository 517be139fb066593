//! What several test programs share.
#![allow(dead_code, reason = "each test program uses a part of it")]
use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use keyward_engine::ports::store::{Batch, Change, Expect, RowKey, Store, Table};
use keyward_store::SqliteOptions;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};
use tempfile::TempDir;

/// A temporary directory in memory where there is one: for tests that commit a lot and are not about durability.
pub fn fast_directory() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("a temporary directory")
}

/// Options for small places.
pub fn without_reserve() -> SqliteOptions {
    SqliteOptions {
        reserve_bytes: 0,
        ..SqliteOptions::default()
    }
}

pub fn key(name: &[u8]) -> RowKey {
    RowKey {
        table: Table::Object,
        key: name.to_vec(),
    }
}

/// A batch that writes the row's next version.
pub fn swap(name: &[u8], expected: u64, value: &[u8]) -> Batch {
    let put = Change::Put {
        row: key(name),
        version: expected + 1,
        value: value.to_vec(),
    };
    let expect = vec![Expect {
        row: key(name),
        version: expected,
    }];
    Batch {
        expect,
        changes: vec![put],
        urgent: false,
    }
}

pub fn urgent(batch: Batch) -> Batch {
    Batch {
        urgent: true,
        ..batch
    }
}

/// The row's version, 0 if it is absent.
pub fn version(store: &dyn Store, name: &[u8]) -> u64 {
    store
        .get(&key(name))
        .expect("a read")
        .map_or(0, |row| row.version)
}

/// Runs the rest of the named test again, as a process of its own that sees a file system in memory of this size at
/// the path given to `body`. The caller must be the test of that name. A machine that cannot do it fails the test.
pub fn on_small_disk(test: &str, megabytes: u32, body: impl FnOnce(&Path)) {
    const INSIDE: &str = "KEYWARD_TEST_SMALL_DISK";
    if let Some(directory) = env::var_os(INSIDE) {
        return body(&PathBuf::from(directory));
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut arguments: Vec<OsString> = vec!["--mount".into()];
    if !rustix::process::geteuid().is_root() {
        arguments.extend(["--user".into(), "--map-root-user".into()]);
    }
    let script = format!("mount -t tmpfs -o size={megabytes}m tmpfs \"$0\" && exec \"$@\"");
    arguments.extend([
        "sh".into(),
        "-c".into(),
        script.into(),
        directory.path().into(),
    ]);
    arguments.push(env::current_exe().expect("this program").into());
    arguments.extend(["--exact".into(), test.into(), "--nocapture".into()]);
    let output = Command::new("unshare")
        .args(arguments)
        .env(INSIDE, directory.path())
        .output();
    let output = output.expect("unshare(1) of util-linux runs");
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "on a small disk:\n{text}");
    assert!(
        text.contains("1 passed"),
        "the test did not run on a small disk:\n{text}"
    );
}

/// Remounts the small disk read-only or writable.
pub fn remount(directory: &Path, how: &str) {
    let status = Command::new("mount")
        .args(["-o", &format!("remount,{how}")])
        .arg(directory)
        .status();
    assert!(status.expect("mount(8) runs").success());
}

/// A system call that fails, everywhere or only on one open file.
pub struct Failing {
    pub call: i64,
    pub on: Option<i32>,
    pub errno: i32,
}

/// Runs `body` on a thread of its own on which these system calls fail. The other threads notice nothing.
pub fn with_failing<T: Send>(failing: &[Failing], body: impl FnOnce() -> T + Send) -> T {
    let programs: Vec<BpfProgram> = failing.iter().map(program).collect();
    thread::scope(|scope| {
        let thread = scope.spawn(move || {
            for program in &programs {
                seccompiler::apply_filter(program).expect("a system call filter");
            }
            body()
        });
        thread.join().expect("the thread with failing system calls")
    })
}

fn program(failing: &Failing) -> BpfProgram {
    let rules = match failing.on {
        None => Vec::new(),
        Some(file) => {
            let file = u64::try_from(file).expect("an open file");
            let is_file =
                SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, file).unwrap();
            vec![SeccompRule::new(vec![is_file]).unwrap()]
        }
    };
    let errno = u32::try_from(failing.errno).expect("an error number");
    let architecture: TargetArch = env::consts::ARCH.try_into().expect("a known machine");
    let filter = SeccompFilter::new(
        BTreeMap::from([(failing.call, rules)]),
        SeccompAction::Allow,
        SeccompAction::Errno(errno),
        architecture,
    );
    filter.and_then(TryInto::try_into).expect("a filter")
}

/// The numbers under which this process has the file open.
pub fn open_files(path: &Path) -> Vec<i32> {
    let path = path.canonicalize().expect("the file is there");
    let open = fs::read_dir("/proc/self/fd")
        .expect("/proc")
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let target = fs::read_link(entry.path()).ok()?;
            (target == path).then(|| entry.file_name().to_str()?.parse().ok())?
        });
    open.collect()
}
