//! `bench`: prepares what the rows need, measures them, shows them.
use std::process::ExitCode;

use crate::args::bench::{Bench, Part};
use crate::bench::{Row, Rows, Settings};
use crate::exit::Failure;
use crate::out::Out;
use crate::secret_input::{Asking, passphrase};
use crate::server_side;

pub fn run(args: Bench, out: Out) -> Result<ExitCode, Failure> {
    match args.part {
        Some(Part::Serve {
            data_dir,
            port_file,
            server_config,
            passphrase: given,
        }) => {
            let secret = passphrase(given.source(), Asking::Existing)?;
            server_side::bench_server(data_dir, server_config, Some(secret), port_file)?;
        }
        Some(Part::Bare {
            data_dir,
            port_file,
        }) => server_side::bench_bare(data_dir, port_file)?,
        None => measure(args, out)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn measure(args: Bench, out: Out) -> Result<(), Failure> {
    let settings = Settings {
        rows: args.rows,
        length: std::time::Duration::try_from_secs_f64(args.seconds).map_err(|_| {
            Failure::usage(
                "--seconds is not a length of time",
                "Give a number such as 2 or 0.5.",
            )
        })?,
        rounds: args.rounds,
        connections: usize::from(args.connections),
        directory: args.dir,
        many_keys: args.many_keys,
        many_keys_count: args.many_keys_count,
        server_config: args.server_config,
        file_mib: args.file_mib,
    };
    let mut rows = Rows::prepare(settings)?;
    let mut shown = Vec::new();
    let ended = loop {
        match rows.next_row() {
            Ok(Some(row)) if out.is_json() => out.line(&one_line(&row)?)?,
            Ok(Some(row)) => shown.push(row),
            Ok(None) => break Ok(()),
            Err(failure) => break Err(failure),
        }
    };
    // What was measured before something failed is shown all the same.
    if !shown.is_empty() {
        table(&shown, out)?;
    }
    ended
}

/// One object in one line, so that a program can read row by row while others are measured.
fn one_line(row: &Row) -> Result<String, Failure> {
    serde_json::to_string(row)
        .map_err(|error| Failure::local(error.to_string(), "Report this with the row's name."))
}

fn table(shown: &[Row], out: Out) -> Result<(), Failure> {
    let lines: Vec<_> = shown.iter().map(line).collect();
    let header = [
        "ROW", "OPS/S", "CPU µs", "RATIO", "NEEDED", "p99 ms", "CEILING",
    ];
    out.table(6, &header, &lines)?;
    for line in LEGEND {
        out.line(line)?;
    }
    for row in shown.iter().filter(|row| row.note.is_some()) {
        out.line(&format!(
            "{}: {}",
            row.name,
            row.note.as_deref().unwrap_or_default()
        ))?;
    }
    Ok(())
}

const LEGEND: &[&str] = &[
    "",
    "RATIO is to the ceiling, measured in turn with the row; medians of the rounds.",
    "C0: a bare HTTP server on the same TLS. C1: the same server, a fixed answer.",
    "C2: the module alone on every core.",
    "",
];

fn line(row: &Row) -> Vec<String> {
    let number = |value: Option<f64>, digits: usize| {
        value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
    };
    let rate = row.ceiling_ops_per_s.filter(|_| !row.ceiling.contains('/'));
    let ceiling = rate.map_or_else(
        || row.ceiling.clone(),
        |rate| format!("{} {rate:.0}", row.ceiling),
    );
    vec![
        row.name.to_owned(),
        number(Some(row.ops_per_s), 0),
        number(row.cpu_us_per_op, 1),
        number(row.ratio, 2),
        number(row.needed, 2),
        number(row.p99_ms, 2),
        ceiling,
    ]
}
