//! Cryptographic libraries in dependency manifests, lock files and the databases of installed packages.

use std::collections::BTreeSet;
use std::collections::HashSet;
use std::sync::LazyLock;

use crate::detect::Scan;
use crate::finding::{Confidence, Finding, Kind, clip};

/// Largest manifest read.
const MAX_FILE: usize = 64 << 20;

static LIBRARIES: LazyLock<HashSet<String>> = LazyLock::new(|| {
    include_str!("libraries.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::split_whitespace)
        .map(str::to_ascii_lowercase)
        .collect()
});

static PACKAGES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    include_str!("packages.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::split_whitespace)
        .collect()
});

/// How a manifest is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// `name = "x"` and `version = "y"` on lines of their own.
    NameLines,
    /// `x==1.0`, `x (1.0)`, `x 1.0`: the name begins the line.
    First,
    /// Names are quoted.
    Quoted,
    /// XML elements.
    Xml,
    /// Stanzas `Package:`/`Version:` of dpkg.
    Dpkg,
    /// Stanzas `P:`/`V:` of apk.
    Apk,
    /// `Name:`/`Version:` of one installed Python package, or of a Java archive.
    Single,
}

/// The shape a file name stands for.
fn shape(path: &str) -> Option<Shape> {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    Some(match name.as_str() {
        "cargo.lock" | "poetry.lock" | "uv.lock" | "pdm.lock" => Shape::NameLines,
        "go.mod" | "go.sum" | "gemfile.lock" | "podfile.lock" | "paket.lock" | "pubspec.lock"
        | "gradle.lockfile" | "conanfile.txt" | "environment.yml" | "cargo.toml" | "pipfile"
        | "yarn.lock" | "constraints.txt" | "vendor/modules.txt" | "pubspec.yaml" | "mix.lock" => {
            Shape::First
        }
        "package-lock.json"
        | "npm-shrinkwrap.json"
        | "package.json"
        | "composer.json"
        | "composer.lock"
        | "pipfile.lock"
        | "packages.lock.json"
        | "project.assets.json"
        | "package.resolved"
        | "conan.lock"
        | "vcpkg.json"
        | "build.gradle"
        | "build.gradle.kts"
        | "libs.versions.toml"
        | "build.sbt"
        | "gemfile"
        | "pyproject.toml"
        | "setup.py"
        | "pnpm-lock.yaml"
        | "mix.exs"
        | "package.swift"
        | "bun.lock"
        | "setup.cfg"
        | "conanfile.py"
        | "deps.json"
        | ".package-lock.json" => Shape::Quoted,
        "pom.xml" | "packages.config" | "directory.packages.props" | "ivy.xml" => Shape::Xml,
        "status" if path.ends_with("dpkg/status") => Shape::Dpkg,
        "installed" if path.ends_with("apk/db/installed") => Shape::Apk,
        "metadata" | "pkg-info" if path.contains("-info/") => Shape::Single,
        "pom.properties" => Shape::Single,
        _ if path.contains("/dpkg/status.d/") => Shape::Dpkg,
        _ if name.starts_with("requirements") && name.ends_with(".txt") => Shape::First,
        _ if name.ends_with(".csproj")
            || name.ends_with(".fsproj")
            || name.ends_with(".nuspec") =>
        {
            Shape::Xml
        }
        _ if name.ends_with(".deps.json") => Shape::Quoted,
        _ if name.ends_with(".gemspec") => Shape::Quoted,
        _ => return None,
    })
}

/// Reads a manifest if its name says it is one.
pub fn file(scan: &mut Scan<'_>, data: &[u8]) {
    let path = scan
        .place
        .members
        .last()
        .unwrap_or(&scan.place.path)
        .clone();
    let Some(shape) = shape(&path) else { return };
    if data.len() > MAX_FILE {
        scan.gap("too-large", "manifest larger than 64 MiB");
        return;
    }
    let text = String::from_utf8_lossy(data);
    match shape {
        Shape::Dpkg => stanzas(scan, &text, "Package: ", "Version: "),
        Shape::Apk => stanzas(scan, &text, "P:", "V:"),
        Shape::Single => single(scan, &text),
        other => lines(scan, other, &text),
    }
}

/// Looks a name up; the longest path of a Go module that is in the list counts.
fn known(name: &str) -> Option<String> {
    let name = name.trim().to_ascii_lowercase();
    if LIBRARIES.contains(&name) {
        return Some(name);
    }
    let mut cut = name.as_str();
    while let Some((before, _)) = cut.rsplit_once('/') {
        if before.contains('/') && LIBRARIES.contains(before) {
            return Some(before.to_owned());
        }
        cut = before;
    }
    None
}

/// The names a line may hold, for a shape.
fn names(shape: Shape, line: &str) -> Vec<String> {
    match shape {
        Shape::NameLines => line
            .strip_prefix("name = ")
            .map(|name| vec![name.trim_matches('"').to_owned()])
            .unwrap_or_default(),
        Shape::First => {
            let line = line
                .trim_start_matches("require ")
                .trim_start_matches("- ")
                .trim_start_matches(['"', '\'']);
            // an npm scope begins with '@'; elsewhere '@' ends the name
            let (scope, rest) = match line.strip_prefix('@') {
                Some(rest) => ("@", rest),
                None => ("", line),
            };
            let end = rest
                .find(|c: char| c.is_whitespace() || "=<>~!;,()[]\"'@".contains(c))
                .unwrap_or(rest.len());
            let word = rest.get(..end).unwrap_or_default().trim_end_matches(':');
            // gradle.lockfile: group:name:version
            let parts: Vec<&str> = word.split(':').collect();
            match parts.as_slice() {
                [_, name, _] => vec![(*name).to_owned()],
                _ => vec![format!("{scope}{word}")],
            }
        }
        Shape::Quoted => line
            .split(['"', '\''])
            .enumerate()
            .filter(|(index, _)| index % 2 == 1)
            .flat_map(|(_, word)| {
                let word = word.rsplit("node_modules/").next().unwrap_or(word);
                let parts: Vec<&str> = word.split(':').collect();
                let name = match parts.as_slice() {
                    [_, name, ..] => *name,
                    _ => word,
                };
                let start = name
                    .find(['>', '<', '=', '~', '^', '[', ' ', ';'])
                    .unwrap_or(name.len());
                let bare = name.get(..start).unwrap_or(name);
                // name/version of .deps.json
                let first = bare.split('/').next().unwrap_or(bare);
                vec![bare.to_owned(), first.to_owned()]
            })
            .collect(),
        Shape::Xml => {
            let element = line
                .strip_prefix("<artifactId>")
                .and_then(|rest| rest.split('<').next());
            let attribute = ["Include=\"", "id=\"", "name=\""]
                .iter()
                .find_map(|mark| line.split_once(mark)?.1.split('"').next());
            element
                .into_iter()
                .chain(attribute)
                .map(str::to_owned)
                .collect()
        }
        Shape::Dpkg | Shape::Apk | Shape::Single => Vec::new(),
    }
}

/// Line-oriented manifests.
fn lines(scan: &mut Scan<'_>, shape: Shape, text: &str) {
    let lines: Vec<&str> = text.lines().collect();
    let mut seen = BTreeSet::new();
    for (index, line) in lines.iter().enumerate() {
        let line = line.trim();
        if line.starts_with(['#', '/']) {
            continue;
        }
        for name in names(shape, line) {
            let Some(library) = known(&name) else {
                continue;
            };
            let near = lines
                .get(index..lines.len().min(index + 3))
                .unwrap_or_default();
            // yarn.lock names the wanted range on the line and the version below it
            let ranges = line.ends_with(':');
            let on_line = version(line.split_once(name.as_str()).map_or("", |(_, rest)| rest))
                .filter(|_| !ranges);
            let found = on_line.or_else(|| {
                near.iter()
                    .skip(1)
                    .take_while(|next| names(shape, next.trim()).iter().all(|n| known(n).is_none()))
                    .filter(|next| next.to_ascii_lowercase().contains("version"))
                    .find_map(|next| version(next))
            });
            if seen.insert((library.clone(), found.clone())) {
                report(scan, "manifest", &library, found, Some(index));
            }
        }
    }
}

/// Databases of installed packages.
fn stanzas(scan: &mut Scan<'_>, text: &str, name_mark: &str, version_mark: &str) {
    let mut name: Option<(String, usize)> = None;
    let mut installed = true;
    for (index, line) in text.lines().enumerate() {
        if line.is_empty() {
            name = None;
            installed = true;
        } else if let Some(rest) = line.strip_prefix(name_mark) {
            name = Some((rest.trim().to_owned(), index));
        } else if let Some(rest) = line.strip_prefix("Status: ") {
            installed = rest.ends_with("installed") && !rest.ends_with("not-installed");
        } else if let Some(rest) = line.strip_prefix(version_mark)
            && let Some((package, at)) = &name
            && installed
            && PACKAGES.iter().any(|known| package.starts_with(known))
            && !package.ends_with("-doc")
            && !package.ends_with("-dev")
        {
            report(
                scan,
                "installed-package",
                package,
                Some(rest.trim().to_owned()),
                Some(*at),
            );
        }
    }
}

/// The description of one package.
fn single(scan: &mut Scan<'_>, text: &str) {
    let field = |marks: &[&str]| {
        text.lines()
            .take(200)
            .find_map(|line| marks.iter().find_map(|mark| line.strip_prefix(mark)))
            .map(|value| value.trim().to_owned())
    };
    let (Some(name), version) = (
        field(&["Name: ", "artifactId="]),
        field(&["Version: ", "version="]),
    ) else {
        return;
    };
    if let Some(library) = known(&name) {
        report(scan, "installed-package", &library, version, None);
    }
}

/// Reports one library.
fn report(
    scan: &mut Scan<'_>,
    format: &str,
    library: &str,
    version: Option<String>,
    index: Option<usize>,
) {
    let text = format!(
        "cryptographic library {library} {}",
        version.as_deref().unwrap_or("(version not said)")
    );
    let mut finding = Finding::new(Kind::Library, format, clip(text, 200))
        .property("library", library)
        .property_opt("version", version.clone())
        .property(
            "identity",
            format!("{library}@{}", version.unwrap_or_default()),
        )
        .confidence(Confidence::Likely);
    if let Some(index) = index {
        finding = finding.line(u32::try_from(index + 1).unwrap_or(u32::MAX));
    }
    scan.report(finding);
}

/// The first version-like word.
fn version(text: &str) -> Option<String> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || ".-+".contains(c)))
        .map(|word| word.strip_prefix('v').unwrap_or(word))
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'))
        .map(|word| word.chars().take(40).collect())
}

#[cfg(test)]
mod tests {
    use crate::detect::{Scan, bytes};
    use crate::limits::Limits;

    fn found(path: &str, text: &str) -> Vec<String> {
        let limits = Limits::default();
        let mut scan = Scan::new(&limits, path, None, text.len() as u64);
        bytes(&mut scan, text.as_bytes());
        scan.findings
            .iter()
            .filter_map(|finding| finding.properties.get("identity").cloned())
            .collect()
    }

    #[test]
    fn every_ecosystem_gives_name_and_version() {
        let cases: &[(&str, &str, &str)] = &[
            (
                "Cargo.lock",
                "[[package]]\nname = \"ring\"\nversion = \"0.17.8\"\n",
                "ring@0.17.8",
            ),
            (
                "requirements-dev.txt",
                "cryptography==41.0.0\n",
                "cryptography@41.0.0",
            ),
            (
                "go.mod",
                "require (\n\tgolang.org/x/crypto v0.17.0\n)\n",
                "golang.org/x/crypto@0.17.0",
            ),
            (
                "go.mod",
                "require github.com/golang-jwt/jwt/v5 v5.2.0\n",
                "github.com/golang-jwt/jwt@5.2.0",
            ),
            (
                "package.json",
                "{\"dependencies\": {\n \"crypto-js\": \"^4.1.1\"\n}}",
                "crypto-js@4.1.1",
            ),
            (
                "package-lock.json",
                "\"node_modules/@noble/hashes\": {\n  \"version\": \"1.3.2\",\n",
                "@noble/hashes@1.3.2",
            ),
            (
                "pom.xml",
                "<dependency>\n<artifactId>bcprov-jdk18on</artifactId>\n<version>1.77</version>\n",
                "bcprov-jdk18on@1.77",
            ),
            (
                "build.gradle",
                "implementation 'org.bouncycastle:bcprov-jdk18on:1.78'\n",
                "bcprov-jdk18on@1.78",
            ),
            ("Gemfile.lock", "    jwt (2.7.1)\n", "jwt@2.7.1"),
            (
                "composer.lock",
                "\"name\": \"phpseclib/phpseclib\",\n\"version\": \"3.0.34\",\n",
                "phpseclib/phpseclib@3.0.34",
            ),
            (
                "a.csproj",
                "<PackageReference Include=\"BouncyCastle.Cryptography\" Version=\"2.2.1\" />\n",
                "bouncycastle.cryptography@2.2.1",
            ),
            (
                "yarn.lock",
                "node-forge@^1.3.0:\n  version \"1.3.1\"\n",
                "node-forge@1.3.1",
            ),
            (
                "pubspec.lock",
                "  pointycastle:\n    version: \"3.7.3\"\n",
                "pointycastle@3.7.3",
            ),
            (
                "var/lib/dpkg/status",
                "Package: libssl3\nStatus: install ok installed\nVersion: 3.0.11-1\n\n",
                "libssl3@3.0.11-1",
            ),
            (
                "lib/apk/db/installed",
                "P:openssl\nV:3.1.4-r5\n\n",
                "openssl@3.1.4-r5",
            ),
            (
                "x/cryptography-41.0.dist-info/METADATA",
                "Metadata-Version: 2.1\nName: cryptography\nVersion: 41.0\n",
                "cryptography@41.0",
            ),
            (
                "pnpm-lock.yaml",
                "  'elliptic':\n    version: 6.5.4\n",
                "elliptic@6.5.4",
            ),
            (
                "Package.resolved",
                "\"identity\" : \"swift-crypto\",\n\"version\" : \"3.1.0\"\n",
                "swift-crypto@3.1.0",
            ),
            (
                "vcpkg.json",
                "{ \"dependencies\": [\"openssl\"] }",
                "openssl@",
            ),
        ];
        for (path, text, wanted) in cases {
            assert!(
                found(path, text).contains(&(*wanted).to_owned()),
                "{path}: {:?}",
                found(path, text)
            );
        }
    }

    #[test]
    fn a_word_in_another_place_is_not_a_library() {
        assert!(found("requirements.txt", "# uses openssl\nrequests==2.0\n").is_empty());
        assert!(found("Cargo.lock", "name = \"aesthetic\"\nversion = \"1.0.0\"\n").is_empty());
    }
}
