//! Sessions from beginning to end.
use std::os::unix::fs::PermissionsExt;

use crate::transcript::Transcript;
use crate::world::{World, code, errors};

/// Lines over 80 columns hold one value that cannot be broken.
fn assert_fits(text: &str) {
    for line in text.lines().filter(|line| !line.starts_with("$ ")) {
        let longest = line
            .split(' ')
            .map(|word| word.chars().count())
            .max()
            .unwrap_or(0);
        assert!(line.chars().count() <= 80 || longest > 40, "{line}");
    }
}

#[test]
fn a_person_walks_a_key_through_its_life() {
    let world = World::running();
    let status = world.good(&["status"]);
    assert!(
        status.contains("unsealed")
            && status.contains("module.integrity")
            && !status.contains("FAIL"),
        "{status}"
    );
    assert_fits(&status);
    let mut session = Transcript::new(&world);
    session.run("realm create shop --max-keys 100");
    session.run("realm create trial --rehearsal --level 2");
    session.run("realm list --limit 1");
    session.run("realm show shop");
    session.run("workload create officer --role crypto-officer -r shop");
    session.run("workload create billing --role crypto-user --role backup-operator -r shop");
    session.run("workload create both --role crypto-user --role crypto-officer -r shop");
    session.run("workload show officer -r shop");
    session.run("workload token officer --days 1 -o officer.token -r shop");
    session.run("workload token billing --hours 2 -o billing.token -r shop");
    session.run("workload token billing --hours 2 -o billing.token -r shop");
    session.run("policy list -r shop");
    let officer = "--token-file officer.token -r shop";
    let billing = "--token-file billing.token -r shop";
    session.run(&format!(
        "key create orders --rotate-every-days 90 --tag env=prod --application till {officer}"
    ));
    session.run(&format!("key create orders {officer}"));
    session.run(&format!(
        "key create archive --inactive --sensitivity high {officer}"
    ));
    session.run(&format!(
        "key create {officer} --spec ec-p384 --purpose encrypt"
    ));
    session.run(&format!("key show orders {officer}"));
    std::fs::write(world.path("card.txt"), "4711\n").unwrap();
    session.run(&format!(
        "encrypt -k orders card.txt -o card.kwc --aad \"order 17\" {billing}"
    ));
    session.run(&format!("encrypt -k orders card.txt -o card.kwc {billing}"));
    session.run(&format!("key rotate orders {officer}"));
    session.run(&format!("decrypt card.kwc --aad \"order 17\" {billing}"));
    session.run(&format!("decrypt card.kwc {billing}"));
    session.run(&format!("decrypt card.kwc --aad \"order 17\" {officer}"));
    session.run(&format!("encrypt -k archive card.txt -o a.kwc {billing}"));
    session.run(&format!("key activate archive {officer}"));
    session.run(&format!(
        "key suspend orders --reason \"incident 17\" {officer}"
    ));
    session.run(&format!("decrypt card.kwc --aad \"order 17\" {billing}"));
    session.run(&format!("key resume orders {officer}"));
    session.run(&format!("key deactivate archive --reason over {officer}"));
    session.run(&format!(
        "key deactivate archive --reason over --yes {officer}"
    ));
    session.run(&format!(
        "key compromise archive --reason lost --since 2026-11-20T00:00:00Z --yes {officer}"
    ));
    session.run(&format!(
        "key destroy schedule orders --after-days 7 --reason \"shop closed\" {officer}"
    ));
    session.run(&format!("key destroy execute orders --yes {officer}"));
    session.run(&format!("key show orders {officer}"));
    session.run(&format!("key destroy cancel orders {officer}"));
    session.run(&format!("key list {officer}"));
    session.run(&format!("key show nothing {officer}"));
    session.run("workload disable billing -r shop");
    session.run(&format!("decrypt card.kwc {billing}"));
    session.run("workload list -r shop");
    session.run("seal --reason maintenance");
    session.run("status");
    session.run("key list -r shop");
    session.run("unseal --passphrase-file card.txt");
    std::fs::set_permissions(world.path("card.txt"), PermissionsExt::from_mode(0o600)).unwrap();
    session.run("unseal --passphrase-file card.txt");
    session.run("unseal --passphrase-file pass");
    assert_fits(&session.check("life.txt"));
}

#[test]
fn programs_get_json_of_a_stable_shape() {
    let world = World::with_people();
    let mut session = Transcript::new(&world);
    let officer = "--json --token-file officer.token -r shop";
    let billing = "--json --token-file billing.token -r shop";
    session.run("realm show shop --json");
    session.run("realm list --json");
    session.run("workload show billing -r shop --json");
    session.run(&format!(
        "key create orders --rotate-every-days 90 --tag env=prod {officer}"
    ));
    session.run(&format!("key list --prefix or {officer}"));
    session.fed(&format!("encrypt -k orders {billing}"), b"4711");
    session.fed(&format!("decrypt {billing}"), b"not a ciphertext");
    session.run(&format!("key show nothing {officer}"));
    session.run("workload disable billing -r shop --json");
    session.run("audit records --limit 2 --command create-key --json --token-file auditor.token");
    session.run("context list --json");
    session.run("context use nowhere --json");
    session.run("policy list -r shop --json");
    session.check("json.txt");
}

#[test]
fn data_of_any_kind_come_back_through_files_and_pipes() {
    let world = World::with_people();
    assert_eq!(code(&world.by("officer", &["key", "create", "orders"])), 0);
    let data: Vec<u8> = (0..=255).cycle().take(4 << 20).collect();
    std::fs::write(world.path("in"), &data).unwrap();
    let sealed = world.by(
        "billing",
        &["encrypt", "-k", "orders", "in", "-o", "sealed"],
    );
    assert_eq!(code(&sealed), 0, "{}", errors(&sealed));
    let opened = world.by("billing", &["decrypt", "sealed", "-o", "out"]);
    assert_eq!(code(&opened), 0, "{}", errors(&opened));
    assert_eq!(std::fs::read(world.path("out")).unwrap(), data);
    assert_eq!(
        std::fs::metadata(world.path("out"))
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o600
    );

    let user = ["--token-file", "billing.token", "-r", "shop"];
    for base64 in [&[][..], &["--base64"]] {
        let sealed = world.fed(
            &[&user[..], &["encrypt", "-k", "orders"], base64].concat(),
            b"\0\xff",
        );
        let opened = world.fed(&[&user[..], &["decrypt"], base64].concat(), &sealed.stdout);
        assert_eq!(
            (code(&opened), &opened.stdout[..]),
            (0, &b"\0\xff"[..]),
            "{}",
            errors(&opened)
        );
    }
}

#[test]
fn a_policy_is_written_read_and_removed() {
    let world = World::with_people();
    let text = "forbid (principal, action == Keyward::Action::\"decrypt\", resource);\n";
    std::fs::write(world.path("p.cedar"), text).unwrap();
    world.good(&["policy", "put", "no-decryption", "p.cedar", "-r", "shop"]);
    assert_eq!(
        world.good(&["policy", "show", "no-decryption", "-r", "shop"]),
        text
    );
    assert!(
        world
            .good(&["policy", "list", "-r", "shop"])
            .contains("no-decryption")
    );
    assert_eq!(code(&world.by("officer", &["key", "create", "orders"])), 0);
    let user = ["--token-file", "billing.token", "-r", "shop"];
    let sealed = world.fed(&[&user[..], &["encrypt", "-k", "orders"]].concat(), b"x");
    let refused = world.fed(&[&user[..], &["decrypt"]].concat(), &sealed.stdout);
    assert_eq!(code(&refused), 1);
    assert!(
        errors(&refused).contains("permission_denied"),
        "{}",
        errors(&refused)
    );
    world.good(&["policy", "delete", "no-decryption", "-r", "shop"]);
    let opened = world.fed(&[&user[..], &["decrypt"]].concat(), &sealed.stdout);
    assert_eq!((code(&opened), &opened.stdout[..]), (0, &b"x"[..]));
    std::fs::write(world.path("p.cedar"), "permit everything").unwrap();
    let refused = world.run(&["policy", "put", "bad", "p.cedar", "-r", "shop"]);
    assert!(
        errors(&refused).contains("invalid_policy"),
        "{}",
        errors(&refused)
    );
}

#[test]
fn a_workload_is_known_by_its_certificate() {
    use keyward_tls::issue::{Lifetime, LocalAuthority};
    let world = World::with_people();
    assert_eq!(code(&world.by("officer", &["key", "create", "orders"])), 0);
    let lifetime = Lifetime::days(rustls_pki_types::UnixTime::now(), 1);
    let authority = LocalAuthority::generate("workloads", lifetime).unwrap();
    let issued = authority.issue_client("billing", None, lifetime).unwrap();
    std::fs::write(world.path("authority.pem"), authority.certificate_pem()).unwrap();
    std::fs::write(world.path("client.pem"), issued.certificate_pem()).unwrap();
    world.write_private("client.key", issued.private_key_pem());
    let bind = [
        "workload",
        "certificate",
        "billing",
        "--authority",
        "authority.pem",
        "--name",
        "cn:billing",
        "-r",
        "shop",
    ];
    world.good(&bind);
    let certified = [
        "--certificate",
        "client.pem",
        "--private-key",
        "client.key",
        "-r",
        "shop",
    ];
    let output = world.fed(
        &[&certified[..], &["encrypt", "-k", "orders"]].concat(),
        b"x",
    );
    assert_eq!(code(&output), 0, "{}", errors(&output));
}

#[test]
fn a_token_that_was_revoked_works_no_more() {
    let world = World::with_people();
    let issued = world.good(&[
        "workload",
        "token",
        "billing",
        "--hours",
        "1",
        "-o",
        "second.token",
        "-r",
        "shop",
        "--json",
    ]);
    let id = serde_json::from_str::<serde_json::Value>(&issued).unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(code(&world.by("second", &["key", "list"])), 0);
    world.good(&["workload", "revoke", &id]);
    let refused = world.by("second", &["key", "list"]);
    assert_eq!(code(&refused), 1);
    assert!(
        errors(&refused).contains("token_revoked"),
        "{}",
        errors(&refused)
    );
}

#[test]
fn the_examples_of_the_policy_page_are_accepted_and_no_other_text_is() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/policy.md");
    let page = std::fs::read_to_string(page).unwrap();
    let examples: Vec<&str> = page
        .split("```cedar\n")
        .skip(1)
        .filter_map(|part| part.split("```").next())
        .collect();
    assert!(examples.len() >= 4, "only {} examples", examples.len());
    let world = World::with_people();
    for example in examples {
        std::fs::write(world.path("p.cedar"), example).unwrap();
        world.good(&["policy", "put", "example", "p.cedar", "-r", "shop"]);
        // What makes the check worth something: one letter less is refused.
        std::fs::write(
            world.path("p.cedar"),
            example.replace("principal", "principl"),
        )
        .unwrap();
        let refused = world.run(&["policy", "put", "example", "p.cedar", "-r", "shop"]);
        assert_eq!(code(&refused), 1, "{example}");
    }
}

#[test]
fn a_refusal_for_want_of_a_role_says_which_one_it_takes() {
    let world = World::with_people();
    assert_eq!(code(&world.by("officer", &["key", "create", "k"])), 0);
    for (who, line, role) in [
        ("billing", &["key", "create", "l"][..], "crypto-officer"),
        (
            "officer",
            &["encrypt", "-k", "k", "pass", "-o", "x"],
            "crypto-user",
        ),
        ("billing", &["audit", "records"], "auditor"),
        (
            "officer",
            &["workload", "create", "w", "--role", "auditor"],
            "administrator",
        ),
    ] {
        let refused = world.by(who, line);
        let said: Vec<String> = errors(&refused)
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        let said = said.join(" ");
        assert!(
            said.contains(&format!("It takes a {role}"))
                || said.contains(&format!("It takes an {role}")),
            "{line:?}: {said}"
        );
    }
}
