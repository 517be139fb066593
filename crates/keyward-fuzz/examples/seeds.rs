//! Writes the seeds and regressions of every target below a directory, one file each: where libFuzzer starts from.
use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    let directory = std::env::args_os()
        .nth(1)
        .map_or_else(|| PathBuf::from("fuzz/corpus"), PathBuf::from);
    for target in keyward_fuzz::TARGETS {
        let to = directory.join(target.name);
        std::fs::create_dir_all(&to)?;
        for (number, seed) in (target.seeds)().iter().enumerate() {
            std::fs::write(to.join(format!("seed-{number}")), seed)?;
        }
        let regressions = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("regressions")
            .join(target.name);
        for entry in std::fs::read_dir(regressions).into_iter().flatten() {
            let entry = entry?;
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}
