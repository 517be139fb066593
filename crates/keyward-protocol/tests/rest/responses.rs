//! What goes out.
use std::fmt::Write as _;

use keyward_core::ids::CorrelationId;
use keyward_core::outcome::Outcome;
use keyward_core::{ErrorCode, Problem};
use keyward_protocol::rest::{
    self, Headers, Health, Readiness, Reply, Response, Route, openapi, routes,
};
use serde_json::Value;

use crate::{golden, samples, schema};

const ID: CorrelationId = CorrelationId([0xfe; 16]);

/// A reply to a route by its path with everything in braces replaced.
fn reply_to(route: Route) -> Reply<'static> {
    let spec = routes().find(|spec| spec.route == route).unwrap();
    let path = format!("/{}", spec.path.join("/")).replace(['{', '}', '*'], "");
    let path: &'static str = Box::leak(path.into_boxed_str());
    Reply::to(
        &rest::find(spec.method.as_str(), path).unwrap(),
        &Headers::default(),
        ID,
    )
}

fn headers(response: &Response) -> Vec<(String, String)> {
    let mut all = Vec::new();
    response.for_each_header(|name, value| all.push((name.to_owned(), value.to_owned())));
    all
}

fn header(response: &Response, name: &str) -> Option<String> {
    headers(response)
        .into_iter()
        .find(|(present, _)| present == name)
        .map(|(_, value)| value)
}

fn shown(response: &Response) -> String {
    let mut text = format!("{}\n", response.status);
    for (name, value) in headers(response) {
        let _ = writeln!(text, "{name}: {value}");
    }
    text.push('\n');
    let body = response.body.as_ref();
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => text.push_str(&serde_json::to_string_pretty(&sorted(value)).unwrap()),
        Err(_) => text.push_str(&body.escape_ascii().to_string()),
    }
    text.push('\n');
    text
}

/// Members in the order of their names: what else is built decides whether the JSON library keeps another.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members: std::collections::BTreeMap<String, Value> = members.into_iter().collect();
            members
                .into_iter()
                .map(|(name, value)| (name, sorted(value)))
                .collect()
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}

fn route_of(name: &str) -> Route {
    match name {
        "realm" => Route::CreateRealm,
        "principal" => Route::CreateWorkload,
        "token" => Route::IssueToken,
        "anchor" => Route::RegisterAnchor,
        "key" => Route::CreateKey,
        _ => Route::Status,
    }
}

#[test]
fn every_outcome_is_written_as_the_golden_file_and_as_its_schema_says() {
    let document: Value = serde_json::from_str(openapi::document()).unwrap();
    for (name, schema, outcome) in samples::outcomes() {
        let response = reply_to(route_of(name)).outcome(outcome);
        golden::check(
            &golden::directory().join(format!("responses/{name}.txt")),
            &shown(&response),
        );
        if let Some(schema) = schema {
            let value: Value = serde_json::from_slice(response.body.as_ref()).expect(name);
            let found = schema::differences(&document, schema, &value);
            assert!(found.is_empty(), "{name}: {found:#?}");
        }
    }
}

#[test]
fn every_problem_is_written_with_its_status_and_fits_its_schema() {
    let document: Value = serde_json::from_str(openapi::document()).unwrap();
    for code in ErrorCode::ALL {
        let problem = code
            .params()
            .iter()
            .fold(Problem::new(code), |p, name| p.with(name, "a\"b\n"));
        let response = Reply::unrouted("/", ID).problem(&problem, None);
        assert_eq!(response.status, code.http_status());
        assert_eq!(response.content_type, Some("application/problem+json"));
        assert_eq!(
            header(&response, "retry-after").is_some(),
            code.retryable(),
            "{code}"
        );
        assert_eq!(
            header(&response, "www-authenticate").is_some(),
            code.http_status() == 401,
            "{code}"
        );
        let value: Value = serde_json::from_slice(response.body.as_ref()).unwrap();
        let found = schema::differences(&document, "Problem", &value);
        assert!(found.is_empty(), "{code}: {found:#?}");
        assert_eq!(value["type"], format!("urn:keyward:error:{code}"));
    }
}

#[test]
fn a_problem_looks_like_the_golden_file() {
    let reply = Reply::unrouted("/v1/status", ID);
    let wrong = reply.problem(
        &Problem::invalid_field("roles[1]", "it must be the name of a role"),
        None,
    );
    golden::check(
        &golden::directory().join("responses/problem.txt"),
        &shown(&wrong),
    );
    let busy = reply.problem(&Problem::new(ErrorCode::Overloaded), Some(3));
    golden::check(
        &golden::directory().join("responses/problem-retry.txt"),
        &shown(&busy),
    );
    let method = reply.problem(&rest::find("PATCH", "/v1/status").unwrap_err(), None);
    golden::check(
        &golden::directory().join("responses/problem-method.txt"),
        &shown(&method),
    );
}

#[test]
fn health_readiness_and_description_look_like_the_golden_files() {
    let document: Value = serde_json::from_str(openapi::document()).unwrap();
    let reply = reply_to(Route::Health);
    let health = reply.health(&Health {
        sealed: true,
        version: "0.1.0".into(),
    });
    let not_ready = reply.readiness(&Readiness {
        reasons: vec![ErrorCode::Sealed, ErrorCode::DiskFull],
    });
    let ready = reply.readiness(&Readiness {
        reasons: Vec::new(),
    });
    for (name, schema, response) in [
        ("health", "Health", &health),
        ("not-ready", "Ready", &not_ready),
        ("ready", "Ready", &ready),
    ] {
        golden::check(
            &golden::directory().join(format!("responses/{name}.txt")),
            &shown(response),
        );
        let value = serde_json::from_slice(response.body.as_ref()).unwrap();
        assert_eq!(
            schema::differences(&document, schema, &value),
            Vec::<String>::new()
        );
    }
    assert_eq!(
        reply.openapi().body.as_ref(),
        openapi::document().as_bytes()
    );
}

#[test]
fn a_key_that_did_not_change_is_not_sent_again() {
    let matched = rest::find("GET", "/v1/realms/shop/keys/orders").unwrap();
    let ask = |tag: &'static [u8]| {
        let headers = Headers {
            if_none_match: Some(tag),
            ..Headers::default()
        };
        Reply::to(&matched, &headers, ID).outcome(Outcome::Key(Box::new(samples::key())))
    };
    for same in [&b"\"7\""[..], b"W/\"7\"", b"\"6\", \"7\"", b"*"] {
        let response = ask(same);
        assert_eq!((response.status, response.body.as_ref().len()), (304, 0));
        assert_eq!(header(&response, "etag").as_deref(), Some("\"7\""));
    }
    let response = ask(b"\"6\"");
    assert_eq!(response.status, 200);
    assert_eq!(header(&response, "etag").as_deref(), Some("\"7\""));
}

#[test]
fn only_the_route_that_makes_a_key_answers_201_with_its_address() {
    let outcome = || Outcome::Key(Box::new(samples::key()));
    let made = reply_to(Route::CreateKey).outcome(outcome());
    assert_eq!(made.status, 201);
    let address = header(&made, "location").unwrap();
    assert_eq!(
        rest::find("GET", &address).unwrap().route(),
        Route::DescribeKey
    );
    let rotated = reply_to(Route::RotateKey).outcome(outcome());
    assert_eq!((rotated.status, header(&rotated, "location")), (200, None));
}

#[test]
fn nothing_may_be_cached() {
    for (_, _, outcome) in samples::outcomes() {
        assert_eq!(
            header(&reply_to(Route::Status).outcome(outcome), "cache-control").as_deref(),
            Some("no-store")
        );
    }
}

#[test]
fn a_body_shows_only_its_length() {
    let (_, _, outcome) = samples::outcomes()
        .into_iter()
        .find(|(name, ..)| *name == "plaintext")
        .unwrap();
    let response = reply_to(Route::Decrypt).outcome(outcome);
    let value: Value = serde_json::from_slice(response.body.as_ref()).unwrap();
    assert_eq!(value["plaintext"], "aGVsbG8=");
    assert!(!format!("{response:?}").contains("aGVsbG8"));
}
