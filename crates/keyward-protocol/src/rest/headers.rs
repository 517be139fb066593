//! The few headers a codec looks at.
use keyward_core::ids::CorrelationId;
use keyward_core::{ErrorCode, Problem};

use super::spec::{RouteSpec, Success};

/// A view of the request's headers, borrowed from whatever holds them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Headers<'a> {
    /// `Accept`.
    pub accept: Option<&'a [u8]>,
    /// `Content-Type`.
    pub content_type: Option<&'a [u8]>,
    /// `Content-Encoding`.
    pub content_encoding: Option<&'a [u8]>,
    /// `Idempotency-Key`.
    pub idempotency_key: Option<&'a [u8]>,
    /// `X-Request-Id`.
    pub request_id: Option<&'a [u8]>,
    /// `If-Match`.
    pub if_match: Option<&'a [u8]>,
    /// `If-None-Match`.
    pub if_none_match: Option<&'a [u8]>,
}

/// Longest idempotency key.
const IDEMPOTENCY_KEY_MAX: usize = 255;

impl<'a> Headers<'a> {
    /// Picks them by lower-case name.
    #[must_use]
    pub fn read(lookup: impl Fn(&'static str) -> Option<&'a [u8]>) -> Self {
        Self {
            accept: lookup("accept"),
            content_type: lookup("content-type"),
            content_encoding: lookup("content-encoding"),
            idempotency_key: lookup("idempotency-key"),
            request_id: lookup("x-request-id"),
            if_match: lookup("if-match"),
            if_none_match: lookup("if-none-match"),
        }
    }

    /// The caller's own name for the request: 32 hexadecimal digits, or a UUID.
    ///
    /// # Errors
    /// `invalid_field` for anything else: an identifier that is silently replaced cannot be searched for.
    pub fn request_id(&self) -> Result<Option<CorrelationId>, Problem> {
        let Some(text) = self.request_id else {
            return Ok(None);
        };
        let is_uuid = text.len() == 36
            && text
                .iter()
                .enumerate()
                .all(|(place, byte)| (*byte == b'-') == matches!(place, 8 | 13 | 18 | 23));
        let digits: String = text
            .iter()
            .filter(|byte| !is_uuid || **byte != b'-')
            .map(|byte| char::from(byte.to_ascii_lowercase()))
            .collect();
        CorrelationId::parse(&digits).map(Some).map_err(|_| {
            Problem::invalid_field("X-Request-Id", "it must be 32 hexadecimal digits or a UUID")
        })
    }

    pub(super) fn idempotency_key(&self) -> Result<Option<String>, Problem> {
        let Some(key) = self.idempotency_key else {
            return Ok(None);
        };
        let fits =
            (1..=IDEMPOTENCY_KEY_MAX).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
        match std::str::from_utf8(key) {
            Ok(key) if fits => Ok(Some(key.to_owned())),
            _ => Err(Problem::invalid_field(
                "Idempotency-Key",
                "it must be 1 to 255 printable ASCII characters without blanks",
            )),
        }
    }

    /// The revisions at which a change is wanted: strong tags of ours (RFC 9110 §13.1.1), `*` for any; a tag that is not
    /// ours matches nothing.
    pub(super) fn revisions(&self) -> Option<Vec<u64>> {
        let given = self.if_match?;
        if given.trim_ascii() == b"*" {
            return None;
        }
        let one = |tag: &[u8]| {
            let inner = tag.trim_ascii().strip_prefix(b"\"")?.strip_suffix(b"\"")?;
            let digits = !inner.is_empty() && inner.iter().all(u8::is_ascii_digit);
            digits
                .then(|| std::str::from_utf8(inner).ok()?.parse().ok())
                .flatten()
        };
        Some(given.split(|byte| *byte == b',').filter_map(one).collect())
    }

    /// Checks what must hold before anything is read or done.
    pub(super) fn check(&self, spec: &RouteSpec, body: &[u8]) -> Result<(), Problem> {
        if body.len() > spec.body_limit {
            return Err(Problem::body_too_large(spec.body_limit.to_string()));
        }
        if self.if_match.is_some() && !spec.conditional {
            // A condition that is not checked must not be accepted.
            return Err(Problem::invalid_field(
                "If-Match",
                "this request cannot be made conditional",
            ));
        }
        self.check_accept(spec.success)?;
        if body.is_empty() {
            return Ok(());
        }
        if spec.body.is_none() {
            return Err(Problem::malformed_request("this request takes no body"));
        }
        self.check_content()
    }

    fn check_content(&self) -> Result<(), Problem> {
        if let Some(encoding) = self.content_encoding
            && !encoding.eq_ignore_ascii_case(b"identity")
        {
            return Err(Problem::unsupported_media_type(shown(encoding)));
        }
        let Some(given) = self.content_type else {
            return Err(Problem::unsupported_media_type("none"));
        };
        let (essence, parameters) = halves(given, b';');
        let charset_fits = parameters.trim_ascii().is_empty()
            || parameters
                .trim_ascii()
                .eq_ignore_ascii_case(b"charset=utf-8")
            || parameters
                .trim_ascii()
                .eq_ignore_ascii_case(b"charset=\"utf-8\"");
        if essence.eq_ignore_ascii_case(b"application/json") && charset_fits {
            Ok(())
        } else {
            Err(Problem::unsupported_media_type(shown(given)))
        }
    }

    /// Refuses before the command is done, not after, what could not be answered.
    fn check_accept(&self, success: Success) -> Result<(), Problem> {
        let Some(accept) = self.accept else {
            return Ok(());
        };
        let ours: &[u8] = match success {
            Success::Nothing => return Ok(()),
            Success::Json(_) | Success::Created(_) => b"application/json",
            Success::Text => b"text/plain",
            Success::Bytes => b"application/octet-stream",
        };
        let accepted = accept.split(|byte| *byte == b',').any(|range| {
            let (range, parameters) = halves(range, b';');
            !is_excluded(parameters) && covers(range, ours)
        });
        if accepted {
            Ok(())
        } else {
            Err(Problem::new(ErrorCode::NotAcceptable))
        }
    }
}

/// Before and after the first separator, the first half trimmed.
fn halves(bytes: &[u8], separator: u8) -> (&[u8], &[u8]) {
    let place = bytes.iter().position(|byte| *byte == separator);
    let (before, after) = place
        .and_then(|place| bytes.split_at_checked(place))
        .unwrap_or((bytes, b""));
    (
        before.trim_ascii(),
        after.strip_prefix(&[separator]).unwrap_or(after),
    )
}

/// Whether a media range covers a type.
fn covers(range: &[u8], ours: &[u8]) -> bool {
    let (kind, subtype) = halves(range, b'/');
    let (our_kind, _) = halves(ours, b'/');
    range == b"*/*"
        || range.eq_ignore_ascii_case(ours)
        || (subtype == b"*" && kind.eq_ignore_ascii_case(our_kind))
}

/// Whether the parameters say `q=0`.
fn is_excluded(parameters: &[u8]) -> bool {
    parameters.split(|byte| *byte == b';').any(|parameter| {
        let parameter = parameter.trim_ascii();
        let quality = parameter
            .strip_prefix(b"q=")
            .or_else(|| parameter.strip_prefix(b"Q="));
        quality.is_some_and(|quality| {
            quality.first() == Some(&b'0')
                && quality
                    .iter()
                    .skip(1)
                    .all(|byte| matches!(byte, b'.' | b'0'))
        })
    })
}

/// A header's text for a problem: printable ASCII only.
fn shown(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| {
            if byte.is_ascii_graphic() || *byte == b' ' {
                char::from(*byte)
            } else {
                '?'
            }
        })
        .collect()
}
