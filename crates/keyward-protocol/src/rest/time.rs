//! RFC 3339 in UTC with milliseconds: the one place where times meet text.
//!
//! Days are counted by the proleptic Gregorian calendar (H. Hinnant, "chrono-compatible low-level date algorithms").
use std::fmt::Write as _;

use keyward_core::time::Timestamp;

const DAY_MS: u64 = 86_400_000;
/// 9999-12-31T23:59:59.999Z: RFC 3339 has no year beyond it.
const LAST: u64 = 253_402_300_799_999;

/// `2026-11-23T08:15:30.250Z`; what lies beyond the year 9999 shows as its last millisecond.
#[must_use]
pub fn format_time(time: Timestamp) -> String {
    let time = time.0.min(LAST);
    let (year, month, day) = civil(time / DAY_MS);
    let in_day = time % DAY_MS;
    let (hour, minute) = (in_day / 3_600_000, in_day / 60_000 % 60);
    let (second, milli) = (in_day / 1000 % 60, in_day % 1000);
    let mut text = String::with_capacity(24);
    let _ = write!(
        text,
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z"
    );
    text
}

/// Reads RFC 3339 with any offset; digits beyond the millisecond are cut off, leap seconds and years before 1970 refused.
#[must_use]
pub fn parse_time(text: &str) -> Option<Timestamp> {
    let mut reader = Reader(text.as_bytes());
    let year = reader.number(4)?;
    reader.skip(b"-")?;
    let month = reader.number(2)?;
    reader.skip(b"-")?;
    let day = reader.number(2)?;
    reader.skip(b"Tt ")?;
    let hour = reader.number(2)?;
    reader.skip(b":")?;
    let minute = reader.number(2)?;
    reader.skip(b":")?;
    let second = reader.number(2)?;
    let milli = reader.fraction()?;
    let offset_minutes = reader.offset()?;
    let valid = year >= 1970
        && (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60
        && reader.0.is_empty();
    if !valid {
        return None;
    }
    let in_day = hour
        .checked_mul(3_600_000)?
        .checked_add(minute.checked_mul(60_000)?)?;
    let in_day = in_day
        .checked_add(second.checked_mul(1000)?)?
        .checked_add(milli)?;
    let local = days(year, month, day)?
        .checked_mul(DAY_MS)?
        .checked_add(in_day)?;
    let offset = offset_minutes.checked_mul(60_000)?;
    local
        .checked_add_signed(offset.checked_neg()?)
        .map(Timestamp)
}

struct Reader<'t>(&'t [u8]);

impl Reader<'_> {
    fn next_if(&mut self, fits: impl Fn(u8) -> bool) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        fits(*first).then(|| {
            self.0 = rest;
            *first
        })
    }

    fn skip(&mut self, any_of: &[u8]) -> Option<u8> {
        self.next_if(|byte| any_of.contains(&byte))
    }

    fn digit(&mut self) -> Option<u64> {
        self.next_if(|byte| byte.is_ascii_digit())
            .map(|byte| u64::from(byte & 0x0f))
    }

    fn number(&mut self, digits: usize) -> Option<u64> {
        (0..digits).try_fold(0_u64, |number, _| {
            number.checked_mul(10)?.checked_add(self.digit()?)
        })
    }

    /// Milliseconds of an optional fraction.
    fn fraction(&mut self) -> Option<u64> {
        if self.skip(b".").is_none() {
            return Some(0);
        }
        let mut milli = self.digit()?.checked_mul(100)?;
        for weight in [10_u64, 1] {
            let Some(digit) = self.digit() else {
                return Some(milli);
            };
            milli = milli.checked_add(digit.checked_mul(weight)?)?;
        }
        while self.digit().is_some() {}
        Some(milli)
    }

    /// Minutes east of UTC.
    fn offset(&mut self) -> Option<i64> {
        match self.skip(b"Zz+-")? {
            b'+' => self.clock(),
            b'-' => self.clock()?.checked_neg(),
            _ => Some(0),
        }
    }

    fn clock(&mut self) -> Option<i64> {
        let hours = self.number(2)?;
        self.skip(b":")?;
        let minutes = self.number(2)?;
        if hours > 23 || minutes > 59 {
            return None;
        }
        i64::try_from(hours.checked_mul(60)?.checked_add(minutes)?).ok()
    }
}

const fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days_in(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01; the year begins in March, so that the leap day is its last.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let year = if month <= 2 {
        year.checked_sub(1)?
    } else {
        year
    };
    let shifted = month.checked_add(9)? % 12;
    let in_year = shifted.checked_mul(153)?.checked_add(2)? / 5;
    let in_year = in_year.checked_add(day)?.checked_sub(1)?;
    let leaps = (year / 4)
        .checked_sub(year / 100)?
        .checked_add(year / 400)?;
    year.checked_mul(365)?
        .checked_add(leaps)?
        .checked_add(in_year)?
        .checked_sub(719_468)
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "the caller bounds the days to the year 9999"
)]
const fn civil(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let (era, of_era) = (z / 146_097, z % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let in_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * in_year + 2) / 153;
    let day = in_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400;
    (if month <= 2 { year + 1 } else { year }, month, day)
}
