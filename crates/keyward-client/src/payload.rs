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

    /// An object, written once into a buffer with `room` bytes: enough of it, and nothing is left behind in an outgrown one.
    pub(crate) fn object(room: usize, members: impl FnOnce(&mut Members)) -> Self {
        let mut out = Zeroizing::new(Vec::with_capacity(room + 64));
        out.push(b'{');
        let mut writer = Members { out, comma: false };
        members(&mut writer);
        writer.out.push(b'}');
        Self(writer.out)
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

/// Writes the members of a JSON object, and wipes what it wrote when it is dropped.
pub(crate) struct Members {
    out: Zeroizing<Vec<u8>>,
    comma: bool,
}

impl Members {
    fn key(&mut self, name: &str) {
        self.separate();
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    fn separate(&mut self) {
        if self.comma {
            self.out.push(b',');
        }
        self.comma = true;
    }

    /// Bytes in base64.
    pub(crate) fn base64(&mut self, name: &str, bytes: &[u8]) {
        self.key(name);
        self.out.push(b'"');
        base64_simd::STANDARD.encode_append(bytes, &mut *self.out);
        self.out.push(b'"');
    }

    /// Bytes in base64, unless there are none.
    pub(crate) fn some_base64(&mut self, name: &str, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.base64(name, bytes);
        }
    }

    /// Anything without secrets, if it is given.
    pub(crate) fn value(&mut self, name: &str, value: Option<impl Into<serde_json::Value>>) {
        if let Some(value) = value {
            self.key(name);
            self.out
                .extend_from_slice(value.into().to_string().as_bytes());
        }
    }

    /// `true`, or nothing.
    pub(crate) fn set(&mut self, name: &str, flag: bool) {
        self.value(name, flag.then_some(true));
    }

    /// A list of objects.
    pub(crate) fn list<T>(&mut self, name: &str, items: &[T], each: impl Fn(&mut Self, &T)) {
        self.key(name);
        self.out.push(b'[');
        self.comma = false;
        for item in items {
            self.separate();
            self.out.push(b'{');
            self.comma = false;
            each(self, item);
            self.out.push(b'}');
            self.comma = true;
        }
        self.out.push(b']');
        self.comma = true;
    }
}

/// Room for bytes in base64, with the names around them.
pub(crate) const fn room(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4 + 96
}
