//! What strangers and noisy neighbours do, through the real listener: attempts without proof are recorded together, guessing
//! passphrases is slowed, a revoked token is worth nothing on a connection that is open already, a quota answers 429.
#[path = "cli/world.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod world;

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use world::World;

/// One keep-alive connection that speaks HTTP by hand.
struct Connection {
    runtime: tokio::runtime::Runtime,
    stream: TlsStream<TcpStream>,
}

fn port(world: &World) -> u16 {
    let text = std::fs::read_to_string(world.path("port")).unwrap();
    text.trim().parse().unwrap()
}

impl Connection {
    fn to(world: &World) -> Self {
        let anchors = keyward_tls::Anchors::from_pem_file(&world.path("data/tls/ca.crt")).unwrap();
        let config = keyward_tls::client_config(&anchors, None, keyward_tls::Alpn::None).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let port = port(world);
        let stream = runtime.block_on(async {
            let tcp = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let name = rustls_pki_types::ServerName::try_from("localhost").unwrap();
            tokio_rustls::TlsConnector::from(config)
                .connect(name, tcp)
                .await
                .unwrap()
        });
        Self { runtime, stream }
    }

    /// Status, headers in lower case, body.
    fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        body: &str,
    ) -> (u16, String, String) {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{headers}\r\n{body}",
            body.len()
        );
        let stream = &mut self.stream;
        self.runtime.block_on(async {
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.flush().await.unwrap();
            let mut all = Vec::new();
            loop {
                let mut part = [0; 4096];
                let count = tokio::time::timeout(Duration::from_secs(60), stream.read(&mut part))
                    .await
                    .unwrap()
                    .unwrap();
                assert!(count > 0, "closed: {}", String::from_utf8_lossy(&all));
                all.extend_from_slice(&part[..count]);
                let text = String::from_utf8_lossy(&all).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else {
                    continue;
                };
                let head = head.to_ascii_lowercase();
                let length: usize = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "))
                    .map_or(0, |length| length.parse().unwrap());
                if body.len() >= length {
                    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                    return (status, head.clone(), body.to_owned());
                }
            }
        })
    }
}

fn bearer(world: &World, who: &str) -> String {
    let token = std::fs::read_to_string(world.path(who)).unwrap();
    format!("authorization: Bearer {}\r\n", token.trim())
}

#[test]
fn attempts_without_proof_are_recorded_together_and_count_what_was_tried() {
    let mut world = World::with_people();
    let bad = format!(
        "authorization: Bearer kwt_{}_{}\r\n",
        "0".repeat(32),
        "1".repeat(64)
    );
    let mut connection = Connection::to(&world);
    for _ in 0..40 {
        assert_eq!(connection.ask("GET", "/v1/realms", &bad, "").0, 401);
        assert_eq!(connection.ask("GET", "/v1/realms", "", "").0, 401);
        assert_eq!(
            connection
                .ask("GET", "/v1/realms", "authorization: Basic x\r\n", "")
                .0,
            401
        );
    }
    drop(connection);
    // What is counted when the server stops is recorded then.
    world.stop();
    world.start(true);
    let found = world.good(&[
        "--token-file",
        "auditor.token",
        "audit",
        "search",
        "--command",
        "rejected-attempts",
        "--json",
    ]);
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    let items = found["items"].as_array().unwrap();
    assert!((1..=3).contains(&items.len()), "a minute each: {found}");
    let counted: u64 = items
        .iter()
        .map(|item| {
            let detail = item["body"]["detail"].as_str().unwrap();
            detail.split(' ').next().unwrap().parse::<u64>().unwrap()
        })
        .sum();
    assert_eq!(counted, 120, "{found}");
}

#[test]
fn guessing_the_passphrase_is_slowed_after_some_attempts_and_the_right_one_opens_later() {
    let mut world = World::empty();
    world.good(&["init", "--data-dir", "data", "--passphrase-file", "pass"]);
    world.start(false);
    let mut connection = Connection::to(&world);
    let body = r#"{"kind":"passphrase","secret":"not the right passphrase"}"#;
    let mut statuses = Vec::new();
    // A minute may end in between, and begins with a fresh count.
    while statuses.len() < 25 && statuses.iter().all(|(status, _, _)| *status != 429) {
        statuses.push(connection.ask("POST", "/v1/unseal", "", body));
    }
    let throttled = statuses.iter().find(|(status, _, _)| *status == 429);
    let (_, head, body) = throttled.unwrap_or_else(|| panic!("{statuses:?}"));
    assert!(head.contains("retry-after: "), "{head}");
    assert!(body.contains("login_throttled"), "{body}");
    let health = connection.ask("GET", "/v1/ready", "", "");
    assert_eq!(health.0, 503);
    assert!(health.2.contains("sealed"), "{}", health.2);
}

#[test]
fn a_revoked_token_and_a_disabled_workload_lose_access_on_a_connection_that_is_open() {
    let world = World::with_people();
    assert_eq!(
        world::code(&world.by("officer", &["key", "create", "orders"])),
        0
    );
    let mut connection = Connection::to(&world);
    let token = bearer(&world, "billing.token");
    let path = "/v1/realms/shop/keys/orders/encrypt";
    let body = r#"{"plaintext":"aGVsbG8="}"#;
    assert_eq!(connection.ask("POST", path, &token, body).0, 200);
    world.good(&["workload", "disable", "billing", "-r", "shop"]);
    let refused = connection.ask("POST", path, &token, body);
    assert!(matches!(refused.0, 401 | 403), "{refused:?}");
    assert!(refused.2.contains("caller_disabled"), "{refused:?}");
    world.good(&["workload", "enable", "billing", "-r", "shop"]);
    assert_eq!(connection.ask("POST", path, &token, body).0, 200);
    let id = token.split('_').nth(1).unwrap().to_owned();
    world.good(&["workload", "revoke", &id]);
    let refused = connection.ask("POST", path, &token, body);
    assert_eq!(refused.0, 401, "{refused:?}");
    assert!(refused.2.contains("token_revoked"), "{refused:?}");
}

#[test]
fn a_realm_over_its_rate_is_answered_429_with_retry_after_and_its_neighbour_is_served() {
    let world = World::with_people();
    assert_eq!(
        world::code(&world.by("officer", &["key", "create", "orders"])),
        0
    );
    world.good(&["realm", "create", "noisy", "--max-rate", "5"]);
    world.good(&[
        "workload",
        "create",
        "loud",
        "--role",
        "crypto-officer",
        "-r",
        "noisy",
    ]);
    world.good(&[
        "workload",
        "token",
        "loud",
        "--days",
        "1",
        "-o",
        "loud.token",
        "-r",
        "noisy",
    ]);
    let mut connection = Connection::to(&world);
    let (loud, quiet) = (
        bearer(&world, "loud.token"),
        bearer(&world, "officer.token"),
    );
    let (noisy, shop) = ("/v1/realms/noisy/keys", "/v1/realms/shop/keys");
    let mut limited = None;
    for _ in 0..200 {
        let answer = connection.ask("GET", noisy, &loud, "");
        if answer.0 == 429 {
            limited = Some(answer);
        }
        assert_eq!(connection.ask("GET", shop, &quiet, "").0, 200);
    }
    let (_, head, body) = limited.expect("a rate of 5 is passed by 200 requests in a row");
    assert!(head.contains("retry-after: "), "{head}");
    assert!(body.contains("rate_limited"), "{body}");
}
