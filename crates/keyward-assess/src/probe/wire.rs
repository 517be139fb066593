//! The few TLS messages a probe needs: ClientHello out, ServerHello, Certificate and ServerKeyExchange in.

/// Length-prefixed bytes.
fn vector(out: &mut Vec<u8>, width: usize, content: &[u8]) {
    let length = (content.len() as u64).to_be_bytes();
    out.extend_from_slice(length.get(8 - width..).unwrap_or_default());
    out.extend_from_slice(content);
}

fn shorts(values: &[u16]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_be_bytes())
        .collect()
}

/// One extension.
fn extension(out: &mut Vec<u8>, kind: u16, body: &[u8]) {
    out.extend_from_slice(&kind.to_be_bytes());
    vector(out, 2, body);
}

/// Signature algorithms offered: all that are in use.
const SIGNATURES: &[u16] = &[
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809, 0x080a, 0x080b, 0x0804, 0x0805, 0x0806, 0x0401,
    0x0501, 0x0601, 0x0203, 0x0201, 0x0202, 0x0402, 0x0904, 0x0905, 0x0906,
];

/// A ClientHello in its record. `version` is 0x0300 to 0x0304.
pub fn hello(version: u16, suites: &[u16], groups: &[u16], name: &str) -> Vec<u8> {
    let legacy = version.min(0x0303);
    let mut body = legacy.to_be_bytes().to_vec();
    // not a secret: the handshake is never finished
    body.extend_from_slice(&[0x4b; 32]);
    vector(
        &mut body,
        1,
        if version == 0x0304 { &[0x77; 32] } else { &[] },
    );
    vector(&mut body, 2, &shorts(suites));
    vector(&mut body, 1, &[0]);
    let mut extensions = Vec::new();
    if version > 0x0300 {
        if name.parse::<std::net::IpAddr>().is_err() {
            let mut entry = vec![0];
            vector(&mut entry, 2, name.as_bytes());
            let mut list = Vec::new();
            vector(&mut list, 2, &entry);
            extension(&mut extensions, 0, &list);
        }
        let mut list = Vec::new();
        vector(&mut list, 2, &shorts(groups));
        extension(&mut extensions, 10, &list);
        extension(&mut extensions, 11, &[1, 0]);
        if version >= 0x0303 {
            let mut list = Vec::new();
            vector(&mut list, 2, &shorts(SIGNATURES));
            extension(&mut extensions, 13, &list);
        }
        extension(&mut extensions, 23, &[]);
        extension(&mut extensions, 0xff01, &[0]);
        if version == 0x0304 {
            extension(&mut extensions, 43, &[2, 3, 4]);
            // no key share: the server names the group it wants (RFC 8446 §4.2.8)
            extension(&mut extensions, 51, &[0, 0]);
            extension(&mut extensions, 45, &[1, 1]);
        }
        vector(&mut body, 2, &extensions);
    }
    let mut handshake = vec![1];
    vector(&mut handshake, 3, &body);
    let mut record = vec![22];
    record.extend_from_slice(&legacy.min(0x0301).to_be_bytes());
    vector(&mut record, 2, &handshake);
    record
}

/// What a server answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Version it chose.
    pub version: u16,
    /// Suite it chose.
    pub suite: u16,
    /// Group it asks for (TLS 1.3) or uses (ECDHE).
    pub group: Option<u16>,
    /// Bits of its Diffie-Hellman prime.
    pub prime_bits: Option<u32>,
    /// Its certificates, in DER.
    pub certificates: Vec<Vec<u8>>,
    /// Whether the answer is complete.
    pub done: bool,
}

/// Takes a big-endian number off the front.
fn take(data: &mut &[u8], width: usize) -> Option<usize> {
    let (head, rest) = data.split_at_checked(width)?;
    *data = rest;
    Some(
        head.iter()
            .fold(0, |sum, byte| (sum << 8) | usize::from(*byte)),
    )
}

/// Takes length-prefixed bytes off the front.
fn piece<'a>(data: &mut &'a [u8], width: usize) -> Option<&'a [u8]> {
    let length = take(data, width)?;
    let (head, rest) = data.split_at_checked(length)?;
    *data = rest;
    Some(head)
}

/// Reads what has arrived; none if it is an alert or no TLS.
pub fn answer(received: &[u8]) -> Option<Answer> {
    let mut records = received;
    let mut handshake = Vec::new();
    while let Some(kind) = records.first().copied() {
        if kind != 22 {
            break;
        }
        let mut rest = records.get(3..)?;
        let Some(body) = piece(&mut rest, 2) else {
            break;
        };
        handshake.extend_from_slice(body);
        records = rest;
    }
    let mut messages = handshake.as_slice();
    let mut out = Answer::default();
    while let Some((kind, mut rest)) = messages.split_first() {
        let Some(body) = piece(&mut rest, 3) else {
            break;
        };
        messages = rest;
        match kind {
            2 => server_hello(body, &mut out)?,
            11 => out.certificates = certificates(body),
            12 => key_exchange(body, &mut out),
            14 => out.done = true,
            _ => {}
        }
    }
    if out.version == 0x0304 {
        out.done = true;
    }
    (out.version != 0).then_some(out)
}

fn server_hello(mut body: &[u8], out: &mut Answer) -> Option<()> {
    out.version = u16::try_from(take(&mut body, 2)?).ok()?;
    body = body.get(32..)?;
    piece(&mut body, 1)?;
    out.suite = u16::try_from(take(&mut body, 2)?).ok()?;
    take(&mut body, 1)?;
    let mut extensions = piece(&mut body, 2).unwrap_or_default();
    while let (Some(kind), Some(mut content)) =
        (take(&mut extensions, 2), piece(&mut extensions, 2))
    {
        match kind {
            43 => out.version = u16::try_from(take(&mut content, 2)?).ok()?,
            51 => out.group = take(&mut content, 2).and_then(|group| u16::try_from(group).ok()),
            _ => {}
        }
    }
    Some(())
}

fn certificates(mut body: &[u8]) -> Vec<Vec<u8>> {
    let mut list = piece(&mut body, 3).unwrap_or_default();
    let mut all = Vec::new();
    while let Some(one) = piece(&mut list, 3) {
        all.push(one.to_vec());
        if all.len() == 16 {
            break;
        }
    }
    all
}

/// The group or the prime of an ephemeral key exchange.
fn key_exchange(mut body: &[u8], out: &mut Answer) {
    if body.first() == Some(&3) {
        let mut rest = body.get(1..).unwrap_or_default();
        out.group = take(&mut rest, 2).and_then(|group| u16::try_from(group).ok());
    } else if let Some(prime) = piece(&mut body, 2) {
        out.prime_bits = Some(crate::ber::bit_length(prime));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_and_cut_ones_never_panic() {
        // ServerHello TLS 1.2, suite 0xc02f, then ServerHelloDone
        let mut hello = vec![3, 3];
        hello.extend_from_slice(&[0; 32]);
        hello.extend_from_slice(&[0, 0xc0, 0x2f, 0]);
        let mut handshake = vec![2];
        vector(&mut handshake, 3, &hello);
        handshake.extend_from_slice(&[14, 0, 0, 0]);
        let mut record = vec![22, 3, 3];
        vector(&mut record, 2, &handshake);
        let read = answer(&record).expect("an answer");
        assert_eq!(
            (read.version, read.suite, read.done),
            (0x0303, 0xc02f, true)
        );
        for end in 0..record.len() {
            let _ = answer(record.get(..end).unwrap_or_default());
        }
        assert_eq!(answer(&[21, 3, 3, 0, 2, 2, 40]), None);
    }
}
