//! Keys at work from the command line, and OpenSSL as the other side.
use std::path::PathBuf;
use std::process::Command;

use keyward_client::{Blocking, Credential, Settings};
use keyward_core::ErrorCode;
use keyward_core::algorithm::{KeySpec, SignatureScheme};
use keyward_core::command::{RealmRef, VerifyExternal};
use keyward_core::name::Name;
use keyward_core::secret::Secret;

use crate::world::{World, code, errors};

/// Runs OpenSSL, which must be installed: whether it succeeded.
fn openssl(world: &World, arguments: &[&str]) -> bool {
    let output = Command::new("openssl")
        .current_dir(world.root())
        .args(arguments)
        .output()
        .expect("openssl must be installed (Debian: openssl)");
    output.status.success()
}

fn made(world: &World, who: &str, arguments: &[&str]) -> String {
    let output = world.by(who, arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        errors(&output)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn create(world: &World, name: &str, spec: &str, purpose: &str) {
    let arguments = ["key", "create", name, "--spec", spec, "--purpose", purpose];
    made(world, "officer", &arguments);
}

fn write(world: &World, name: &str, bytes: &[u8]) -> PathBuf {
    let path = world.path(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn openssl_verifies_what_keyward_signed_and_refuses_what_it_did_not() {
    let world = World::with_people();
    write(&world, "notes.txt", b"release 1\n");
    write(&world, "other.txt", b"release 2\n");
    let pss = |hash: &'static str, salt: &'static str| {
        vec![
            "dgst",
            hash,
            "-sigopt",
            "rsa_padding_mode:pss",
            "-sigopt",
            salt,
        ]
    };
    let table: Vec<(&str, &str, Vec<&str>)> = vec![
        (
            "rsa-2048",
            "rsa-pss-sha-256",
            pss("-sha256", "rsa_pss_saltlen:32"),
        ),
        (
            "rsa-3072",
            "rsa-pss-sha-512",
            pss("-sha512", "rsa_pss_saltlen:64"),
        ),
        ("rsa-2048", "rsa-pkcs1-sha-384", vec!["dgst", "-sha384"]),
        ("ec-p256", "ecdsa", vec!["dgst", "-sha256"]),
        ("ec-p384", "ecdsa", vec!["dgst", "-sha384"]),
        ("ec-p521", "ecdsa", vec!["dgst", "-sha512"]),
        ("ed25519", "ed25519", Vec::new()),
    ];
    for (number, (spec, scheme, digest)) in table.iter().enumerate() {
        let (key, signature) = (format!("k{number}"), format!("s{number}"));
        create(&world, &key, spec, "sign");
        let sign = [
            "sign",
            "-k",
            &key,
            "--scheme",
            scheme,
            "notes.txt",
            "-o",
            &signature,
        ];
        made(&world, "billing", &sign);
        let pem = made(&world, "billing", &["key", "public", &key]);
        write(&world, "pub.pem", pem.as_bytes());
        let verify = |file: &str| {
            if digest.is_empty() {
                let arguments = [
                    "pkeyutl", "-verify", "-pubin", "-inkey", "pub.pem", "-rawin", "-in", file,
                    "-sigfile", &signature,
                ];
                return openssl(&world, &arguments);
            }
            let mut arguments = digest.clone();
            arguments.extend(["-verify", "pub.pem", "-signature", &signature, file]);
            openssl(&world, &arguments)
        };
        assert!(verify("notes.txt"), "{spec} {scheme}");
        assert!(!verify("other.txt"), "{spec} {scheme}");
        let check = |file: &str| {
            let arguments = [
                "verify",
                "-k",
                &key,
                "--scheme",
                scheme,
                file,
                "--signature",
                &signature,
            ];
            code(&world.by("billing", &arguments))
        };
        assert_eq!(check("notes.txt"), 0, "{spec} {scheme}");
        assert_eq!(check("other.txt"), 5, "{spec} {scheme}");
    }
}

#[test]
fn keyward_verifies_what_openssl_signed_with_a_key_that_is_not_kept_here() {
    let world = World::with_people();
    write(&world, "notes.txt", b"from elsewhere\n");
    let context = world.good(&["context", "list", "--json"]);
    let context: serde_json::Value = serde_json::from_str(&context).unwrap();
    let context = &context["contexts"]["default"];
    let anchors =
        keyward_tls::Anchors::from_pem_file(context["ca"].as_str().unwrap().as_ref()).unwrap();
    let token = std::fs::read_to_string(world.path("billing.token")).unwrap();
    let credential = Credential::Token(Secret::new(token.trim().as_bytes().to_vec()));
    let server = context["server"].as_str().unwrap();
    let client = Blocking::new(Settings::new(server, anchors, credential).unwrap()).unwrap();
    let rsa = [
        "genpkey",
        "-algorithm",
        "RSA",
        "-pkeyopt",
        "rsa_keygen_bits:2048",
        "-out",
        "p.pem",
    ];
    let ec = [
        "genpkey",
        "-algorithm",
        "EC",
        "-pkeyopt",
        "ec_paramgen_curve:P-384",
        "-out",
        "p.pem",
    ];
    for (spec, scheme, generate, digest) in [
        (
            KeySpec::Rsa2048,
            SignatureScheme::RsaPkcs1Sha256,
            &rsa[..],
            "-sha256",
        ),
        (KeySpec::EcP384, SignatureScheme::Ecdsa, &ec[..], "-sha384"),
    ] {
        assert!(openssl(&world, generate));
        assert!(openssl(
            &world,
            &[
                "pkey", "-in", "p.pem", "-pubout", "-outform", "DER", "-out", "p.der"
            ]
        ));
        assert!(openssl(
            &world,
            &[
                "dgst",
                digest,
                "-sign",
                "p.pem",
                "-out",
                "p.sig",
                "notes.txt"
            ]
        ));
        let read = |name: &str| std::fs::read(world.path(name)).unwrap();
        let verify = |message: &[u8]| {
            let command = VerifyExternal {
                realm: RealmRef::Name(Name::new("shop").unwrap()),
                spec,
                scheme: Some(scheme),
                public: read("p.der"),
                message: Secret::new(message.to_vec()),
                signature: read("p.sig"),
            };
            client.run(async |client| client.verify_external(command).await)
        };
        assert!(verify(b"from elsewhere\n").unwrap().valid, "{spec:?}");
        match verify(b"from nowhere\n") {
            Err(keyward_client::ClientError::Refused(refusal)) => {
                assert_eq!(refusal.known(), Some(ErrorCode::SignatureInvalid));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn material_goes_out_and_comes_back_as_files_and_as_json() {
    let world = World::with_people();
    create(&world, "transport", "aes-256", "wrap");
    create(&world, "orders", "aes-256", "encrypt");
    create(&world, "sessions", "hmac-sha-256", "mac");
    create(&world, "master", "hmac-sha-256", "derive");
    create(&world, "kem", "ml-kem-768", "encapsulate");
    write(&world, "material", b"sixteen bytes...");
    let by = |arguments: &[&str]| made(&world, "billing", arguments);
    by(&["wrap", "-k", "transport", "material", "-o", "material.kwp"]);
    by(&[
        "unwrap",
        "-k",
        "transport",
        "material.kwp",
        "-o",
        "material.again",
    ]);
    assert_eq!(
        std::fs::read(world.path("material.again")).unwrap(),
        b"sixteen bytes..."
    );
    by(&["mac", "-k", "sessions", "material", "-o", "material.mac"]);
    by(&[
        "verify-mac",
        "-k",
        "sessions",
        "material",
        "--mac",
        "material.mac",
    ]);
    let wrong = world.by(
        "billing",
        &[
            "verify-mac",
            "-k",
            "sessions",
            "material.mac",
            "--mac",
            "material.mac",
        ],
    );
    assert_eq!(code(&wrong), 5);
    by(&[
        "data-key",
        "-k",
        "orders",
        "--key-file",
        "dk",
        "--sealed-file",
        "dk.kwc",
    ]);
    by(&["decrypt", "dk.kwc", "-o", "dk.again"]);
    assert_eq!(
        std::fs::read(world.path("dk")).unwrap(),
        std::fs::read(world.path("dk.again")).unwrap()
    );
    assert_eq!(std::fs::read(world.path("dk")).unwrap().len(), 32);
    by(&[
        "key", "derive", "master", "--info", "tenant 7", "--name", "tenant-7",
    ]);
    by(&["key", "encapsulate", "kem", "--name", "one", "-o", "kem.ct"]);
    by(&["key", "decapsulate", "kem", "kem.ct", "--name", "two"]);
    by(&["encrypt", "-k", "one", "material", "-o", "a.kwc"]);
    by(&[
        "re-encrypt",
        "-k",
        "one",
        "--to",
        "tenant-7",
        "a.kwc",
        "-o",
        "b.kwc",
    ]);
    by(&["decrypt", "b.kwc", "-o", "b"]);
    assert_eq!(std::fs::read(world.path("b")).unwrap(), b"sixteen bytes...");
    let digest = by(&["hash", "material"]);
    write(
        &world,
        "digest",
        format!("{}  material\n", digest.trim()).as_bytes(),
    );
    let sums = Command::new("sha256sum")
        .current_dir(world.root())
        .args(["-c", "digest"])
        .output()
        .unwrap();
    assert!(sums.status.success());
    assert_eq!(by(&["random", "24", "--base64"]).trim().len(), 32);
    let pair = by(&[
        "data-key-pair",
        "-k",
        "transport",
        "--spec",
        "ec-p256",
        "--json",
    ]);
    let pair: serde_json::Value = serde_json::from_str(&pair).unwrap();
    assert!(pair["public_key"].is_string() && pair["wrapped_private_key"].is_string());
    let refused = world.by("billing", &["data-key", "-k", "orders"]);
    assert_eq!(code(&refused), 2, "{}", errors(&refused));
    world.good(&["realm", "configure", "shop", "--exceptions", "true"]);
    let exceptional = [
        "key",
        "create",
        "ours",
        "--spec",
        "ec-p256",
        "--purpose",
        "agree",
        "--non-approved-exception",
    ];
    made(&world, "officer", &exceptional);
    create(&world, "theirs", "ec-p256", "sign");
    let jwk = by(&["key", "public", "theirs", "--json"]);
    let jwk: serde_json::Value = serde_json::from_str(&jwk).unwrap();
    assert_eq!(jwk["jwk"]["crv"], "P-256");
    let der = base64_simd::STANDARD
        .decode_to_vec(jwk["der"].as_str().unwrap())
        .unwrap();
    write(&world, "theirs.der", &der);
    by(&[
        "key",
        "agree",
        "ours",
        "--peer",
        "theirs.der",
        "--info",
        "link 1",
        "--name",
        "link-1",
    ]);
    let agreed = by(&["key", "show", "link-1", "--json"]);
    assert!(
        agreed.contains("\"non_approved_exception\": true"),
        "{agreed}"
    );
}
