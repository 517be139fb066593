//! Which crate may use which: the shape of the product, kept by a program.
//!
//! The table is the rule; a new crate gets a row, with its reason in ARCHITECTURE.md. Only what ships is bound by it:
//! dev-dependencies may reach further, because a test has to put the parts together.
use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::violation::Violation;
use crate::{Failure, Outcome, workspace};

/// What one crate may depend on.
struct Layer {
    name: &'static str,
    ours: &'static [&'static str],
    why: &'static str,
}

const CORE: &str = "keyward-core";

const LAYERS: &[Layer] = &[
    Layer {
        name: CORE,
        ours: &[],
        why: "the core is pure and stands alone",
    },
    Layer {
        name: "keyward-policy",
        ours: &[CORE],
        why: "authorisation is a decision, made from what the core describes",
    },
    Layer {
        name: "keyward-engine",
        ours: &[CORE, "keyward-policy"],
        why: "the engine knows ports, never an adapter behind one",
    },
    Layer {
        name: "keyward-store",
        ours: &[CORE, "keyward-engine"],
        why: "an adapter knows the port it implements",
    },
    Layer {
        name: "keyward-module-awslc",
        ours: &[CORE, "keyward-engine"],
        why: "an adapter knows the port it implements",
    },
    Layer {
        name: "keyward-module-pkcs11",
        ours: &[CORE, "keyward-engine"],
        why: "an adapter knows the port it implements",
    },
    Layer {
        name: "keyward-tls",
        ours: &[],
        why: "TLS is a library of its own",
    },
    Layer {
        name: "keyward-protocol",
        ours: &[CORE],
        why: "a codec translates; it must have no way to the engine",
    },
    Layer {
        name: "keyward-kmip",
        ours: &[CORE],
        why: "a codec translates; it must have no way to the engine",
    },
    Layer {
        name: "keyward-server",
        ours: &[
            CORE,
            "keyward-policy",
            "keyward-engine",
            "keyward-store",
            "keyward-module-awslc",
            "keyward-module-pkcs11",
            "keyward-tls",
            "keyward-protocol",
            "keyward-kmip",
        ],
        why: "the composition root puts the parts together, and nothing above it belongs to the server",
    },
    Layer {
        name: "keyward-client",
        ours: &[CORE, "keyward-protocol", "keyward-tls"],
        why: "a client shares words and codecs with the server, never its parts",
    },
    Layer {
        name: "keyward-pkcs11",
        ours: &[CORE, "keyward-client"],
        why: "the library for applications is a client",
    },
    Layer {
        name: "keyward-cli",
        ours: &[
            CORE,
            "keyward-server",
            "keyward-client",
            "keyward-protocol",
            "keyward-tls",
            "keyward-module-awslc",
        ],
        why: "the command line starts the server or talks to it; it verifies logs offline with the module's hash",
    },
    Layer {
        name: "keyward-assess",
        ours: &[CORE],
        why: "the scanner is a separate program; only the algorithm table is shared",
    },
    Layer {
        name: "keyward-report",
        ours: &[CORE],
        why: "the reporter is a separate program; only the vocabulary is shared",
    },
    Layer {
        name: "keyward-testkit",
        ours: &[
            CORE,
            "keyward-policy",
            "keyward-engine",
            "keyward-store",
            "keyward-module-awslc",
            "keyward-tls",
            "keyward-protocol",
            "keyward-client",
        ],
        why: "test aids stand beside the parts they test",
    },
    Layer {
        name: "keyward-fuzz",
        ours: &[
            CORE,
            "keyward-policy",
            "keyward-engine",
            "keyward-store",
            "keyward-module-awslc",
            "keyward-tls",
            "keyward-protocol",
            "keyward-server",
            "keyward-assess",
        ],
        why: "it feeds every decoder there is, and is never shipped",
    },
    Layer {
        name: "xtask",
        ours: &[],
        why: "automation must build when the product does not",
    },
];

/// Everything else the core may use: encoding, wiping, error derives, Unicode normalisation.
const CORE_EXTERNAL: &[&str] = &["minicbor", "zeroize", "thiserror", "unicode-normalization"];

/// The only crates that may name the validated module.
const MODULE_USERS: &[&str] = &["keyward-module-awslc", "keyward-tls"];

/// Feature names that would promise to change what the product does.
const FEATURES_BANNED: &[&str] = &["fips", "non-fips", "insecure", "test", "testing"];

/// What `cargo metadata` says about the members of the workspace.
#[derive(Debug, Deserialize)]
pub struct Metadata {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    manifest_path: String,
    dependencies: Vec<Dependency>,
    features: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    optional: bool,
}

impl Metadata {
    /// Asks cargo about the members; it needs no network for that.
    pub fn load(root: &Path) -> Outcome<Self> {
        let text = workspace::output(
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
        serde_json::from_str(&text).map_err(|error| Failure(format!("cargo metadata: {error}")))
    }
}

/// Checks every member.
pub fn check(root: &Path, metadata: &Metadata) -> Outcome<Vec<Violation>> {
    let mut found = Vec::new();
    for package in &metadata.packages {
        let manifest = workspace::relative(root, Path::new(&package.manifest_path));
        let text = workspace::read(Path::new(&package.manifest_path))?;
        found.extend(check_package(package, &manifest, &text));
        found.extend(check_table_use(&manifest, &text)?);
    }
    Ok(found)
}

fn check_package(package: &Package, manifest: &str, text: &str) -> Vec<Violation> {
    let name = package.name.as_str();
    let mut found = Vec::new();
    let Some(layer) = LAYERS.iter().find(|layer| layer.name == name) else {
        return vec![Violation::new(
            manifest,
            0,
            format!("crate `{name}` has no place in the layers"),
            "a crate must earn its place: an import rule, another artefact, a heavy or unsafe dependency, or test only",
            "give it a row in xtask/src/tidy/layers.rs and a line in ARCHITECTURE.md, or make it a module",
        )];
    };
    for dependency in &package.dependencies {
        let line = line_of(text, &dependency.name);
        let shipped = dependency.kind.as_deref() != Some("dev");
        if let Some((why, instead)) = objection(layer, dependency, shipped) {
            found.push(Violation::new(
                manifest,
                line,
                format!("`{name}` depends on `{}`", dependency.name),
                why,
                instead,
            ));
        }
    }
    found.extend(check_features(package, manifest, text));
    found
}

/// Why a crate must not have this dependency, and what to do instead.
fn objection(layer: &Layer, dependency: &Dependency, shipped: bool) -> Option<(String, String)> {
    let wanted = dependency.name.as_str();
    let ours = wanted.starts_with("keyward-");
    // A pure crate tests its parts with real hashes; the raw symbols stay where `unsafe` is reviewed.
    let test_aid = !shipped && wanted == "aws-lc-rs";
    if wanted.starts_with("aws-lc-") && !MODULE_USERS.contains(&layer.name) && !test_aid {
        let why = "one crate computes on keys, so that one crate is reviewed for it".to_owned();
        return Some((
            why,
            "go through the Module port; tests may have aws-lc-rs as a dev-dependency".to_owned(),
        ));
    }
    if !shipped {
        return None;
    }
    if wanted == "keyward-testkit" {
        let why = "test doubles must not be reachable from anything that ships".to_owned();
        return Some((why, "make it a dev-dependency".to_owned()));
    }
    if ours && !layer.ours.contains(&wanted) {
        let allowed = if layer.ours.is_empty() {
            "none of ours".to_owned()
        } else {
            layer.ours.join(", ")
        };
        return Some((
            layer.why.to_owned(),
            format!("it may use {allowed}; move what is needed to a layer both can see"),
        ));
    }
    if layer.name == CORE && !ours && !CORE_EXTERNAL.contains(&wanted) {
        let why =
            "the core is reviewed in isolation; every crate in it is reviewed with it".to_owned();
        return Some((
            why,
            format!(
                "it may use {}; hand in the result as a value instead",
                CORE_EXTERNAL.join(", ")
            ),
        ));
    }
    None
}

fn check_features(package: &Package, manifest: &str, text: &str) -> Vec<Violation> {
    let optional = |name: &str| {
        package
            .dependencies
            .iter()
            .any(|dependency| dependency.optional && dependency.name == name)
    };
    let named: Vec<&String> = package
        .features
        .keys()
        .filter(|name| *name != "default" && !optional(name))
        .collect();
    let mut found = Vec::new();
    if named.len() > 2 {
        found.push(Violation::new(
            manifest,
            line_of(text, "[features]"),
            format!("{} features", named.len()),
            "every feature doubles the products that have to be tested",
            "at most 2 per crate; make it a setting or a crate",
        ));
    }
    for name in named
        .into_iter()
        .filter(|name| FEATURES_BANNED.contains(&name.as_str()))
    {
        found.push(Violation::new(
            manifest,
            line_of(text, name),
            format!("feature `{name}`"),
            "cargo unifies features, so a feature must never change behaviour; approval is a table and a run-time status",
            "a table row, a setting that is reported, or a crate the product cannot depend on",
        ));
    }
    found
}

/// Every dependency stands once, in the workspace table, with its reason.
fn check_table_use(manifest: &str, text: &str) -> Outcome<Vec<Violation>> {
    let document: toml::Table =
        toml::from_str(text).map_err(|error| Failure(format!("{manifest}: {error}")))?;
    let mut found = Vec::new();
    for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let Some(entries) = document.get(section).and_then(toml::Value::as_table) else {
            continue;
        };
        for (name, entry) in entries {
            let inherits = entry.get("workspace").and_then(toml::Value::as_bool) == Some(true);
            if !inherits {
                found.push(Violation::new(
                    manifest,
                    line_of(text, name),
                    format!("`{name}` is not taken from the workspace table"),
                    "one version and one reason for each dependency, in one place",
                    format!("add it to [workspace.dependencies] with its reason and write `{name} = {{ workspace = true }}`"),
                ));
            }
        }
    }
    Ok(found)
}

/// The line (from 1) that starts with this word; 0 if there is none.
fn line_of(text: &str, word: &str) -> usize {
    let starts = |line: &str| {
        line.strip_prefix(word).is_some_and(|rest| {
            !rest.starts_with(|next: char| next.is_alphanumeric() || next == '-' || next == '_')
        })
    };
    text.lines()
        .position(|line| starts(line.trim_start()))
        .map_or(0, |place| place + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
        let dependencies = dependencies
            .iter()
            .map(|(name, kind)| Dependency {
                name: (*name).to_owned(),
                kind: kind.map(str::to_owned),
                optional: false,
            })
            .collect();
        Package {
            name: name.to_owned(),
            manifest_path: String::new(),
            dependencies,
            features: BTreeMap::new(),
        }
    }

    fn objections(name: &str, dependencies: &[(&str, Option<&str>)]) -> usize {
        check_package(&package(name, dependencies), "Cargo.toml", "").len()
    }

    #[test]
    fn the_core_uses_none_of_ours_and_four_others() {
        let allowed: Vec<(&str, Option<&str>)> =
            CORE_EXTERNAL.iter().map(|name| (*name, None)).collect();
        assert_eq!(objections(CORE, &allowed), 0);
        assert!(CORE_EXTERNAL.len() <= 4);
        assert_eq!(objections(CORE, &[("serde", None)]), 1);
        assert_eq!(objections(CORE, &[("keyward-engine", None)]), 1);
        assert_eq!(objections(CORE, &[("proptest", Some("dev"))]), 0);
    }

    #[test]
    fn no_codec_reaches_the_engine_or_an_adapter() {
        for codec in ["keyward-protocol", "keyward-kmip"] {
            for behind in [
                "keyward-engine",
                "keyward-store",
                "keyward-module-awslc",
                "keyward-server",
            ] {
                assert_eq!(
                    objections(codec, &[(behind, None)]),
                    1,
                    "{codec} -> {behind}"
                );
            }
            assert_eq!(objections(codec, &[(CORE, None)]), 0);
        }
    }

    #[test]
    fn only_two_crates_name_the_validated_module() {
        for layer in LAYERS {
            let banned = usize::from(!MODULE_USERS.contains(&layer.name));
            for module in [
                ("aws-lc-rs", None),
                ("aws-lc-rs", Some("build")),
                ("aws-lc-fips-sys", Some("dev")),
            ] {
                assert_eq!(
                    objections(layer.name, &[module]),
                    banned,
                    "{} {module:?}",
                    layer.name
                );
            }
            assert_eq!(objections(layer.name, &[("aws-lc-rs", Some("dev"))]), 0);
        }
    }

    #[test]
    fn test_doubles_are_for_tests() {
        assert_eq!(
            objections("keyward-server", &[("keyward-testkit", None)]),
            1
        );
        assert_eq!(
            objections("keyward-server", &[("keyward-testkit", Some("build"))]),
            1
        );
        assert_eq!(
            objections("keyward-server", &[("keyward-testkit", Some("dev"))]),
            0
        );
    }

    #[test]
    fn the_scanner_sees_the_core_alone() {
        for layer in LAYERS
            .iter()
            .filter(|layer| layer.name.starts_with("keyward-"))
        {
            assert_eq!(
                objections("keyward-assess", &[(layer.name, None)]),
                usize::from(layer.name != CORE)
            );
        }
    }

    #[test]
    fn the_layers_have_no_circle() {
        let mut placed: Vec<&str> = Vec::new();
        for _ in LAYERS {
            for layer in LAYERS {
                if !placed.contains(&layer.name)
                    && layer.ours.iter().all(|name| placed.contains(name))
                {
                    placed.push(layer.name);
                }
            }
        }
        assert_eq!(placed.len(), LAYERS.len());
    }

    #[test]
    fn an_unknown_crate_and_a_feature_that_changes_behaviour_are_found() {
        assert_eq!(objections("keyward-extra", &[]), 1);
        let mut changed = package("keyward-server", &[]);
        changed.features.insert("insecure".to_owned(), Vec::new());
        assert_eq!(check_package(&changed, "Cargo.toml", "").len(), 1);
    }

    #[test]
    fn a_dependency_beside_the_workspace_table_is_found_with_its_line() {
        let text =
            "[dependencies]\nserde = { workspace = true }\ntoml = \"1\"\nlog.workspace = true\n";
        let found =
            check_table_use("Cargo.toml", text).unwrap_or_else(|Failure(text)| panic!("{text}"));
        let places: Vec<usize> = found.iter().map(|violation| violation.line).collect();
        assert_eq!(places, [3]);
    }
}
