//! The `OpenAPI` 3.1 document, made from the route table; `spec/openapi.json` is its golden copy.
use std::sync::LazyLock;

use keyward_core::ErrorCode;
use serde_json::{Map, Value, json};

use super::schemas;
use super::spec::{Field, Kind, RouteSpec, Success};
use super::table::CHAPTERS;

static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let mut text = serde_json::to_string_pretty(&sorted(build())).unwrap_or_default();
    text.push('\n');
    text
});

/// Members in the order of their names, whichever order the JSON library was built to keep.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<(String, Value)> = members.into_iter().collect();
            members.sort_by(|one, other| one.0.cmp(&other.0));
            members
                .into_iter()
                .map(|(name, value)| (name, sorted(value)))
                .collect()
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}

/// The whole document as JSON text.
#[must_use]
pub fn document() -> &'static str {
    &DOCUMENT
}

fn build() -> Value {
    let mut paths = Map::new();
    for chapter in CHAPTERS {
        for spec in chapter.routes {
            let path = format!("/{}", spec.path.join("/").replace("*}", "}"));
            let methods = paths.entry(path).or_insert_with(|| json!({}));
            if let Some(methods) = methods.as_object_mut() {
                methods.insert(
                    spec.method.as_str().to_ascii_lowercase(),
                    operation(spec, chapter.name),
                );
            }
        }
    }
    let tags: Vec<Value> = CHAPTERS
        .iter()
        .map(|chapter| json!({ "name": chapter.name, "description": chapter.about }))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Keyward",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Key management whose every use is decided once, done in a validated module, recorded, then answered.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "bearer": [] }, { "certificate": [] }],
        "tags": tags,
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "A token issued by this deployment." },
                "certificate": { "type": "mutualTLS", "description": "A certificate of an anchor registered for the realm." },
            },
            "headers": schemas::headers(),
            "parameters": schemas::parameters(),
            "responses": { "Problem": problem_response() },
            "schemas": schemas::schemas(),
        },
    })
}

fn problem_response() -> Value {
    json!({
        "description": "Nothing was done; the code says why (RFC 9457).",
        "headers": {
            "X-Request-Id": { "$ref": "#/components/headers/RequestId" },
            "Retry-After": { "$ref": "#/components/headers/RetryAfter" },
        },
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    })
}

fn operation(spec: &RouteSpec, chapter: &str) -> Value {
    let mut parameters: Vec<Value> = spec
        .path
        .iter()
        .filter_map(|segment| path_parameter(spec.path, segment))
        .collect();
    parameters.extend(spec.query.iter().map(|field| parameter("query", field)));
    parameters.push(json!({ "$ref": "#/components/parameters/RequestId" }));
    if spec.method != super::Method::Get {
        parameters.push(json!({ "$ref": "#/components/parameters/IdempotencyKey" }));
    }
    if spec.conditional {
        parameters.push(json!({ "$ref": "#/components/parameters/IfMatch" }));
    }
    let mut operation = json!({
        "operationId": operation_id(spec),
        "summary": spec.summary,
        "tags": [chapter],
        "parameters": parameters,
        "responses": responses(spec),
    });
    if let Some(members) = operation.as_object_mut() {
        if spec.open {
            members.insert("security".to_owned(), json!([]));
        }
        if let Some(fields) = spec.body {
            let body = json!({
                "required": fields.iter().any(|field| field.required),
                "content": { "application/json": { "schema": object_schema(fields) } },
            });
            members.insert("requestBody".to_owned(), body);
        }
    }
    operation
}

/// `ScheduleDestruction` as `schedule_destruction`.
fn operation_id(spec: &RouteSpec) -> String {
    let mut id = String::new();
    let name = format!("{:?}", spec.route);
    for character in name.chars().filter(char::is_ascii_alphanumeric) {
        if character.is_ascii_uppercase() && !id.is_empty() {
            id.push('_');
        }
        id.push(character.to_ascii_lowercase());
    }
    id
}

fn path_parameter(path: &[&str], segment: &str) -> Option<Value> {
    let name = segment
        .strip_prefix('{')?
        .trim_end_matches('}')
        .trim_end_matches('*');
    let (schema, about) = match name {
        "realm" => (
            json!({ "$ref": "#/components/schemas/NameOrId" }),
            "Id or name of the realm; `system` is the installation's own.",
        ),
        "key" => (
            json!({ "$ref": "#/components/schemas/NameOrId" }),
            "Id or name of the key.",
        ),
        "object" => (
            json!({ "type": "string", "minLength": 1 }),
            "Id or name of the object.",
        ),
        "name" => (
            json!({ "$ref": "#/components/schemas/Name" }),
            "Name of the policy.",
        ),
        "alias" => (
            json!({ "$ref": "#/components/schemas/Name" }),
            "The further name.",
        ),
        "index" => (
            json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX }),
            "Index of the record in the log.",
        ),
        "path" => (
            json!({ "type": "string", "minLength": 1 }),
            "Path of C2SP tlog-tiles, with slashes, or `keys`.",
        ),
        _ if path.contains(&"tokens") && !path.contains(&"principals") => (
            json!({ "$ref": "#/components/schemas/RandomId" }),
            "Id of the token.",
        ),
        "id" if path.contains(&"principals") => (
            json!({ "$ref": "#/components/schemas/PrincipalId" }),
            "Id of the principal.",
        ),
        _ => (json!({ "$ref": "#/components/schemas/Id" }), "Id."),
    };
    Some(
        json!({ "name": name, "in": "path", "required": true, "description": about, "schema": schema }),
    )
}

fn parameter(place: &str, field: &Field) -> Value {
    json!({
        "name": field.name,
        "in": place,
        "required": field.required,
        "description": field.about,
        "schema": schema(&field.kind),
    })
}

fn responses(spec: &RouteSpec) -> Value {
    let typed = |status: &str, media: &str, schema: Value| {
        json!({ status: {
            "description": "Done.",
            "headers": { "X-Request-Id": { "$ref": "#/components/headers/RequestId" } },
            "content": { media: { "schema": schema } },
        } })
    };
    let named = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let mut responses = match spec.success {
        Success::Nothing => json!({ "204": {
            "description": "Done.",
            "headers": { "X-Request-Id": { "$ref": "#/components/headers/RequestId" } },
        } }),
        Success::Json(name) => typed("200", "application/json", named(name)),
        Success::Created(name) => typed("201", "application/json", named(name)),
        Success::Text => typed("200", "text/plain", json!({ "type": "string" })),
        Success::Bytes => typed(
            "200",
            "application/octet-stream",
            json!({ "type": "string", "format": "binary" }),
        ),
    };
    if let Some(members) = responses.as_object_mut() {
        match spec.route {
            super::Route::Ready => {
                members.insert(
                    "503".to_owned(),
                    json!({
                        "description": "Not ready.",
                        "content": { "application/json": { "schema": named("Ready") } },
                    }),
                );
            }
            super::Route::DescribeKey => {
                members.insert("304".to_owned(), json!({ "description": "The state named in If-None-Match is still the present one." }));
            }
            _ => {}
        }
        members.insert(
            "default".to_owned(),
            json!({ "$ref": "#/components/responses/Problem" }),
        );
    }
    responses
}

/// The schema of an object with these members and no others.
pub(super) fn object_schema(fields: &[Field]) -> Value {
    let mut properties = Map::new();
    for field in fields {
        let mut value = schema(&field.kind);
        if let Some(members) = value.as_object_mut() {
            members.insert("description".to_owned(), json!(field.about));
        }
        properties.insert(field.name.to_owned(), value);
    }
    let required: Vec<&str> = fields
        .iter()
        .filter(|field| field.required)
        .map(|field| field.name)
        .collect();
    let mut object =
        json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if let Some(members) = object.as_object_mut() {
        if !required.is_empty() {
            members.insert("required".to_owned(), json!(required));
        }
        let exclusive = same_in_other_units(fields);
        if !exclusive.is_empty() {
            members.insert("allOf".to_owned(), json!(exclusive));
        }
    }
    object
}

/// `x_days` and `x_seconds` say the same thing, so only one of them may be given.
fn same_in_other_units(fields: &[Field]) -> Vec<Value> {
    const UNITS: [&str; 3] = ["_days", "_hours", "_seconds"];
    let stem = |name: &'static str| {
        UNITS
            .iter()
            .find_map(|unit| name.strip_suffix(unit))
            .filter(|stem| !stem.is_empty())
    };
    let mut pairs = Vec::new();
    for (place, one) in fields.iter().enumerate() {
        for other in fields.iter().skip(place.saturating_add(1)) {
            if stem(one.name).is_some() && stem(one.name) == stem(other.name) {
                pairs.push(json!({ "not": { "required": [one.name, other.name] } }));
            }
        }
    }
    pairs
}

fn schema(kind: &Kind) -> Value {
    match kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Name => json!({ "$ref": "#/components/schemas/Name" }),
        Kind::Password => json!({ "type": "string", "format": "password", "writeOnly": true }),
        Kind::Base64 => json!({ "$ref": "#/components/schemas/Base64" }),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Whole(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Id => json!({ "$ref": "#/components/schemas/RandomId" }),
        Kind::Principal => json!({ "$ref": "#/components/schemas/PrincipalId" }),
        Kind::Pattern(pattern) => json!({ "type": "string", "pattern": pattern }),
        Kind::Digest => json!({ "$ref": "#/components/schemas/Digest" }),
        Kind::Time => json!({ "type": "string", "format": "date-time" }),
        Kind::Choice(name) => json!({ "$ref": format!("#/components/schemas/{name}") }),
        Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Choices(name) => json!({
            "type": "array", "minItems": 1, "items": { "$ref": format!("#/components/schemas/{name}") },
        }),
        Kind::Map => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        Kind::MapEdit => {
            json!({ "type": "object", "additionalProperties": { "type": ["string", "null"] } })
        }
        Kind::Nullable(kind) => json!({ "anyOf": [schema(kind), { "type": "null" }] }),
        Kind::Object(fields) => object_schema(fields),
        Kind::Objects(fields) => json!({
            "type": "array", "minItems": 1, "maxItems": keyward_core::limits::BATCH_ITEMS_MAX, "items": object_schema(fields),
        }),
    }
}

/// Every error code, for the schema of a problem.
pub(super) fn error_codes() -> Vec<&'static str> {
    ErrorCode::ALL.iter().map(|code| code.as_str()).collect()
}
