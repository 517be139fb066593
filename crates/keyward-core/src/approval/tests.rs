//! The table as a whole, and its answers on the days that matter.
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

fn day(text: &str) -> Day {
    Day::parse(text).expect("a day")
}

fn today() -> Day {
    day("2026-11-23")
}

fn protect(query: &Query<'_>, on: &str) -> Option<Standing> {
    status(query, day(on)).map(|status| status.protect)
}

const SERVICES: [Service; 13] = [
    Service::Generate,
    Service::Encrypt,
    Service::Decrypt,
    Service::Sign,
    Service::Verify,
    Service::Mac,
    Service::VerifyMac,
    Service::Wrap,
    Service::Unwrap,
    Service::Derive,
    Service::Agree,
    Service::Encapsulate,
    Service::Decapsulate,
];

fn at(on: &str) -> Timestamp {
    Timestamp(u64::from(day(on).number()) * 86_400_000)
}

#[test]
fn every_kind_of_key_is_in_the_table_for_every_service_and_permitted_today() {
    for spec in KeySpec::ALL {
        for service in SERVICES {
            assert!(
                key_status(spec, service, today()).is_some(),
                "{spec:?} {service:?}"
            );
            assert!(
                permits(spec, service, at("2026-11-23")),
                "{spec:?} {service:?}"
            );
        }
    }
}

/// The whole matrix of the product's own kinds: what ends, ends on the day the final rules say, and only to protect.
#[test]
fn only_rsa_2048_ends_by_a_final_rule_and_what_it_protected_can_still_be_processed() {
    for spec in KeySpec::ALL {
        for service in SERVICES {
            for on in ["2030-12-31", "2031-01-01", "2036-01-01", "2060-06-06"] {
                let ended =
                    spec == KeySpec::Rsa2048 && service.is_protection() && on > "2030-12-31";
                assert_eq!(
                    permits(spec, service, at(on)),
                    !ended,
                    "{spec:?} {service:?} {on}"
                );
            }
        }
    }
}

#[test]
fn drafts_are_reported_and_never_refuse() {
    for spec in KeySpec::ALL {
        let service = if spec.purposes().contains(&Purpose::Sign) {
            Service::Sign
        } else {
            Service::Generate
        };
        let status = key_status(spec, service, day("2036-01-01")).expect("known");
        let vulnerable = spec.is_quantum_vulnerable();
        assert_eq!(
            status.protect_with_drafts == Standing::Disallowed,
            vulnerable,
            "{spec:?}"
        );
        assert!(status.process_with_drafts.may_process(), "{spec:?}");
        if spec != KeySpec::Rsa2048 {
            assert_eq!(status.protect, Standing::Acceptable, "{spec:?}");
        }
        assert_eq!(
            status.rows.iter().any(|row| row.draft),
            vulnerable,
            "{spec:?}"
        );
    }
}

#[test]
fn the_last_day_of_a_rule_is_a_day_on_which_it_still_holds() {
    let sha1 = Query::of(Family::Sha1, Usage::Authentication).bits(160);
    assert_eq!(protect(&sha1, "2030-12-31"), Some(Standing::Acceptable));
    assert_eq!(protect(&sha1, "2031-01-01"), Some(Standing::Disallowed));
    let tdea = Query::of(Family::TripleDes, Usage::Encryption).bits(168);
    assert_eq!(protect(&tdea, "2023-12-31"), Some(Standing::Deprecated));
    assert_eq!(protect(&tdea, "2024-01-01"), Some(Standing::Disallowed));
}

type Expected = (Query<'static>, Standing, Standing);

fn holds_today(expected: &[Expected]) {
    for (query, protect, process) in expected {
        let status = status(query, today()).expect("known");
        assert_eq!(
            (status.protect, status.process),
            (*protect, *process),
            "{query:?}"
        );
    }
}

#[test]
fn public_key_algorithms_that_only_a_scanner_meets_have_the_standing_of_the_standards() {
    use Standing::{Acceptable, Disallowed, Legacy, NotApproved};
    let signature = |family, bits| Query::of(family, Usage::Signature).bits(bits);
    let ec = |curve, bits| signature(Family::Ec, bits).curve(curve);
    holds_today(&[
        (signature(Family::Rsa, 512), Disallowed, Disallowed),
        (signature(Family::Rsa, 1024), Disallowed, Legacy),
        (signature(Family::Rsa, 2047), Disallowed, Legacy),
        (signature(Family::Rsa, 2048), Acceptable, Acceptable),
        (signature(Family::Rsa, 8192), Acceptable, Acceptable),
        (signature(Family::Dsa, 1024), Disallowed, Legacy),
        (signature(Family::Dsa, 3072), Disallowed, Legacy),
        (
            Query::of(Family::Dh, Usage::KeyAgreement).bits(1024),
            Disallowed,
            Legacy,
        ),
        (
            Query::of(Family::Dh, Usage::KeyAgreement).bits(2048),
            Acceptable,
            Acceptable,
        ),
        (
            Query::of(Family::X25519, Usage::KeyAgreement),
            NotApproved,
            NotApproved,
        ),
        (
            Query::of(Family::Rsa, Usage::KeyTransport).bits(2048),
            Acceptable,
            Acceptable,
        ),
        (
            Query::of(Family::Rsa, Usage::KeyTransportPkcs1).bits(2048),
            Disallowed,
            Legacy,
        ),
        (ec("P-256", 256), Acceptable, Acceptable),
        (ec("P-224", 224), Acceptable, Acceptable),
        (ec("P-192", 192), Disallowed, Legacy),
        (ec("sect163k1", 163), Disallowed, Legacy),
        (ec("sect283k1", 283), Standing::Deprecated, Acceptable),
        (ec("secp256k1", 256), NotApproved, NotApproved),
        (ec("brainpoolP256r1", 256), NotApproved, NotApproved),
        (ec("secp160r1", 160), NotApproved, NotApproved),
        (
            Query::of(Family::Ec, Usage::Signature).bits(160),
            Disallowed,
            Legacy,
        ),
        (
            Query::of(Family::SlhDsa, Usage::Signature).bits(128),
            Acceptable,
            Acceptable,
        ),
    ]);
}

#[test]
fn ciphers_hashes_and_codes_that_only_a_scanner_meets_have_the_standing_of_the_standards() {
    use Standing::{Acceptable, Disallowed, Legacy, NotApproved};
    let encryption = |family, bits| Query::of(family, Usage::Encryption).bits(bits);
    let signature = |family, bits| Query::of(family, Usage::Signature).bits(bits);
    holds_today(&[
        (encryption(Family::TripleDes, 168), Disallowed, Legacy),
        (encryption(Family::TwoKeyTripleDes, 112), Disallowed, Legacy),
        (encryption(Family::Des, 56), Disallowed, Disallowed),
        (encryption(Family::Rc4, 128), NotApproved, NotApproved),
        (encryption(Family::Rc2, 40), NotApproved, NotApproved),
        (
            encryption(Family::ChaCha20Poly1305, 256),
            NotApproved,
            NotApproved,
        ),
        (encryption(Family::Camellia, 256), NotApproved, NotApproved),
        (encryption(Family::Aes, 128), Acceptable, Acceptable),
        (signature(Family::Sha1, 160), Disallowed, Legacy),
        (signature(Family::Md5, 128), NotApproved, NotApproved),
        (
            Query::of(Family::Md5, Usage::Hash),
            NotApproved,
            NotApproved,
        ),
        (Query::of(Family::Sha1, Usage::Hash), Acceptable, Acceptable),
        (
            Query::of(Family::Sha224, Usage::Hash).bits(224),
            Acceptable,
            Acceptable,
        ),
        (
            Query::of(Family::Sha3T256, Usage::Hash).bits(256),
            Acceptable,
            Acceptable,
        ),
        (
            Query::of(Family::Hmac, Usage::Authentication).bits(80),
            Disallowed,
            Legacy,
        ),
        (
            Query::of(Family::Hmac, Usage::Authentication).bits(112),
            Acceptable,
            Acceptable,
        ),
        (
            Query::of(Family::Pbkdf2, Usage::PasswordDerivation),
            Acceptable,
            Acceptable,
        ),
        (
            Query::of(Family::Scrypt, Usage::PasswordDerivation),
            NotApproved,
            NotApproved,
        ),
        (
            Query::of(Family::DualEcDrbg, Usage::RandomBits),
            Disallowed,
            Disallowed,
        ),
    ]);
}

#[test]
fn an_unknown_size_or_curve_that_decides_is_not_an_acquittal() {
    for query in [
        Query::of(Family::Rsa, Usage::Signature),
        Query::of(Family::Dh, Usage::KeyAgreement),
        Query::of(Family::Ec, Usage::Signature),
        Query::of(Family::Ec, Usage::Signature).bits(256),
        Query::of(Family::Hmac, Usage::Authentication),
    ] {
        assert_eq!(status(&query, today()), None, "{query:?}");
    }
    // Whatever its size, DSA does not sign any more.
    let dsa = Query::of(Family::Dsa, Usage::Signature);
    assert_eq!(protect(&dsa, "2026-11-23"), Some(Standing::Disallowed));
}

#[test]
fn ecb_is_acceptable_today_and_the_draft_is_told() {
    let ecb = Query::of(Family::Aes, Usage::Encryption)
        .bits(256)
        .mode("ECB");
    let status = status(&ecb, today()).expect("known");
    assert_eq!(status.protect, Standing::Acceptable);
    assert_eq!(status.protect_with_drafts, Standing::Deprecated);
    let gcm = Query::of(Family::Aes, Usage::Encryption)
        .bits(256)
        .mode("GCM");
    assert_eq!(
        super::status(&gcm, today()).map(|s| s.protect_with_drafts),
        Some(Standing::Acceptable)
    );
}

#[test]
fn the_next_change_is_the_next_day_on_which_it_gets_worse() {
    let next = |query: Query<'_>| {
        next_change(&query, today()).map(|(day, row)| (day.to_string(), row.draft))
    };
    let rsa = |bits| Query::of(Family::Rsa, Usage::Signature).bits(bits);
    assert_eq!(next(rsa(2048)), Some(("2031-01-01".into(), false)));
    assert_eq!(next(rsa(3072)), Some(("2036-01-01".into(), true)));
    assert_eq!(next(rsa(1024)), None);
    assert_eq!(
        next(Query::of(Family::Aes, Usage::Encryption).bits(256)),
        None
    );
    assert_eq!(
        next(Query::of(Family::MlKem, Usage::KeyEncapsulation).bits(768)),
        None
    );
    let hmac = Query::of(Family::Hmac, Usage::Authentication).bits(112);
    assert_eq!(next(hmac), Some(("2031-01-01".into(), false)));
}

#[test]
fn a_standard_is_not_in_force_before_it_was_published() {
    let kem = Query::of(Family::MlKem, Usage::KeyEncapsulation).bits(768);
    assert_eq!(protect(&kem, "2024-08-12"), None);
    assert_eq!(protect(&kem, "2024-08-13"), Some(Standing::Acceptable));
}

#[test]
fn every_row_names_its_source_and_every_family_has_a_row() {
    for row in ROWS {
        assert!(
            !row.document.is_empty() && !row.section.is_empty(),
            "{row:?}"
        );
        assert!(
            row.protect <= Standing::NotApproved && row.process <= row.protect,
            "{row:?}"
        );
        assert!(row.until.is_none_or(|until| row.from <= until));
        if row.draft {
            assert!(row.document.contains("ipd"), "a draft says so: {row:?}");
        } else {
            assert!(!row.document.contains("ipd"), "{row:?}");
        }
    }
    for (family, name) in Family::ALL {
        assert!(ROWS.iter().any(|row| row.family == family), "{name}");
    }
    let rows: BTreeSet<_> = ROWS.iter().map(|row| format!("{row:?}")).collect();
    assert_eq!(rows.len(), ROWS.len(), "no row stands twice");
}

#[test]
fn names_are_unique_and_read_back_whatever_their_case() {
    let mut seen = BTreeSet::new();
    for (family, name) in Family::ALL {
        assert_eq!(family.as_str(), name);
        assert_eq!(Family::parse(name), Some(family));
        assert_eq!(Family::parse(&name.to_lowercase()), Some(family));
        assert!(seen.insert(name.to_lowercase()));
    }
    assert_eq!(Family::parse("ECDSA"), Some(Family::Ec));
    assert_eq!(Family::parse("sha256"), Some(Family::Sha256));
    assert_eq!(Family::parse("TDEA"), Some(Family::TripleDes));
    assert_eq!(Family::parse("no such thing"), None);
    for usage in Usage::ALL {
        assert_eq!(Usage::parse(usage.as_str()), Some(usage));
    }
}

/// Strength and quantum vulnerability are said in two places, by kind of key and by family: they must agree.
#[test]
fn kinds_and_families_agree_on_strength_and_quantum_vulnerability() {
    for spec in KeySpec::ALL {
        let query = query_of(spec, Service::Generate);
        assert_eq!(
            query.family.is_quantum_vulnerable(),
            spec.is_quantum_vulnerable(),
            "{spec:?}"
        );
        let strength = query.bits.and_then(|bits| query.family.strength_bits(bits));
        assert_eq!(strength, Some(spec.strength_bits()), "{spec:?}");
    }
}

#[test]
fn the_order_of_standings_is_from_best_to_worst() {
    let all = [
        Standing::Acceptable,
        Standing::Deprecated,
        Standing::Legacy,
        Standing::Disallowed,
        Standing::NotApproved,
    ];
    for pair in all.windows(2) {
        assert!(pair[0] < pair[1]);
        assert_eq!(pair[0].minimum(pair[1]), pair[1]);
        assert!(pair[0].may_process() || !pair[1].may_process());
        assert!(pair[0].may_protect() || !pair[1].may_protect());
    }
    assert!(Standing::Legacy.may_process() && !Standing::Legacy.may_protect());
}

#[test]
fn milestones_are_in_order() {
    for pair in MILESTONES.windows(2) {
        assert!(pair[0].day < pair[1].day);
    }
}

#[test]
fn days_that_do_not_exist_are_not_read() {
    for text in [
        "2026-02-29",
        "2100-02-29",
        "2026-13-01",
        "2026-00-01",
        "2026-01-00",
        "2026-04-31",
        "1969-12-31",
        "2026-1-01",
        "26-01-01",
        "2026/01/01",
        "2026-01-01 ",
        "",
        "２026-01-01",
    ] {
        assert_eq!(Day::parse(text), None, "{text}");
    }
    for text in ["1970-01-01", "2000-02-29", "2024-02-29", "9999-12-31"] {
        assert_eq!(day(text).to_string(), text);
    }
}

#[test]
fn a_day_is_the_one_an_instant_lies_in() {
    assert_eq!(Day::of(Timestamp(0)), Day::FIRST);
    assert_eq!(Day::of(Timestamp(86_399_999)), Day::FIRST);
    assert_eq!(Day::of(Timestamp(86_400_000)).to_string(), "1970-01-02");
    assert_eq!(
        Day::of(Timestamp(1_924_991_999_999)).to_string(),
        "2030-12-31"
    );
    assert_eq!(
        Day::of(Timestamp(1_924_992_000_000)).to_string(),
        "2031-01-01"
    );
    assert_eq!(day("2031-01-01").before().to_string(), "2030-12-31");
    assert!(Day::of(Timestamp(u64::MAX)) > day("9999-12-31"));
}

fn query() -> impl Strategy<Value = Query<'static>> {
    let names: Vec<&'static str> = alloc::vec!["P-224", "P-256", "P-192", "secp256k1", "sect283k1"];
    (
        0..Family::ALL.len(),
        0..Usage::ALL.len(),
        prop::option::of(prop_oneof![
            Just(80_u32),
            Just(128),
            Just(256),
            Just(1024),
            Just(2048),
            Just(4096)
        ]),
        prop::option::of(prop::sample::select(names)),
    )
        .prop_map(|(family, usage, bits, curve)| Query {
            family: Family::ALL[family].0,
            bits,
            curve,
            mode: None,
            usage: Usage::ALL[usage],
        })
}

proptest! {
    /// Time only ever makes things worse, once they were in force at all.
    #[test]
    fn no_standing_gets_better_with_time(query in query(), from in 16_436_u32..30_000, later in 0_u32..10_000) {
        let at = |days: u32| status(&query, Day::of(Timestamp(u64::from(days) * 86_400_000)));
        if let (Some(before), Some(after)) = (at(from), at(from + later)) {
            prop_assert!(after.protect >= before.protect);
            prop_assert!(after.process >= before.process);
            prop_assert!(after.protect_with_drafts >= after.protect);
            prop_assert!(after.process_with_drafts >= after.process);
        }
    }

    #[test]
    fn what_is_known_today_stays_known(query in query(), later in 0_u32..20_000) {
        if status(&query, today()).is_some() {
            let then = Day::of(Timestamp(u64::from(today().number() + later) * 86_400_000));
            prop_assert!(status(&query, then).is_some());
        }
    }

    #[test]
    fn a_day_is_written_and_read_back(days in 0_u32..2_932_896) {
        let day = Day::of(Timestamp(u64::from(days) * 86_400_000));
        prop_assert_eq!(Day::parse(&day.to_string()), Some(day));
    }
}
