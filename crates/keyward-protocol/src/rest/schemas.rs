//! The named schemas of the `OpenAPI` document: what `views.rs` writes. Tests hold the two together.
mod data;
mod material;

use keyward_core::algorithm::{KeySpec, Purpose};
use keyward_core::command::CommandKind;
use keyward_core::role::Role;
use keyward_core::state::State;
use serde_json::{Map, Value, json};

use super::openapi::error_codes;

/// Headers of responses.
pub(super) fn headers() -> Value {
    json!({
        "RequestId": {
            "description": "The request's id: the caller's own, or one the server made. It is in the audit record.",
            "schema": { "$ref": "#/components/schemas/RandomId" },
        },
        "RetryAfter": {
            "description": "Seconds to wait before the identical request is worth repeating.",
            "schema": { "type": "integer", "minimum": 0 },
        },
    })
}

/// Parameters that many operations share.
pub(super) fn parameters() -> Value {
    json!({
        "RequestId": {
            "name": "X-Request-Id", "in": "header", "required": false,
            "description": "The caller's own id for the request: 32 hexadecimal digits, or a UUID.",
            "schema": { "type": "string", "pattern": "^([0-9A-Fa-f]{32}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$" },
        },
        "IfMatch": {
            "name": "If-Match", "in": "header", "required": false,
            "description": "ETags of the state this change was decided on; at any other state it is refused with 412.",
            "schema": { "type": "string" },
        },
        "IdempotencyKey": {
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "Makes a change safe to repeat for 24 hours.",
            "schema": { "type": "string", "pattern": "^[!-~]{1,255}$" },
        },
    })
}

/// All named schemas.
pub(super) fn schemas() -> Value {
    let mut all = Map::new();
    for part in [
        texts(),
        choices(),
        realm_and_principal(),
        keys(),
        data::schemas(),
        material::schemas(),
        server(),
        audit(),
        problem(),
    ] {
        if let Value::Object(members) = part {
            all.extend(members);
        }
    }
    Value::Object(all)
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn whole() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn list_of(items: &Value) -> Value {
    json!({ "type": "array", "items": items })
}

/// An object; members whose name ends in `?` may be absent.
fn object(members: &[(&str, Value)]) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, schema) in members {
        let bare = name.trim_end_matches('?');
        if bare.len() == name.len() {
            required.push(bare);
        }
        properties.insert(bare.to_owned(), schema.clone());
    }
    json!({ "type": "object", "properties": properties, "required": required })
}

fn page_of(name: &str) -> Value {
    object(&[
        ("items", list_of(&reference(name))),
        ("next?", reference("Id")),
    ])
}

/// No control characters, and no white space at the ends.
const NAME: &str =
    r"^[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f\u2028\u2029]*[^\s\x00-\x1f\x7f-\x9f])?$";

fn texts() -> Value {
    json!({
        "Id": { "type": "string", "description": "A random identifier, never reused; parts of Keyward have words.", "pattern": "^([0-9a-f]{32}|system|scheduler|server|unsealer|unproven)$" },
        "PrincipalId": { "type": "string", "description": "A random identifier, or the word of a part of Keyward.", "pattern": "^([0-9a-f]{32}|scheduler|server|unsealer|unproven)$" },
        "RandomId": { "type": "string", "description": "A random identifier, never reused.", "pattern": "^[0-9a-f]{32}$" },
        "Digest": { "type": "string", "pattern": "^[0-9a-f]{64}$" },
        "Name": {
            "type": "string", "minLength": 1, "maxLength": 255, "pattern": NAME, "not": { "pattern": "^[0-9a-fA-F]{32}$" },
            "description": "Case-sensitive, normalised to NFC, at most 255 bytes, no control characters; must not look like an id.",
        },
        "NameOrId": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": NAME },
        "Base64": { "type": "string", "description": "Standard alphabet with padding (RFC 4648 §4).", "contentEncoding": "base64", "pattern": "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$" },
        "Time": { "type": "string", "format": "date-time", "description": "UTC with milliseconds (RFC 3339)." },
        "OpenApi": { "type": "object" },
    })
}

fn choices() -> Value {
    let one_of = |values: Vec<&str>| json!({ "type": "string", "enum": values });
    json!({
        "KeySpec": one_of(KeySpec::ALL.iter().map(|one| one.as_str()).collect()),
        "Purpose": one_of(Purpose::ALL.iter().map(|one| one.as_str()).collect()),
        "Alphabet": one_of(keyward_core::command::Alphabet::ALL.iter().map(|one| one.as_str()).collect()),
        "TransferScheme": one_of(keyward_core::command::TransferScheme::ALL.iter().map(|one| one.as_str()).collect()),
        "ObjectKind": one_of(vec!["symmetric", "pair", "certificate", "secret", "opaque", "split"]),
        "State": one_of(State::ALL.iter().map(|one| one.as_str()).collect()),
        "Role": one_of(Role::ALL.iter().map(|one| one.as_str()).collect()),
        "CommandName": one_of(CommandKind::ALL.iter().map(|one| one.as_str()).collect()),
        "Protection": one_of(vec!["software", "hsm-bound", "hsm-recoverable"]),
        "ExportClass": one_of(vec!["never", "wrapped", "session"]),
        "Sensitivity": one_of(vec!["low", "moderate", "high"]),
        "Indicator": one_of(vec!["not-applicable", "approved", "not-approved"]),
    })
}

fn realm_and_principal() -> Value {
    json!({
        "Realm": object(&[
            ("id", reference("Id")), ("name", reference("Name")), ("alias", whole()), ("level", whole()),
            ("rehearsal", json!({ "type": "boolean" })), ("suspended", json!({ "type": "boolean" })),
            ("quotas", object(&[
                ("keys", whole()), ("rate_per_second", whole()), ("in_flight", whole()), ("audit_bytes_per_day", whole()),
            ])),
            ("rules", object(&[
                ("rotate_every_days?", whole()), ("rotate_every_seconds?", whole()),
                ("widest_export?", reference("ExportClass")), ("exceptions", json!({ "type": "boolean" })),
            ])),
            ("created_at", reference("Time")), ("created_by", reference("Id")),
        ]),
        "RealmPage": page_of("Realm"),
        "Principal": object(&[
            ("id", reference("Id")), ("realm", reference("Id")), ("name", reference("Name")),
            ("kind", json!({ "type": "string", "enum": ["workload", "person", "system"] })),
            ("grants", list_of(&object(&[("realm", reference("Id")), ("role", reference("Role"))]))),
            ("enabled", json!({ "type": "boolean" })), ("created_at", reference("Time")), ("created_by", reference("Id")),
        ]),
        "PrincipalPage": page_of("Principal"),
        "Token": object(&[
            ("id", reference("Id")),
            ("token", json!({ "type": "string", "description": "What goes after `Bearer`; shown once.", "format": "password" })),
            ("expires_at", reference("Time")),
        ]),
        "Anchor": object(&[("fingerprint", reference("Digest"))]),
        "Policy": object(&[
            ("name", reference("Name")), ("text", json!({ "type": "string" })), ("changed_at", reference("Time")), ("changed_by", reference("Id")),
        ]),
        "PolicyList": object(&[("items", list_of(&reference("Policy")))]),
    })
}

#[expect(clippy::too_many_lines, reason = "one table of schemas")]
fn keys() -> Value {
    let text = || json!({ "type": "string" });
    let flag = || json!({ "type": "boolean" });
    json!({
        "Key": object(&[
            ("id", reference("Id")), ("realm", reference("Id")), ("name?", reference("Name")),
            ("aliases", list_of(&reference("Name"))),
            ("kind", reference("ObjectKind")),
            ("spec?", reference("KeySpec")), ("purpose?", reference("Purpose")), ("state", reference("State")),
            ("current_version", whole()), ("min_protect_version", whole()), ("min_process_version", whole()),
            ("protection", reference("Protection")), ("export", reference("ExportClass")),
            ("sensitivity", reference("Sensitivity")), ("non_approved_exception", flag()),
            ("cryptoperiod", object(&[
                ("originator_days?", whole()), ("originator_seconds?", whole()),
                ("recipient_days?", whole()), ("recipient_seconds?", whole()),
            ])),
            ("rotate_every_days?", whole()), ("rotate_every_seconds?", whole()), ("rotate_at?", reference("Time")),
            ("applications", list_of(&text())), ("tags", json!({ "type": "object", "additionalProperties": { "type": "string" } })),
            ("owner", reference("Id")), ("suspended_at?", reference("Time")), ("created_at", reference("Time")),
            ("created_by", reference("Id")), ("changed_at", reference("Time")),
            ("revision", whole()), ("versions", list_of(&reference("KeyVersion"))),
        ]),
        "KeyPage": page_of("Key"),
        "SecretValue": object(&[("value", reference("Base64")), ("object", reference("Id")), ("version", whole())]),
        "ImportKey": object(&[
            ("id", reference("Id")), ("scheme", reference("TransferScheme")),
            ("public_key", json!({ "$ref": "#/components/schemas/Base64", "description": "SubjectPublicKeyInfo, DER; or the ML-KEM encapsulation key." })),
            ("kdf_info?", json!({ "$ref": "#/components/schemas/Base64", "description": "Fixed info of the one-step KDF with SHA-256; for agreements only." })),
            ("expires_at", reference("Time")),
        ]),
        "ExportedKey": object(&[
            ("object", reference("Id")), ("version", whole()), ("wrapped", reference("Base64")),
            ("encapsulated?", json!({ "$ref": "#/components/schemas/Base64", "description": "Ephemeral public key of the server, or the ML-KEM ciphertext." })),
            ("kdf_info?", reference("Base64")),
        ]),
        "ReleasedKey": object(&[("material", reference("Base64")), ("object", reference("Id")), ("version", whole())]),
        "CertificateRequest": object(&[("pem", text()), ("key", reference("Id")), ("version", whole())]),
        "Certificate": object(&[
            ("object", reference("Key")), ("subject", text()), ("issuer", text()), ("serial", text()),
            ("not_before", reference("Time")), ("not_after", reference("Time")), ("alternative_names", list_of(&text())),
            ("fingerprint", reference("Digest")), ("chain", json!({ "type": "string", "description": "PEM." })),
        ]),
        "DestructionCertificate": object(&[
            ("deployment", reference("Id")), ("realm", reference("Id")), ("object", reference("Id")), ("name?", reference("Name")),
            ("kind", reference("ObjectKind")), ("spec?", reference("KeySpec")), ("issued_at", reference("Time")),
            ("destroyed", list_of(&object(&[
                ("version", whole()), ("created_at", reference("Time")), ("destroyed_at", reference("Time")), ("by", reference("Id")),
                ("reason?", text()), ("leaf", whole()), ("epoch?", whole()), ("tree_digest?", reference("Digest")),
                ("compromise_found_after_destruction", flag()),
            ]))),
            ("remaining_versions", list_of(&whole())),
            ("seals", list_of(&object(&[("kind", text()), ("old_copy", text())]))),
        ]),
        "BlastRadius": object(&[
            ("key", reference("Id")),
            ("concerned", list_of(&object(&[
                ("object", reference("Id")), ("name?", reference("Name")), ("kind", reference("ObjectKind")),
                ("relation", json!({ "type": "string", "enum": ["wraps", "derived", "replaced-by", "certifies"] })),
                ("from", reference("Id")), ("from_version", whole()), ("distance", whole()), ("since", reference("Time")),
            ]))),
            ("more", flag()),
        ]),
        "KeyVersion": object(&[
            ("version", whole()), ("state", reference("State")),
            ("components", list_of(&object(&[
                ("part", json!({ "type": "string", "enum": ["secret", "private", "public"] })), ("state", reference("State")),
                ("history", list_of(&object(&[
                    ("to", reference("State")), ("at", reference("Time")), ("by", reference("Id")), ("reason?", text()), ("approval?", whole()),
                ]))),
            ]))),
            ("public_key?", json!({ "$ref": "#/components/schemas/Base64", "description": "SubjectPublicKeyInfo, DER." })),
            ("origin", object(&[
                ("birth", json!({ "type": "string", "enum": ["generated", "imported", "derived", "components"] })),
                ("module", text()), ("module_version", text()), ("certificates", list_of(&whole())), ("entropy", text()),
                ("approved", flag()), ("attestation?", reference("Base64")),
            ])),
            ("created_at", reference("Time")), ("activated_at?", reference("Time")), ("activate_at?", reference("Time")),
            ("protect_until?", reference("Time")), ("process_until?", reference("Time")),
            ("destruction?", object(&[
                ("scheduled_at", reference("Time")), ("due_at", reference("Time")), ("by", reference("Id")), ("reason", text()),
                ("held_until?", reference("Time")), ("confirmed_by?", reference("Id")),
            ])),
            ("destroyed_at?", reference("Time")), ("compromise_found_after_destruction", flag()), ("was_exported", flag()),
            ("uses_reserved", json!({ "type": "integer", "minimum": 0, "description": "Encryptions reserved against the limit of 2^32." })),
        ]),
        "Ciphertext": object(&[("ciphertext", reference("Base64")), ("key", reference("Id")), ("version", whole())]),
        "Plaintext": object(&[("plaintext", reference("Base64")), ("key", reference("Id")), ("version", whole())]),
    })
}

fn server() -> Value {
    let text = || json!({ "type": "string" });
    let flag = || json!({ "type": "boolean" });
    json!({
        "Health": object(&[("status", json!({ "type": "string", "enum": ["sealed", "unsealed"] })), ("version", text())]),
        "Ready": object(&[("ready", flag()), ("reasons", list_of(&reference("ErrorCode")))]),
        "ModuleList": object(&[("items", list_of(&object(&[
            ("number", whole()), ("name", text()), ("version", text()), ("certificates", list_of(&whole())), ("level", whole()),
            ("approved_mode", flag()), ("entropy", text()),
            ("services", list_of(&object(&[("spec", reference("KeySpec")), ("service", text()), ("permitted_today", flag())]))),
        ])))]),
        "Settings": object(&[("settings", json!({ "type": "object", "additionalProperties": { "type": "string" } }))]),
        "Status": object(&[
            ("product", text()), ("deployment", reference("Id")), ("node", reference("Id")), ("unsealed", flag()),
            ("seals", list_of(&text())),
            ("module", object(&[("name", text()), ("version", text()), ("certificates", list_of(&whole()))])),
            ("store", text()), ("log", object(&[("size", whole()), ("root", text())])),
            ("time", reference("Time")), ("service_ms", whole()),
            ("checks", list_of(&object(&[("check", text()), ("ok", flag()), ("detail", text())]))),
        ]),
    })
}

fn audit() -> Value {
    let text = || json!({ "type": "string" });
    json!({
        "Record": object(&[
            ("index", whole()), ("time", reference("Time")), ("node", reference("Id")), ("lane", whole()), ("realm", reference("Id")),
            ("realm_seq", whole()), ("command", text()), ("command_number", whole()), ("target?", reference("Id")),
            ("target_version?", whole()), ("outcome", json!({ "type": "string", "description": "`done`, or the code of the refusal." })),
            ("outcome_number", whole()), ("indicator", reference("Indicator")), ("body_digest", reference("Digest")),
            ("post_image?", reference("Digest")), ("state_tag?", reference("Digest")), ("redacted", json!({ "type": "boolean" })),
            ("body?", object(&[
                ("principal", reference("Id")),
                ("credential", object(&[
                    ("kind", json!({ "type": "string", "enum": ["system", "token", "certificate", "seal", "unproven"] })),
                    ("id?", reference("Id")), ("fingerprint?", reference("Digest")), ("slot?", text()),
                ])),
                ("source?", text()), ("request_id?", reference("Id")), ("command_digest?", reference("Digest")), ("module?", text()),
                ("policies", list_of(&text())), ("approval?", whole()),
                ("change?", object(&[("from", reference("State")), ("to", reference("State"))])),
                ("detail?", text()), ("payload_bytes?", whole()),
            ])),
        ]),
        "RecordPage": object(&[("items", list_of(&reference("Record"))), ("next", whole()), ("size", whole())]),
        "RecordProof": object(&[
            ("index", whole()), ("entry", reference("Base64")),
            ("body?", json!({ "$ref": "#/components/schemas/Base64", "description": "Salt and body; absent once redacted." })),
            ("proof", json!({ "type": "string", "description": "C2SP tlog-proof." })),
        ]),
    })
}

fn problem() -> Value {
    json!({
        "ErrorCode": { "type": "string", "enum": error_codes() },
        "Problem": object(&[
            ("type", json!({ "type": "string", "format": "uri" })), ("title", json!({ "type": "string" })),
            ("status", json!({ "type": "integer", "minimum": 400, "maximum": 599 })), ("detail", json!({ "type": "string" })),
            ("code", reference("ErrorCode")), ("number", whole()),
            ("params", json!({ "type": "object", "additionalProperties": { "type": "string" } })),
            ("help", json!({ "type": "string" })), ("retryable", json!({ "type": "boolean" })), ("request_id", reference("Id")),
        ]),
    })
}
