//! Bytes on their way, wiped when they are dropped.
use bytes::Bytes;
use keyward_core::secret::Secret;
use zeroize::Zeroizing;

/// A request's body.
pub(crate) struct Payload(Zeroizing<Vec<u8>>);

impl Payload {
    /// JSON without secrets.
    pub(crate) fn json(value: &serde_json::Value) -> Self {
        Self(Zeroizing::new(value.to_string().into_bytes()))
    }

    /// `{"<name>":"<base64>"[,"context":"<base64>"][,<more>]}` written once into a buffer that never grows.
    pub(crate) fn data(name: &str, data: &[u8], context: &[u8], more: &str) -> Self {
        let room = (data.len() + context.len()).div_ceil(3) * 4 + more.len() + 64;
        let mut out = Zeroizing::new(Vec::with_capacity(room));
        out.extend_from_slice(b"{\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":\"");
        base64_simd::STANDARD.encode_append(data, &mut *out);
        out.push(b'"');
        if !context.is_empty() {
            out.extend_from_slice(b",\"context\":\"");
            base64_simd::STANDARD.encode_append(context, &mut *out);
            out.push(b'"');
        }
        out.extend_from_slice(more.as_bytes());
        out.push(b'}');
        Self(out)
    }

    /// `{"kind":…,"secret":…}` for a secret text.
    pub(crate) fn credential(kind: &str, secret: &Secret) -> Option<Self> {
        let text = std::str::from_utf8(secret.expose()).ok()?;
        // Every byte may need six (`\u00xx`).
        let mut out = Zeroizing::new(Vec::with_capacity(text.len() * 6 + kind.len() * 6 + 32));
        out.extend_from_slice(b"{\"kind\":");
        serde_json::to_writer(&mut *out, kind).ok()?;
        out.extend_from_slice(b",\"secret\":");
        serde_json::to_writer(&mut *out, text).ok()?;
        out.push(b'}');
        Some(Self(out))
    }

    /// As a body for the wire: another buffer each time, because a repetition needs the bytes again.
    pub(crate) fn bytes(&self) -> Bytes {
        Bytes::from_owner(self.0.clone())
    }

    #[cfg(test)]
    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.0
    }
}
