//! REST requests: `METHOD SP target LF (header: value LF)* LF body`.
use keyward_core::ids::CorrelationId;
use keyward_protocol::rest::{Call, Decoded, Headers, Matched, Reply, decode, find};

/// The parts of an input.
struct Parts<'b> {
    method: &'b str,
    path: &'b str,
    query: Option<&'b str>,
    headers: Vec<(&'b str, &'b [u8])>,
    body: &'b [u8],
}

fn parts(bytes: &[u8]) -> Option<Parts<'_>> {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n")?;
    let (head, body) = (&bytes[..end], &bytes[end + 2..]);
    let mut lines = head.split(|byte| *byte == b'\n');
    let (method, target) = core::str::from_utf8(lines.next()?).ok()?.split_once(' ')?;
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let mut headers = Vec::new();
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = core::str::from_utf8(&line[..colon]).ok()?;
        headers.push((name, line[colon + 1..].trim_ascii()));
    }
    if !headers.iter().any(|(name, _)| *name == "content-type") && !body.is_empty() {
        headers.push(("content-type", b"application/json"));
    }
    Some(Parts {
        method,
        path,
        query,
        headers,
        body,
    })
}

impl<'b> Parts<'b> {
    fn headers(&self) -> Headers<'b> {
        Headers::read(|wanted| {
            let found = self.headers.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| *value)
        })
    }
}

/// What the request asks for, if it is understood.
pub(crate) fn decoded(bytes: &[u8]) -> Option<Call> {
    let parts = parts(bytes)?;
    let matched = find(parts.method, parts.path).ok()?;
    decode(&matched, parts.query, &parts.headers(), parts.body)
        .ok()
        .map(|decoded| decoded.call)
}

/// Every request is understood or refused with a problem of its own making, and every answer is JSON.
pub(crate) fn request(bytes: &[u8]) {
    let Some(parts) = parts(bytes) else { return };
    let id = CorrelationId([1; 16]);
    let headers = parts.headers();
    let (reply, problem) = match find(parts.method, parts.path) {
        Err(problem) => (Reply::unrouted(parts.path, id), problem),
        Ok(matched) => match decode(&matched, parts.query, &headers, parts.body) {
            Ok(decoded) => return understood(&matched, &decoded),
            Err(problem) => (Reply::to(&matched, &headers, id), problem),
        },
    };
    let status = problem.code.http_status();
    assert!(
        (400..500).contains(&status),
        "{status} for what a caller sent"
    );
    let response = reply.problem(&problem, None);
    assert_eq!(response.status, status);
    let read: Result<serde_json::Value, _> = serde_json::from_slice(response.body.as_ref());
    assert!(read.is_ok(), "an answer is JSON");
}

fn understood(matched: &Matched<'_>, decoded: &Decoded) {
    match &decoded.call {
        Call::Command { command, .. } => {
            assert!(!matched.is_open());
            let canonical = command.canonical(keyward_core::ids::DeploymentId([0; 16]));
            assert_eq!(canonical.first(), Some(&0x84), "an array of four");
        }
        Call::Unseal { .. } | Call::Health | Call::Ready | Call::OpenApi => {}
    }
}

/// The requests of the codec's golden file.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    const GOLDEN: &str = include_str!("../../keyward-protocol/tests/golden/requests.txt");
    let mut seeds = Vec::new();
    for part in GOLDEN.split("\n=> ") {
        // What precedes the arrow is the request: its line, then its body; what follows is what it means.
        let mut lines = part.lines().rev();
        let body = lines.next().unwrap_or_default();
        let line = lines.next().unwrap_or_default();
        if ["GET ", "POST ", "PUT ", "PATCH ", "DELETE "]
            .iter()
            .any(|method| line.starts_with(method))
        {
            seeds.push(format!("{line}\n\n{body}").into_bytes());
        }
    }
    seeds.push(b"POST /v1/realms\nidempotency-key: a\nx-request-id: 0123456789abcdef0123456789abcdef\ncontent-type: application/json; charset=utf-8\naccept: */*\n\n{\"name\":\"shop\"}".to_vec());
    seeds
}
