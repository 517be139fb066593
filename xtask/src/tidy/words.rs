//! Words that may not be in any text of the project: claims it must not make, and paths of somebody's machine.
use std::path::Path;

use super::violation::Violation;

/// What may stand between "FIPS" and the claim.
const STANDARDS: &[&str] = &[
    "fips",
    "fips 140",
    "fips 140-2",
    "fips 140-3",
    "fips-140-2",
    "fips-140-3",
];
/// What a product must not say of itself; a module may be validated.
const CLAIMS: &[&str] = &[
    "validated",
    "compliant",
    "certified",
    "compliance guaranteed",
];
/// What a claim may be about.
const MODULE_WORDS: &[&str] = &[
    " module",
    " cryptographic module",
    " software module",
    " hardware module",
    " hsm",
];
/// Words before it that turn the claim into its opposite.
const NEGATIONS: &[&str] = &["not ", "never ", "no ", "nothing ", "without ", "isn't "];
/// A directory that many machines have says nothing about one of them.
const COMMON_PARENTS: &[&str] = &[
    "/", "/home", "/root", "/tmp", "/usr", "/usr/src", "/var", "/opt", "/srv", "/src", "/build",
    "/builds",
];

/// The paths that would give this machine away.
pub fn machine_paths(root: &Path) -> Vec<String> {
    let mut paths = vec![format!("{}/", root.display())];
    if let Some(parent) = root.parent() {
        let parent = parent.display().to_string();
        if !COMMON_PARENTS.contains(&parent.as_str()) {
            paths.push(format!("{parent}/"));
        }
    }
    // A repository at the top of a file system has a path like any other word.
    paths.retain(|path| path.matches('/').count() >= 2 && path.len() > 4);
    paths
}

/// Checks one text.
pub fn check(file: &str, text: &str, paths: &[String]) -> Vec<Violation> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if let Some(claim) = claim_in(line) {
            found.push(Violation::new(
                file,
                number + 1,
                format!("`{claim}` as a claim"),
                "modules are validated; a product is not, and saying so is false whatever it uses",
                "\"uses the validated module NAME VERSION (#CERT), status as of DATE\"",
            ));
        }
        for path in paths.iter().filter(|path| stands_alone(line, path)) {
            found.push(Violation::new(
                file,
                number + 1,
                format!("`{path}`, a path of this machine"),
                "it exists nowhere else",
                "a path from the root of the repository, or an example under /var/lib/keyward",
            ));
        }
    }
    found
}

/// The first claim in the line that is neither quoted, negated nor about a module.
fn claim_in(line: &str) -> Option<String> {
    let lower = line.to_lowercase();
    for standard in STANDARDS {
        for claim in CLAIMS {
            for joint in [" ", "-"] {
                let phrase = format!("{standard}{joint}{claim}");
                let made = lower
                    .match_indices(&phrase)
                    .any(|(place, _)| is_made(&lower, place, phrase.len()));
                if made {
                    return Some(phrase);
                }
            }
        }
    }
    None
}

fn is_made(lower: &str, place: usize, length: usize) -> bool {
    let before = lower.get(..place).unwrap_or_default();
    let after = lower.get(place + length..).unwrap_or_default();
    let quoted = before.ends_with(['"', '\u{201c}', '\'', '`', '\u{ab}']);
    let negated = NEGATIONS.iter().any(|word| before.contains(word));
    let module = MODULE_WORDS.iter().any(|word| after.starts_with(word));
    !quoted && !negated && !module
}

/// Whether the path begins here and is not the end of a longer one.
fn stands_alone(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(place, _)| {
        let before = line.get(..place).and_then(|text| text.chars().next_back());
        !before.is_some_and(|letter| {
            letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.' | '}')
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> usize {
        check("README.md", text, &["/machine/checkout/".to_owned()]).len()
    }

    #[test]
    fn a_product_makes_no_claim_of_validation() {
        assert_eq!(count("Keyward is FIPS validated."), 1);
        assert_eq!(count("a FIPS-compliant key server"), 1);
        assert_eq!(count("FIPS 140-3 certified"), 1);
    }

    #[test]
    fn a_module_is_validated_and_a_claim_may_be_mentioned_or_denied() {
        assert_eq!(count("uses a FIPS 140-3 validated module"), 0);
        assert_eq!(count("Never write \"FIPS validated\"."), 0);
        assert_eq!(count("It is not FIPS compliant by itself."), 0);
    }

    #[test]
    fn paths_of_the_machine_are_found_and_those_of_others_are_not() {
        assert_eq!(count("see /machine/checkout/docs"), 1);
        assert_eq!(count("see /other/machine/checkout/docs"), 0);
        assert_eq!(count("see /var/lib/keyward/data"), 0);
    }

    #[test]
    fn a_repository_in_a_common_place_gives_only_itself_away() {
        assert_eq!(
            machine_paths(Path::new("/home/me/keyward")),
            ["/home/me/keyward/", "/home/me/"]
        );
        assert_eq!(machine_paths(Path::new("/src/keyward")), ["/src/keyward/"]);
    }
}
