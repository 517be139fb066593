//! Percent-decoding.
use std::borrow::Cow;

use keyward_core::Problem;

/// What a plus sign means: in a path itself, in a query a blank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plus {
    IsPlus,
    IsBlank,
}

/// Decodes `%xx`; what does not need it is only borrowed.
pub(super) fn percent_decoded(text: &str, plus: Plus) -> Result<Cow<'_, str>, Problem> {
    let special = |byte: u8| byte == b'%' || (byte == b'+' && plus == Plus::IsBlank);
    if !text.bytes().any(special) {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let pair = (bytes.next().and_then(digit), bytes.next().and_then(digit));
                let (Some(high), Some(low)) = pair else {
                    return Err(malformed());
                };
                out.push(high << 4 | low);
            }
            b'+' if plus == Plus::IsBlank => out.push(b' '),
            other => out.push(other),
        }
    }
    String::from_utf8(out)
        .map(Cow::Owned)
        .map_err(|_| malformed())
}

fn malformed() -> Problem {
    Problem::malformed_request(
        "a percent sign in the address is not followed by two hexadecimal digits of UTF-8 text",
    )
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}
