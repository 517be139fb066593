//! What goes to standard output: tables for people in at most 80 columns (or the terminal's width, if it is narrower),
//! JSON for programs.
use std::io::{IsTerminal as _, Write as _};

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, ColumnConstraint, ContentArrangement, Table, Width};
use serde::Serialize;

use crate::exit::Failure;

/// People read lines of this length; wider terminals do not make tables wider.
const WIDTH_MAX: u16 = 80;
/// Below it tables are no longer readable at all.
const WIDTH_MIN: u16 = 40;

/// Blanks between columns.
const GAP: u16 = 2;

/// How to write.
#[derive(Debug, Clone, Copy)]
pub struct Out {
    json: bool,
    colour: bool,
    width: u16,
}

/// What a word says about the state of things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Good,
    Warning,
    Bad,
    Plain,
}

impl Out {
    /// Colours only on a terminal, and only if nobody minds.
    pub fn new(json: bool, no_colour: bool) -> Self {
        let terminal = std::io::stdout().is_terminal();
        let width = if terminal {
            terminal_width()
        } else {
            WIDTH_MAX
        };
        Self {
            json,
            colour: terminal && !no_colour,
            width,
        }
    }

    pub const fn is_json(self) -> bool {
        self.json
    }

    /// JSON for programs, or whatever `people` writes.
    pub fn show<T: Serialize>(
        self,
        value: &T,
        people: impl FnOnce(Self) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if self.json {
            self.json(value)
        } else {
            people(self)
        }
    }

    /// One JSON text.
    pub fn json<T: Serialize>(self, value: &T) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|error| Failure::local(error.to_string(), "Report this."))?;
        self.line(&text)
    }

    /// One line. A reader that went away (`| head`) is no failure.
    pub fn line(self, text: &str) -> Result<(), Failure> {
        let mut stdout = std::io::stdout().lock();
        match stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.write_all(b"\n"))
        {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::local(
                format!("standard output: {error}"),
                "Check where the output goes.",
            )),
            _ => Ok(()),
        }
    }

    /// A sentence, broken at blanks.
    pub fn say(self, text: &str) -> Result<(), Failure> {
        for line in wrapped(text, usize::from(self.width)) {
            self.line(&line)?;
        }
        Ok(())
    }

    /// A table; when there is not enough room the column `flexible` breaks its lines first, then the widest.
    pub fn table(
        self,
        flexible: usize,
        header: &[&str],
        rows: &[Vec<String>],
    ) -> Result<(), Failure> {
        let mut table = Table::new();
        table.load_style(NOTHING);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(self.width);
        table.set_header(header.iter().copied().map(Cell::new));
        for row in rows {
            table.add_row(row.iter().map(Cell::new));
        }
        let natural: Vec<usize> = (0..header.len())
            .map(|index| {
                let cells = rows.iter().filter_map(|row| row.get(index));
                let longest = cells.map(|text| text.chars().count()).max().unwrap_or(0);
                longest.max(header.get(index).map_or(0, |name| name.len()))
            })
            .collect();
        let widths = fitted(&natural, flexible, usize::from(self.width));
        let last = widths.len().saturating_sub(1);
        for ((index, column), width) in table.column_iter_mut().enumerate().zip(widths) {
            let gap = if index == last { 0 } else { GAP };
            column.set_padding((0, gap));
            let room = u16::try_from(width)
                .unwrap_or(WIDTH_MAX)
                .saturating_add(gap);
            column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(room)));
        }
        for line in table.to_string().lines() {
            self.line(&self.painted(line.trim_end()))?;
        }
        Ok(())
    }

    /// `name  value` lines with the values in one column; empty values are left out.
    pub fn facts(self, facts: &[(&str, String)]) -> Result<(), Failure> {
        let given: Vec<_> = facts
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let widest = given.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let room = usize::from(self.width).saturating_sub(widest + 2).max(20);
        for (name, value) in given {
            for (index, part) in wrapped(value, room).iter().enumerate() {
                let name = if index == 0 { *name } else { "" };
                self.line(&self.painted(format!("{name:<widest$}  {part}").trim_end()))?;
            }
        }
        Ok(())
    }

    /// Paints the words that say how things stand.
    fn painted(self, line: &str) -> String {
        if !self.colour {
            return line.to_owned();
        }
        let mut out = String::with_capacity(line.len() + 16);
        for piece in line.split_inclusive(' ') {
            let word = piece.trim_end();
            let (before, after) = match mood(word) {
                Mood::Good => ("\u{1b}[32m", "\u{1b}[0m"),
                Mood::Warning => ("\u{1b}[33m", "\u{1b}[0m"),
                Mood::Bad => ("\u{1b}[31m", "\u{1b}[0m"),
                Mood::Plain => ("", ""),
            };
            out.push_str(before);
            out.push_str(word);
            out.push_str(after);
            out.push_str(&piece[word.len()..]);
        }
        out
    }
}

/// Widths of columns that fit into `width`. What is given up first is room of the flexible column and of columns wider than
/// an id, which is copied and must not break if that can be helped.
fn fitted(natural: &[usize], flexible: usize, width: usize) -> Vec<usize> {
    let gaps = natural.len().saturating_sub(1) * usize::from(GAP);
    let room = width.saturating_sub(gaps);
    let mut widths = natural.to_vec();
    let floors: [fn(bool, usize) -> usize; 3] = [
        |flexible, natural| if flexible { 20 } else { natural.min(34) },
        |flexible, natural| match (flexible, natural > 34) {
            (true, _) => 11,
            (false, true) => 16,
            (false, false) => natural,
        },
        |_, _| 6,
    ];
    for floor in floors {
        while widths.iter().sum::<usize>() > room {
            let above =
                widths
                    .iter()
                    .zip(natural)
                    .enumerate()
                    .filter_map(|(index, (now, natural))| {
                        let spare =
                            now.saturating_sub(floor(index == flexible, *natural).min(*natural));
                        (spare > 0).then_some((*now, index))
                    });
            let Some((_, widest)) = above.max() else {
                break;
            };
            if let Some(width) = widths.get_mut(widest) {
                *width -= 1;
            }
        }
    }
    widths
}

/// The words with a colour: states, and the verdicts of checks.
fn mood(word: &str) -> Mood {
    match word {
        "active" | "ok" | "unsealed" | "ready" | "verified" => Mood::Good,
        "suspended" | "pre-activation" | "deactivated" | "sealed" | "disabled" => Mood::Warning,
        "compromised" | "destroyed" | "FAIL" => Mood::Bad,
        _ => Mood::Plain,
    }
}

fn terminal_width() -> u16 {
    let size = rustix::termios::tcgetwinsize(std::io::stdout());
    size.map_or(WIDTH_MAX, |size| size.ws_col)
        .clamp(WIDTH_MIN, WIDTH_MAX)
}

/// Breaks at blanks where that is possible, so that no part is longer than `room`; keeps the text's own lines.
pub fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for own in text.lines() {
        let mut line = String::new();
        let mut length = 0;
        for word in own.split(' ') {
            let size = word.chars().count();
            if length > 0 && length + 1 + size > room {
                lines.push(std::mem::take(&mut line));
                length = 0;
            }
            if length > 0 {
                line.push(' ');
                length += 1;
            }
            line.push_str(word);
            length += size;
        }
        lines.push(line);
    }
    lines
}

/// The first eight digits of an id, for tables; words of the system stay as they are.
pub fn short(id: &str) -> String {
    let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_id {
        id.chars().take(8).collect()
    } else {
        id.to_owned()
    }
}

/// `2026-11-23T08:15:30.250Z` as `2026-11-23 08:15:30Z`.
pub fn moment(time: &str) -> String {
    match time.get(..19) {
        Some(until_seconds) => format!("{}Z", until_seconds.replace('T', " ")),
        None => time.to_owned(),
    }
}

/// `2026-11-23T08:15:30.250Z` as `11-23 08:15:30`: for tables in which every column counts.
pub fn brief_moment(time: &str) -> String {
    match time.get(5..19) {
        Some(text) => text.replace('T', " "),
        None => time.to_owned(),
    }
}

/// `2026-11-23T08:15:30.250Z` as `2026-11-23`.
pub fn day(time: &str) -> String {
    time.get(..10).unwrap_or(time).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_break_at_blanks_and_lose_nothing() {
        let text = "one two three four\nfive";
        assert_eq!(wrapped(text, 9), ["one two", "three", "four", "five"]);
        assert_eq!(wrapped("abcdefghijkl mn", 5), ["abcdefghijkl", "mn"]);
    }

    #[test]
    fn columns_fit_and_ids_stay_whole_while_anything_else_can_give_way() {
        assert_eq!(fitted(&[7, 11, 8, 32], 1, 80), [7, 11, 8, 32]);
        assert_eq!(fitted(&[50, 32, 8, 32], 1, 80), [17, 17, 8, 32]);
        assert_eq!(fitted(&[51, 11, 8, 32], 1, 80), [23, 11, 8, 32]);
        assert_eq!(fitted(&[19, 4, 200], 2, 80), [19, 4, 53]);
        for width in 40..=80 {
            for natural in [[200, 200, 200, 200], [3, 32, 32, 32], [255, 11, 8, 32]] {
                let widths = fitted(&natural, 1, width);
                assert!(
                    widths.iter().sum::<usize>() + 6 <= width,
                    "{width} {widths:?}"
                );
                assert!(widths.iter().all(|width| *width > 0));
            }
        }
    }

    #[test]
    fn only_ids_are_shortened() {
        assert_eq!(short("0123456789abcdef0123456789abcdef"), "01234567");
        assert_eq!(short("scheduler"), "scheduler");
    }

    #[test]
    fn times_are_shown_to_the_second() {
        assert_eq!(moment("2026-11-23T08:15:30.250Z"), "2026-11-23 08:15:30Z");
        assert_eq!(day("2026-11-23T08:15:30.250Z"), "2026-11-23");
    }
}
