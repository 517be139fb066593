//! Java: JCA/JCE, JSSE, and what replaces them badly.

use tree_sitter::Node;

use super::rules::{self, Fault, Found, constant, shown, value};
use super::unit::{Call, Unit};
use super::value::Value;
use crate::finding::Algorithm;

/// Reads one file.
pub fn read<'t>(unit: &Unit<'t>, found: &mut Found) {
    for call in &unit.calls {
        factory(unit, call, found);
        sizes(unit, call, found);
        constants(unit, call, found);
        random(unit, call, found);
        transport(unit, call, found);
    }
    for function in &unit.functions {
        verifiers(unit, function.node, &function.name, found);
    }
}

/// `X.getInstance("…")`.
fn factory<'t>(unit: &Unit<'t>, call: &Call<'t>, found: &mut Found) {
    let Some(class) = call.callee.strip_suffix(".getInstance") else {
        if call.callee.starts_with("DigestUtils.") {
            digest_utils(call, found);
        }
        return;
    };
    let class = class.rsplit('.').next().unwrap_or(class);
    let text = match value(unit, call, "", 0) {
        Value::Text(text) => text,
        _ => return,
    };
    let what = shown(call, Some(&text));
    match class {
        "Cipher" => {
            if let Some((algorithm, faults)) = rules::transformation(&text) {
                found.add(call.node, &what, Some(algorithm), &faults);
            }
        }
        "MessageDigest" => {
            if let Some((algorithm, weak)) = rules::hash(&text) {
                let faults: &[Fault] = if weak { &[rules::WEAK_HASH] } else { &[] };
                found.add(call.node, &what, Some(algorithm), faults);
            }
        }
        "Mac" => {
            let weak = text.to_ascii_uppercase().contains("MD5");
            let faults: &[Fault] = if weak { &[rules::WEAK_HASH] } else { &[] };
            found.add(call.node, &what, Some(Algorithm::named("HMAC")), faults);
        }
        "Signature" => {
            let (algorithm, faults) = rules::signature(&text);
            found.add(call.node, &what, Some(algorithm), &faults);
        }
        "KeyGenerator" | "SecretKeyFactory" => {
            if text.to_ascii_uppercase().starts_with("HMAC") {
                found.add(call.node, &what, Some(Algorithm::named("HMAC")), &[]);
            } else if text.to_ascii_uppercase().starts_with("PBKDF2") {
                found.add(call.node, &what, Some(Algorithm::named("PBKDF2")), &[]);
            } else if text.to_ascii_uppercase().starts_with("PBE") {
                if let Some((algorithm, faults)) = rules::transformation(&text) {
                    found.add(call.node, &what, Some(algorithm), &faults);
                }
            } else if let Some((algorithm, weak)) = rules::cipher(&text) {
                let faults: &[Fault] = if weak { &[rules::WEAK_CIPHER] } else { &[] };
                found.add(call.node, &what, Some(algorithm), faults);
            }
        }
        "KeyPairGenerator" | "KeyAgreement" | "KeyFactory" => {
            let family = match text.as_str() {
                "DiffieHellman" => "DH",
                other => other,
            };
            found.add(call.node, &what, Some(Algorithm::named(family)), &[]);
        }
        "SSLContext" => {
            let faults: &[Fault] = if rules::old_protocol(&text) {
                &[rules::OLD_TLS]
            } else {
                &[]
            };
            found.add(call.node, &what, None, faults);
        }
        "SecureRandom" => found.add(call.node, &what, None, &[]),
        _ => {}
    }
}

/// Commons Codec.
fn digest_utils(call: &Call<'_>, found: &mut Found) {
    let name = call.method().trim_end_matches("Hex").to_owned();
    if let Some((algorithm, weak)) = rules::hash(&name) {
        let faults: &[Fault] = if weak { &[rules::WEAK_HASH] } else { &[] };
        found.add(call.node, &shown(call, None), Some(algorithm), faults);
    }
}

/// Sizes given to generators.
fn sizes<'t>(unit: &Unit<'t>, call: &Call<'t>, found: &mut Found) {
    if !matches!(call.method(), "initialize" | "init") {
        return;
    }
    let Some(bits) = value(unit, call, "", 0).number() else {
        return;
    };
    let Some(receiver) = call.receiver else {
        return;
    };
    let Some(made) = maker(unit, receiver, call) else {
        return;
    };
    if !made.callee.contains("KeyPairGenerator") && !made.callee.contains("KeyGenerator") {
        return;
    }
    let Some(family) = made.arguments.first().and_then(|argument| {
        unit.value(*argument, made.function, 0)
            .text()
            .map(str::to_owned)
    }) else {
        return;
    };
    let family = if family == "DiffieHellman" {
        "DH".to_owned()
    } else {
        family
    };
    let size = u32::try_from(bits).ok();
    let faults: Vec<Fault> = rules::key_size(&family, bits).into_iter().collect();
    let algorithm = Algorithm {
        bits: size,
        ..Algorithm::named(&family)
    };
    let what = format!("{} key of {bits} bits", family);
    found.add(call.node, &what, Some(algorithm), &faults);
}

/// The call that made the object a name stands for.
fn maker<'u, 't>(unit: &'u Unit<'t>, receiver: Node<'t>, call: &Call<'t>) -> Option<&'u Call<'t>> {
    let made = if receiver.kind() == "method_invocation" {
        receiver
    } else {
        unit.definition(unit.of(receiver), call.node.start_byte(), call.function)?
    };
    unit.calls.iter().find(|other| other.node == made)
}

/// Constants where none may be.
fn constants<'t>(unit: &Unit<'t>, call: &Call<'t>, found: &mut Found) {
    let mut say = |fault: Fault| found.fault(call.node, &shown(call, None), fault);
    match call.callee.as_str() {
        "new SecretKeySpec" | "new DESKeySpec" | "new DESedeKeySpec" | "new KeyParameter"
            if constant(unit, call, "", 0) =>
        {
            say(rules::STATIC_KEY);
        }
        "new IvParameterSpec" if constant(unit, call, "", 0) => {
            say(rules::STATIC_IV);
        }
        "new GCMParameterSpec" | "new ParametersWithIV" if constant(unit, call, "", 1) => {
            say(rules::STATIC_IV);
        }
        "new PBEKeySpec" => {
            if constant(unit, call, "", 0) {
                say(rules::STATIC_PASSWORD);
            }
            if constant(unit, call, "", 1) {
                say(rules::STATIC_SALT);
            }
            if value(unit, call, "", 2)
                .number()
                .is_some_and(|count| count < 1000)
            {
                say(rules::FEW_ITERATIONS);
            }
        }
        "new PBEParameterSpec" => {
            if constant(unit, call, "", 0) {
                say(rules::STATIC_SALT);
            }
            if value(unit, call, "", 1)
                .number()
                .is_some_and(|count| count < 1000)
            {
                say(rules::FEW_ITERATIONS);
            }
        }
        "new PasswordAuthentication" if constant(unit, call, "", 1) => {
            say(rules::STATIC_PASSWORD);
        }
        _ if call.method() == "load" && call.arguments.len() == 2 => {
            let store = call.receiver.is_some_and(|receiver| {
                maker(unit, receiver, call).is_some_and(|made| made.callee.contains("KeyStore"))
                    || unit.of(receiver).to_ascii_lowercase().contains("keystore")
                    || unit.of(receiver) == "ks"
            });
            if store && constant(unit, call, "", 1) {
                say(rules::STATIC_PASSWORD);
            }
        }
        "DriverManager.getConnection" if constant(unit, call, "", 2) => {
            say(rules::STATIC_PASSWORD);
        }
        _ => {}
    }
}

/// Random numbers.
fn random<'t>(unit: &Unit<'t>, call: &Call<'t>, found: &mut Found) {
    let what = shown(call, None);
    match call.callee.as_str() {
        "new Random"
        | "Math.random"
        | "ThreadLocalRandom.current"
        | "RandomStringUtils.random"
        | "RandomStringUtils.randomAlphanumeric"
        | "RandomStringUtils.randomAlphabetic" => {
            found.fault(call.node, &what, rules::WEAK_RANDOM);
        }
        "java.util.Random" | "new java.util.Random" => {
            found.fault(call.node, &what, rules::WEAK_RANDOM)
        }
        "new SecureRandom" if constant(unit, call, "", 0) => {
            found.fault(call.node, &what, rules::STATIC_SEED);
        }
        _ if call.method() == "setSeed" => {
            let secure = call
                .receiver
                .and_then(|receiver| maker(unit, receiver, call))
                .is_none_or(|made| made.callee.contains("SecureRandom"));
            if secure && constant(unit, call, "", 0) {
                found.fault(call.node, &what, rules::STATIC_SEED);
            }
        }
        _ => {}
    }
}

/// TLS and HTTP.
fn transport<'t>(unit: &Unit<'t>, call: &Call<'t>, found: &mut Found) {
    let what = shown(call, None);
    match call.method() {
        "setHostnameVerifier"
        | "setDefaultHostnameVerifier"
        | "setSSLHostnameVerifier"
        | "hostnameVerifier" => {
            let argument = call
                .arguments
                .first()
                .map_or("", |argument| unit.of(*argument));
            if argument.contains("ALLOW_ALL")
                || argument.contains("NoopHostnameVerifier")
                || argument.contains("AllowAllHostnameVerifier")
                || (argument.contains("->")
                    && argument.trim_end_matches(['}', ' ', ';']).ends_with("true"))
            {
                found.fault(call.node, &what, rules::NO_VERIFY);
            }
        }
        "setEnabledProtocols" | "setProtocols" => {
            let text = call
                .arguments
                .first()
                .map_or("", |argument| unit.of(*argument));
            if text.split('"').any(rules::old_protocol) {
                found.fault(call.node, &what, rules::OLD_TLS);
            }
        }
        "URL" | "HttpGet" | "HttpPost" | "create" => {
            let url = value(unit, call, "", 0);
            if let Some(text) = url.text().filter(|text| text.starts_with("http://"))
                && !["localhost", "127.0.0.1", "www.w3.org", "schemas.", "xmlns"]
                    .iter()
                    .any(|local| text.contains(local))
            {
                found.fault(call.node, &what, rules::HTTP);
            }
        }
        "SSLSocketFactory" | "getDefault" if call.callee.contains("SSLSocketFactory") => {
            let verified = unit.calls.iter().any(|other| {
                other.method() == "verify" || other.method() == "setEndpointIdentificationAlgorithm"
            });
            let connects = unit
                .calls
                .iter()
                .any(|other| other.method() == "createSocket");
            if connects && !verified {
                found.fault(call.node, &what, rules::NO_VERIFY);
            }
        }
        _ => {}
    }
}

/// Verifiers that accept everything.
fn verifiers(unit: &Unit<'_>, node: Node<'_>, name: &str, found: &mut Found) {
    let Some(body) = node.child_by_field_name("body") else {
        return;
    };
    let text = unit.of(body);
    let parameters = node
        .child_by_field_name("parameters")
        .map_or("", |parameters| unit.of(parameters));
    match name {
        "verify" if parameters.contains("SSLSession") => {
            let statement: String = text.chars().filter(|c| !c.is_whitespace()).collect();
            if statement == "{returntrue;}" {
                found.fault(
                    node,
                    "HostnameVerifier.verify returns true",
                    rules::NO_VERIFY,
                );
            }
        }
        "checkServerTrusted" if parameters.contains("X509Certificate") => {
            let checks = text.contains("throw")
                || text.contains("checkServerTrusted")
                || text.contains("checkValidity")
                || text.contains("verify(")
                || text.contains("validate");
            if !checks {
                found.fault(
                    node,
                    "TrustManager.checkServerTrusted checks nothing",
                    rules::NO_VERIFY,
                );
            }
        }
        _ => {}
    }
}
