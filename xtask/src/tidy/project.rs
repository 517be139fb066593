//! What a repository must have: the files people look for, and decisions numbered without gaps.
use super::violation::Violation;

/// Files at the root, each with what it is for.
const WANTED: &[(&str, &str)] = &[
    ("ARCHITECTURE.md", "the picture and the reading path"),
    ("CHANGELOG.md", "what changed, for those who upgrade"),
    ("CONTRIBUTING.md", "how to take part"),
    ("LICENSE", "the licence"),
    ("NOTICE", "attributions that licences ask for"),
    ("README.md", "what it is and how to start"),
    ("SECURITY.md", "the threat model and how to report"),
];

/// Where decisions are written down.
const DECISIONS: &str = "docs/adr/";

/// Checks the list of files; `read` gives a file's text.
pub fn check(files: &[String], read: impl Fn(&str) -> String) -> Vec<Violation> {
    let mut found = Vec::new();
    for (name, purpose) in WANTED
        .iter()
        .filter(|(name, _)| !files.iter().any(|file| file == name))
    {
        found.push(Violation::new(
            name,
            0,
            "missing",
            format!("people look here for {purpose}"),
            "write it",
        ));
    }
    if files.iter().any(|file| file == "CHANGELOG.md")
        && !read("CHANGELOG.md").contains("## [Unreleased]")
    {
        found.push(Violation::new(
            "CHANGELOG.md",
            0,
            "no `## [Unreleased]` section",
            "an entry is written with the change, not remembered at release",
            "add the section (https://keepachangelog.com)",
        ));
    }
    found.extend(check_decisions(files, read));
    found
}

/// `docs/adr/0001-words.md`, from 1 without gaps, the heading with the same number.
fn check_decisions(files: &[String], read: impl Fn(&str) -> String) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut expected = 1_u32;
    let decision = |file: &&String| {
        file.starts_with(DECISIONS) && file.ends_with(".md") && !file.ends_with("/README.md")
    };
    for file in files.iter().filter(decision) {
        let name = file.strip_prefix(DECISIONS).unwrap_or(file);
        let number = name
            .split_once('-')
            .map(|(digits, _)| digits)
            .filter(|digits| digits.len() == 4);
        let Some(number) = number.and_then(|digits| digits.parse::<u32>().ok()) else {
            found.push(Violation::new(
                file,
                0,
                "not numbered",
                "decisions are cited by number",
                "name it docs/adr/NNNN-words.md",
            ));
            continue;
        };
        if number == 0 {
            continue; // the template
        }
        if number != expected {
            found.push(Violation::new(
                file,
                0,
                format!("number {number:04} where {expected:04} was expected"),
                "a number that is missing or there twice sends readers to the wrong decision",
                "renumber the newer one; a withdrawn decision stays, marked as superseded",
            ));
        }
        expected = number + 1;
        let text = read(file);
        let heading = text
            .lines()
            .find(|line| line.starts_with('#'))
            .unwrap_or_default();
        let told: String = heading
            .chars()
            .skip_while(|letter| !letter.is_ascii_digit())
            .take_while(char::is_ascii_digit)
            .collect();
        if told.parse::<u32>() != Ok(number) {
            found.push(Violation::new(
                file,
                1,
                format!("the heading does not begin with number {number}"),
                "file and heading are cited interchangeably",
                format!("`# {number:04}. Title`"),
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(extra: &[&str]) -> Vec<String> {
        WANTED
            .iter()
            .map(|(name, _)| *name)
            .chain(extra.iter().copied())
            .map(str::to_owned)
            .collect()
    }

    fn found(extra: &[&str]) -> Vec<String> {
        let read = |file: &str| {
            let number = file
                .strip_prefix(DECISIONS)
                .and_then(|name| name.get(..4))
                .unwrap_or("0000");
            format!("# {number}. A decision\n## [Unreleased]\n")
        };
        check(&names(extra), read)
            .into_iter()
            .map(|violation| violation.file + ": " + &violation.found)
            .collect()
    }

    #[test]
    fn a_whole_repository_is_fine() {
        assert_eq!(
            found(&[
                "docs/adr/0001-a.md",
                "docs/adr/0002-b.md",
                "docs/adr/README.md"
            ]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_gap_and_a_double_number_are_found() {
        assert_eq!(
            found(&["docs/adr/0001-a.md", "docs/adr/0003-b.md"]).len(),
            1
        );
        assert_eq!(
            found(&["docs/adr/0001-a.md", "docs/adr/0001-b.md"]).len(),
            1
        );
        assert_eq!(found(&["docs/adr/first.md"]).len(), 1);
    }

    #[test]
    fn a_heading_with_another_number_is_found() {
        let read = |_: &str| "# 0007. A decision\n## [Unreleased]\n".to_owned();
        assert_eq!(check(&names(&["docs/adr/0001-a.md"]), read).len(), 1);
    }

    #[test]
    fn a_missing_file_is_found() {
        let files: Vec<String> = names(&[])
            .into_iter()
            .filter(|name| name != "SECURITY.md")
            .collect();
        assert_eq!(check(&files, |_| "## [Unreleased]".to_owned()).len(), 1);
    }
}
