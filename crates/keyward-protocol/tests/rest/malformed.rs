//! Every way to be wrong has its code and names its place.
use keyward_core::{ErrorCode, Problem};
use keyward_protocol::rest::{self, Headers};

use crate::requests::{ID, JSON, decode};

const KEYS: &str = "/v1/realms/shop/keys";
const SIGN: &str = "/v1/realms/shop/keys/orders/sign";
const VERIFY: &str = "/v1/realms/shop/keys/orders/verify";
const BATCH: &str = "/v1/realms/shop/keys/orders/encrypt/batch";
const ENCRYPT: &str = "/v1/realms/shop/keys/orders/encrypt";

fn refusal(method: &str, target: &str, headers: &Headers<'_>, body: &[u8]) -> Problem {
    decode(method, target, headers, body)
        .map(|decoded| format!("{decoded:?}"))
        .expect_err(target)
}

/// Method, target, body, code, what the problem's first parameter says.
const TABLE: &[(&str, &str, &str, ErrorCode, &str)] = &[
    // JSON itself
    (
        "POST",
        KEYS,
        "{",
        ErrorCode::MalformedRequest,
        "the JSON text ends too early",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"aes-256\"",
        ErrorCode::MalformedRequest,
        "the JSON text ends too early",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\" \"aes-256\"}",
        ErrorCode::MalformedRequest,
        "not valid JSON at line 1 column 9",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"aes-256\"} x",
        ErrorCode::MalformedRequest,
        "not valid JSON at line 1 column 20",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"aes-256\",}",
        ErrorCode::MalformedRequest,
        "not valid JSON at line 1 column 19",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":'aes-256'}",
        ErrorCode::MalformedRequest,
        "not valid JSON at line 1 column 9",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"\u{1}\"}",
        ErrorCode::MalformedRequest,
        "not valid JSON at line 1 column 10",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"\\ud800\"}",
        ErrorCode::MalformedRequest,
        "not valid JSON at line 1 column 16",
    ),
    (
        "POST",
        KEYS,
        "\u{feff}{\"spec\":\"aes-256\"}",
        ErrorCode::MalformedRequest,
        "not valid JSON at line 1 column 1",
    ),
    (
        "POST",
        KEYS,
        "[]",
        ErrorCode::MalformedRequest,
        "the body must be a JSON object",
    ),
    (
        "POST",
        KEYS,
        "\"spec\"",
        ErrorCode::MalformedRequest,
        "the body must be a JSON object",
    ),
    (
        "POST",
        KEYS,
        "null",
        ErrorCode::MalformedRequest,
        "the body must be a JSON object",
    ),
    (
        "POST",
        KEYS,
        " ",
        ErrorCode::MalformedRequest,
        "the JSON text ends too early",
    ),
    (
        "POST",
        KEYS,
        "{\"tags\":[[[[[[[[[]]]]]]]]]}",
        ErrorCode::MalformedRequest,
        "the JSON text is nested deeper than 8 levels",
    ),
    // the use of keys
    (
        "POST",
        "/v1/realms/shop/verify",
        "{\"spec\":\"ed25519\",\"message\":\"\",\"signature\":\"\"}",
        ErrorCode::MissingField,
        "public_key",
    ),
    (
        "POST",
        "/v1/realms/shop/keys/orders/re-encrypt",
        "{\"ciphertext\":\"\",\"to\":\"\"}",
        ErrorCode::InvalidField,
        "to",
    ),
    (
        "POST",
        "/v1/realms/shop/keys/orders/re-encrypt",
        "{\"ciphertext\":\"\",\"new_context\":1}",
        ErrorCode::InvalidField,
        "new_context",
    ),
    (
        "POST",
        "/v1/realms/shop/keys/orders/data-key",
        "{\"spec\":\"aes\"}",
        ErrorCode::InvalidField,
        "spec",
    ),
    (
        "POST",
        "/v1/realms/shop/keys/orders/data-key",
        "{\"bytes\":32}",
        ErrorCode::UnknownField,
        "bytes",
    ),
    (
        "POST",
        "/v1/realms/shop/keys/orders/data-key-pair",
        "{}",
        ErrorCode::MissingField,
        "spec",
    ),
    (
        "POST",
        "/v1/realms/shop/keys/orders/wrap",
        "{\"material\":\"=\"}",
        ErrorCode::InvalidField,
        "material",
    ),
    (
        "POST",
        "/v1/realms/shop/keys/orders/unwrap",
        "{\"version\":1}",
        ErrorCode::MissingField,
        "wrapped",
    ),
    (
        "POST",
        "/v1/realms/shop/keys/orders/derive",
        "{\"info\":\"\"}",
        ErrorCode::MissingField,
        "new_key",
    ),
    (
        "POST",
        "/v1/realms/shop/keys/orders/derive",
        "{\"info\":\"\",\"new_key\":[]}",
        ErrorCode::InvalidField,
        "new_key",
    ),
    (
        "POST",
        "/v1/realms/shop/keys/orders/derive",
        "{\"info\":\"\",\"new_key\":{}}",
        ErrorCode::MissingField,
        "new_key.spec",
    ),
    (
        "POST",
        "/v1/realms/shop/keys/orders/derive",
        "{\"info\":\"\",\"new_key\":{\"spec\":\"aes-256\",\"key\":\"\"}}",
        ErrorCode::UnknownField,
        "new_key.key",
    ),
    (
        "POST",
        "/v1/realms/shop/keys/orders/agree",
        "{\"info\":\"\",\"new_key\":{\"spec\":\"aes-256\"}}",
        ErrorCode::MissingField,
        "peer",
    ),
    (
        "POST",
        "/v1/realms/shop/keys/orders/encapsulate",
        "{\"new_key\":{\"spec\":7}}",
        ErrorCode::InvalidField,
        "new_key.spec",
    ),
    (
        "POST",
        "/v1/realms/shop/keys/orders/decapsulate",
        "{\"ciphertext\":true,\"new_key\":{\"spec\":\"aes-256\"}}",
        ErrorCode::InvalidField,
        "ciphertext",
    ),
    (
        "POST",
        "/v1/realms/shop/random",
        "{\"length\":1.5}",
        ErrorCode::InvalidField,
        "length",
    ),
    (
        "POST",
        "/v1/realms/shop/random",
        "{\"length\":4294967296}",
        ErrorCode::InvalidField,
        "length",
    ),
    (
        "POST",
        "/v1/realms/shop/hash",
        "{\"algorithm\":\"md5\",\"message\":\"\"}",
        ErrorCode::InvalidField,
        "algorithm",
    ),
    ("POST", SIGN, "{}", ErrorCode::MissingField, "message"),
    (
        "POST",
        SIGN,
        "{\"message\":\"aGk\"}",
        ErrorCode::InvalidField,
        "message",
    ),
    (
        "POST",
        SIGN,
        "{\"message\":7}",
        ErrorCode::InvalidField,
        "message",
    ),
    (
        "POST",
        SIGN,
        "{\"message\":\"\",\"scheme\":\"rsa\"}",
        ErrorCode::InvalidField,
        "scheme",
    ),
    (
        "POST",
        SIGN,
        "{\"message\":\"\",\"digest\":\"\"}",
        ErrorCode::UnknownField,
        "digest",
    ),
    (
        "POST",
        VERIFY,
        "{\"message\":\"\"}",
        ErrorCode::MissingField,
        "signature",
    ),
    (
        "POST",
        VERIFY,
        "{\"message\":\"\",\"signature\":\"*\"}",
        ErrorCode::InvalidField,
        "signature",
    ),
    (
        "POST",
        VERIFY,
        "{\"message\":\"\",\"signature\":\"\",\"version\":-1}",
        ErrorCode::InvalidField,
        "version",
    ),
    (
        "POST",
        VERIFY,
        "{\"message\":\"\",\"signature\":\"\",\"accept_compromised\":\"yes\"}",
        ErrorCode::InvalidField,
        "accept_compromised",
    ),
    (
        "POST",
        "/v1/realms/shop/keys/orders/mac",
        "{\"message\":null}",
        ErrorCode::MissingField,
        "message",
    ),
    (
        "POST",
        "/v1/realms/shop/keys/orders/verify-mac",
        "{\"message\":\"\",\"mac\":[]}",
        ErrorCode::InvalidField,
        "mac",
    ),
    ("POST", BATCH, "{}", ErrorCode::MissingField, "items"),
    (
        "POST",
        BATCH,
        "{\"items\":{}}",
        ErrorCode::InvalidField,
        "items",
    ),
    (
        "POST",
        BATCH,
        "{\"items\":[{\"plaintext\":\"\"},\"aGk=\"]}",
        ErrorCode::InvalidField,
        "items[1]",
    ),
    (
        "POST",
        BATCH,
        "{\"items\":[{\"plaintext\":\"\"},{\"context\":\"\"}]}",
        ErrorCode::MissingField,
        "items[1].plaintext",
    ),
    (
        "POST",
        BATCH,
        "{\"items\":[{\"plaintext\":\"aGk\"}]}",
        ErrorCode::InvalidField,
        "items[0].plaintext",
    ),
    (
        "POST",
        BATCH,
        "{\"items\":[{\"plaintext\":\"\",\"aad\":\"\"}]}",
        ErrorCode::UnknownField,
        "items[0].aad",
    ),
    (
        "POST",
        "/v1/realms/shop/keys/orders/verify/batch",
        "{\"items\":[{\"message\":\"\",\"signature\":\"\",\"version\":true}]}",
        ErrorCode::InvalidField,
        "items[0].version",
    ),
    (
        "POST",
        "/v1/realms/shop/keys/orders/sign/batch",
        "{\"items\":[{\"message\":\"\"}],\"scheme\":3}",
        ErrorCode::InvalidField,
        "scheme",
    ),
    // members
    ("POST", KEYS, "{}", ErrorCode::MissingField, "spec"),
    ("POST", KEYS, "", ErrorCode::MissingField, "spec"),
    (
        "POST",
        KEYS,
        "{\"spec\":null}",
        ErrorCode::MissingField,
        "spec",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"aes-256\",\"Name\":\"x\"}",
        ErrorCode::UnknownField,
        "Name",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"aes-256\",\"spec\":\"aes-128\"}",
        ErrorCode::InvalidField,
        "spec",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"aes-256\",\"sp\\u0065c\":\"aes-128\"}",
        ErrorCode::InvalidField,
        "spec",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":256}",
        ErrorCode::InvalidField,
        "spec",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"AES-256\"}",
        ErrorCode::InvalidField,
        "spec",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"aes-256\",\"name\":\"\"}",
        ErrorCode::InvalidField,
        "name",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"aes-256\",\"name\":\" x\"}",
        ErrorCode::InvalidField,
        "name",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"aes-256\",\"name\":[\"x\"]}",
        ErrorCode::InvalidField,
        "name",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"aes-256\",\"activate\":1}",
        ErrorCode::InvalidField,
        "activate",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"aes-256\",\"activate\":\"true\"}",
        ErrorCode::InvalidField,
        "activate",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"aes-256\",\"purpose\":\"Encrypt\"}",
        ErrorCode::InvalidField,
        "purpose",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"aes-256\",\"protection\":\"hsm\"}",
        ErrorCode::InvalidField,
        "protection",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"aes-256\",\"export\":\"always\"}",
        ErrorCode::InvalidField,
        "export",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"aes-256\",\"sensitivity\":2}",
        ErrorCode::InvalidField,
        "sensitivity",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"aes-256\",\"owner\":\"me\"}",
        ErrorCode::InvalidField,
        "owner",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"aes-256\",\"tags\":[]}",
        ErrorCode::InvalidField,
        "tags",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"aes-256\",\"tags\":{\"env\":1}}",
        ErrorCode::InvalidField,
        "tags.env",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"aes-256\",\"tags\":{\"env\":\"a\",\"env\":\"b\"}}",
        ErrorCode::InvalidField,
        "tags.env",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"aes-256\",\"applications\":\"shop\"}",
        ErrorCode::InvalidField,
        "applications",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"aes-256\",\"applications\":[\"shop\",null]}",
        ErrorCode::InvalidField,
        "applications[1]",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"aes-256\",\"rotate_every_days\":1.5}",
        ErrorCode::InvalidField,
        "rotate_every_days",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"aes-256\",\"rotate_every_days\":-1}",
        ErrorCode::InvalidField,
        "rotate_every_days",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"aes-256\",\"rotate_every_days\":1e-3}",
        ErrorCode::InvalidField,
        "rotate_every_days",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"aes-256\",\"rotate_every_days\":18446744073709551615}",
        ErrorCode::InvalidField,
        "rotate_every_days",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"aes-256\",\"rotate_every_days\":99999999999999999999}",
        ErrorCode::InvalidField,
        "rotate_every_days",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"aes-256\",\"rotate_every_days\":1,\"rotate_every_seconds\":1}",
        ErrorCode::ConflictingFields,
        "rotate_every_days",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"aes-256\",\"cryptoperiod\":365}",
        ErrorCode::InvalidField,
        "cryptoperiod",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"aes-256\",\"cryptoperiod\":{\"days\":365}}",
        ErrorCode::UnknownField,
        "cryptoperiod.days",
    ),
    (
        "POST",
        KEYS,
        "{\"spec\":\"aes-256\",\"cryptoperiod\":{\"originator_days\":\"1\"}}",
        ErrorCode::InvalidField,
        "cryptoperiod.originator_days",
    ),
    (
        "POST",
        "/v1/realms",
        "{\"name\":\"a\",\"level\":256}",
        ErrorCode::InvalidField,
        "level",
    ),
    (
        "POST",
        "/v1/realms",
        "{\"name\":\"a\",\"quotas\":{\"keys\":true}}",
        ErrorCode::InvalidField,
        "quotas.keys",
    ),
    (
        "POST",
        "/v1/realms/shop/workloads",
        "{\"name\":\"a\",\"roles\":[]}",
        ErrorCode::MissingField,
        "roles",
    ),
    (
        "POST",
        "/v1/realms/shop/workloads",
        "{\"name\":\"a\",\"roles\":[\"auditor\",\"root\"]}",
        ErrorCode::InvalidField,
        "roles[1]",
    ),
    (
        "POST",
        "/v1/principals/0123456789abcdef0123456789abcdef/tokens",
        "{}",
        ErrorCode::MissingField,
        "lifetime_days",
    ),
    (
        "POST",
        "/v1/principals/0123456789abcdef0123456789abcdef/tokens",
        "{\"lifetime_days\":1,\"lifetime_hours\":1}",
        ErrorCode::ConflictingFields,
        "lifetime_days",
    ),
    (
        "POST",
        "/v1/realms/shop/anchors",
        "{\"certificate\":\"MAMCAQE=\"}",
        ErrorCode::InvalidField,
        "certificate",
    ),
    (
        "POST",
        "/v1/realms/shop/anchors",
        "{\"certificate\":\"-----BEGIN CERTIFICATE-----\\n!\\n-----END CERTIFICATE-----\"}",
        ErrorCode::InvalidField,
        "certificate",
    ),
    (
        "POST",
        "/v1/realms/shop/anchors",
        "{\"certificate\":\"-----BEGIN CERTIFICATE-----\\n-----END CERTIFICATE-----\"}",
        ErrorCode::InvalidField,
        "certificate",
    ),
    (
        "POST",
        "/v1/realms/shop/anchors",
        "{\"certificate\":\"-----BEGIN CERTIFICATE-----\\nMAMCAQE=\\n-----END CERTIFICATE-----\\n-----BEGIN CERTIFICATE-----\"}",
        ErrorCode::InvalidField,
        "certificate",
    ),
    (
        "POST",
        "/v1/realms/shop/certificates",
        "{\"anchor\":\"00\",\"name\":\"dns:a\",\"principal\":\"0123456789abcdef0123456789abcdef\"}",
        ErrorCode::InvalidField,
        "anchor",
    ),
    (
        "POST",
        "/v1/realms/shop/keys/orders/compromise",
        "{\"reason\":\"x\",\"since\":\"yesterday\"}",
        ErrorCode::InvalidField,
        "since",
    ),
    (
        "POST",
        "/v1/realms/shop/keys/orders/compromise",
        "{\"reason\":\"x\",\"since\":\"2026-02-30T00:00:00Z\"}",
        ErrorCode::InvalidField,
        "since",
    ),
    (
        "POST",
        "/v1/realms/shop/keys/orders/destruction",
        "{\"after_days\":70000,\"reason\":\"x\"}",
        ErrorCode::InvalidField,
        "after_days",
    ),
    (
        "POST",
        "/v1/realms/shop/keys/orders/destruction",
        "{\"after_days\":7}",
        ErrorCode::MissingField,
        "reason",
    ),
    (
        "POST",
        "/v1/realms/shop/keys/orders/rotate",
        "{\"version\":1}",
        ErrorCode::UnknownField,
        "version",
    ),
    // data
    (
        "POST",
        ENCRYPT,
        "{\"plaintext\":\"aGVsbG8\"}",
        ErrorCode::InvalidField,
        "plaintext",
    ),
    (
        "POST",
        ENCRYPT,
        "{\"plaintext\":\"aGVsbG9=\"}",
        ErrorCode::InvalidField,
        "plaintext",
    ),
    (
        "POST",
        ENCRYPT,
        "{\"plaintext\":\"aGVs bG8=\"}",
        ErrorCode::InvalidField,
        "plaintext",
    ),
    (
        "POST",
        ENCRYPT,
        "{\"plaintext\":\"__--\"}",
        ErrorCode::InvalidField,
        "plaintext",
    ),
    (
        "POST",
        ENCRYPT,
        "{\"plaintext\":5}",
        ErrorCode::InvalidField,
        "plaintext",
    ),
    (
        "POST",
        ENCRYPT,
        "{\"context\":\"Y3R4\"}",
        ErrorCode::MissingField,
        "plaintext",
    ),
    (
        "POST",
        ENCRYPT,
        "{\"plaintext\":\"\",\"context\":{}}",
        ErrorCode::InvalidField,
        "context",
    ),
    (
        "POST",
        "/v1/unseal",
        "{\"kind\":\"passphrase\"}",
        ErrorCode::MissingField,
        "secret",
    ),
    (
        "POST",
        "/v1/unseal",
        "{\"kind\":\"passphrase\",\"secret\":[\"a\"]}",
        ErrorCode::InvalidField,
        "secret",
    ),
    // addresses
    ("GET", "/", "", ErrorCode::NoSuchRoute, ""),
    ("GET", "", "", ErrorCode::NoSuchRoute, ""),
    ("GET", "v1/health", "", ErrorCode::NoSuchRoute, ""),
    ("GET", "/v1/health/", "", ErrorCode::NoSuchRoute, ""),
    ("GET", "//v1/health", "", ErrorCode::NoSuchRoute, ""),
    ("GET", "/V1/health", "", ErrorCode::NoSuchRoute, ""),
    ("GET", "/v2/health", "", ErrorCode::NoSuchRoute, ""),
    ("GET", "/v1/realms//keys", "", ErrorCode::NoSuchRoute, ""),
    ("GET", "/v1/log/", "", ErrorCode::NoSuchRoute, ""),
    (
        "GET",
        "/v1/realms/a/keys/b/encrypt/c",
        "",
        ErrorCode::NoSuchRoute,
        "",
    ),
    ("GET", "/v1/seal", "", ErrorCode::MethodNotAllowed, "GET"),
    (
        "HEAD",
        "/v1/status",
        "",
        ErrorCode::MethodNotAllowed,
        "HEAD",
    ),
    ("post", "/v1/seal", "", ErrorCode::MethodNotAllowed, "post"),
    (
        "GET",
        "/v1/realms/%zz",
        "",
        ErrorCode::MalformedRequest,
        "a percent sign in the address is not followed by two hexadecimal digits of UTF-8 text",
    ),
    (
        "GET",
        "/v1/realms/%f",
        "",
        ErrorCode::MalformedRequest,
        "a percent sign in the address is not followed by two hexadecimal digits of UTF-8 text",
    ),
    (
        "GET",
        "/v1/realms/%ff",
        "",
        ErrorCode::MalformedRequest,
        "a percent sign in the address is not followed by two hexadecimal digits of UTF-8 text",
    ),
    (
        "GET",
        "/v1/realms/%00",
        "",
        ErrorCode::InvalidField,
        "realm",
    ),
    (
        "GET",
        "/v1/realms/%20",
        "",
        ErrorCode::InvalidField,
        "realm",
    ),
    (
        "GET",
        "/v1/realms/0123456789ABCDEF0123456789ABCDEF",
        "",
        ErrorCode::InvalidField,
        "realm",
    ),
    (
        "GET",
        "/v1/realms/shop/keys/0123456789ABCDEF0123456789ABCDEF",
        "",
        ErrorCode::InvalidField,
        "key",
    ),
    (
        "GET",
        "/v1/principals/me",
        "",
        ErrorCode::InvalidField,
        "id",
    ),
    ("DELETE", "/v1/tokens/x", "", ErrorCode::InvalidField, "id"),
    (
        "GET",
        "/v1/audit/records/-1/proof",
        "",
        ErrorCode::InvalidField,
        "index",
    ),
    (
        "GET",
        "/v1/audit/records/+1/proof",
        "",
        ErrorCode::InvalidField,
        "index",
    ),
    (
        "GET",
        "/v1/audit/records/18446744073709551616/proof",
        "",
        ErrorCode::InvalidField,
        "index",
    ),
    // queries
    ("GET", "/v1/status?x=1", "", ErrorCode::UnknownField, "x"),
    (
        "GET",
        "/v1/realms?limit=0",
        "",
        ErrorCode::InvalidField,
        "limit",
    ),
    (
        "GET",
        "/v1/realms?limit=1001",
        "",
        ErrorCode::InvalidField,
        "limit",
    ),
    (
        "GET",
        "/v1/realms?limit=+5",
        "",
        ErrorCode::InvalidField,
        "limit",
    ),
    (
        "GET",
        "/v1/realms?limit=",
        "",
        ErrorCode::InvalidField,
        "limit",
    ),
    (
        "GET",
        "/v1/realms?limit=5&limit=6",
        "",
        ErrorCode::InvalidField,
        "limit",
    ),
    (
        "GET",
        "/v1/realms?after=x",
        "",
        ErrorCode::InvalidField,
        "after",
    ),
    (
        "GET",
        "/v1/realms/shop/keys?state=Active",
        "",
        ErrorCode::InvalidField,
        "state",
    ),
    (
        "GET",
        "/v1/realms/shop/keys?name_prefix=%",
        "",
        ErrorCode::MalformedRequest,
        "a percent sign in the address is not followed by two hexadecimal digits of UTF-8 text",
    ),
    (
        "GET",
        "/v1/audit/records?refused_only=yes",
        "",
        ErrorCode::InvalidField,
        "refused_only",
    ),
    (
        "GET",
        "/v1/audit/records?command=Encrypt",
        "",
        ErrorCode::InvalidField,
        "command",
    ),
    (
        "GET",
        "/v1/audit/records?realm=shop",
        "",
        ErrorCode::InvalidField,
        "realm",
    ),
    (
        "DELETE",
        "/v1/realms/shop/keys/orders/destruction?version=4294967296",
        "",
        ErrorCode::InvalidField,
        "version",
    ),
    // bodies where there are none
    (
        "GET",
        "/v1/status",
        "{}",
        ErrorCode::MalformedRequest,
        "this request takes no body",
    ),
    (
        "DELETE",
        "/v1/realms/shop/keys/orders/destruction",
        "{\"version\":1}",
        ErrorCode::MalformedRequest,
        "this request takes no body",
    ),
];

#[test]
fn each_malformed_request_gets_its_code_and_its_place() {
    for (method, target, body, code, first) in TABLE {
        let problem = refusal(method, target, &JSON, body.as_bytes());
        assert_eq!(problem.code, *code, "{method} {target} {body}: {problem}");
        let said = problem
            .params
            .first()
            .map_or("", |(_, value)| value.as_str());
        assert_eq!(said, *first, "{method} {target} {body}");
    }
}

#[test]
fn no_refusal_repeats_a_value_of_the_body() {
    for secret in [
        "{\"kind\":\"passphrase\",\"secret\":[\"hunter2\"]}",
        "{\"secret\":\"hunter2\"",
        "{\"secret\":\"hunter2\" 1}",
    ] {
        let problem = refusal("POST", "/v1/unseal", &JSON, secret.as_bytes());
        assert!(
            !format!("{problem} {problem:?}").contains("hunter2"),
            "{problem}"
        );
    }
    let problem = refusal("POST", ENCRYPT, &JSON, b"{\"plaintext\":\"hunter2!\"}");
    assert!(!format!("{problem:?}").contains("hunter2"), "{problem}");
}

#[test]
fn other_media_types_encodings_and_representations_are_refused_before_anything_is_done() {
    let body = br#"{"plaintext":"aGVsbG8="}"#;
    let with = |headers: Headers<'static>| refusal("POST", ENCRYPT, &headers, body).code;
    let none = Headers::default();
    assert_eq!(with(none), ErrorCode::UnsupportedMediaType);
    for media in [
        "application/x-www-form-urlencoded",
        "text/json",
        "application/json; charset=latin1",
        "application/jsonx",
        "",
    ] {
        let headers = Headers {
            content_type: Some(media.as_bytes()),
            ..none
        };
        assert_eq!(
            refusal("POST", ENCRYPT, &headers, body).code,
            ErrorCode::UnsupportedMediaType,
            "{media}"
        );
    }
    assert_eq!(
        with(Headers {
            content_encoding: Some(b"gzip"),
            ..JSON
        }),
        ErrorCode::UnsupportedMediaType
    );
    for accept in [
        "text/html",
        "application/json;q=0",
        "image/*",
        "application/json;q=0.000, text/html",
        "",
    ] {
        let headers = Headers {
            accept: Some(accept.as_bytes()),
            ..JSON
        };
        assert_eq!(
            refusal("POST", ENCRYPT, &headers, body).code,
            ErrorCode::NotAcceptable,
            "{accept}"
        );
    }
    for accept in [
        "*/*",
        "application/*",
        "text/html, application/json;q=0.1",
        "APPLICATION/JSON",
        "application/json; charset=utf-8",
    ] {
        decode(
            "POST",
            ENCRYPT,
            &Headers {
                accept: Some(accept.as_bytes()),
                ..JSON
            },
            body,
        )
        .expect(accept);
    }
    for media in [
        "application/json; charset=utf-8",
        "Application/JSON;charset=UTF-8",
        "application/json ; charset=\"utf-8\"",
    ] {
        decode(
            "POST",
            ENCRYPT,
            &Headers {
                content_type: Some(media.as_bytes()),
                ..none
            },
            body,
        )
        .expect(media);
    }
    let text = Headers {
        accept: Some(b"application/json"),
        ..none
    };
    assert_eq!(
        refusal("GET", "/v1/audit/checkpoint", &text, b"").code,
        ErrorCode::NotAcceptable
    );
}

#[test]
fn headers_that_cannot_be_honoured_are_refused() {
    let rotate = "/v1/realms/shop/keys/orders/rotate";
    let long = "x".repeat(256);
    for bad in ["", "a b", "é", long.as_str()] {
        let headers = Headers {
            idempotency_key: Some(bad.as_bytes()),
            ..JSON
        };
        assert_eq!(
            refusal("POST", rotate, &headers, b"").param("field"),
            Some("Idempotency-Key"),
            "{bad}"
        );
    }
    for bad in [
        "",
        "abc",
        &ID[1..],
        "0123456789abcdef-0123-456789abcdef0",
        "0123456-89abc-def0-1234-56789abcdef01",
    ] {
        let headers = Headers {
            request_id: Some(bad.as_bytes()),
            ..JSON
        };
        assert_eq!(
            refusal("POST", rotate, &headers, b"").param("field"),
            Some("X-Request-Id"),
            "{bad}"
        );
    }
    let conditional = Headers {
        if_match: Some(b"\"7\""),
        ..JSON
    };
    assert_eq!(
        refusal(
            "POST",
            "/v1/realms/shop/keys/orders/encrypt",
            &conditional,
            b""
        )
        .param("field"),
        Some("If-Match")
    );
}

#[test]
fn a_condition_becomes_the_revisions_it_names_and_foreign_tags_match_none() {
    let revisions = |tag: &'static [u8]| {
        let headers = Headers {
            if_match: Some(tag),
            ..JSON
        };
        let matched = rest::find("POST", "/v1/realms/shop/keys/orders/rotate").unwrap();
        let decoded = rest::decode(&matched, None, &headers, b"").unwrap();
        match decoded.call {
            rest::Call::Command { envelope, .. } => envelope.if_match,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(revisions(b"\"7\""), Some(vec![7]));
    assert_eq!(revisions(b"\"7\" , \"9\""), Some(vec![7, 9]));
    assert_eq!(revisions(b"*"), None);
    for foreign in [&b"W/\"7\""[..], b"7", b"\"abc\"", b"\"\"", b"", b"\"7"] {
        assert_eq!(revisions(foreign), Some(vec![]), "{foreign:?}");
    }
}

#[test]
fn too_much_is_refused_with_the_limit() {
    let body = vec![b' '; rest::find("POST", KEYS).unwrap().body_limit() + 1];
    let problem = refusal("POST", KEYS, &JSON, &body);
    assert_eq!(
        (problem.code, problem.param("limit_bytes")),
        (ErrorCode::BodyTooLarge, Some("65536"))
    );
    let many: Vec<String> = (0..257).map(|i| format!("\"k{i}\":\"v\"")).collect();
    let body = format!("{{\"spec\":\"aes-256\",\"tags\":{{{}}}}}", many.join(","));
    let problem = refusal("POST", KEYS, &JSON, body.as_bytes());
    assert_eq!(
        (problem.code, problem.param("field")),
        (ErrorCode::TooManyItems, Some("tags"))
    );
    let body = format!("{{{}}}", many.join(","));
    let problem = refusal("POST", KEYS, &JSON, body.as_bytes());
    assert_eq!(problem.param("field"), Some("(body)"));
    let items = vec!["\"a\""; 257].join(",");
    let problem = refusal(
        "POST",
        KEYS,
        &JSON,
        format!("{{\"applications\":[{items}]}}").as_bytes(),
    );
    assert_eq!(
        (problem.code, problem.param("field")),
        (ErrorCode::TooManyItems, Some("applications"))
    );
}
