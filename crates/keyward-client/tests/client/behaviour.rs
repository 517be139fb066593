//! What the client does when all goes well, and when it does not.
use std::sync::atomic::Ordering;
use std::time::Duration;

use keyward_client::{Client, ClientError, Credential, Settings};
use keyward_core::command::{
    CreateRealm, Decrypt, Encrypt, KeyRef, RealmRef, RotateLogKey, Status,
};
use keyward_core::ids::{ObjectId, TokenId};
use keyward_core::name::Name;
use keyward_core::outcome::Outcome;
use keyward_core::secret::Secret;
use keyward_core::time::Timestamp;
use keyward_core::{ErrorCode, Problem};
use keyward_tls::ReloadableIdentity;
use keyward_tls::issue::LocalAuthority;

use crate::server::{Act, Server, today};

fn settings(server: &Server) -> Settings {
    let token = Credential::Token(Secret::new(b"kwt_abc\n".to_vec()));
    Settings::new(
        &format!("https://localhost:{}", server.address.port()),
        server.anchors(),
        token,
    )
    .unwrap()
}

fn client(server: &Server) -> Client {
    Client::new(settings(server)).unwrap()
}

fn encrypt() -> Encrypt {
    let key = KeyRef::Name(Name::new("orders").unwrap());
    Encrypt {
        realm: RealmRef::SYSTEM,
        key,
        context: Vec::new(),
        plaintext: Secret::new(b"hello".to_vec()),
    }
}

fn ciphertext() -> Outcome {
    Outcome::Ciphertext {
        ciphertext: b"KWC".to_vec(),
        key: ObjectId([1; 16]),
        version: 3,
    }
}

fn realm() -> CreateRealm {
    CreateRealm {
        name: Name::new("shop").unwrap(),
        level: 1,
        rehearsal: false,
        quotas: None,
    }
}

#[tokio::test]
async fn data_goes_there_and_back_over_one_connection_under_the_token() {
    let plaintext = || Outcome::Plaintext {
        plaintext: Secret::new(b"hello".to_vec()),
        key: ObjectId([1; 16]),
        version: 3,
    };
    let server = Server::start(vec![Act::Answer(ciphertext()), Act::Answer(plaintext())]).await;
    let client = client(&server);
    let sealed = client.encrypt(encrypt()).await.unwrap();
    assert_eq!(
        (sealed.ciphertext.as_slice(), sealed.version),
        (&b"KWC"[..], 3)
    );
    let Encrypt {
        realm,
        key,
        context,
        ..
    } = encrypt();
    let decrypt = Decrypt {
        realm,
        key,
        context,
        accept_compromised: false,
        ciphertext: sealed.ciphertext,
    };
    let opened = client.decrypt(decrypt).await.unwrap();
    assert_eq!(opened.plaintext.expose(), b"hello");
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
    let seen = server.seen();
    assert_eq!(seen[0].line, "POST /v1/realms/system/keys/orders/encrypt");
    assert_eq!(seen[0].authorization.as_deref(), Some("Bearer kwt_abc"));
    assert_eq!(seen[0].idempotency_key, None);
}

#[tokio::test]
async fn a_client_certificate_is_shown_and_no_token() {
    let server = Server::start(vec![Act::Answer(Outcome::Done)]).await;
    let identity = server
        .authority
        .issue_client("billing", None, today())
        .unwrap()
        .identity()
        .unwrap();
    let credential = Credential::Certificate(ReloadableIdentity::new(identity));
    let settings = Settings {
        credential,
        ..settings(&server)
    };
    Client::new(settings)
        .unwrap()
        .rotate_log_key(RotateLogKey {})
        .await
        .unwrap();
    assert_eq!(
        (
            server.seen()[0].certificate,
            server.seen()[0].authorization.clone()
        ),
        (true, None)
    );
}

#[tokio::test]
async fn a_refusal_carries_the_servers_words() {
    let refuse = Act::Refuse(Problem::new(ErrorCode::KeySuspended), None);
    let server = Server::start(vec![refuse]).await;
    let error = client(&server).encrypt(encrypt()).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::KeySuspended));
    let ClientError::Refused(refusal) = error else {
        panic!("{error}")
    };
    assert_eq!(
        (refusal.status, refusal.code.as_str()),
        (409, "key_suspended")
    );
    assert_eq!(refusal.request_id, "ee".repeat(16));
    assert_eq!(refusal.help, ErrorCode::KeySuspended.help());
}

#[tokio::test]
async fn an_overloaded_server_is_asked_again_with_the_same_idempotency_key() {
    let busy = || Act::Refuse(Problem::new(ErrorCode::Overloaded), Some(0));
    let server = Server::start(vec![busy(), busy(), Act::Answer(Outcome::Done)]).await;
    client(&server)
        .rotate_log_key(RotateLogKey {})
        .await
        .unwrap();
    let keys: Vec<_> = server
        .seen()
        .into_iter()
        .map(|seen| seen.idempotency_key.unwrap())
        .collect();
    assert_eq!(keys.len(), 3);
    assert!(
        keys[0].len() == 32 && keys.iter().all(|key| *key == keys[0]),
        "{keys:?}"
    );
}

#[tokio::test]
async fn two_changes_have_two_idempotency_keys() {
    let server = Server::start(vec![Act::Answer(Outcome::Done), Act::Answer(Outcome::Done)]).await;
    let client = client(&server);
    client.rotate_log_key(RotateLogKey {}).await.unwrap();
    client.rotate_log_key(RotateLogKey {}).await.unwrap();
    assert_ne!(
        server.seen()[0].idempotency_key,
        server.seen()[1].idempotency_key
    );
}

#[tokio::test]
async fn a_change_whose_answer_was_lost_is_asked_again_under_its_key() {
    let server = Server::start(vec![Act::Hang, Act::Answer(Outcome::Done)]).await;
    client(&server)
        .rotate_log_key(RotateLogKey {})
        .await
        .unwrap();
    assert_eq!(
        server.seen()[0].idempotency_key,
        server.seen()[1].idempotency_key
    );
}

#[tokio::test]
async fn unsealing_whose_answer_was_lost_is_not_repeated() {
    let server = Server::start(vec![Act::Hang]).await;
    let error = client(&server)
        .unseal("passphrase", &Secret::new(b"correct horse".to_vec()))
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::NoAnswer { .. }), "{error:?}");
    assert_eq!(server.seen().len(), 1);
    assert_eq!(server.seen()[0].idempotency_key, None);
}

#[tokio::test]
async fn a_refusal_that_will_not_pass_is_not_repeated() {
    let server = Server::start(vec![Act::Refuse(Problem::name_taken("shop"), None)]).await;
    let error = client(&server).create_realm(realm()).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::NameTaken));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_connection_that_the_server_closed_while_idle_does_not_fail_the_next_request() {
    let script = vec![Act::AnswerAndClose(ciphertext()), Act::Answer(ciphertext())];
    let server = Server::start(script).await;
    let client = client(&server);
    client.encrypt(encrypt()).await.unwrap();
    client.encrypt(encrypt()).await.unwrap();
    assert_eq!(server.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn many_requests_at_once_each_get_their_own_answer() {
    let script = (0..50).map(|_| Act::Answer(ciphertext())).collect();
    let server = Server::start(script).await;
    let client = std::sync::Arc::new(client(&server));
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let client = std::sync::Arc::clone(&client);
            tokio::spawn(async move { client.encrypt(encrypt()).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap().version, 3);
    }
    assert_eq!(server.seen().len(), 50);
}

#[tokio::test]
async fn a_server_that_is_silent_is_not_waited_for_without_end() {
    let silence = || Act::Silence;
    let server = Server::start(vec![silence(), silence(), silence(), silence()]).await;
    let settings = Settings {
        answer_timeout: Duration::from_millis(50),
        ..settings(&server)
    };
    let error = Client::new(settings)
        .unwrap()
        .status(Status {})
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::NoAnswer { .. }), "{error:?}");
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn an_answer_over_the_limit_is_cut_off() {
    let script = (0..4)
        .map(|_| Act::Answer(Outcome::Checkpoint("x".repeat(10_000))))
        .collect();
    let server = Server::start(script).await;
    let settings = Settings {
        answer_limit: 1000,
        ..settings(&server)
    };
    let error = Client::new(settings)
        .unwrap()
        .read_checkpoint()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("length limit"), "{error}");
}

#[tokio::test]
async fn something_else_than_a_keyward_server_is_named_as_such() {
    let server = Server::start(vec![Act::Nonsense]).await;
    let error = client(&server).status(Status {}).await.unwrap_err();
    assert!(
        error.to_string().contains("is this a Keyward server?"),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_of_another_authority_is_not_trusted() {
    let server = Server::start(vec![]).await;
    let other = LocalAuthority::generate("another authority", today()).unwrap();
    let settings = Settings {
        anchors: other.anchors().unwrap(),
        ..settings(&server)
    };
    let error = Client::new(settings)
        .unwrap()
        .status(Status {})
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::Untrusted { .. }), "{error:?}");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_server_with_a_certificate_for_another_name_is_not_trusted() {
    let server = Server::start(vec![]).await;
    // The same server behind an address that its certificate does not name.
    let listener = tokio::net::TcpListener::bind("127.0.0.2:0").await.unwrap();
    let (from, to) = (listener.local_addr().unwrap(), server.address);
    tokio::spawn(async move {
        while let Ok((mut inner, _)) = listener.accept().await {
            let mut outer = tokio::net::TcpStream::connect(to).await.unwrap();
            tokio::spawn(
                async move { tokio::io::copy_bidirectional(&mut inner, &mut outer).await },
            );
        }
    });
    let server_at =
        keyward_client::ServerAddress::parse(&format!("127.0.0.2:{}", from.port())).unwrap();
    let settings = Settings {
        server: server_at,
        ..settings(&server)
    };
    let error = Client::new(settings)
        .unwrap()
        .status(Status {})
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::Untrusted { .. }), "{error:?}");
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let authority = LocalAuthority::generate("test authority", today()).unwrap();
    let settings = Settings::new(
        &format!("127.0.0.1:{port}"),
        authority.anchors().unwrap(),
        Credential::None,
    )
    .unwrap();
    let error = Client::new(settings).unwrap().health().await.unwrap_err();
    assert!(
        matches!(error, ClientError::Unreachable { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_new_token_is_not_shown() {
    let outcome = Outcome::Token {
        id: TokenId([8; 16]),
        text: Secret::new(b"kwt_secret".to_vec()),
        expires_at: Timestamp(1_795_420_800_000),
    };
    let server = Server::start(vec![Act::Answer(outcome)]).await;
    let command = keyward_core::command::IssueToken {
        principal: keyward_core::ids::PrincipalId([3; 16]),
        lifetime: keyward_core::time::Millis::DAY,
    };
    let token = client(&server).issue_token(command).await.unwrap();
    assert_eq!(token.token.expose(), b"kwt_secret");
    assert!(!format!("{token:?}").contains("kwt_secret"));
}
