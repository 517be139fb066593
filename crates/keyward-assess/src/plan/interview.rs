//! The questionnaire on a terminal: asks, checks, and writes the same text a person would fill in.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};

use super::{Interview, STAGES, System};
use crate::judge::level::Impact;

/// Asks one question; an empty answer takes the proposal.
fn ask(
    input: &mut dyn BufRead,
    output: &mut dyn Write,
    question: &str,
    proposal: &str,
) -> io::Result<String> {
    if proposal.is_empty() {
        write!(output, "{question}: ")?;
    } else {
        write!(output, "{question} [{proposal}]: ")?;
    }
    output.flush()?;
    let mut line = String::new();
    if input.read_line(&mut line)? == 0 {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the answers ended before the questions",
        ));
    }
    let answer = line.trim();
    Ok(if answer.is_empty() { proposal } else { answer }.to_owned())
}

/// Asks until the answer is one of these.
fn choose(
    input: &mut dyn BufRead,
    output: &mut dyn Write,
    question: &str,
    choices: &[&str],
    proposal: &str,
) -> io::Result<String> {
    loop {
        let answer = ask(
            input,
            output,
            &format!("{question} ({})", choices.join(", ")),
            proposal,
        )?
        .to_ascii_lowercase();
        if choices.contains(&answer.as_str()) {
            return Ok(answer);
        }
        writeln!(output, "Please answer with one of: {}.", choices.join(", "))?;
    }
}

fn list(text: &str) -> Vec<String> {
    text.split(',')
        .map(|word| word.trim().to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

/// Asks everything and gives the answers.
pub fn conduct(input: &mut dyn BufRead, output: &mut dyn Write) -> io::Result<Interview> {
    writeln!(
        output,
        "Questions on each system: what it holds, who answers for it, how its keys live. Enter takes the proposal."
    )?;
    let mut interview = Interview {
        version: 1,
        system: Vec::new(),
    };
    loop {
        let name = ask(input, output, "\nName of the system (empty: done)", "")?;
        if name.is_empty() {
            return Ok(interview);
        }
        let system = one(input, output, name)?;
        interview.system.push(system);
    }
}

/// The questions on one system.
fn one(input: &mut dyn BufRead, output: &mut dyn Write, name: String) -> io::Result<System> {
    let owner = ask(input, output, "Who answers for it", "")?;
    let paths = ask(
        input,
        output,
        "Where its files and endpoints begin, with commas",
        "",
    )?;
    let data = ask(
        input,
        output,
        "Data it holds (personal, health, payment card, CUI, secrets, public), with commas",
        "personal",
    )?;
    let impact = choose(
        input,
        output,
        "Impact if the data were read or changed (FIPS 199)",
        &["low", "moderate", "high"],
        "moderate",
    )?;
    let regimes = ask(
        input,
        output,
        "Regimes (federal, FedRAMP, CMMC, PCI DSS, PCI PIN, HIPAA, DORA, NIS2, ISO 27001, eIDAS), with commas",
        "",
    )?;
    let level = choose(
        input,
        output,
        "FIPS 140 level of the module that holds its keys today, 0 for none",
        &["0", "1", "2", "3", "4"],
        "0",
    )?;
    let root = choose(
        input,
        output,
        "Does it hold root, CA or key-encryption keys",
        &["yes", "no"],
        "no",
    )?;
    let mut practice = BTreeMap::new();
    for stage in STAGES {
        let answer = choose(
            input,
            output,
            &format!("{}: {}", stage.name, stage.demand),
            &["yes", "partly", "no", "unknown"],
            "unknown",
        )?;
        practice.insert(stage.name.to_owned(), answer);
    }
    Ok(System {
        name,
        owner,
        paths: list(&paths),
        data: list(&data),
        impact: match impact.as_str() {
            "low" => Impact::Low,
            "high" => Impact::High,
            _ => Impact::Moderate,
        },
        regimes: list(&regimes),
        module_level: level.parse().unwrap_or(0),
        root_keys: root == "yes",
        practice,
    })
}

/// The answers as text one can review and keep under version control.
pub fn text(interview: &Interview) -> Result<String, toml::ser::Error> {
    Ok(format!(
        "# Answers of a key-management assessment; keep under version control.\n{}",
        toml::to_string_pretty(interview)?
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_answered_can_be_read_back_and_wrong_answers_are_asked_again() {
        let mut answers = "shop\nAnn\n/srv/shop, tls://shop\npersonal, payment card\nvery\nhigh\nPCI DSS\n3\nyes\n".to_owned();
        answers.push_str(&"partly\n".repeat(STAGES.len()));
        answers.push('\n');
        let mut output = Vec::new();
        let interview = conduct(&mut answers.as_bytes(), &mut output).expect("answers");
        let written = text(&interview).expect("text");
        let back: Interview = toml::from_str(&written).expect("the same questionnaire");
        assert_eq!(back.system[0].paths, ["/srv/shop", "tls://shop"]);
        assert_eq!(back.system[0].impact, Impact::High);
        assert_eq!(back.system[0].practice.len(), STAGES.len());
        assert!(String::from_utf8_lossy(&output).contains("Please answer with one of"));
    }

    #[test]
    fn answers_that_end_early_are_an_error() {
        assert!(conduct(&mut "shop\n".as_bytes(), &mut Vec::new()).is_err());
    }
}
