//! JSON written straight into one buffer.
use std::fmt::Display;
use std::io::Write as _;

use keyward_core::time::{Millis, Timestamp};

use super::time::format_time;

/// Writes one JSON value; the commas are its own business.
pub(super) struct Writer {
    out: Vec<u8>,
    comma: bool,
}

impl Writer {
    /// With room for so many bytes: enough of it, and no part of a secret is left behind in an outgrown buffer.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self {
            out: Vec::with_capacity(bytes),
            comma: false,
        }
    }

    /// An object written by `members`, as the whole text.
    pub(super) fn document(bytes: usize, members: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut writer = Self::with_capacity(bytes);
        writer.item_object(members);
        writer.out
    }

    fn separate(&mut self) {
        if self.comma {
            self.out.push(b',');
        }
        self.comma = true;
    }

    fn key(&mut self, name: &str) {
        self.separate();
        self.quoted(name);
        self.out.push(b':');
    }

    fn quoted(&mut self, text: &str) {
        // Writing a string into a Vec cannot fail.
        let _ = serde_json::to_writer(&mut self.out, text);
    }

    /// An object as the next item of a list (or the whole text).
    pub(super) fn item_object(&mut self, members: impl FnOnce(&mut Self)) {
        self.separate();
        self.enclosed(b'{', b'}', members);
    }

    /// A text as the next item of a list.
    pub(super) fn item_text(&mut self, text: &str) {
        self.separate();
        self.quoted(text);
    }

    /// A number as the next item of a list.
    pub(super) fn item_whole(&mut self, number: u64) {
        self.separate();
        let _ = write!(self.out, "{number}");
    }

    fn enclosed(&mut self, open: u8, close: u8, inside: impl FnOnce(&mut Self)) {
        self.out.push(open);
        self.comma = false;
        inside(self);
        self.out.push(close);
        self.comma = true;
    }

    /// An object member.
    pub(super) fn object(&mut self, name: &str, members: impl FnOnce(&mut Self)) {
        self.key(name);
        self.enclosed(b'{', b'}', members);
    }

    /// A list member.
    pub(super) fn list<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        each: impl Fn(&mut Self, T),
    ) {
        self.key(name);
        self.enclosed(b'[', b']', |writer| {
            for item in items {
                each(writer, item);
            }
        });
    }

    /// A text member.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.key(name);
        self.quoted(text);
    }

    /// A text member of something that prints without characters that need escapes (ids, numbers, codes).
    pub(super) fn plain(&mut self, name: &str, value: impl Display) {
        self.key(name);
        let _ = write!(self.out, "\"{value}\"");
    }

    /// A text member, if there is one.
    pub(super) fn maybe_text(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// A number member.
    pub(super) fn whole(&mut self, name: &str, number: impl Into<u64>) {
        self.key(name);
        let _ = write!(self.out, "{}", number.into());
    }

    /// A number member, if there is one.
    pub(super) fn maybe_whole(&mut self, name: &str, number: Option<impl Into<u64>>) {
        if let Some(number) = number {
            self.whole(name, number);
        }
    }

    /// A truth member.
    pub(super) fn flag(&mut self, name: &str, value: bool) {
        self.key(name);
        self.out
            .extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// Bytes in base64.
    pub(super) fn base64(&mut self, name: &str, bytes: &[u8]) {
        self.key(name);
        self.out.push(b'"');
        base64_simd::STANDARD.encode_append(bytes, &mut self.out);
        self.out.push(b'"');
    }

    /// Bytes in hexadecimal.
    pub(super) fn hex(&mut self, name: &str, bytes: &[u8]) {
        self.key(name);
        self.out.push(b'"');
        self.out
            .extend(bytes.iter().flat_map(|byte| hex_pair(*byte)));
        self.out.push(b'"');
    }

    /// An instant.
    pub(super) fn time(&mut self, name: &str, time: Timestamp) {
        self.plain(name, format_time(time));
    }

    /// An instant, if there is one.
    pub(super) fn maybe_time(&mut self, name: &str, time: Option<Timestamp>) {
        if let Some(time) = time {
            self.time(name, time);
        }
    }

    /// A duration: whole days as `<stem>_days`, anything else as `<stem>_seconds`.
    pub(super) fn duration(&mut self, stem: &str, duration: Option<Millis>) {
        let Some(Millis(ms)) = duration else { return };
        if ms.is_multiple_of(Millis::DAY.0) {
            self.whole(&format!("{stem}_days"), ms / Millis::DAY.0);
        } else {
            self.whole(&format!("{stem}_seconds"), ms.div_ceil(Millis::SECOND.0));
        }
    }
}

/// The two digits of a byte: by arithmetic, because formatting one costs more than everything else in a short answer.
fn hex_pair(byte: u8) -> [u8; 2] {
    const fn digit(nibble: u8) -> u8 {
        if nibble < 10 {
            b'0'.wrapping_add(nibble)
        } else {
            b'a'.wrapping_add(nibble.wrapping_sub(10))
        }
    }
    [digit(byte >> 4), digit(byte & 0x0f)]
}

/// Lower-case hexadecimal.
pub(super) fn hex_text(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| hex_pair(*byte))
        .map(char::from)
        .collect()
}
