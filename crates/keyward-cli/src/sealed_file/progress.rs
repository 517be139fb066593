//! How far it is: one line on a terminal, drawn again and again, and gone at the end.
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// Short work shows nothing.
const PATIENCE: Duration = Duration::from_millis(700);
const REDRAW: Duration = Duration::from_millis(150);

/// How much of how much.
pub struct Progress {
    total: Option<u64>,
    done: u64,
    started: Instant,
    drawn: Option<Instant>,
    shown: bool,
}

#[expect(
    clippy::disallowed_methods,
    reason = "a bar shows real time and decides nothing"
)]
fn now() -> Instant {
    Instant::now()
}

impl Progress {
    /// Shown on a terminal only, and only if nobody minds.
    pub fn new(total: Option<u64>, wanted: bool) -> Self {
        Self {
            total,
            done: 0,
            started: now(),
            drawn: None,
            shown: wanted && std::io::stderr().is_terminal(),
        }
    }

    /// So many bytes more.
    pub fn add(&mut self, bytes: usize) {
        self.done += bytes as u64;
        if !self.shown {
            return;
        }
        let at = now();
        let due = match self.drawn {
            Some(before) => at.duration_since(before) >= REDRAW,
            None => at.duration_since(self.started) >= PATIENCE,
        };
        if due {
            self.drawn = Some(at);
            let line = line(
                self.done,
                self.total,
                at.duration_since(self.started),
                width(),
            );
            let _ = write!(std::io::stderr(), "\r{line}\u{1b}[K");
        }
    }

    pub const fn done(&self) -> u64 {
        self.done
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.drawn.is_some() {
            let _ = write!(std::io::stderr(), "\r\u{1b}[K");
        }
    }
}

fn width() -> usize {
    let size = rustix::termios::tcgetwinsize(std::io::stderr());
    size.map_or(80, |size| usize::from(size.ws_col))
        .clamp(20, 80)
}

/// Without the last column, where some terminals break the line.
fn line(done: u64, total: Option<u64>, elapsed: Duration, width: usize) -> String {
    let milliseconds = u64::try_from(elapsed.as_millis())
        .unwrap_or(u64::MAX)
        .max(1);
    let rate = done.saturating_mul(1000) / milliseconds;
    let Some(total) = total.filter(|total| *total > 0) else {
        let text = format!("{}  {}/s", amount(done), amount(rate));
        return text.chars().take(width - 1).collect();
    };
    let done = done.min(total);
    let percent = done.saturating_mul(100) / total;
    let seconds = (total - done).checked_div(rate).unwrap_or(0);
    let facts = format!(
        "{percent:>3} %  {} of {}  {}/s  {} left",
        amount(done),
        amount(total),
        amount(rate),
        time(seconds)
    );
    let room = (width - 1).saturating_sub(facts.chars().count() + 4);
    if room < 8 {
        return facts.chars().take(width - 1).collect();
    }
    let full = usize::try_from(done.saturating_mul(room as u64) / total).unwrap_or(room);
    let bar = "#".repeat(full) + &"-".repeat(room.saturating_sub(full));
    format!("[{bar}]  {facts}")
}

/// `1.5 GiB`.
pub fn amount(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} bytes");
    }
    let (mut tenths, mut unit) = (bytes.saturating_mul(10) / 1024, 0);
    while tenths >= 10_240 && unit + 1 < units.len() {
        tenths /= 1024;
        unit += 1;
    }
    let name = units.get(unit).copied().unwrap_or_default();
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

fn time(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes}:{seconds:02} min"),
        (hours, minutes, _) => format!("{hours}:{minutes:02} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_fits_and_says_how_far_how_fast_how_long() {
        let shown = line(3 << 30, Some(4 << 30), Duration::from_secs(6), 80);
        assert_eq!(
            shown,
            "[####################-------]   75 %  3.0 GiB of 4.0 GiB  512.0 MiB/s  2 s left"
        );
        for width in 20..=80 {
            for (done, total) in [
                (0, Some(1)),
                (1 << 50, Some(u64::MAX)),
                (5, None),
                (9, Some(3)),
            ] {
                let shown = line(done, total, Duration::from_millis(1), width);
                assert!(shown.chars().count() < width, "{width}: {shown}");
            }
        }
    }

    #[test]
    fn amounts_are_short_and_not_rounded_up() {
        assert_eq!(amount(1023), "1023 bytes");
        assert_eq!(amount(1024), "1.0 KiB");
        assert_eq!(amount((1 << 20) - 1), "1023.9 KiB");
        assert_eq!(amount(u64::MAX), "1638.3 PiB");
    }
}
