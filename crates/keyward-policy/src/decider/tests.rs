use keyward_core::policy_facts::{ContextFacts, PrincipalFacts, ResourceFacts};
use keyward_core::role::Role;

use super::*;

const HERE: RealmId = RealmId([7; 16]);
const ELSEWHERE: RealmId = RealmId([8; 16]);

fn facts(grants: &[(RealmId, Role)]) -> PrincipalFacts {
    let mut id = [1u8; 16];
    id[0] = grants.len() as u8;
    id[1] = grants
        .first()
        .map_or(0, |(realm, role)| realm.0[0] * 10 + *role as u8);
    PrincipalFacts {
        id: PrincipalId(id),
        epoch: 1,
        kind: "workload",
        name: "someone".to_owned(),
        grants: grants.to_vec(),
    }
}

fn ask(
    decider: &Decider,
    who: &PrincipalFacts,
    action: CommandKind,
    realm: RealmId,
) -> PolicyAnswer {
    let kind = kind_of(action);
    let resource = ResourceFacts {
        realm,
        kind,
        id: [9; 16],
        row_version: 1,
        name: None,
        tags: None,
        spec: None,
        purpose: None,
        owner: None,
    };
    let context = ContextFacts {
        strong_authentication: false,
        now_ms: 0,
        source: [0; 16],
    };
    decider.decide(&PolicyRequest {
        principal: who,
        action,
        resource,
        context,
    })
}

fn kind_of(action: CommandKind) -> ResourceKind {
    // Read back from the schema text, so that this table is not written twice.
    let line = schema_text()
        .lines()
        .find(|line| line.contains(&format!("action \"{}\" in", action.as_str())))
        .map(str::to_owned);
    let line = line.expect("every command is an action");
    [
        ("resource: Key,", ResourceKind::Key),
        ("resource: Realm,", ResourceKind::Realm),
        ("resource: Principal,", ResourceKind::Principal),
        ("resource: Log,", ResourceKind::Log),
        ("resource: System,", ResourceKind::System),
    ]
    .into_iter()
    .find(|(text, _)| line.contains(text))
    .map(|(_, kind)| kind)
    .expect("every action has a resource")
}

fn allowed(decider: &Decider, who: &PrincipalFacts, realm: RealmId) -> Vec<&'static str> {
    CommandKind::ALL
        .iter()
        .filter(|kind| ask(decider, who, **kind, realm).allowed)
        .map(|kind| kind.as_str())
        .collect()
}

const LIFE: [&str; 21] = [
    "create-key",
    "create-secret",
    "put-secret-version",
    "put-certificate",
    "create-certificate-request",
    "create-import-key",
    "import-key",
    "export-key",
    "update-key",
    "put-alias",
    "remove-alias",
    "rotate-key",
    "activate-key",
    "suspend-key",
    "resume-key",
    "deactivate-key",
    "report-compromise",
    "schedule-destruction",
    "cancel-destruction",
    "execute-destruction",
    "confirm-destruction",
];

#[test]
fn a_role_in_a_realm_allows_exactly_its_commands_there_and_nothing_in_another() {
    let decider = Decider::new();
    let mut officer: Vec<&str> = LIFE.to_vec();
    officer.extend([
        "export-public-key",
        "describe-key",
        "list-keys",
        "list-objects",
        "read-blast-radius",
        "read-destruction",
        "describe-realm",
    ]);
    let table: [(Role, Vec<&str>); 6] = [
        (
            Role::Administrator,
            vec![
                "describe-realm",
                "suspend-realm",
                "resume-realm",
                "create-workload",
                "describe-principal",
                "list-principals",
                "issue-token",
                "revoke-token",
                "register-anchor",
                "bind-certificate",
                "set-principal-enabled",
                "put-policy",
                "delete-policy",
                "list-policies",
            ],
        ),
        (Role::CryptoOfficer, officer),
        (
            Role::CryptoUser,
            vec![
                "encrypt",
                "decrypt",
                "sign",
                "verify",
                "mac",
                "verify-mac",
                "encrypt-batch",
                "decrypt-batch",
                "sign-batch",
                "verify-batch",
                "mac-batch",
                "read-secret",
                "release-key",
                "re-encrypt",
                "generate-data-key",
                "generate-data-key-without-plaintext",
                "generate-data-key-pair",
                "wrap",
                "unwrap",
                "derive-key",
                "agree-key",
                "encapsulate",
                "decapsulate",
                "random",
                "hash",
                "verify-external",
                "export-public-key",
                "describe-key",
                "list-keys",
                "list-objects",
                "read-blast-radius",
                "read-destruction",
                "describe-realm",
            ],
        ),
        (
            Role::Auditor,
            vec![
                "export-public-key",
                "describe-key",
                "list-keys",
                "list-objects",
                "read-blast-radius",
                "read-destruction",
                "describe-realm",
                "describe-principal",
                "list-principals",
                "list-policies",
            ],
        ),
        (Role::Custodian, vec![]),
        (Role::BackupOperator, vec![]),
    ];
    for (role, mut expected) in table {
        let who = facts(&[(HERE, role)]);
        let mut found = allowed(&decider, &who, HERE);
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{role:?}");
        assert_eq!(
            allowed(&decider, &who, ELSEWHERE),
            Vec::<&str>::new(),
            "{role:?} elsewhere"
        );
        assert_eq!(
            allowed(&decider, &who, RealmId::SYSTEM),
            Vec::<&str>::new(),
            "{role:?} in the system realm"
        );
    }
}

#[test]
fn a_role_of_the_installation_never_reaches_a_key_except_to_audit_it() {
    let decider = Decider::new();
    for role in Role::ALL {
        let who = facts(&[(RealmId::SYSTEM, role)]);
        for kind in CommandKind::ALL
            .iter()
            .filter(|kind| groups(**kind).contains(&"key-any"))
        {
            let reads = role == Role::Auditor && groups(*kind).contains(&"key-read");
            assert_eq!(
                ask(&decider, &who, *kind, HERE).allowed,
                reads,
                "{role:?} {kind:?}"
            );
        }
    }
}

#[test]
fn the_systems_own_parts_do_their_work_and_nothing_else() {
    let decider = Decider::new();
    let part = |id, name: &str| PrincipalFacts {
        id,
        epoch: 0,
        kind: "system",
        name: name.to_owned(),
        grants: Vec::new(),
    };
    let scheduler = part(PrincipalId::SCHEDULER, "scheduler");
    assert_eq!(
        allowed(&decider, &scheduler, HERE),
        ["rotate-key", "execute-destruction", "give-notice"]
    );
    assert_eq!(
        allowed(&decider, &scheduler, RealmId::SYSTEM),
        [
            "rotate-key",
            "execute-destruction",
            "give-notice",
            "archive-log"
        ]
    );
    assert_eq!(
        allowed(
            &decider,
            &part(PrincipalId::SERVER, "server"),
            RealmId::SYSTEM
        ),
        ["server-event", "rejected-attempts"]
    );
    assert_eq!(
        allowed(
            &decider,
            &part(PrincipalId::UNSEALER, "unsealer"),
            RealmId::SYSTEM
        ),
        ["unseal"]
    );
}

#[test]
fn a_realms_own_policy_works_there_only_and_a_forbid_wins() {
    let decider = Decider::new();
    let user = facts(&[(HERE, Role::CryptoUser), (ELSEWHERE, Role::CryptoUser)]);
    assert!(ask(&decider, &user, CommandKind::Encrypt, HERE).allowed);
    decider
        .put(
            HERE,
            "freeze",
            r#"forbid (principal, action == Keyward::Action::"encrypt", resource);"#,
        )
        .unwrap();
    let answer = ask(&decider, &user, CommandKind::Encrypt, HERE);
    assert!(!answer.allowed);
    assert_eq!(*answer.determining, ["realm:freeze".to_owned()]);
    assert!(ask(&decider, &user, CommandKind::Encrypt, ELSEWHERE).allowed);
    decider.remove(HERE, "freeze");
    assert!(ask(&decider, &user, CommandKind::Encrypt, HERE).allowed);
}

#[test]
fn no_permit_of_a_realm_gives_an_administrator_the_use_of_keys() {
    let decider = Decider::new();
    decider
        .put(HERE, "all", "permit (principal, action, resource);")
        .unwrap();
    let admin = facts(&[(RealmId::SYSTEM, Role::Administrator)]);
    assert!(!ask(&decider, &admin, CommandKind::Decrypt, HERE).allowed);
    assert!(ask(&decider, &facts(&[]), CommandKind::Decrypt, HERE).allowed);
}

#[test]
fn a_policy_that_reads_the_moment_is_asked_every_time() {
    let decider = Decider::new();
    let user = facts(&[(HERE, Role::CryptoUser)]);
    let text = r#"forbid (principal, action, resource) when { context.now_ms >= 1000 };"#;
    decider.put(HERE, "until", text).unwrap();
    let at = |now_ms| {
        let resource = ResourceFacts {
            realm: HERE,
            kind: ResourceKind::Key,
            id: [9; 16],
            row_version: 1,
            name: None,
            tags: None,
            spec: None,
            purpose: None,
            owner: None,
        };
        let context = ContextFacts {
            strong_authentication: false,
            now_ms,
            source: [0; 16],
        };
        decider
            .decide(&PolicyRequest {
                principal: &user,
                action: CommandKind::Encrypt,
                resource,
                context,
            })
            .allowed
    };
    assert!(at(999));
    assert!(!at(1000));
    assert!(at(999));
}

#[test]
fn what_does_not_parse_or_fit_the_schema_is_refused_with_the_reason() {
    let decider = Decider::new();
    assert!(matches!(
        decider.check(HERE, "x", "permit (principal"),
        Err(PolicyError::Syntax(_))
    ));
    let unknown = r#"permit (principal, action == Keyward::Action::"fly", resource);"#;
    assert!(matches!(
        decider.check(HERE, "x", unknown),
        Err(PolicyError::Schema(_))
    ));
    let typo = r#"permit (principal, action, resource) when { principal.nmae == "a" };"#;
    assert!(matches!(
        decider.check(HERE, "x", typo),
        Err(PolicyError::Schema(_))
    ));
}

#[test]
fn policies_that_look_at_the_moment_and_those_that_do_not_decide_together_as_one_set_would() {
    let nobody = facts(&[]);
    for case in 0..16_u8 {
        let on = |bit: u8| case & (1 << bit) != 0;
        let decider = Decider::new();
        let texts = [
            (
                0,
                "lasting-permit",
                "permit (principal, action == Keyward::Action::\"encrypt\", resource);",
            ),
            (
                1,
                "lasting-forbid",
                "forbid (principal, action == Keyward::Action::\"encrypt\", resource);",
            ),
            (
                2,
                "momentary-permit",
                "permit (principal, action == Keyward::Action::\"encrypt\", resource) when { context.now_ms == 0 };",
            ),
            (
                3,
                "momentary-forbid",
                "forbid (principal, action == Keyward::Action::\"encrypt\", resource) when { context.now_ms == 0 };",
            ),
        ];
        let mut given = Vec::new();
        for (bit, name, text) in texts {
            if on(bit) {
                decider.put(HERE, name, text).unwrap();
                given.push((bit, name));
            }
        }
        let forbidden = on(1) || on(3);
        let permitted = on(0) || on(2);
        let expected: Vec<String> = given
            .iter()
            .filter(|(bit, _)| (bit % 2 == 1) == forbidden)
            .map(|(_, name)| format!("realm:{name}"))
            .collect();
        // Twice: the second time what can be remembered is remembered.
        for _ in 0..2 {
            let answer = ask(&decider, &nobody, CommandKind::Encrypt, HERE);
            assert_eq!(answer.allowed, permitted && !forbidden, "case {case}");
            assert_eq!(answer.determining.to_vec(), expected, "case {case}");
        }
    }
}
