//! A check of JSON against the description's own schemas, for the subset of JSON Schema it uses. Stricter than the
//! standard in one way: a member that the schema does not name is an error, so that description and answers stay one.
use serde_json::Value;

/// Everything in which `value` differs from the named schema.
pub fn differences(document: &Value, name: &str, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(
        document,
        &document["components"]["schemas"][name],
        value,
        name,
        &mut found,
    );
    found
}

fn check(document: &Value, schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(reference.trim_start_matches('#'));
        match target {
            Some(target) => check(document, target, value, path, found),
            None => found.push(format!("{path}: no schema {reference}")),
        }
        return;
    }
    let fits = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64(),
        Some("boolean") => value.is_boolean(),
        other => panic!("{path}: a schema of type {other:?}"),
    };
    if !fits {
        found.push(format!("{path}: {value} is not of type {}", schema["type"]));
        return;
    }
    if let Some(choices) = schema["enum"].as_array()
        && !choices.contains(value)
    {
        found.push(format!("{path}: {value} is none of the choices"));
    }
    if let (Some(text), Some(pattern)) = (value.as_str(), schema["pattern"].as_str())
        && !matches(pattern, text)
    {
        found.push(format!("{path}: {text} does not fit {pattern}"));
    }
    if let Some(items) = value.as_array() {
        for (index, item) in items.iter().enumerate() {
            check(
                document,
                &schema["items"],
                item,
                &format!("{path}[{index}]"),
                found,
            );
        }
    }
    if value.is_object() {
        object(document, schema, value, path, found);
    }
}

fn object(document: &Value, schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    for needed in schema["required"].as_array().into_iter().flatten() {
        if value.get(needed.as_str().unwrap()).is_none() {
            found.push(format!("{path}: {needed} is missing"));
        }
    }
    for (name, member) in value.as_object().unwrap() {
        let inner = format!("{path}.{name}");
        if let Some(property) = schema["properties"].get(name) {
            check(document, property, member, &inner, found);
        } else if schema["additionalProperties"].is_object() {
            check(
                document,
                &schema["additionalProperties"],
                member,
                &inner,
                found,
            );
        } else {
            found.push(format!("{inner}: the schema does not know it"));
        }
    }
}

/// The few patterns of the description, by hand.
fn matches(pattern: &str, text: &str) -> bool {
    let hex = |length: usize| {
        text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    match pattern {
        p if p.starts_with("^([0-9a-f]{32}|") => {
            hex(32)
                || p[15..]
                    .trim_end_matches(")$")
                    .split('|')
                    .any(|word| word == text)
        }
        "^[0-9a-f]{32}$" => hex(32),
        "^[0-9a-f]{64}$" => hex(64),
        p if p.starts_with(r"^[^\s") => {
            !text.is_empty() && !text.chars().any(char::is_control) && text.trim() == text
        }
        p if p.contains("A-Za-z0-9+/") => base64_simd::STANDARD.check(text.as_bytes()).is_ok(),
        other => panic!("no rule for {other}"),
    }
}
