//! Usage lines that fit a terminal of 80 columns: clap breaks the text of its help, but never a usage line.
use clap::{Command, CommandFactory as _};

use super::Line;

const COLUMNS: usize = 80;
const LABEL: &str = "Usage: ";

/// The whole command line, with every usage line broken where it has to be.
pub fn command() -> Command {
    let mut built = Line::command();
    built.build();
    narrowed(Line::command(), &mut built)
}

/// `built` knows its whole path, which `plain` does not yet.
fn narrowed(plain: Command, built: &mut Command) -> Command {
    let usage = built.render_usage().to_string();
    let mut narrow = plain;
    if usage.lines().any(|line| line.chars().count() > COLUMNS) {
        narrow = narrow.override_usage(broken(&usage));
    }
    for below in built.get_subcommands_mut() {
        let name = below.get_name().to_owned();
        if narrow.find_subcommand(&name).is_some() {
            narrow = narrow.mut_subcommand(name, |plain| narrowed(plain, below));
        }
    }
    narrow
}

/// Breaks between options, never between an option and its value.
fn broken(usage: &str) -> String {
    let mut pieces: Vec<String> = Vec::new();
    for word in usage.trim_start_matches(LABEL).split_ascii_whitespace() {
        match pieces.last_mut() {
            Some(option)
                if option.starts_with("--") && word.starts_with('<') && !option.contains(' ') =>
            {
                option.push(' ');
                option.push_str(word);
            }
            _ => pieces.push(word.to_owned()),
        }
    }
    let (mut text, mut room) = (String::new(), COLUMNS - LABEL.len());
    for piece in pieces {
        let size = piece.chars().count() + usize::from(!text.is_empty());
        if size > room && !text.is_empty() {
            text.push_str("\n           ");
            room = COLUMNS - LABEL.len() - 4;
        } else if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&piece);
        room = room.saturating_sub(size);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_usage_line_breaks_between_options() {
        let usage = "Usage: keyward key destroy schedule [OPTIONS] --after-days <DAYS> --reason <REASON> <KEY>";
        assert_eq!(
            broken(usage),
            "keyward key destroy schedule [OPTIONS] --after-days <DAYS>\n           --reason <REASON> <KEY>"
        );
    }

    #[test]
    fn the_command_line_is_one_that_clap_accepts() {
        command().debug_assert();
    }
}
