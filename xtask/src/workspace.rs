//! Where the project is on disk, how its files are read and how other programs are asked.
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Failure, Outcome};

/// The root of the repository, found from this crate's own place in it.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Reads a text file; the message names the file.
pub fn read(path: &Path) -> Outcome<String> {
    fs::read_to_string(path).map_err(|error| Failure(format!("{}: {error}", path.display())))
}

/// Writes a text file, making its directory.
pub fn write(path: &Path, text: &str) -> Outcome {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)
            .map_err(|error| Failure(format!("{}: {error}", directory.display())))?;
    }
    fs::write(path, text).map_err(|error| Failure(format!("{}: {error}", path.display())))
}

/// The path from the root, with `/` between its parts.
pub fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .to_string_lossy()
        .replace('\\', "/")
}

/// What a program printed; its failure carries what it said.
pub fn output(root: &Path, program: &str, arguments: &[&str]) -> Outcome<String> {
    let shown = || format!("{program} {}", arguments.join(" "));
    let done = Command::new(program)
        .args(arguments)
        .current_dir(root)
        .output()
        .map_err(|error| Failure(format!("{}: {error}", shown())))?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        return Err(Failure(format!(
            "{}: {}\n{}",
            shown(),
            done.status,
            said.trim_end()
        )));
    }
    String::from_utf8(done.stdout).map_err(|error| Failure(format!("{}: {error}", shown())))
}

/// The files of the repository: those git tracks and those it would track.
pub fn files(root: &Path) -> Outcome<Vec<String>> {
    let listed = output(
        root,
        "git",
        &[
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ],
    )?;
    let mut names: Vec<String> = listed
        .split('\0')
        .map(str::to_owned)
        .filter(|name| !name.is_empty() && root.join(name).is_file())
        .collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// Where cargo puts what it builds.
pub fn target_directory(root: &Path) -> Outcome<PathBuf> {
    let text = output(
        root,
        "cargo",
        &[
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ],
    )?;
    let metadata: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| Failure(format!("cargo metadata: {error}")))?;
    let directory = metadata
        .get("target_directory")
        .and_then(serde_json::Value::as_str);
    directory
        .map(PathBuf::from)
        .ok_or_else(|| Failure("cargo metadata: no target directory".to_owned()))
}
