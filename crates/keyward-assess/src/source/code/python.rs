//! Python: hashlib, hmac, ssl, PyCryptodome, cryptography, JWT, requests and friends.

use super::rules::{self, Fault, Found, constant, shown, value};
use super::unit::{Call, Unit};
use super::value::Value;
use crate::finding::Algorithm;

/// Reads one file.
pub fn read<'t>(unit: &Unit<'t>, found: &mut Found) {
    for call in &unit.calls {
        hashes(unit, call, found);
        ciphers(unit, call, found);
        keys(unit, call, found);
        derivation(unit, call, found);
        transport(unit, call, found);
        tokens(unit, call, found);
        random(unit, call, found);
    }
    settings(unit, found);
}

/// Whether a keyword argument is written as this.
fn named(unit: &Unit<'_>, call: &Call<'_>, name: &str, text: &str) -> bool {
    call.named
        .get(name)
        .is_some_and(|value| unit.of(*value) == text)
}

fn hashes<'t>(unit: &Unit<'t>, call: &Call<'t>, found: &mut Found) {
    if named(unit, call, "usedforsecurity", "False") {
        return;
    }
    let module = call
        .callee
        .rsplit_once('.')
        .map_or("", |(module, _)| module);
    let name = if module == "hashlib" {
        match call.method() {
            "new" => match value(unit, call, "name", 0) {
                Value::Text(text) => text,
                _ => return,
            },
            other => other.to_owned(),
        }
    } else if call.callee.contains("hashes.") && call.callee.contains("primitives")
        || module == "hashes"
    {
        call.method().to_owned()
    } else if (module.starts_with("Crypto.Hash.") || module.starts_with("Cryptodome.Hash."))
        && call.method() == "new"
    {
        module.rsplit('.').next().unwrap_or_default().to_owned()
    } else {
        return;
    };
    if let Some((algorithm, weak)) = rules::hash(&name) {
        let faults: &[Fault] = if weak { &[rules::WEAK_HASH] } else { &[] };
        found.add(call.node, &shown(call, None), Some(algorithm), faults);
    }
}

fn ciphers<'t>(unit: &Unit<'t>, call: &Call<'t>, found: &mut Found) {
    let what = shown(call, None);
    let (module, method) = call.callee.rsplit_once('.').unwrap_or(("", &call.callee));
    let last = module.rsplit('.').next().unwrap_or(module);
    let pycrypto = module.contains("Crypto.Cipher") || module.contains("Cryptodome.Cipher");
    if method == "new" && pycrypto {
        let Some((mut algorithm, weak)) = rules::cipher(last) else {
            return;
        };
        let mut faults = Vec::new();
        if weak {
            faults.push(rules::WEAK_CIPHER);
        }
        let mode = call.argument("mode", 1).map_or("", |mode| unit.of(mode));
        if let Some((_, mode)) = mode.rsplit_once("MODE_") {
            algorithm.mode = Some(mode.to_owned());
        }
        if mode.ends_with("MODE_ECB") {
            faults.push(rules::ECB);
        }
        if constant(unit, call, "key", 0) {
            faults.push(rules::STATIC_KEY);
        }
        let iv = ["iv", "IV", "nonce"]
            .iter()
            .any(|name| call.named.contains_key(*name) && constant(unit, call, name, usize::MAX));
        if iv || (call.arguments.len() > 2 && constant(unit, call, "", 2)) {
            faults.push(rules::STATIC_IV);
        }
        found.add(call.node, &what, Some(algorithm), &faults);
    } else {
        others(unit, call, found, last, method);
    }
}

/// The interfaces of cryptography, pyDes and hmac.
fn others<'t>(unit: &Unit<'t>, call: &Call<'t>, found: &mut Found, last: &str, method: &str) {
    let what = shown(call, None);
    if last == "algorithms" {
        if let Some((algorithm, weak)) = rules::cipher(method) {
            let mut faults = if weak {
                vec![rules::WEAK_CIPHER]
            } else {
                Vec::new()
            };
            if constant(unit, call, "key", 0) {
                faults.push(rules::STATIC_KEY);
            }
            found.add(call.node, &what, Some(algorithm), &faults);
        }
    } else if last == "modes" {
        if method == "ECB" {
            found.fault(call.node, &what, rules::ECB);
        } else if constant(unit, call, "", 0) {
            found.fault(call.node, &what, rules::STATIC_IV);
        }
    } else if matches!(
        method,
        "AESGCM" | "ChaCha20Poly1305" | "AESCCM" | "Fernet" | "MultiFernet"
    ) && call.callee.contains("cryptography")
    {
        let faults = rules::if_constant(unit, call, "key", 0, rules::STATIC_KEY);
        let algorithm = if method.starts_with("ChaCha") {
            Algorithm::sized("ChaCha20-Poly1305", 256)
        } else if method == "Fernet" {
            Algorithm {
                mode: Some("CBC".to_owned()),
                ..Algorithm::sized("AES", 128)
            }
        } else {
            Algorithm {
                mode: Some("GCM".to_owned()),
                ..Algorithm::named("AES")
            }
        };
        found.add(call.node, &what, Some(algorithm), &faults);
    } else if call.callee.starts_with("pyDes.") {
        if let Some((algorithm, _)) = rules::cipher(if method == "triple_des" {
            "3DES"
        } else {
            "DES"
        }) {
            found.add(call.node, &what, Some(algorithm), &[rules::WEAK_CIPHER]);
        }
    } else if call.callee == "hmac.new" || call.callee == "hmac.HMAC" {
        let mut faults = rules::if_constant(unit, call, "key", 0, rules::STATIC_KEY);
        let digest = call
            .argument("digestmod", 2)
            .map_or("", |digest| unit.of(digest));
        if digest.to_ascii_lowercase().contains("md5") {
            faults.push(rules::WEAK_HASH);
        }
        found.add(call.node, &what, Some(Algorithm::named("HMAC")), &faults);
    }
}

fn keys<'t>(unit: &Unit<'t>, call: &Call<'t>, found: &mut Found) {
    let callee = call.callee.as_str();
    let (family, name, position) = if callee.ends_with("rsa.generate_private_key") {
        ("RSA", "key_size", 1)
    } else if callee.ends_with("dsa.generate_private_key") {
        ("DSA", "key_size", 0)
    } else if callee.ends_with("dh.generate_parameters") {
        ("DH", "key_size", 1)
    } else if callee.ends_with("RSA.generate") || callee == "rsa.newkeys" {
        ("RSA", "bits", 0)
    } else if callee.ends_with("DSA.generate") {
        ("DSA", "bits", 0)
    } else if callee.ends_with("ec.generate_private_key") {
        let curve = call.argument("curve", 0).map_or("", |curve| unit.of(curve));
        let weak = ["192", "163", "160"]
            .iter()
            .any(|small| curve.contains(small));
        let faults: &[Fault] = if weak { &[rules::SHORT_KEY] } else { &[] };
        found.add(
            call.node,
            &shown(call, None),
            Some(Algorithm::named("EC")),
            faults,
        );
        return;
    } else {
        return;
    };
    let bits = value(unit, call, name, position).number();
    let faults: Vec<Fault> = bits
        .and_then(|bits| rules::key_size(family, bits))
        .into_iter()
        .collect();
    let algorithm = Algorithm {
        bits: bits.and_then(|bits| u32::try_from(bits).ok()),
        ..Algorithm::named(family)
    };
    found.add(call.node, &shown(call, None), Some(algorithm), &faults);
}

fn derivation<'t>(unit: &Unit<'t>, call: &Call<'t>, found: &mut Found) {
    // (password, salt, iterations) by name and position
    let (password, salt, iterations) = match call.method() {
        "pbkdf2_hmac" => (("password", 1), ("salt", 2), ("iterations", 3)),
        "PBKDF2HMAC" => (("", 99), ("salt", 2), ("iterations", 3)),
        "PBKDF2" => (("password", 0), ("salt", 1), ("count", 3)),
        "scrypt" | "Scrypt" => (("password", 0), ("salt", 1), ("", 99)),
        _ => return,
    };
    let mut faults = Vec::new();
    if constant(unit, call, password.0, password.1) {
        faults.push(rules::STATIC_PASSWORD);
    }
    if constant(unit, call, salt.0, salt.1) {
        faults.push(rules::STATIC_SALT);
    }
    let mut count = value(unit, call, iterations.0, iterations.1).number();
    if call.method() == "PBKDF2" && call.argument("count", 3).is_none() {
        // PyCryptodome's default is 1000, which is the floor
        count = None;
    }
    if count.is_some_and(|count| count < 1000) {
        faults.push(rules::FEW_ITERATIONS);
    }
    let family = if call.method().eq_ignore_ascii_case("scrypt") {
        "scrypt"
    } else {
        "PBKDF2"
    };
    found.add(
        call.node,
        &shown(call, None),
        Some(Algorithm::named(family)),
        &faults,
    );
}

fn transport<'t>(unit: &Unit<'t>, call: &Call<'t>, found: &mut Found) {
    let what = shown(call, None);
    let callee = call.callee.as_str();
    if named(unit, call, "verify", "False")
        && (callee.starts_with("requests")
            || callee.starts_with("httpx")
            || matches!(
                call.method(),
                "get" | "post" | "put" | "request" | "Client" | "delete" | "patch" | "head"
            ))
        || callee == "ssl._create_unverified_context"
        || named(unit, call, "cert_reqs", "ssl.CERT_NONE")
        || named(unit, call, "cert_reqs", "'CERT_NONE'")
        || named(unit, call, "cert_reqs", "\"CERT_NONE\"")
    {
        found.fault(call.node, &what, rules::NO_VERIFY);
    }
    if callee == "ssl.SSLContext"
        || callee == "ssl.wrap_socket"
        || call.method() == "Context" && callee.contains("SSL")
    {
        let protocol = call
            .named
            .get("ssl_version")
            .or_else(|| call.named.get("protocol"))
            .copied()
            .or_else(|| call.arguments.first().copied())
            .map_or("", |protocol| unit.of(protocol));
        let protocol = protocol.rsplit('.').next().unwrap_or(protocol);
        let old = rules::old_protocol(protocol)
            || matches!(
                protocol,
                "PROTOCOL_TLSv1"
                    | "PROTOCOL_TLSv1_1"
                    | "PROTOCOL_SSLv2"
                    | "PROTOCOL_SSLv3"
                    | "SSLv2_METHOD"
                    | "SSLv3_METHOD"
                    | "TLSv1_METHOD"
                    | "TLSv1_1_METHOD"
            );
        if old {
            found.fault(call.node, &what, rules::OLD_TLS);
        }
        if callee == "ssl.wrap_socket" && !call.named.contains_key("cert_reqs") {
            found.fault(call.node, &what, rules::NO_VERIFY);
        }
    }
    if call.method() == "set_missing_host_key_policy"
        && call.arguments.first().is_some_and(|policy| {
            let policy = unit.of(*policy);
            policy.contains("AutoAddPolicy") || policy.contains("WarningPolicy")
        })
    {
        found.fault(call.node, &what, rules::NO_VERIFY);
    }
    let fetches = callee.starts_with("requests.")
        || callee.starts_with("urllib.request.")
        || callee == "urllib2.urlopen";
    if fetches
        && let Value::Text(url) = value(unit, call, "url", 0)
        && url.starts_with("http://")
        && !url.contains("localhost")
        && !url.contains("127.0.0.1")
    {
        found.fault(call.node, &what, rules::HTTP);
    }
}

fn tokens<'t>(unit: &Unit<'t>, call: &Call<'t>, found: &mut Found) {
    let what = shown(call, None);
    match call.callee.as_str() {
        "jwt.encode" => {
            let mut faults = Vec::new();
            let algorithm = value(unit, call, "algorithm", 2);
            if algorithm
                .text()
                .is_some_and(|text| text.eq_ignore_ascii_case("none"))
            {
                faults.push(rules::JWT_NONE);
            }
            let symmetric = algorithm.text().is_none_or(|text| text.starts_with("HS"));
            if symmetric && constant(unit, call, "key", 1) {
                faults.push(rules::STATIC_KEY);
            }
            found.add(call.node, &what, None, &faults);
        }
        "jwt.decode" => {
            let options = call
                .named
                .get("options")
                .map_or("", |options| unit.of(*options));
            let mut faults = Vec::new();
            let options: String = options.chars().filter(|c| !c.is_whitespace()).collect();
            if named(unit, call, "verify", "False")
                || options.contains("verify_signature\":False")
                || options.contains("verify_signature':False")
            {
                faults.push(rules::JWT_NONE);
            }
            if constant(unit, call, "key", 1)
                && !faults.iter().any(|f| f.rule == rules::JWT_NONE.rule)
            {
                let text = value(unit, call, "key", 1);
                if text.text().is_none_or(|text| !text.contains("PUBLIC KEY")) {
                    faults.push(rules::STATIC_KEY);
                }
            }
            found.add(call.node, &what, None, &faults);
        }
        _ => {}
    }
}

/// Names that say a random number is meant to be secret.
const SECRET_NAMES: &[&str] = &[
    "key", "token", "secret", "passw", "nonce", "salt", "otp", "session", "iv", "seed", "pin",
    "csrf",
];

fn random<'t>(unit: &Unit<'t>, call: &Call<'t>, found: &mut Found) {
    let module = call.callee.split('.').next().unwrap_or_default();
    if module != "random" && !call.callee.starts_with("numpy.random") {
        return;
    }
    if matches!(call.method(), "SystemRandom" | "seed" | "shuffle")
        || call.callee.contains("SystemRandom")
    {
        return;
    }
    let target = unit
        .assignments
        .iter()
        .find(|assignment| {
            assignment.value.byte_range().start <= call.node.start_byte()
                && assignment.value.byte_range().end >= call.node.end_byte()
        })
        .map_or(String::new(), |assignment| {
            assignment.name.to_ascii_lowercase()
        });
    let place = call
        .function
        .and_then(|index| unit.functions.get(index))
        .map_or(String::new(), |function| function.name.to_ascii_lowercase());
    let crypto = unit.imports.values().any(|name| {
        ["Crypto", "cryptography", "hmac", "secrets", "jwt", "ssl"]
            .iter()
            .any(|known| name.split('.').next() == Some(known))
    });
    let secret = |name: &str| {
        SECRET_NAMES.iter().any(|word| {
            if word.len() <= 3 {
                name.split('_').any(|part| part == *word)
            } else {
                name.contains(word)
            }
        })
    };
    if crypto || secret(&target) || secret(&place) {
        found.fault(call.node, &shown(call, None), rules::WEAK_RANDOM);
    }
}

/// Assignments that switch verification off.
fn settings(unit: &Unit<'_>, found: &mut Found) {
    for assignment in &unit.assignments {
        let text = unit.of(assignment.value);
        let off = match assignment.name.as_str() {
            "verify_mode" => text.ends_with("CERT_NONE"),
            "check_hostname" => text == "False",
            "_create_default_https_context" => text.contains("_create_unverified_context"),
            "verify" => text == "False" && unit.text.windows(8).any(|window| window == b"requests"),
            _ => false,
        };
        if off {
            found.fault(
                assignment.value,
                &format!("{} = {text}", assignment.name),
                rules::NO_VERIFY,
            );
        }
        if assignment.name == "minimum_version"
            && (text.ends_with("TLSv1") || text.ends_with("TLSv1_1") || text.ends_with("SSLv3"))
        {
            found.fault(
                assignment.value,
                &format!("minimum_version = {text}"),
                rules::OLD_TLS,
            );
        }
    }
}
