//! The command line.

mod args;
mod text;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use crate::finding::{Finding, Severity};
use crate::judge::weak::KnownKeys;
use crate::judge::{self, level};
use crate::plan::Interview;
use crate::probe::Endpoint;
use crate::report::{Assessment, Summary, cbom, diff, html, pdf, sarif, table};
use crate::sandbox::Need;
use crate::walk;
pub use args::Cli;
use args::{Command, Format, ImpactArg, Level, ScanArgs};

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A saved assessment could not be read.
    #[error("{path} is no assessment in JSON: {source}")]
    Assessment {
        /// Which.
        path: String,
        /// Why.
        source: serde_json::Error,
    },
    /// A questionnaire could not be read.
    #[error("the questionnaire is not valid: {0}")]
    Interview(String),
    /// A day is not `YYYY-MM-DD`.
    #[error("'{0}' is no day of the form YYYY-MM-DD")]
    Day(String),
    /// A target does not exist.
    #[error(
        "target {0} does not exist, cannot be looked at, or is no endpoint such as tls://HOST:PORT"
    )]
    Target(String),
    /// JSON could not be written.
    #[error("the report could not be written: {0}")]
    Json(#[from] serde_json::Error),
}

fn file_error(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_string_lossy().into_owned();
    move |source| Error::File { path, source }
}

/// Runs a parsed command line.
pub fn run(cli: Cli) -> Result<ExitCode, Error> {
    match cli.command {
        Command::Scan(args) => scan_command(args),
        Command::Convert {
            assessment,
            format,
            interview,
            output,
        } => {
            let interview = questionnaire(interview.as_deref())?;
            let bytes = render(&load(&assessment)?, format, interview.as_ref())?;
            write(output.as_deref(), &bytes)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Interview { ask: None } => {
            write(None, crate::plan::TEMPLATE.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Interview { ask: Some(path) } => {
            let stdin = std::io::stdin();
            let answers =
                crate::plan::interview::conduct(&mut stdin.lock(), &mut std::io::stdout())
                    .map_err(|error| Error::Interview(error.to_string()))?;
            let text = crate::plan::interview::text(&answers)
                .map_err(|error| Error::Interview(error.to_string()))?;
            write(Some(&path), text.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Plan {
            assessment,
            interview,
        } => {
            let assessment = load(&assessment)?;
            let answers = questionnaire(Some(&interview))?.unwrap_or_default();
            let text = crate::plan::markdown::report(
                &answers,
                &assessment.findings,
                &assessment.judged_for,
            );
            write(None, text.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Diff { old, new, json } => {
            let difference = diff::compare(&load(&old)?, &load(&new)?);
            let text = if json {
                serde_json::to_string_pretty(&difference)?
            } else {
                diff::text(&difference)
            };
            write(None, text.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Level {
            impact,
            regime,
            root_keys,
        } => {
            let impact = match impact {
                ImpactArg::Low => level::Impact::Low,
                ImpactArg::Moderate => level::Impact::Moderate,
                ImpactArg::High => level::Impact::High,
            };
            let required = level::required(impact, &regime, root_keys);
            write(None, text::level_text(&required).as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Reads the answers of a questionnaire.
fn questionnaire(path: Option<&Path>) -> Result<Option<Interview>, Error> {
    let Some(path) = path else { return Ok(None) };
    let text = std::fs::read_to_string(path).map_err(file_error(path))?;
    toml::from_str(&text)
        .map(Some)
        .map_err(|error| Error::Interview(error.to_string()))
}

/// Targets by their sort.
struct Targets {
    paths: Vec<PathBuf>,
    endpoints: Vec<Endpoint>,
    host: bool,
}

/// Sorts targets; a path that exists is a path, whatever it is called.
fn sort(targets: &[String]) -> Result<Targets, Error> {
    let mut sorted = Targets {
        paths: Vec::new(),
        endpoints: Vec::new(),
        host: false,
    };
    for target in targets {
        let path = Path::new(target);
        if path.symlink_metadata().is_ok() {
            sorted.paths.push(path.to_owned());
        } else if target == "host:" {
            sorted.host = true;
        } else if let Some(endpoint) = Endpoint::parse(target) {
            sorted.endpoints.push(endpoint);
        } else {
            return Err(Error::Target(target.clone()));
        }
    }
    Ok(sorted)
}

/// Scans, judges, writes.
fn scan_command(args: ScanArgs) -> Result<ExitCode, Error> {
    let mut options = walk::Options {
        threads: args.threads,
        exclude: args.exclude,
        journal: args.journal,
        cross_mounts: !args.one_file_system,
        ..walk::Options::default()
    };
    options.limits.archives = !args.no_archives;
    options.limits.source = !args.no_source;
    let targets = sort(&args.targets)?;
    let day = day(args.at)?;
    let interview = questionnaire(args.interview.as_deref())?;
    let weak = match &args.weak_keys {
        Some(path) => KnownKeys::read(&std::fs::read_to_string(path).map_err(file_error(path))?),
        None => KnownKeys::default(),
    };
    let writable: Vec<&Path> = [args.output.as_deref(), options.journal.as_deref()]
        .into_iter()
        .flatten()
        .map(parent)
        .collect();
    let lock = |need| {
        if let Some(warning) = crate::sandbox::enter(&writable, need) {
            eprintln!("keyward-assess: sandbox: {warning}");
        }
    };
    let mut outcome = walk::Outcome::default();
    if targets.host || !targets.endpoints.is_empty() {
        lock(Need::Network);
        outcome = live(&targets, &options);
    }
    lock(Need::Files);
    let files = files(&targets.paths, &options)?;
    outcome.findings.extend(files.findings);
    outcome.coverage.merge(files.coverage);
    let mut findings = outcome.findings;
    judge::inventory(&mut findings, &day);
    weak.mark(&mut findings);
    let assessment = Assessment {
        format: 1,
        tool: format!("keyward-assess {}", env!("CARGO_PKG_VERSION")),
        judged_for: day,
        targets: args.targets,
        summary: Summary::of(&findings),
        findings,
        coverage: outcome.coverage,
    };
    let bytes = render(&assessment, args.format, interview.as_ref())?;
    write(args.output.as_deref(), &bytes)?;
    Ok(verdict(&assessment.findings, args.fail_on))
}

/// The running host and endpoints.
fn live(targets: &Targets, options: &walk::Options) -> walk::Outcome {
    let mut endpoints = targets.endpoints.clone();
    let mut outcome = walk::Outcome::default();
    if targets.host {
        let look = crate::host::look(Path::new("/"), &options.limits);
        outcome = look.outcome;
        endpoints.extend(look.listeners);
    }
    let answers = crate::probe::endpoints(&endpoints, &options.limits);
    outcome.findings.extend(answers.findings);
    outcome.coverage.merge(answers.coverage);
    outcome
}

/// Directory a file is written in.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// The day to judge for.
#[expect(
    clippy::disallowed_methods,
    reason = "the scanner judges for today unless it is told a day; nothing irreversible depends on it"
)]
fn day(at: Option<String>) -> Result<String, Error> {
    Ok(match at {
        Some(day) => day
            .parse::<jiff::civil::Date>()
            .map_err(|_| Error::Day(day))?
            .to_string(),
        None => jiff::Timestamp::now()
            .to_zoned(jiff::tz::TimeZone::UTC)
            .date()
            .to_string(),
    })
}

/// Walks files with a progress bar.
fn files(targets: &[PathBuf], options: &walk::Options) -> Result<walk::Outcome, Error> {
    let Some(first) = targets.first() else {
        return Ok(walk::Outcome::default());
    };
    let progress = Arc::new(walk::Progress::default());
    let bar = progress_bar(&progress);
    let outcome = walk::scan(targets, options, &progress)
        .map_err(file_error(options.journal.as_deref().unwrap_or(first)));
    bar.finish_and_clear();
    outcome
}

/// A spinner on a terminal; silent elsewhere. It stops with the walk.
fn progress_bar(progress: &Arc<walk::Progress>) -> indicatif::ProgressBar {
    use std::sync::atomic::Ordering;
    let bar = indicatif::ProgressBar::new_spinner();
    let (shown, numbers) = (bar.clone(), Arc::clone(progress));
    std::thread::spawn(move || {
        while !shown.is_finished() {
            let (files, bytes) = (
                numbers.files.load(Ordering::Relaxed),
                numbers.bytes.load(Ordering::Relaxed),
            );
            let found = numbers.findings.load(Ordering::Relaxed);
            shown.set_message(format!(
                "{files} files, {} MiB, {found} findings",
                bytes >> 20
            ));
            shown.tick();
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    });
    bar
}

fn load(path: &Path) -> Result<Assessment, Error> {
    let bytes = std::fs::read(path).map_err(file_error(path))?;
    serde_json::from_slice(&bytes).map_err(|source| Error::Assessment {
        path: path.to_string_lossy().into_owned(),
        source,
    })
}

fn write(output: Option<&Path>, bytes: &[u8]) -> Result<(), Error> {
    match output {
        Some(path) => std::fs::write(path, bytes).map_err(file_error(path)),
        None => match std::io::stdout().write_all(bytes) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(file_error(Path::new("standard output"))(error))
            }
            _ => Ok(()),
        },
    }
}

/// Writes an assessment in a format.
fn render(
    assessment: &Assessment,
    format: Format,
    interview: Option<&Interview>,
) -> Result<Vec<u8>, Error> {
    let json =
        |value: &serde_json::Value| serde_json::to_string_pretty(value).map(|text| text + "\n");
    Ok(match format {
        Format::Text => text::text(assessment).into_bytes(),
        Format::Json => (serde_json::to_string_pretty(assessment)? + "\n").into_bytes(),
        Format::Cbom16 => json(&cbom::document(assessment, cbom::Version::V1_6))?.into_bytes(),
        Format::Cbom17 => json(&cbom::document(assessment, cbom::Version::V1_7))?.into_bytes(),
        Format::Sarif => json(&sarif::document(assessment))?.into_bytes(),
        Format::Csv => table::csv(assessment).into_bytes(),
        Format::Html => html::page(assessment, interview).into_bytes(),
        Format::Pdf => pdf::document(assessment, interview),
    })
}

/// Exit code for pipelines.
fn verdict(findings: &[Finding], fail_on: Option<Level>) -> ExitCode {
    let Some(level) = fail_on else {
        return ExitCode::SUCCESS;
    };
    let least = match level {
        Level::Low => Severity::Low,
        Level::Medium => Severity::Medium,
        Level::High => Severity::High,
        Level::Critical => Severity::Critical,
    };
    if findings
        .iter()
        .any(|finding| finding.worst() >= Some(least))
    {
        ExitCode::from(2)
    } else {
        ExitCode::SUCCESS
    }
}
