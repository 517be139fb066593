//! A proof of one record, as `keyward audit proof` writes it.
use keyward_core::tlog::{LogProof, leaf_hash};
use serde::{Deserialize, Serialize};

use super::sequence::{Sequence, check_body};
use super::{Report, Trust};
use crate::exit::Failure;

/// Length of the salt before a body.
const SALT: usize = 16;

/// The file: what the server answered, and the key history.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofFile {
    /// Index of the record.
    pub index: u64,
    /// Its entry in base64.
    pub entry: String,
    /// Salt and body in base64, unless redacted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// C2SP tlog-proof.
    pub proof: String,
    /// History of the log's keys.
    pub keys: String,
}

/// Verifies a proof file.
pub fn verify(trust: &Trust, bytes: &[u8]) -> Result<Report, Failure> {
    let file: ProofFile = serde_json::from_slice(bytes).map_err(|error| {
        Failure::integrity(format!(
            "it is not a proof file (line {}, column {})",
            error.line(),
            error.column()
        ))
    })?;
    let base64 = |text: &str| {
        base64_simd::STANDARD
            .decode_to_vec(text)
            .map_err(|_| Failure::integrity("entry or body is not base64"))
    };
    let history = trust.history(&file.keys)?;
    let refuse =
        |error: &dyn ToString| Failure::integrity(format!("the proof: {}", error.to_string()));
    let proof = LogProof::parse(file.proof.as_bytes()).map_err(|error| refuse(&error))?;
    let entry = base64(&file.entry)?;
    let leaf = leaf_hash(&trust.crypto, &entry);
    let verified = proof
        .verify(&trust.crypto, &trust.crypto, &trust.policy(&history)?, leaf)
        .map_err(|error| refuse(&error))?;
    if verified.index != file.index {
        return Err(Failure::integrity(format!(
            "the proof is about record {}",
            verified.index
        )));
    }
    let mut report = Report::of("proof", &history, &verified.witnessed);
    let mut sequence = Sequence::from(file.index);
    sequence.skip();
    let header = sequence.take(file.index, &entry)?;
    (report.first, report.records) = (Some(file.index), 1);
    match &file.body {
        Some(text) => {
            let salted = base64(text)?;
            let (salt, body) = salted
                .split_at_checked(SALT)
                .ok_or_else(|| Failure::integrity("the body is shorter than its salt"))?;
            check_body(&trust.crypto, file.index, &header, salt, body)?;
            report.bodies = 1;
        }
        None => report.redacted = 1,
    }
    Ok(report)
}
