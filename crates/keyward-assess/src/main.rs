//! The `keyward-assess` executable.
use std::path::PathBuf;
use std::sync::Arc;
fn main() {
    let targets: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let progress = Arc::default();
    let outcome = keyward_assess::walk::scan(&targets, &Default::default(), &progress).unwrap();
    println!("{}", serde_json::json!({"findings": outcome.findings, "coverage": outcome.coverage}));
}
