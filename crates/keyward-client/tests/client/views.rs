//! The client's types hold all that the server shows.
use std::path::Path;

use keyward_client::{
    Anchor, BlastRadius, Certificate, CertificateRequest, DestructionCertificate, ExportedKey,
    HashValue, Health, ImportKey, Key, ModuleList, Page, PolicyList, Principal, PublicKey,
    Readiness, Realm, RecordPage, RecordProof, ServerSettings, Status, Verified, VerifiedExternal,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

fn assert_kept<T: Serialize + DeserializeOwned>(golden: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!(
        "../keyward-protocol/tests/golden/responses/{golden}.txt"
    ));
    let text = std::fs::read_to_string(file).unwrap();
    let (_, body) = text.split_once("\n\n").unwrap();
    let shown: Value = serde_json::from_str(body).unwrap();
    let read: T = serde_json::from_str(body).unwrap_or_else(|error| panic!("{golden}: {error}"));
    assert_eq!(serde_json::to_value(&read).unwrap(), shown, "{golden}");
}

#[test]
fn every_answer_of_the_server_is_read_whole() {
    assert_kept::<Realm>("realm");
    assert_kept::<Page<Realm>>("realms");
    assert_kept::<Principal>("principal");
    assert_kept::<Page<Principal>>("principals");
    assert_kept::<Anchor>("anchor");
    assert_kept::<PolicyList>("policies");
    assert_kept::<Key>("key");
    assert_kept::<BlastRadius>("blast-radius");
    assert_kept::<Certificate>("certificate");
    assert_kept::<CertificateRequest>("certificate-request");
    assert_kept::<ImportKey>("import-key");
    assert_kept::<ExportedKey>("exported");
    assert_kept::<DestructionCertificate>("destruction");
    assert_kept::<ModuleList>("modules");
    assert_kept::<ServerSettings>("settings");
    assert_kept::<Page<Key>>("keys");
    assert_kept::<HashValue>("hash");
    assert_kept::<VerifiedExternal>("verified-external");
    assert_kept::<PublicKey>("public-key");
    assert_kept::<PublicKey>("public-key-ml-kem");
    assert_kept::<Verified>("verified");
    assert_kept::<Verified>("verified-mac");
    assert_kept::<Status>("status");
    assert_kept::<RecordPage>("records");
    assert_kept::<RecordProof>("proof");
    assert_kept::<Health>("health");
    assert_kept::<Readiness>("not-ready");
}
