//! Whoever loses access loses it before the call that takes it away is answered, and a command that was already proven but
//! not yet decided is refused as well.
mod common;

use common::*;
use keyward_core::ErrorCode;
use keyward_core::algorithm::KeySpec;
use keyward_core::command::*;
use keyward_core::ids::TokenId;
use keyward_core::outcome::Outcome;
use keyward_core::role::Role;
use keyward_core::time::Millis;
use keyward_engine::{Caller, Presented};

/// A workload with a token, proven before anything happens to it.
fn proven(world: &World, called: &str) -> (Caller, TokenId, keyward_core::secret::Secret) {
    let create = CreateWorkload {
        realm: RealmRef::Id(world.realm),
        name: name(called),
        roles: vec![Role::CryptoUser],
    };
    let Outcome::Principal(principal) = run(&world.engine, &world.admin, create).unwrap() else {
        panic!("a principal")
    };
    let issue = IssueToken {
        principal: principal.id,
        lifetime: Millis::HOUR,
    };
    let Outcome::Token { id, text, .. } = run(&world.engine, &world.admin, issue).unwrap() else {
        panic!("a token")
    };
    (login(&world.engine, &text), id, text)
}

fn encrypt(
    world: &World,
    caller: &Caller,
    key: keyward_core::ids::ObjectId,
) -> Result<Outcome, ErrorCode> {
    let command = Encrypt {
        realm: RealmRef::Id(world.realm),
        key: KeyRef::Id(key),
        context: Vec::new(),
        plaintext: secret("text"),
    };
    run(&world.engine, caller, command)
}

#[test]
fn a_caller_proven_before_the_revocation_of_its_token_is_refused_after_it() {
    let world = world(memory(), false);
    let key = world.create(KeySpec::Aes256);
    let (caller, token, text) = proven(&world, "billing");
    encrypt(&world, &caller, key).unwrap();
    run(&world.engine, &world.admin, RevokeToken { token }).unwrap();
    assert_eq!(
        encrypt(&world, &caller, key).unwrap_err(),
        ErrorCode::TokenRevoked
    );
    let text = core::str::from_utf8(text.expose()).unwrap();
    let again = world.engine.authenticate(&Presented::Token(text), None);
    assert_eq!(again.unwrap_err().code, ErrorCode::TokenRevoked);
    world.engine.close();
}

#[test]
fn a_caller_proven_before_its_principal_was_disabled_is_refused_and_works_again_when_enabled() {
    let world = world(memory(), false);
    let key = world.create(KeySpec::Aes256);
    let (caller, _, _) = proven(&world, "billing");
    let principal = caller.principal();
    let set = |enabled| SetPrincipalEnabled { principal, enabled };
    run(&world.engine, &world.admin, set(false)).unwrap();
    assert_eq!(
        encrypt(&world, &caller, key).unwrap_err(),
        ErrorCode::CallerDisabled
    );
    run(&world.engine, &world.admin, set(true)).unwrap();
    encrypt(&world, &caller, key).unwrap();
    world.engine.close();
}

#[test]
fn nothing_is_encrypted_for_a_token_after_its_revocation_was_answered_whatever_runs_beside_it() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let world = world(memory(), false);
    let key = world.create(KeySpec::Aes256);
    for round in 0..20 {
        let (caller, token, _) = proven(&world, &format!("billing-{round}"));
        let answered = AtomicBool::new(false);
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !done.load(Ordering::SeqCst) {
                        let late = answered.load(Ordering::SeqCst);
                        let result = encrypt(&world, &caller, key);
                        assert!(!(late && result.is_ok()), "encrypted after the revocation");
                    }
                });
            }
            run(&world.engine, &world.admin, RevokeToken { token }).unwrap();
            answered.store(true, Ordering::SeqCst);
            for _ in 0..50 {
                assert_eq!(
                    encrypt(&world, &caller, key).unwrap_err(),
                    ErrorCode::TokenRevoked
                );
            }
            done.store(true, Ordering::SeqCst);
        });
    }
    world.engine.close();
}

#[test]
fn an_account_cannot_disable_itself_and_lock_everybody_out() {
    let world = world(memory(), false);
    let create = CreateWorkload {
        realm: RealmRef::Id(world.realm),
        name: name("last administrator"),
        roles: vec![Role::Administrator],
    };
    let Outcome::Principal(last) = run(&world.engine, &world.admin, create).unwrap() else {
        panic!("a principal")
    };
    let issue = IssueToken {
        principal: last.id,
        lifetime: Millis::HOUR,
    };
    let Outcome::Token { text, .. } = run(&world.engine, &world.admin, issue).unwrap() else {
        panic!("a token")
    };
    let caller = login(&world.engine, &text);
    let disable = || SetPrincipalEnabled {
        principal: last.id,
        enabled: false,
    };
    assert_eq!(
        run(&world.engine, &caller, disable()).unwrap_err(),
        ErrorCode::Conflict
    );
    run(&world.engine, &world.admin, disable()).unwrap();
}
