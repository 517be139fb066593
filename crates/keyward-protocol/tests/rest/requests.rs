//! What comes in: a golden request per route, read into the command it stands for.
use std::collections::HashSet;
use std::fmt::Write as _;

use keyward_core::command::{Command, Encrypt};
use keyward_core::ids::CorrelationId;
use keyward_protocol::rest::{self, Call, Headers, Route, routes};

use crate::golden;

pub const JSON: Headers<'static> = Headers {
    accept: None,
    content_type: Some(b"application/json"),
    content_encoding: None,
    idempotency_key: None,
    request_id: None,
    if_match: None,
    if_none_match: None,
};

pub const ID: &str = "0123456789abcdef0123456789abcdef";
const PEM: &str = "-----BEGIN CERTIFICATE-----\\nMAMC\\nAQE=\\n-----END CERTIFICATE-----\\n";
const K: &str = "/v1/realms/shop/keys/orders";

/// The routes of what is no key.
fn about_objects() -> Vec<(&'static str, String, String)> {
    let transfer = format!(r#"{{"import_key":"{ID}","encapsulated":"AQI=","wrapped":"AwQ="}}"#);
    let mut rows = vec![
        (
            "POST",
            "/v1/realms/shop/import-keys".into(),
            r#"{"scheme":"ecdh-p384-kwp"}"#.into(),
        ),
        (
            "POST",
            "/v1/realms/shop/import".into(),
            format!(
                r#"{{"name":"orders","spec":"aes-256","export":"wrapped","transfer":{transfer}}}"#
            ),
        ),
        (
            "POST",
            format!("{K}/export"),
            r#"{"version":2,"recipient":{"wrapping_key":"kek"}}"#.into(),
        ),
        (
            "POST",
            format!("{K}/export"),
            r#"{"recipient":{"scheme":"ml-kem-768-kwp","public_key":"AQI="}}"#.into(),
        ),
        ("POST", format!("{K}/release"), String::new()),
        (
            "POST",
            format!("{K}/certificate-request"),
            r#"{"subject":"CN=till.example","alternative_names":["dns:till.example"]}"#.into(),
        ),
    ];
    for family in ["secrets", "opaque"] {
        let all = format!("/v1/realms/shop/{family}");
        rows.extend([
            (
                "POST",
                all.clone(),
                r#"{"name":"db","value":"aGVsbG8=","tags":{"env":"prod"}}"#.into(),
            ),
            ("POST", all.clone(), r#"{"generate":{"length":32}}"#.into()),
            (
                "POST",
                format!("{all}/db/versions"),
                r#"{"generate":{"alphabet":"hexadecimal","length":64}}"#.into(),
            ),
            (
                "POST",
                format!("{all}/#/versions"),
                format!(r#"{{"transfer":{transfer}}}"#),
            ),
            ("GET", format!("{all}/db"), String::new()),
            ("GET", format!("{all}/db/value"), String::new()),
            ("GET", format!("{all}/db/value?version=2"), String::new()),
        ]);
    }
    let certs = "/v1/realms/shop/certs";
    rows.extend([
        (
            "POST",
            certs.into(),
            format!(r#"{{"name":"till","chain":"{PEM}{PEM}","subject_key":"pair"}}"#),
        ),
        (
            "POST",
            format!("{certs}/till/versions"),
            format!(r#"{{"chain":"{PEM}"}}"#),
        ),
        ("GET", format!("{certs}/till"), String::new()),
    ]);
    for family in ["secrets", "opaque", "certs"] {
        let one = format!("/v1/realms/shop/{family}/db");
        rows.extend([
            (
                "GET",
                format!("/v1/realms/shop/{family}?state=active&tag=env&limit=5"),
                String::new(),
            ),
            ("PATCH", one.clone(), r#"{"tags":{"env":null}}"#.into()),
            (
                "POST",
                format!("{one}/suspend"),
                r#"{"reason":"incident 7"}"#.into(),
            ),
            ("POST", format!("{one}/resume"), String::new()),
            (
                "POST",
                format!("{one}/deactivate"),
                r#"{"version":1}"#.into(),
            ),
            (
                "POST",
                format!("{one}/compromise"),
                r#"{"reason":"seen"}"#.into(),
            ),
            (
                "POST",
                format!("{one}/destruction"),
                r#"{"after_days":7,"reason":"old"}"#.into(),
            ),
            ("DELETE", format!("{one}/destruction"), String::new()),
            ("POST", format!("{one}/destruction/execute"), String::new()),
            ("POST", format!("{one}/destruction/confirm"), String::new()),
        ]);
    }
    rows
}

/// One good request per route, some with several; `#` stands for [`ID`].
#[allow(clippy::too_many_lines, reason = "a table")]
pub fn requests() -> Vec<(&'static str, String, String)> {
    let fingerprint = ID.repeat(2);
    let rows: Vec<(&'static str, String, String)> = vec![
        ("GET", "/v1/health".into(), String::new()),
        ("GET", "/v1/ready".into(), String::new()),
        ("GET", "/v1/openapi.json".into(), String::new()),
        ("POST", "/v1/unseal".into(), r#"{"kind":"passphrase","secret":"correct \"horse\""}"#.into()),
        ("POST", "/v1/seal".into(), r#"{"reason":"maintenance"}"#.into()),
        ("POST", "/v1/seal".into(), String::new()),
        ("GET", "/v1/status".into(), String::new()),
        ("GET", "/v1/modules".into(), String::new()),
        ("GET", "/v1/settings".into(), String::new()),
        ("POST", "/v1/realms".into(), r#"{"name":"shop"}"#.into()),
        ("POST", "/v1/realms".into(), r#"{"name":"shop","level":2,"rehearsal":true,"quotas":{"keys":10}}"#.into()),
        ("GET", "/v1/realms".into(), String::new()),
        ("GET", "/v1/realms?limit=5&after=#".into(), String::new()),
        ("GET", "/v1/realms/system".into(), String::new()),
        ("PATCH", "/v1/realms/#".into(), r#"{"level":2,"quotas":{"keys":10},"rules":{"rotate_every_days":90,"widest_export":"wrapped"}}"#.into()),
        ("POST", "/v1/realms/shop/suspend".into(), r#"{"reason":"moved out"}"#.into()),
        ("POST", "/v1/realms/shop/resume".into(), String::new()),
        ("PATCH", K.into(), r#"{"name":null,"tags":{"env":"prod","old":null},"rotate_every_days":null,"export":"never","min_process_version":2}"#.into()),
        ("PATCH", K.into(), r#"{"name":"orders-2027","rotate_every_seconds":7200,"applications":[],"cryptoperiod":{"originator_days":30}}"#.into()),
        ("PUT", format!("{K}/aliases/commandes"), String::new()),
        ("PUT", format!("{K}/aliases/commandes"), r#"{"take":true}"#.into()),
        ("DELETE", format!("{K}/aliases/commandes"), String::new()),
        ("GET", format!("{K}/blast-radius"), String::new()),
        ("GET", format!("{K}/destruction"), String::new()),
        ("GET", "/v1/realms/shop/keys?spec=aes-256&purpose=wrap&tag=env%3Dprod&owner=#&rotation_due_before=2027-01-01T00:00:00.000Z".into(), String::new()),
        ("GET", "/v1/realms/#".into(), String::new()),
        ("POST", "/v1/realms/shop/workloads".into(), r#"{"name":"billing","roles":["crypto-user"]}"#.into()),
        ("GET", "/v1/realms/shop/workloads".into(), String::new()),
        ("GET", "/v1/principals/#".into(), String::new()),
        ("GET", "/v1/principals/scheduler".into(), String::new()),
        ("POST", "/v1/principals/#/tokens".into(), r#"{"lifetime_days":30}"#.into()),
        ("POST", "/v1/principals/#/tokens".into(), r#"{"lifetime_hours":8,"lifetime_days":null}"#.into()),
        ("POST", "/v1/principals/#/enable".into(), String::new()),
        ("POST", "/v1/principals/#/disable".into(), String::new()),
        ("DELETE", "/v1/tokens/#".into(), String::new()),
        ("POST", "/v1/realms/shop/anchors".into(), format!(r#"{{"certificate":"{PEM}"}}"#)),
        (
            "POST",
            "/v1/realms/shop/certificates".into(),
            format!(r#"{{"anchor":"{fingerprint}","name":"dns:billing.example","principal":"{ID}"}}"#),
        ),
        ("GET", "/v1/realms/shop/policies".into(), String::new()),
        ("PUT", "/v1/realms/shop/policies/nights".into(), r#"{"text":"forbid(principal, action, resource);"}"#.into()),
        ("DELETE", "/v1/realms/shop/policies/nights".into(), String::new()),
        ("POST", "/v1/realms/shop/keys".into(), r#"{"spec":"aes-256"}"#.into()),
        (
            "POST",
            "/v1/realms/shop/keys".into(),
            format!(
                r#"{{"name":"orders","spec":"aes-256","purpose":"encrypt","protection":"software","export":"wrapped","activate":false,"cryptoperiod":{{"originator_days":365,"recipient_seconds":90}},"rotate_every_days":90,"sensitivity":"high","applications":["shop","till"],"tags":{{"env":"prod"}},"owner":"{ID}"}}"#
            ),
        ),
        ("GET", "/v1/realms/shop/keys?state=active&name_prefix=or%20d+er&limit=1000".into(), String::new()),
        ("GET", K.into(), String::new()),
        ("GET", "/v1/realms/my%2Fshop/keys/caf%C3%A9+1".into(), String::new()),
        ("POST", format!("{K}/encrypt"), r#"{"plaintext":"aGVsbG8=","context":"Y3R4"}"#.into()),
        ("POST", format!("{K}/decrypt"), r#"{"ciphertext":"S1dD","accept_compromised":true}"#.into()),
        ("POST", format!("{K}/sign"), r#"{"message":"aGVsbG8="}"#.into()),
        ("POST", format!("{K}/sign"), r#"{"message":"aGVsbG8=","scheme":"rsa-pkcs1-sha-384"}"#.into()),
        ("POST", format!("{K}/verify"), r#"{"message":"aGVsbG8=","signature":"MAA=","version":1,"scheme":"ecdsa","accept_compromised":true}"#.into()),
        ("POST", format!("{K}/mac"), r#"{"message":""}"#.into()),
        ("POST", format!("{K}/verify-mac"), r#"{"message":"aGVsbG8=","mac":"AAEC"}"#.into()),
        ("POST", format!("{K}/encrypt/batch"), r#"{"items":[{"plaintext":"aGVsbG8=","context":"Y3R4"},{"plaintext":""}]}"#.into()),
        ("POST", format!("{K}/decrypt/batch"), r#"{"items":[{"ciphertext":"S1dD","context":"Y3R4"}],"accept_compromised":true}"#.into()),
        ("POST", format!("{K}/sign/batch"), r#"{"items":[{"message":"aGVsbG8="}],"scheme":"ed25519"}"#.into()),
        ("POST", format!("{K}/verify/batch"), r#"{"items":[{"message":"aGVsbG8=","signature":"MAA=","version":2},{"message":"","signature":""}]}"#.into()),
        ("POST", format!("{K}/mac/batch"), r#"{"items":[{"message":"aGVsbG8="},{"message":"eA=="}]}"#.into()),
        ("POST", format!("{K}/re-encrypt"), r#"{"ciphertext":"S1dD","context":"Y3R4","new_context":"","to":"archive","accept_compromised":true}"#.into()),
        ("POST", format!("{K}/data-key"), String::new()),
        ("POST", format!("{K}/data-key"), r#"{"spec":"aes-128","context":"Y3R4"}"#.into()),
        ("POST", format!("{K}/data-key-without-plaintext"), r#"{"spec":"hmac-sha-256"}"#.into()),
        ("POST", format!("{K}/data-key-pair"), r#"{"spec":"ec-p256"}"#.into()),
        ("POST", format!("{K}/wrap"), r#"{"material":"AAEC"}"#.into()),
        ("POST", format!("{K}/unwrap"), r#"{"wrapped":"AAEC","version":2}"#.into()),
        ("POST", format!("{K}/derive"), r#"{"info":"Y3R4","new_key":{"name":"k2","spec":"aes-256"}}"#.into()),
        ("POST", format!("{K}/agree"), r#"{"peer":"MAA=","info":"Y3R4","new_key":{"name":"k2","spec":"aes-256"}}"#.into()),
        ("POST", format!("{K}/encapsulate"), r#"{"new_key":{"name":"k2","spec":"aes-256"}}"#.into()),
        ("POST", format!("{K}/decapsulate"), r#"{"ciphertext":"AAEC","version":1,"new_key":{"name":"k2","spec":"aes-256"}}"#.into()),
        ("GET", format!("{K}/public-key"), String::new()),
        ("GET", format!("{K}/public-key?version=2"), String::new()),
        ("POST", "/v1/realms/shop/verify".into(), r#"{"spec":"ed25519","public_key":"MAA=","message":"aGVsbG8=","signature":"AAEC"}"#.into()),
        ("POST", "/v1/realms/shop/random".into(), r#"{"length":32}"#.into()),
        ("POST", "/v1/realms/shop/hash".into(), r#"{"algorithm":"sha3-384","message":"aGVsbG8="}"#.into()),
        ("POST", format!("{K}/rotate"), "{}".into()),
        ("POST", format!("{K}/activate"), r#"{"version":3}"#.into()),
        ("POST", format!("{K}/suspend"), r#"{"reason":"incident 7"}"#.into()),
        ("POST", format!("{K}/resume"), String::new()),
        ("POST", format!("{K}/deactivate"), r#"{"version":1,"reason":"old"}"#.into()),
        ("POST", format!("{K}/compromise"), r#"{"reason":"laptop lost","since":"2026-11-20T23:59:60.5+01:00"}"#.replace(":60.5", ":59.5")),
        ("POST", format!("{K}/destruction"), r#"{"after_days":7,"reason":"shop closed"}"#.into()),
        ("DELETE", format!("{K}/destruction?version=2"), String::new()),
        ("POST", format!("{K}/destruction/execute"), String::new()),
        ("POST", format!("{K}/destruction/confirm"), String::new()),
        ("GET", "/v1/audit/records".into(), String::new()),
        (
            "GET",
            "/v1/audit/records?from=7&limit=10&realm=system&target=#&principal=server&command=encrypt&refused_only=true".into(),
            String::new(),
        ),
        ("GET", "/v1/audit/records/7/proof".into(), String::new()),
        ("GET", "/v1/audit/checkpoint".into(), String::new()),
        ("GET", "/v1/log/tile/entries/x001/067.p/5".into(), String::new()),
        ("GET", "/v1/log/keys".into(), String::new()),
        ("POST", "/v1/audit/archive".into(), r#"{"before":1000}"#.into()),
        ("POST", "/v1/audit/records/7/redact".into(), r#"{"reason":"erasure request 12"}"#.into()),
        ("POST", "/v1/audit/log-key/rotate".into(), String::new()),
    ];
    rows.into_iter()
        .chain(about_objects())
        .map(|(method, target, body)| (method, target.replace('#', ID), body))
        .collect()
}

pub fn decode(
    method: &str,
    target: &str,
    headers: &Headers<'_>,
    body: &[u8],
) -> Result<rest::Decoded, keyward_core::Problem> {
    let (path, query) = target
        .split_once('?')
        .map_or((target, None), |(path, query)| (path, Some(query)));
    rest::decode(&rest::find(method, path)?, query, headers, body)
}

#[test]
fn every_golden_request_reads_as_its_command() {
    let mut text = String::new();
    let mut seen = HashSet::new();
    for (method, target, body) in requests() {
        let decoded = decode(method, &target, &JSON, body.as_bytes())
            .unwrap_or_else(|p| panic!("{method} {target}: {p}"));
        let path = target.split('?').next().unwrap();
        seen.insert(rest::find(method, path).unwrap().route());
        let _ = writeln!(text, "{method} {target}\n{body}\n=> {:#?}\n", decoded.call);
    }
    golden::check(&golden::directory().join("requests.txt"), &text);
    for spec in routes() {
        assert!(
            seen.contains(&spec.route),
            "no golden request for {:?}",
            spec.route
        );
    }
}

#[test]
fn every_row_of_the_table_is_found_by_its_own_path_and_no_other_row() {
    for spec in routes() {
        let path = format!("/{}", spec.path.join("/")).replace(['{', '}', '*'], "");
        let matched = rest::find(spec.method.as_str(), &path).unwrap();
        assert_eq!(matched.route(), spec.route, "{path}");
        let same = routes()
            .filter(|other| other.method == spec.method && other.path == spec.path)
            .count();
        assert_eq!(same, 1, "{path}");
    }
}

#[test]
fn only_health_readiness_the_description_and_unsealing_go_without_a_caller() {
    let open: Vec<Route> = routes()
        .filter(|spec| spec.open)
        .map(|spec| spec.route)
        .collect();
    assert_eq!(
        open,
        [Route::Health, Route::Ready, Route::OpenApi, Route::Unseal]
    );
}

#[test]
fn data_arrive_byte_for_byte() {
    let body = br#"{"plaintext":"aGVsbG8=","context":"Y3R4"}"#;
    let decoded = decode("POST", "/v1/realms/shop/keys/orders/encrypt", &JSON, body).unwrap();
    let Call::Command {
        command: Command::Encrypt(Encrypt {
            plaintext, context, ..
        }),
        ..
    } = decoded.call
    else {
        panic!("not an encryption")
    };
    assert_eq!(
        (plaintext.expose(), context.as_slice()),
        (&b"hello"[..], &b"ctx"[..])
    );
}

#[test]
fn base64_with_escaped_slashes_is_the_same_base64() {
    // Some encoders write "/" as "\/".
    let body = br#"{"plaintext":"\/\/\/\/"}"#;
    let decoded = decode("POST", "/v1/realms/shop/keys/orders/encrypt", &JSON, body).unwrap();
    let Call::Command {
        command: Command::Encrypt(Encrypt { plaintext, .. }),
        ..
    } = decoded.call
    else {
        panic!("not an encryption")
    };
    assert_eq!(plaintext.expose(), [0xff; 3]);
}

#[test]
fn a_whole_number_may_be_written_as_a_float_as_long_as_it_is_exact() {
    for (written, version) in [
        ("7", Some(7)),
        ("7.0", Some(7)),
        ("1e3", Some(1000)),
        ("7.5", None),
        ("1e17", None),
    ] {
        let body = format!("{{\"version\":{written}}}");
        let path = "/v1/realms/shop/keys/orders/activate";
        let read = match decode("POST", path, &JSON, body.as_bytes()).map(|decoded| decoded.call) {
            Ok(Call::Command {
                command: Command::ActivateKey(activate),
                ..
            }) => activate.version,
            Ok(other) => panic!("{other:?}"),
            Err(_) => None,
        };
        assert_eq!(read, version, "{written}");
    }
}

#[test]
fn a_passphrase_arrives_as_typed_and_is_shown_nowhere() {
    let body = r#"{"kind":"passphrase","secret":"cörrect \"horse\""}"#;
    let decoded = decode("POST", "/v1/unseal", &JSON, body.as_bytes()).unwrap();
    assert!(!format!("{decoded:?}").contains("horse"));
    let Call::Unseal { secret, .. } = decoded.call else {
        panic!("not an unsealing")
    };
    assert_eq!(secret.expose(), "cörrect \"horse\"".as_bytes());
}

#[test]
fn the_envelope_carries_the_idempotency_key_and_the_request_id_in_either_spelling() {
    for id in [
        "00112233445566778899aabbccddeeff",
        "00112233-4455-6677-8899-AABBCCDDEEFF",
    ] {
        let headers = Headers {
            idempotency_key: Some(b"retry-1"),
            request_id: Some(id.as_bytes()),
            ..JSON
        };
        let decoded = decode("POST", "/v1/realms/shop/keys/orders/rotate", &headers, b"").unwrap();
        let Call::Command { envelope, .. } = decoded.call else {
            panic!("not a command")
        };
        let expected = CorrelationId::parse("00112233445566778899aabbccddeeff").unwrap();
        assert_eq!(envelope.idempotency_key.as_deref(), Some("retry-1"));
        assert_eq!(
            (envelope.correlation, decoded.request_id),
            (Some(expected), Some(expected))
        );
    }
}

#[test]
fn the_largest_message_and_context_fit_the_body_limit() {
    use keyward_core::limits::{CONTEXT_MAX_BYTES, MESSAGE_MAX_BYTES};
    for (route, field) in [("encrypt", "plaintext"), ("decrypt", "ciphertext")] {
        let extra = if route == "decrypt" {
            keyward_core::ciphertext::OVERHEAD_BYTES
        } else {
            0
        };
        let data = base64_simd::STANDARD.encode_to_string(vec![0xa5; MESSAGE_MAX_BYTES + extra]);
        let context = base64_simd::STANDARD.encode_to_string(vec![1; CONTEXT_MAX_BYTES]);
        let body = format!("{{\n  \"{field}\": \"{data}\",\n  \"context\": \"{context}\"\n}}\n");
        decode(
            "POST",
            &format!("/v1/realms/shop/keys/orders/{route}"),
            &JSON,
            body.as_bytes(),
        )
        .unwrap();
    }
}
