//! The `keyward-assess` executable.
use std::path::PathBuf;
use std::sync::Arc;
fn main() {
    let targets: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let progress = Arc::default();
    let outcome = keyward_assess::walk::scan(&targets, &Default::default(), &progress).unwrap();
    for f in &outcome.findings { println!("{} {} {:?} {} | {}", f.kind.as_str(), f.format, f.location.offset, f.location.full_path(), f.evidence); }
    eprintln!("{}", serde_json::to_string(&outcome.coverage).unwrap());
}
