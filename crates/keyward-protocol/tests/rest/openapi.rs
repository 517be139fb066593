//! The description of the interface.
use std::collections::BTreeSet;
use std::path::Path;

use keyward_core::ErrorCode;
use keyward_core::command::CommandKind;
use keyward_protocol::rest::{Method, Success, openapi, routes};
use serde_json::Value;

use crate::golden;

fn document() -> Value {
    serde_json::from_str(openapi::document()).unwrap()
}

#[test]
fn the_served_description_is_the_one_in_the_repository() {
    golden::check(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/openapi.json"),
        openapi::document(),
    );
}

#[test]
fn every_route_is_described_under_an_operation_id_of_its_own() {
    let document = document();
    let mut ids = BTreeSet::new();
    for spec in routes() {
        let path = format!("/{}", spec.path.join("/").replace("*}", "}"));
        let operation = &document["paths"][&path][spec.method.as_str().to_ascii_lowercase()];
        assert!(operation["summary"].is_string(), "{path}");
        assert!(
            ids.insert(operation["operationId"].as_str().unwrap().to_owned()),
            "{path}"
        );
        assert!(operation["responses"]["default"].is_object(), "{path}");
    }
    let described: usize = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .map(|p| p.as_object().unwrap().len())
        .sum();
    assert_eq!(described, routes().count());
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(document: &Value, value: &Value) {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            assert!(
                document
                    .pointer(reference.trim_start_matches('#'))
                    .is_some(),
                "{reference}"
            );
        }
        match value {
            Value::Array(items) => items.iter().for_each(|item| walk(document, item)),
            Value::Object(members) => members.values().for_each(|member| walk(document, member)),
            _ => {}
        }
    }
    walk(&document(), &document());
}

#[test]
fn every_error_code_and_every_callable_command_is_in_it() {
    let document = document();
    let codes = document["components"]["schemas"]["ErrorCode"]["enum"]
        .as_array()
        .unwrap();
    assert_eq!(codes.len(), ErrorCode::ALL.len());
    let names = document["components"]["schemas"]["CommandName"]["enum"]
        .as_array()
        .unwrap();
    assert_eq!(names.len(), CommandKind::ALL.len());
}

#[test]
fn reading_takes_no_body_and_a_change_never_hides_in_a_get() {
    for spec in routes() {
        if matches!(spec.method, Method::Get | Method::Delete) {
            assert!(spec.body.is_none(), "{:?}", spec.route);
        }
        if spec.method == Method::Get {
            assert!(
                !matches!(spec.success, Success::Nothing | Success::Created(_)),
                "{:?}",
                spec.route
            );
        }
    }
}
