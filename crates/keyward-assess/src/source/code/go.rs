//! Go: the crypto packages of the standard library and golang.org/x/crypto.

use super::rules::{self, Fault, Found, constant, shown, value};
use super::unit::{Call, Unit};
use crate::finding::Algorithm;

/// Reads one file.
pub fn read<'t>(unit: &Unit<'t>, found: &mut Found) {
    for call in &unit.calls {
        hashes(unit, call, found);
        ciphers(unit, call, found);
        keys(unit, call, found);
        derivation(unit, call, found);
        others(unit, call, found);
    }
    configuration(unit, found);
}

/// A hash package's name.
fn hash_of(package: &str, method: &str) -> Option<(Algorithm, bool)> {
    let last = package.rsplit('/').next().unwrap_or(package);
    match (last, method) {
        ("sha512", "New384" | "Sum384") => rules::hash("SHA384"),
        ("sha256", "New224" | "Sum224") => rules::hash("SHA224"),
        ("sha3", "New256" | "Sum256") => rules::hash("SHA3-256"),
        ("sha3", "New384" | "Sum384") => rules::hash("SHA3-384"),
        ("sha3", _) => rules::hash("SHA3-512"),
        (last, _) => rules::hash(last),
    }
}

fn hashes(unit: &Unit<'_>, call: &Call<'_>, found: &mut Found) {
    let Some((package, method)) = call.callee.rsplit_once('.') else {
        return;
    };
    if !package.contains("crypto/") || !(method.starts_with("New") || method.starts_with("Sum")) {
        return;
    }
    let _ = unit;
    if let Some((algorithm, weak)) = hash_of(package, method) {
        let faults: &[Fault] = if weak { &[rules::WEAK_HASH] } else { &[] };
        found.add(call.node, &shown(call, None), Some(algorithm), faults);
    }
}

fn ciphers<'t>(unit: &Unit<'t>, call: &Call<'t>, found: &mut Found) {
    let what = shown(call, None);
    let callee = call.callee.as_str();
    let weak = match callee {
        "crypto/des.NewCipher" => Some("DES"),
        "crypto/des.NewTripleDESCipher" => Some("3DES"),
        "crypto/rc4.NewCipher" => Some("RC4"),
        "golang.org/x/crypto/blowfish.NewCipher" => Some("Blowfish"),
        "golang.org/x/crypto/cast5.NewCipher" => Some("CAST5"),
        "golang.org/x/crypto/tea.NewCipher" | "golang.org/x/crypto/xtea.NewCipher" => Some("TEA"),
        _ => None,
    };
    if let Some(family) = weak {
        let mut faults = vec![rules::WEAK_CIPHER];
        faults.extend(rules::if_constant(unit, call, "", 0, rules::STATIC_KEY));
        found.add(call.node, &what, Some(Algorithm::named(family)), &faults);
        return;
    }
    match callee {
        "crypto/aes.NewCipher" => {
            let faults = rules::if_constant(unit, call, "", 0, rules::STATIC_KEY);
            found.add(call.node, &what, Some(Algorithm::named("AES")), &faults);
        }
        "golang.org/x/crypto/chacha20poly1305.New"
        | "golang.org/x/crypto/chacha20poly1305.NewX" => {
            let faults = rules::if_constant(unit, call, "", 0, rules::STATIC_KEY);
            found.add(
                call.node,
                &what,
                Some(Algorithm::sized("ChaCha20-Poly1305", 256)),
                &faults,
            );
        }
        "crypto/cipher.NewCBCEncrypter"
        | "crypto/cipher.NewCTR"
        | "crypto/cipher.NewOFB"
        | "crypto/cipher.NewCFBEncrypter" => {
            let faults = rules::if_constant(unit, call, "", 1, rules::STATIC_IV);
            found.add(call.node, &what, None, &faults);
        }
        "crypto/hmac.New" => {
            let mut faults = rules::if_constant(unit, call, "", 1, rules::STATIC_KEY);
            let inner = call
                .arguments
                .first()
                .map_or("", |argument| unit.of(*argument));
            if inner.starts_with("md5.") {
                faults.push(rules::WEAK_HASH);
            }
            found.add(call.node, &what, Some(Algorithm::named("HMAC")), &faults);
        }
        _ if call.method() == "Seal"
            && call.arguments.len() == 4
            && constant(unit, call, "", 1) =>
        {
            found.fault(call.node, &what, rules::STATIC_IV);
        }
        // the block is used without a mode: a loop of Encrypt is ECB
        _ if call.method() == "Encrypt" && call.arguments.len() == 2 => {
            let block = call
                .receiver
                .and_then(|receiver| {
                    unit.definition(unit.of(receiver), call.node.start_byte(), call.function)
                })
                .is_some_and(|made| unit.of(made).contains("NewCipher("));
            if block {
                found.fault(call.node, &what, rules::ECB);
            }
        }
        _ => {}
    }
}

fn keys<'t>(unit: &Unit<'t>, call: &Call<'t>, found: &mut Found) {
    let what = shown(call, None);
    match call.callee.as_str() {
        "crypto/rsa.GenerateKey" | "crypto/rsa.GenerateMultiPrimeKey" => {
            let position = call.arguments.len().saturating_sub(1);
            let bits = value(unit, call, "", position).number();
            let faults: Vec<Fault> = bits
                .and_then(|bits| rules::key_size("RSA", bits))
                .into_iter()
                .collect();
            let algorithm = Algorithm {
                bits: bits.and_then(|bits| u32::try_from(bits).ok()),
                ..Algorithm::named("RSA")
            };
            found.add(call.node, &what, Some(algorithm), &faults);
        }
        "crypto/ecdsa.GenerateKey" => {
            let curve = call
                .arguments
                .first()
                .map_or("", |argument| unit.of(*argument));
            let (name, bits) = match curve.rsplit('.').next().unwrap_or_default() {
                "P224()" => ("P-224", 224),
                "P384()" => ("P-384", 384),
                "P521()" => ("P-521", 521),
                _ => ("P-256", 256),
            };
            let algorithm = Algorithm {
                curve: Some(name.to_owned()),
                ..Algorithm::sized("EC", bits)
            };
            found.add(call.node, &what, Some(algorithm), &[]);
        }
        "crypto/ed25519.GenerateKey" => found.add(
            call.node,
            &what,
            Some(Algorithm::sized("Ed25519", 253)),
            &[],
        ),
        "crypto/dsa.GenerateParameters" => {
            let size = call
                .arguments
                .get(2)
                .map_or("", |argument| unit.of(*argument));
            let faults: &[Fault] = if size.contains("L1024") {
                &[rules::SHORT_KEY]
            } else {
                &[rules::WEAK_SIGNATURE]
            };
            found.add(call.node, &what, Some(Algorithm::named("DSA")), faults);
        }
        _ => schemes(unit, call, found),
    }
}

/// RSA's schemes and ML-KEM.
fn schemes(unit: &Unit<'_>, call: &Call<'_>, found: &mut Found) {
    let what = shown(call, None);
    match call.callee.as_str() {
        "crypto/rsa.EncryptPKCS1v15" | "crypto/rsa.DecryptPKCS1v15" => {
            found.add(
                call.node,
                &what,
                Some(Algorithm::named("RSA")),
                &[rules::OLD_PADDING],
            );
        }
        "crypto/rsa.SignPKCS1v15" | "crypto/rsa.SignPSS" | "crypto/rsa.VerifyPKCS1v15" => {
            let hash = call
                .arguments
                .iter()
                .map(|argument| unit.of(*argument))
                .find(|text| text.starts_with("crypto."));
            let weak = hash.is_some_and(|hash| hash == "crypto.SHA1" || hash == "crypto.MD5");
            let faults: &[Fault] = if weak { &[rules::WEAK_SIGNATURE] } else { &[] };
            found.add(call.node, &what, Some(Algorithm::named("RSA")), faults);
        }
        "crypto/mlkem.GenerateKey768" => {
            found.add(call.node, &what, Some(Algorithm::sized("ML-KEM", 768)), &[])
        }
        "crypto/mlkem.GenerateKey1024" => found.add(
            call.node,
            &what,
            Some(Algorithm::sized("ML-KEM", 1024)),
            &[],
        ),
        _ => {}
    }
}

fn derivation<'t>(unit: &Unit<'t>, call: &Call<'t>, found: &mut Found) {
    let callee = call.callee.as_str();
    let what = shown(call, None);
    // x/crypto: Key(password, salt, iterations, …); crypto/pbkdf2: Key(hash, password, salt, iterations, …)
    let first = match callee {
        "golang.org/x/crypto/pbkdf2.Key" => 0,
        "crypto/pbkdf2.Key" => 1,
        "golang.org/x/crypto/scrypt.Key" => {
            let mut faults = rules::if_constant(unit, call, "", 0, rules::STATIC_PASSWORD);
            faults.extend(rules::if_constant(unit, call, "", 1, rules::STATIC_SALT));
            found.add(call.node, &what, Some(Algorithm::named("scrypt")), &faults);
            return;
        }
        _ => return,
    };
    let mut faults = rules::if_constant(unit, call, "", first, rules::STATIC_PASSWORD);
    faults.extend(rules::if_constant(
        unit,
        call,
        "",
        first + 1,
        rules::STATIC_SALT,
    ));
    if value(unit, call, "", first + 2)
        .number()
        .is_some_and(|count| count < 1000)
    {
        faults.push(rules::FEW_ITERATIONS);
    }
    found.add(call.node, &what, Some(Algorithm::named("PBKDF2")), &faults);
}

fn others<'t>(unit: &Unit<'t>, call: &Call<'t>, found: &mut Found) {
    let what = shown(call, None);
    let callee = call.callee.as_str();
    if callee.ends_with("ssh.InsecureIgnoreHostKey") {
        found.fault(call.node, &what, rules::NO_VERIFY);
    }
    let random = callee
        .strip_prefix("math/rand.")
        .or_else(|| callee.strip_prefix("math/rand/v2."));
    if let Some(method) = random {
        let crypto = unit
            .imports
            .values()
            .any(|path| path.contains("crypto/") && path != "crypto/rand");
        let name = call
            .function
            .and_then(|index| unit.functions.get(index))
            .map_or(String::new(), |function| function.name.to_ascii_lowercase());
        let secret = [
            "key", "token", "secret", "passw", "nonce", "salt", "session",
        ]
        .iter()
        .any(|word| name.contains(word));
        if (crypto || secret) && !matches!(method, "Seed" | "Shuffle" | "NewSource" | "Perm") {
            found.fault(call.node, &what, rules::WEAK_RANDOM);
        }
    }
    let fetches = matches!(callee, "net/http.Get" | "net/http.Post" | "net/http.Head");
    if fetches
        && let Some(url) = value(unit, call, "", 0).text()
        && url.starts_with("http://")
        && !url.contains("localhost")
        && !url.contains("127.0.0.1")
    {
        found.fault(call.node, &what, rules::HTTP);
    }
    if matches!(call.method(), "SignedString")
        && call.arguments.len() == 1
        && constant(unit, call, "", 0)
    {
        found.fault(call.node, &what, rules::STATIC_KEY);
    }
    if callee.ends_with("bcrypt.GenerateFromPassword") {
        found.add(call.node, &what, Some(Algorithm::named("bcrypt")), &[]);
    }
}

/// Fields of `tls.Config` and the like.
fn configuration(unit: &Unit<'_>, found: &mut Found) {
    for (node, _) in &unit.others {
        if node.kind() != "keyed_element" {
            continue;
        }
        let (Some(key), Some(value)) = (node.named_child(0), node.named_child(1)) else {
            continue;
        };
        setting(unit, *node, unit.of(key), unit.of(value), found);
    }
    for assignment in &unit.assignments {
        setting(
            unit,
            assignment.value,
            &assignment.name,
            unit.of(assignment.value),
            found,
        );
    }
}

/// One setting.
fn setting(
    unit: &Unit<'_>,
    node: tree_sitter::Node<'_>,
    name: &str,
    text: &str,
    found: &mut Found,
) {
    let _ = unit;
    let what = format!("{name}: {}", text.chars().take(60).collect::<String>());
    match name {
        "InsecureSkipVerify" if text == "true" => found.fault(node, &what, rules::NO_VERIFY),
        "MinVersion" | "MaxVersion"
            if ["VersionSSL30", "VersionTLS10", "VersionTLS11"]
                .iter()
                .any(|old| text.ends_with(old)) =>
        {
            found.fault(node, &what, rules::OLD_TLS);
        }
        "CipherSuites"
            if ["RC4", "3DES", "NULL"]
                .iter()
                .any(|weak| text.contains(weak)) =>
        {
            found.fault(node, &what, rules::WEAK_CIPHER);
        }
        _ => {}
    }
}
