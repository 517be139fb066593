//! What may be inside the server: crates, symbols and licences.
//!
//! The product says that one validated module computes on keys. These gates look at what cargo resolved and at what the
//! linker produced, so that the sentence stays true when a dependency changes.
pub mod licences;
pub mod symbols;
pub mod tree;

use std::path::Path;

use crate::{Outcome, workspace};

/// The crate whose executable is the product.
pub const PRODUCT: &str = "keyward-cli";
/// Everything that ends up in a process that holds keys or speaks to one.
pub const PRODUCT_PARTS: &[&str] = &[PRODUCT, "keyward-server", "keyward-client"];

/// One line of `cargo tree`: a crate that is built for the product on this platform.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Built {
    /// Its name.
    pub name: String,
    /// Its version, with a leading `v`.
    pub version: String,
    /// Its licence expression.
    pub licence: String,
}

/// What is built for these members, with or without what their build scripts use.
pub fn built(root: &Path, packages: &[&str], edges: &str) -> Outcome<Vec<Built>> {
    let mut arguments = vec![
        "tree", "--locked", "-e", edges, "--prefix", "none", "--format", "{p}\t{l}",
    ];
    arguments.extend(packages.iter().flat_map(|package| ["-p", package]));
    let text = workspace::output(root, "cargo", &arguments)?;
    let mut crates: Vec<Built> = text.lines().filter_map(parse).collect();
    crates.sort();
    crates.dedup();
    Ok(crates)
}

/// `name v1.2.3 (source)<tab>licence`, with ` (*)` where cargo has shown the crate before.
fn parse(line: &str) -> Option<Built> {
    let (package, licence) = line.trim_end_matches(" (*)").split_once('\t')?;
    let mut words = package.split(' ');
    let (name, version) = (words.next()?, words.next()?);
    Some(Built {
        name: name.to_owned(),
        version: version.to_owned(),
        licence: licence.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_tree_is_read() {
        let line = "keyward-core v0.1.0 (/somewhere/crates/keyward-core)\tApache-2.0";
        let expected = Built {
            name: "keyward-core".into(),
            version: "v0.1.0".into(),
            licence: "Apache-2.0".into(),
        };
        assert_eq!(parse(line), Some(expected));
        assert_eq!(parse(&format!("{line} (*)")), parse(line));
        assert_eq!(parse(""), None);
    }

    #[test]
    fn the_tree_of_this_program_is_read_from_cargo() {
        let crates = built(&workspace::root(), &["xtask"], "normal").unwrap_or_default();
        assert!(
            crates
                .iter()
                .any(|built| built.name == "toml" && built.licence.contains("MIT"))
        );
    }
}
