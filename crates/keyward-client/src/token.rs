//! The bearer token as a header.
use http::HeaderValue;
use keyward_core::secret::Secret;
use zeroize::Zeroizing;

/// Why bytes are not a bearer token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Nothing but white space.
    #[error("the token is empty")]
    Empty,
    /// Blanks or control characters inside.
    #[error("the token holds characters that no token has")]
    Characters,
}

/// `Bearer …`, marked as sensitive; white space around the token (a file's last line end) is left out.
pub(crate) fn bearer(token: &Secret) -> Result<HeaderValue, TokenError> {
    let token = token.expose().trim_ascii();
    if token.is_empty() {
        return Err(TokenError::Empty);
    }
    if !token.iter().all(u8::is_ascii_graphic) {
        return Err(TokenError::Characters);
    }
    let mut text = Zeroizing::new(Vec::with_capacity(token.len() + 7));
    text.extend_from_slice(b"Bearer ");
    text.extend_from_slice(token);
    let mut value = HeaderValue::from_bytes(&text).map_err(|_| TokenError::Characters)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_from_a_file_loses_its_line_end_and_is_not_shown() {
        let value = bearer(&Secret::new(b"kwt_abc\r\n".to_vec())).unwrap();
        assert_eq!(value.as_bytes(), b"Bearer kwt_abc");
        assert!(!format!("{value:?}").contains("kwt_abc"));
    }

    #[test]
    fn what_would_split_a_header_is_refused() {
        for (bad, error) in [
            (&b""[..], TokenError::Empty),
            (b" \n", TokenError::Empty),
            (b"a\nb", TokenError::Characters),
            (b"a b", TokenError::Characters),
            (b"\xff", TokenError::Characters),
        ] {
            assert_eq!(bearer(&Secret::new(bad.to_vec())), Err(error));
        }
    }
}
