//! What the engine stores and signs: commands, rows, records, ciphertexts, puncturable trees.
use std::fmt::Debug;

use keyward_core::ciphertext::{self, HEADER_BYTES};
use keyward_core::command::*;
use keyward_core::ids::DeploymentId;
use keyward_core::object::{
    Anchor, CertificateBinding, Object, Principal, Realm, RealmCounters, Token, Usage, Version,
};
use keyward_core::outcome::PolicyText;
use keyward_core::puncture::{Path, PuncturableTree, TreePrf, TreeWriter};
use keyward_core::record::{Body, Header, StoredRecord};
use keyward_core::{cbor, tlog};
use keyward_protocol::rest::Call;
use minicbor::{Decode, Encode};

use crate::{installation, rest};

/// Whatever reads as a value has exactly one canonical form, and that form reads as the same value.
fn value<'b, T: Decode<'b, ()> + Encode<()>>(bytes: &'b [u8]) {
    let Ok(read) = cbor::from_slice::<T>(bytes) else {
        return;
    };
    let written = cbor::to_vec(&read);
    let strict = cbor::from_canonical::<T>(bytes).is_ok();
    assert_eq!(strict, written == bytes, "canonical means: as we write it");
}

/// The same for owned values, which can also be compared after a second reading.
fn owned<T: for<'b> Decode<'b, ()> + Encode<()> + PartialEq + Debug>(bytes: &[u8]) {
    value::<T>(bytes);
    if let Ok(read) = cbor::from_slice::<T>(bytes) {
        let again = cbor::from_canonical::<T>(&cbor::to_vec(&read));
        assert_eq!(again.as_ref(), Ok(&read), "what is written reads back");
    }
}

macro_rules! each {
    ($bytes:expr; $($type:ty),* $(,)?) => { $( owned::<$type>($bytes); )* };
}

pub(crate) fn commands(bytes: &[u8]) {
    // An approver's bytes are `[number, schema, deployment, body]`; the body alone is what varies.
    each!(bytes;
        Unseal, Seal, CreateRealm, DescribeRealm, ListRealms, CreateWorkload, DescribePrincipal, ListPrincipals,
        IssueToken, RevokeToken, RegisterAnchor, BindCertificate, SetPrincipalEnabled, PutPolicy, DeletePolicy,
        ListPolicies, CreateKey, DescribeKey, ListKeys, RotateKey, ActivateKey, SuspendKey, ResumeKey, DeactivateKey,
        ReportCompromise, ScheduleDestruction, CancelDestruction, ExecuteDestruction, ConfirmDestruction, Status,
        ReadAudit, ProveRecord, ReadCheckpoint, ReadLog, ArchiveLog, RedactRecord, RotateLogKey, ServerEvent,
        RejectedAttempts,
    );
    for kind in bytes.as_chunks::<2>().0 {
        let number = u16::from_be_bytes(*kind);
        if let Some(kind) = CommandKind::from_number(number) {
            assert_eq!(kind.number(), number);
        }
    }
}

/// The golden requests of the REST codec as commands: whole canonical bytes, and the body alone.
pub(crate) fn command_seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for request in rest::seeds() {
        let Some(Call::Command { command, .. }) = rest::decoded(&request) else {
            continue;
        };
        let whole = command.canonical(DeploymentId([3; 16]));
        let head = Command::from(ReadCheckpoint {}).canonical(DeploymentId([3; 16]));
        // Both start with the array, the number (1 to 3 bytes), the schema and the deployment; the empty body is 1 byte.
        let number = |number: u16| {
            if number < 24 {
                1
            } else if number < 256 {
                2
            } else {
                3
            }
        };
        let other = head.len() - 1 - number(CommandKind::ReadCheckpoint.number());
        seeds.push(whole[other + number(command.kind().number())..].to_vec());
        seeds.push(whole);
    }
    seeds
}

pub(crate) fn rows(bytes: &[u8]) {
    each!(bytes;
        Realm, RealmCounters, Principal, Token, Anchor, CertificateBinding, Object, Version, Usage, PolicyText,
    );
    let _ = keyward_engine::decode_stored(bytes);
}

pub(crate) fn row_seeds() -> Vec<Vec<u8>> {
    installation::rows()
        .iter()
        .filter_map(|(_, row)| row.value.get(32..).map(<[u8]>::to_vec))
        .collect()
}

pub(crate) fn records(bytes: &[u8]) {
    each!(bytes; Header, Body, StoredRecord);
    let _ = keyward_engine::decode_stored(bytes);
}

pub(crate) fn record_seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for record in installation::records() {
        seeds.push(cbor::to_vec(&record));
        seeds.push(record.entry.clone());
        seeds.extend(record.body);
    }
    seeds
}

pub(crate) fn ciphertext(bytes: &[u8]) {
    if let Ok((header, sealed)) = ciphertext::parse(bytes) {
        assert_eq!(header.to_bytes(), bytes[..HEADER_BYTES]);
        assert_eq!(sealed, &bytes[HEADER_BYTES..]);
        assert!(
            header
                .associated_data(sealed)
                .starts_with(&header.to_bytes())
        );
    }
}

pub(crate) fn ciphertext_seeds() -> Vec<Vec<u8>> {
    vec![installation::ciphertext()]
}

pub(crate) fn tree(bytes: &[u8]) {
    let keep = |seed: &[u8; 32]| Ok::<_, ()>(*seed);
    if let Ok(tree) = PuncturableTree::decode(bytes, keep) {
        let mut out = Vec::new();
        tree.encode(&mut Plain(&mut out));
        assert_eq!(out, bytes, "one tree has one form");
        assert_eq!(tree.encoded_len(), bytes.len());
    }
    let _ = tlog::Frontier::from_bytes(bytes).map(|frontier| {
        assert_eq!(frontier.to_bytes(), bytes);
    });
}

struct Plain<'o>(&'o mut Vec<u8>);

impl TreeWriter<[u8; 32]> for Plain<'_> {
    fn public(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
    fn seed(&mut self, seed: &[u8; 32]) {
        self.0.extend_from_slice(seed);
    }
}

pub(crate) fn tree_seeds() -> Vec<Vec<u8>> {
    let whole = PuncturableTree::create([5; 32]);
    let punctured = whole
        .puncture(&Descent, &[0, 5, 6, 1 << 20])
        .expect("leaves of the tree");
    let mut frontier =
        tlog::Frontier::from_bytes(&[1, 0, 0, 0, 0, 0, 0, 0, 0]).map(|empty| empty.to_bytes());
    let mut seeds: Vec<Vec<u8>> = [whole, punctured]
        .iter()
        .map(|tree| {
            let mut out = Vec::new();
            tree.encode(&mut Plain(&mut out));
            out
        })
        .collect();
    if let Ok(bytes) = &mut frontier {
        seeds.push(core::mem::take(bytes));
    }
    seeds
}

/// Any function will do where only the form matters.
struct Descent;

impl TreePrf for Descent {
    type Seed = [u8; 32];
    type Error = ();
    fn descend(&self, seed: &[u8; 32], path: Path) -> Result<[u8; 32], ()> {
        let mut below = *seed;
        for (byte, label) in below.iter_mut().zip(path.end().to_bytes()) {
            *byte ^= label;
        }
        Ok(below)
    }
}
