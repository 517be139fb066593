//! The command line.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand, ValueEnum};

use crate::finding::{Finding, Severity};
use crate::judge::{self, level};
use crate::report::{Assessment, Summary, cbom, diff, html, sarif, table, worst_first};
use crate::walk;

/// Finds the cryptography on a system, judges it, and says what to do.
#[derive(Parser, Debug)]
#[command(name = "keyward-assess", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Scan files and directories, read-only.
    Scan {
        /// Files or directories.
        #[arg(required = true)]
        targets: Vec<PathBuf>,
        /// What to print.
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
        /// Where to write it instead of standard output.
        #[arg(long, short)]
        output: Option<PathBuf>,
        /// Judge for this day (YYYY-MM-DD) instead of today.
        #[arg(long)]
        at: Option<String>,
        /// Exit with code 2 if a finding is at least this bad.
        #[arg(long, value_enum)]
        fail_on: Option<Level>,
        /// Journal of unchanged files: makes the scan resumable and the next one faster.
        #[arg(long)]
        journal: Option<PathBuf>,
        /// Directory to leave out; may be repeated.
        #[arg(long)]
        exclude: Vec<PathBuf>,
        /// Stay on the file system of each target.
        #[arg(long)]
        one_file_system: bool,
        /// Do not look into archives.
        #[arg(long)]
        no_archives: bool,
        /// Threads; 0 is one per processor.
        #[arg(long, default_value_t = 0)]
        threads: usize,
    },
    /// Write a saved JSON assessment in another format.
    Convert {
        /// Assessment in JSON.
        assessment: PathBuf,
        /// What to write.
        #[arg(long, value_enum)]
        format: Format,
    },
    /// Print the questionnaire to fill in.
    Interview,
    /// Write gaps and a dated roadmap (Markdown) from an assessment and a filled-in questionnaire.
    Plan {
        /// Assessment in JSON.
        assessment: PathBuf,
        /// The filled-in questionnaire.
        interview: PathBuf,
    },
    /// Compare two JSON assessments.
    Diff {
        /// Earlier assessment.
        old: PathBuf,
        /// Later assessment.
        new: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Say which FIPS 140 level data demands, with the reasons.
    Level {
        /// FIPS 199 impact.
        #[arg(long, value_enum)]
        impact: ImpactArg,
        /// Regime, such as "federal", "PCI DSS", "HIPAA"; may be repeated.
        #[arg(long)]
        regime: Vec<String>,
        /// The system holds root, CA or key-encryption keys.
        #[arg(long)]
        root_keys: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    #[value(name = "cbom-1.6")]
    Cbom16,
    #[value(name = "cbom-1.7", alias = "cbom")]
    Cbom17,
    Sarif,
    Csv,
    Html,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Level {
    Low,
    Medium,
    High,
    Critical,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ImpactArg {
    Low,
    Moderate,
    High,
}

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
    #[error("target {0} does not exist or cannot be looked at")]
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
        Command::Scan {
            targets,
            format,
            output,
            at,
            fail_on,
            journal,
            exclude,
            one_file_system,
            no_archives,
            threads,
        } => {
            let mut options = walk::Options {
                threads,
                exclude,
                journal,
                cross_mounts: !one_file_system,
                ..walk::Options::default()
            };
            options.limits.archives = !no_archives;
            let parents: Vec<&Path> = [output.as_deref(), options.journal.as_deref()]
                .into_iter()
                .flatten()
                .map(parent)
                .collect();
            if let Some(warning) = crate::sandbox::enter(&parents) {
                eprintln!("keyward-assess: sandbox: {warning}");
            }
            let assessment = scan(&targets, &options, at)?;
            let text = render(&assessment, format)?;
            write(output.as_deref(), &text)?;
            Ok(verdict(&assessment.findings, fail_on))
        }
        Command::Convert { assessment, format } => {
            write(None, &render(&load(&assessment)?, format)?)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Interview => {
            write(None, crate::plan::TEMPLATE)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Plan {
            assessment,
            interview,
        } => {
            let assessment = load(&assessment)?;
            let text = std::fs::read_to_string(&interview).map_err(file_error(&interview))?;
            let answers =
                toml::from_str(&text).map_err(|error| Error::Interview(error.to_string()))?;
            write(
                None,
                &crate::plan::report(&answers, &assessment.findings, &assessment.judged_for),
            )?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Diff { old, new, json } => {
            let difference = diff::compare(&load(&old)?, &load(&new)?);
            let text = if json {
                serde_json::to_string_pretty(&difference)?
            } else {
                diff::text(&difference)
            };
            write(None, &text)?;
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
            write(
                None,
                &level_text(&level::required(impact, &regime, root_keys)),
            )?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Directory a file is written in.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Scans and judges.
fn scan(
    targets: &[PathBuf],
    options: &walk::Options,
    at: Option<String>,
) -> Result<Assessment, Error> {
    for target in targets {
        if target.symlink_metadata().is_err() {
            return Err(Error::Target(target.to_string_lossy().into_owned()));
        }
    }
    let day = match at {
        Some(day) => day
            .parse::<jiff::civil::Date>()
            .map_err(|_| Error::Day(day))?
            .to_string(),
        None => jiff::Timestamp::now()
            .to_zoned(jiff::tz::TimeZone::UTC)
            .date()
            .to_string(),
    };
    let progress = Arc::new(walk::Progress::default());
    let bar = progress_bar(&progress);
    let first = targets.first().map_or_else(PathBuf::new, Clone::clone);
    let outcome = walk::scan(targets, options, &progress)
        .map_err(file_error(options.journal.as_deref().unwrap_or(&first)))?;
    bar.finish_and_clear();
    let mut findings = outcome.findings;
    judge::inventory(&mut findings, &day);
    Ok(Assessment {
        format: 1,
        tool: format!("keyward-assess {}", env!("CARGO_PKG_VERSION")),
        judged_for: day,
        targets: targets
            .iter()
            .map(|target| target.to_string_lossy().into_owned())
            .collect(),
        summary: Summary::of(&findings),
        findings,
        coverage: outcome.coverage,
    })
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

fn write(output: Option<&Path>, text: &str) -> Result<(), Error> {
    match output {
        Some(path) => std::fs::write(path, text).map_err(file_error(path)),
        None => match std::io::stdout().write_all(text.as_bytes()) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(file_error(Path::new("standard output"))(error))
            }
            _ => Ok(()),
        },
    }
}

fn render(assessment: &Assessment, format: Format) -> Result<String, Error> {
    Ok(match format {
        Format::Text => text(assessment),
        Format::Json => serde_json::to_string_pretty(assessment)? + "\n",
        Format::Cbom16 => {
            serde_json::to_string_pretty(&cbom::document(assessment, cbom::Version::V1_6))? + "\n"
        }
        Format::Cbom17 => {
            serde_json::to_string_pretty(&cbom::document(assessment, cbom::Version::V1_7))? + "\n"
        }
        Format::Sarif => serde_json::to_string_pretty(&sarif::document(assessment))? + "\n",
        Format::Csv => table::csv(assessment),
        Format::Html => html::page(assessment),
    })
}

/// A short text for a terminal.
fn text(assessment: &Assessment) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    let summary = &assessment.summary;
    let coverage = &assessment.coverage;
    let _ = writeln!(
        out,
        "{} findings in {} files, {} bytes read",
        summary.findings, coverage.files_read, coverage.bytes_read
    );
    for (kind, count) in &summary.by_kind {
        let _ = writeln!(out, "  {kind}: {count}");
    }
    let _ = writeln!(
        out,
        "quantum-vulnerable: {}, resistant: {}",
        summary.quantum_vulnerable, summary.quantum_safe
    );
    let worst = worst_first(&assessment.findings);
    let _ = writeln!(
        out,
        "\nworst {} of {} with an issue:",
        worst.len().min(20),
        worst.len()
    );
    for finding in worst.iter().take(20) {
        let severity = finding.worst().map_or("", Severity::as_str);
        let _ = writeln!(
            out,
            "{severity:9} {} [{}]\n          {}",
            finding.evidence,
            finding.id,
            finding.location.full_path()
        );
        for issue in finding
            .issues
            .iter()
            .filter(|issue| issue.severity > Severity::Info)
        {
            let _ = writeln!(
                out,
                "          {}: {} ({})",
                issue.rule, issue.message, issue.source
            );
        }
    }
    let _ = writeln!(
        out,
        "\nnot read:{}",
        if coverage.gap_counts.is_empty() {
            " nothing"
        } else {
            ""
        }
    );
    for (reason, count) in &coverage.gap_counts {
        let _ = writeln!(out, "  {reason}: {count}");
    }
    out
}

/// The level with its reasons.
fn level_text(required: &level::Required) -> String {
    use std::fmt::Write as _;
    let mut out = format!(
        "FIPS 140 level {} ({})\n",
        required.level,
        if required.obligatory {
            "a validated module is an obligation"
        } else {
            "advice; no regime named obliges to a validated module"
        }
    );
    for reason in &required.reasons {
        let asks = if reason.level == 0 {
            "no level".to_owned()
        } else {
            format!("level {}", reason.level)
        };
        let _ = writeln!(
            out,
            "  {asks} [{}] {} ({})",
            reason.basis, reason.text, reason.source
        );
    }
    out
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
