//! How what the core knows is shown in JSON. Absent members are left out, never null.
use std::net::Ipv6Addr;

use keyward_core::ErrorCode;
use keyward_core::command::CommandKind;
use keyward_core::ids::{CorrelationId, PrincipalId, RealmId, TokenId};
use keyward_core::object::{
    Birth, Component, Destruction, Object, Origin, Part, Principal, Realm, Transition, Version,
};
use keyward_core::outcome::{
    BlastRadius, CertificateView, DestructionCertificate, KeyView, ModuleView, PolicyText,
    RecordProof, StatusView, VersionView,
};
use keyward_core::record::{Body, Credential, Header, RecordView};
use keyward_core::state::State;

use super::write::Writer;

/// A realm's id as interfaces show it; the reverse is `commands::realm_of`.
fn realm_id(id: RealmId) -> String {
    if id == RealmId::SYSTEM {
        "system".to_owned()
    } else {
        id.to_string()
    }
}

pub(super) fn realm(w: &mut Writer, realm: &Realm) {
    w.plain("id", realm_id(realm.id));
    w.text("name", realm.name.as_str());
    w.whole("alias", realm.alias);
    w.whole("level", realm.level);
    w.flag("rehearsal", realm.rehearsal);
    w.flag("suspended", realm.suspended);
    w.object("quotas", |w| {
        w.whole("keys", realm.quotas.keys);
        w.whole("rate_per_second", realm.quotas.rate_per_second);
        w.whole("in_flight", realm.quotas.in_flight);
        w.whole("audit_bytes_per_day", realm.quotas.audit_bytes_per_day);
    });
    let rules = realm.rules.unwrap_or_default();
    w.object("rules", |w| {
        w.duration("rotate_every", rules.rotate_every);
        w.maybe_text(
            "widest_export",
            rules
                .widest_export
                .map(keyward_core::object::ExportClass::as_str),
        );
        w.flag("exceptions", rules.exceptions.unwrap_or(false));
    });
    w.time("created_at", realm.created_at);
    w.plain("created_by", principal_id(realm.created_by));
}

pub(super) fn certificate(w: &mut Writer, view: &CertificateView) {
    w.object("object", |w| key(w, &view.key));
    w.text("subject", &view.facts.subject);
    w.text("issuer", &view.facts.issuer);
    w.text("serial", &view.facts.serial);
    w.time("not_before", view.facts.not_before);
    w.time("not_after", view.facts.not_after);
    w.list(
        "alternative_names",
        &view.facts.alternative_names,
        |w, name| w.item_text(name),
    );
    w.hex("fingerprint", &view.fingerprint);
    w.text("chain", &view.pem);
}

pub(super) fn module(w: &mut Writer, module: &ModuleView) {
    w.whole("number", module.number);
    w.text("name", &module.name);
    w.text("version", &module.version);
    w.list("certificates", &module.certificates, |w, number| {
        w.item_whole(u64::from(*number))
    });
    w.whole("level", module.level);
    w.flag("approved_mode", module.approved_mode);
    w.text("entropy", &module.entropy);
    w.list("services", &module.services, |w, one| {
        w.item_object(|w| {
            w.plain("spec", one.spec.as_str());
            w.plain("service", one.service.as_str());
            w.flag("permitted_today", one.permitted);
        });
    });
}

pub(super) fn destruction_certificate(w: &mut Writer, view: &DestructionCertificate) {
    w.plain("deployment", &view.deployment);
    w.plain("realm", realm_id(view.object.realm));
    w.plain("object", view.object.id);
    w.maybe_text(
        "name",
        view.object
            .name
            .as_ref()
            .map(keyward_core::name::Name::as_str),
    );
    w.plain("kind", view.object.kind.as_str());
    w.maybe_text(
        "spec",
        view.object
            .spec
            .map(keyward_core::algorithm::KeySpec::as_str),
    );
    w.time("issued_at", view.issued_at);
    w.list("destroyed", &view.destroyed, |w, one| {
        w.item_object(|w| {
            w.whole("version", one.number);
            w.time("created_at", one.created_at);
            w.time("destroyed_at", one.destroyed_at);
            w.plain("by", principal_id(one.by));
            w.maybe_text("reason", one.reason.as_deref());
            w.whole("leaf", one.leaf);
            w.maybe_whole("epoch", one.epoch);
            if let Some(digest) = &one.tree_digest {
                w.hex("tree_digest", digest);
            }
            w.flag("compromise_found_after_destruction", one.compromise_found);
        });
    });
    w.list("remaining_versions", &view.remaining, |w, number| {
        w.item_whole(u64::from(*number))
    });
    w.list("seals", &view.seals, |w, (kind, old_copy)| {
        w.item_object(|w| {
            w.text("kind", kind);
            w.text("old_copy", old_copy);
        });
    });
}

pub(super) fn blast_radius(w: &mut Writer, radius: &BlastRadius) {
    w.plain("key", radius.key);
    w.list("concerned", &radius.concerned, |w, one| {
        w.item_object(|w| {
            w.plain("object", one.edge.to);
            w.maybe_text(
                "name",
                one.name.as_ref().map(keyward_core::name::Name::as_str),
            );
            w.plain("kind", one.kind.as_str());
            w.plain("relation", one.edge.kind.as_str());
            w.plain("from", one.edge.from);
            w.whole("from_version", one.edge.version);
            w.whole("distance", one.distance);
            w.time("since", one.edge.created_at);
        });
    });
    w.flag("more", radius.more);
}

pub(super) fn principal(w: &mut Writer, principal: &Principal) {
    w.plain("id", principal_id(principal.id));
    w.plain("realm", realm_id(principal.realm));
    w.text("name", principal.name.as_str());
    w.plain("kind", principal.kind.as_str());
    w.list("grants", &principal.grants, |w, grant| {
        w.item_object(|w| {
            w.plain("realm", realm_id(grant.realm));
            w.plain("role", grant.role.as_str());
        });
    });
    w.flag("enabled", principal.enabled);
    w.time("created_at", principal.created_at);
    w.plain("created_by", principal_id(principal.created_by));
}

pub(super) fn policy(w: &mut Writer, policy: &PolicyText) {
    w.text("name", policy.name.as_str());
    w.text("text", &policy.text);
    w.time("changed_at", policy.changed_at);
    w.plain("changed_by", principal_id(policy.changed_by));
}

pub(super) fn key(w: &mut Writer, view: &KeyView) {
    let object = &view.object;
    w.plain("id", object.id);
    w.plain("realm", realm_id(object.realm));
    w.maybe_text(
        "name",
        object.name.as_ref().map(keyward_core::name::Name::as_str),
    );
    w.list("aliases", &object.aliases, |w, alias| {
        w.item_text(alias.as_str())
    });
    w.plain("kind", object.kind.as_str());
    w.maybe_text(
        "spec",
        object.spec.map(keyward_core::algorithm::KeySpec::as_str),
    );
    w.maybe_text(
        "purpose",
        object.purpose.map(keyward_core::algorithm::Purpose::as_str),
    );
    w.plain("state", key_state(view).as_str());
    w.whole("current_version", object.current);
    key_attributes(w, object);
    w.whole("revision", view.row_version);
    w.list("versions", &view.versions, |w, version| {
        w.item_object(|w| key_version(w, version))
    });
}

/// The state that decides about new protection: suspension of the whole key comes before its version's own state.
fn key_state(view: &KeyView) -> State {
    let current = view
        .versions
        .iter()
        .find(|v| v.version.number == view.object.current);
    let state = current
        .or(view.versions.last())
        .map_or(State::Destroyed, |v| v.version.state());
    if view.object.suspended_at.is_some() && state == State::Active {
        State::Suspended
    } else {
        state
    }
}

fn key_attributes(w: &mut Writer, object: &Object) {
    w.whole("min_protect_version", object.min_protect);
    w.whole("min_process_version", object.min_process);
    w.plain("protection", object.protection.as_str());
    w.plain("export", object.export.as_str());
    w.plain("sensitivity", object.sensitivity.as_str());
    w.flag("non_approved_exception", object.exception);
    w.object("cryptoperiod", |w| {
        w.duration("originator", object.cryptoperiod.originator);
        w.duration("recipient", object.cryptoperiod.recipient);
    });
    w.duration("rotate_every", object.rotate_every);
    w.maybe_time("rotate_at", object.rotate_at);
    w.list("applications", &object.applications, |w, text| {
        w.item_text(text)
    });
    w.object("tags", |w| {
        for (key, value) in &object.tags {
            w.text(key, value);
        }
    });
    w.plain("owner", principal_id(object.owner));
    w.maybe_time("suspended_at", object.suspended_at);
    w.time("created_at", object.created_at);
    w.plain("created_by", principal_id(object.created_by));
    w.time("changed_at", object.changed_at);
}

fn key_version(w: &mut Writer, view: &VersionView) {
    let version: &Version = &view.version;
    w.whole("version", version.number);
    w.plain("state", version.state().as_str());
    w.list("components", &version.components, |w, part| {
        w.item_object(|w| component(w, part))
    });
    // A certificate's chain is shown by itself.
    let is_certificate = matches!(
        version.components.first().map(|c| c.part),
        Some(Part::Public)
    );
    if let Some(public) = version.public.as_ref().filter(|_| !is_certificate) {
        w.base64("public_key", public);
    }
    w.object("origin", |w| origin(w, &version.origin));
    w.time("created_at", version.created_at);
    w.maybe_time("activated_at", version.activated_at);
    w.maybe_time("activate_at", version.activate_at);
    w.maybe_time("protect_until", version.protect_until);
    w.maybe_time("process_until", version.process_until);
    if let Some(due) = &version.destruction {
        w.object("destruction", |w| destruction(w, due));
    }
    w.maybe_time("destroyed_at", version.destroyed_at);
    w.flag(
        "compromise_found_after_destruction",
        version.compromise_found_after_destruction,
    );
    w.flag("was_exported", version.was_exported);
    w.whole("uses_reserved", view.uses_reserved);
}

fn component(w: &mut Writer, component: &Component) {
    w.plain(
        "part",
        match component.part {
            Part::Secret => "secret",
            Part::Private => "private",
            Part::Public => "public",
        },
    );
    w.plain("state", component.state.as_str());
    w.list("history", &component.history, |w, change: &Transition| {
        w.item_object(|w| {
            w.plain("to", change.to.as_str());
            w.time("at", change.at);
            w.plain("by", principal_id(change.by));
            w.maybe_text("reason", change.reason.as_deref());
            w.maybe_whole("approval", change.approval);
        });
    });
}

fn origin(w: &mut Writer, origin: &Origin) {
    w.plain(
        "birth",
        match origin.birth {
            Birth::Generated => "generated",
            Birth::Imported => "imported",
            Birth::Derived => "derived",
            Birth::Components => "components",
        },
    );
    w.text("module", &origin.module);
    w.text("module_version", &origin.version);
    w.list("certificates", &origin.certificates, |w, number| {
        w.item_whole(u64::from(*number))
    });
    w.text("entropy", &origin.entropy);
    w.flag("approved", origin.approved);
    if let Some(attestation) = &origin.attestation {
        w.base64("attestation", attestation);
    }
}

fn destruction(w: &mut Writer, due: &Destruction) {
    w.time("scheduled_at", due.scheduled_at);
    w.time("due_at", due.due_at);
    w.plain("by", principal_id(due.by));
    w.text("reason", &due.reason);
    w.maybe_time("held_until", due.held_until);
    if let Some(by) = due.confirmed_by {
        w.plain("confirmed_by", principal_id(by));
    }
}

pub(super) fn status(w: &mut Writer, status: &StatusView) {
    w.text("product", &status.product);
    w.text("deployment", &status.deployment);
    w.text("node", &status.node);
    w.flag("unsealed", status.unsealed);
    w.list("seals", &status.seals, |w, seal| w.item_text(seal));
    w.object("module", |w| {
        w.text("name", &status.module);
        w.text("version", &status.module_version);
        w.list("certificates", &status.certificates, |w, number| {
            w.item_whole(u64::from(*number))
        });
    });
    w.text("store", &status.store);
    w.object("log", |w| {
        w.whole("size", status.log_size);
        w.text("root", &status.log_root);
    });
    w.time("time", status.wall);
    w.whole("service_ms", status.service_ms);
    w.list("checks", &status.checks, |w, line| {
        w.item_object(|w| {
            w.text("check", &line.check);
            w.flag("ok", line.ok);
            w.text("detail", &line.detail);
        });
    });
}

pub(super) fn proof(w: &mut Writer, proof: &RecordProof) {
    w.whole("index", proof.index);
    w.base64("entry", &proof.entry);
    if let Some(body) = &proof.body {
        w.base64("body", body);
    }
    w.text("proof", &proof.proof);
}

pub(super) fn record(w: &mut Writer, record: &RecordView) {
    w.whole("index", record.index);
    record_header(w, &record.header);
    w.flag("redacted", record.body.is_none());
    if let Some(body) = &record.body {
        w.object("body", |w| record_body(w, body));
    }
}

fn record_header(w: &mut Writer, header: &Header) {
    w.time("time", header.time);
    w.plain("node", header.node);
    w.whole("lane", header.lane);
    w.plain("realm", realm_id(header.realm));
    w.whole("realm_seq", header.realm_seq);
    // A record of a newer release may hold a number this one does not know; the number is always there.
    w.plain(
        "command",
        CommandKind::from_number(header.command).map_or("unknown", CommandKind::as_str),
    );
    w.whole("command_number", header.command);
    if let Some(target) = &header.target {
        w.hex("target", target);
    }
    w.maybe_whole("target_version", header.target_version);
    let outcome = match header.outcome {
        0 => "done",
        number => ErrorCode::from_number(number).map_or("unknown", ErrorCode::as_str),
    };
    w.plain("outcome", outcome);
    w.whole("outcome_number", header.outcome);
    w.plain("indicator", header.indicator.as_str());
    w.hex("body_digest", &header.body_digest);
    if let Some(digest) = &header.post_image {
        w.hex("post_image", digest);
    }
    if let Some(tag) = &header.state_tag {
        w.hex("state_tag", tag);
    }
}

fn record_body(w: &mut Writer, body: &Body) {
    w.plain("principal", principal_id(body.principal));
    w.object("credential", |w| credential(w, &body.credential));
    if let Some(source) = body.source {
        w.plain("source", Ipv6Addr::from(source).to_canonical());
    }
    if let Some(id) = body.correlation {
        w.plain("request_id", CorrelationId(id.0));
    }
    if let Some(digest) = &body.command_digest {
        w.hex("command_digest", digest);
    }
    w.maybe_text("module", body.module.as_deref());
    w.list("policies", &body.policies, |w, policy| w.item_text(policy));
    w.maybe_whole("approval", body.approval);
    if let Some(change) = body.change {
        w.object("change", |w| {
            w.plain("from", change.from.as_str());
            w.plain("to", change.to.as_str());
        });
    }
    w.maybe_text("detail", body.detail.as_deref());
    w.maybe_whole("payload_bytes", body.payload_bytes);
}

/// The parts of Keyward have words instead of ids.
const PARTS: [(PrincipalId, &str); 4] = [
    (PrincipalId::SCHEDULER, "scheduler"),
    (PrincipalId::SERVER, "server"),
    (PrincipalId::UNSEALER, "unsealer"),
    (PrincipalId::UNPROVEN, "unproven"),
];

/// A principal's id as interfaces show it.
fn principal_id(id: PrincipalId) -> String {
    let part = PARTS.iter().find(|(part, _)| *part == id);
    part.map_or_else(|| id.to_string(), |(_, word)| (*word).to_owned())
}

/// Reads what [`principal_id`] shows.
pub(super) fn parse_principal_id(text: &str) -> Option<PrincipalId> {
    let part = PARTS.iter().find(|(_, word)| *word == text);
    part.map(|(id, _)| *id)
        .or_else(|| PrincipalId::parse(text).ok())
}

fn credential(w: &mut Writer, credential: &Credential) {
    match credential {
        Credential::System => w.plain("kind", "system"),
        Credential::Token(id) => {
            w.plain("kind", "token");
            w.plain("id", TokenId(id.0));
        }
        Credential::Certificate(fingerprint) => {
            w.plain("kind", "certificate");
            w.hex("fingerprint", fingerprint);
        }
        Credential::Seal(slot) => {
            w.plain("kind", "seal");
            w.text("slot", slot);
        }
        Credential::Unproven => w.plain("kind", "unproven"),
    }
}
