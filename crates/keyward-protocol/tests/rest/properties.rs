//! Whatever comes in.
use keyward_core::ids::{CorrelationId, ObjectId};
use keyward_core::outcome::Outcome;
use keyward_core::secret::Secret;
use keyward_core::time::Timestamp;
use keyward_protocol::rest::{self, Headers, Reply, format_time, parse_time, routes};
use proptest::prelude::*;

use crate::requests::{JSON, decode, requests};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn arbitrary_bytes_are_refused_or_read_but_never_end_the_process(
        method in "GET|POST|PUT|DELETE|[A-Z]{0,6}",
        path in "(/[ -~]{0,12}){0,9}|(/v1)(/(realms|keys|audit|log|[ -~]{0,6})){0,6}",
        query in proptest::option::of("[ -~]{0,40}"),
        accept in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40)),
        id in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40)),
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let headers = Headers { accept: accept.as_deref(), request_id: id.as_deref(), idempotency_key: id.as_deref(), ..JSON };
        let reply = match rest::find(&method, &path) {
            Err(problem) => Reply::unrouted(&path, CorrelationId([0; 16])).problem(&problem, None),
            Ok(matched) => {
                let reply = Reply::to(&matched, &headers, CorrelationId([0; 16]));
                match rest::decode(&matched, query.as_deref(), &headers, &body) {
                    Err(problem) => reply.problem(&problem, None),
                    Ok(_) => reply.outcome(Outcome::Done),
                }
            }
        };
        prop_assert!(reply.status >= 200 && reply.status < 500);
    }

    #[test]
    fn a_good_request_with_one_byte_changed_is_refused_or_read(
        which in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let all = requests();
        let (method, target, body) = &all[which.index(all.len())];
        let mut body = body.clone().into_bytes();
        if !body.is_empty() {
            let place = place.index(body.len());
            body[place] = byte;
        }
        if let Err(problem) = decode(method, target, &JSON, &body) {
            prop_assert!((100..200).contains(&problem.code.number()), "{problem}");
        }
    }

    #[test]
    fn every_route_takes_arbitrary_json_without_ending_the_process(which in any::<prop::sample::Index>(), body in json(4)) {
        let all: Vec<_> = routes().collect();
        let spec = all[which.index(all.len())];
        let path = format!("/{}", spec.path.join("/")).replace(['{', '}', '*'], "");
        if let Err(problem) = decode(spec.method.as_str(), &path, &JSON, body.to_string().as_bytes()) {
            prop_assert!((100..200).contains(&problem.code.number()), "{problem}");
        }
    }

    #[test]
    fn data_of_any_bytes_come_out_as_they_went_in(data in proptest::collection::vec(any::<u8>(), 0..300)) {
        let outcome = Outcome::Plaintext { plaintext: Secret::new(data.clone()), key: ObjectId([1; 16]), version: 1 };
        let response = Reply::unrouted("/", CorrelationId([0; 16])).outcome(outcome);
        let value: serde_json::Value = serde_json::from_slice(response.body.as_ref()).unwrap();
        let back = base64_simd::STANDARD.decode_to_vec(value["plaintext"].as_str().unwrap()).unwrap();
        prop_assert_eq!(back, data);
    }

    #[test]
    fn a_time_reads_back_as_it_was_written(ms in 0u64..=253_402_300_799_999) {
        prop_assert_eq!(parse_time(&format_time(Timestamp(ms))), Some(Timestamp(ms)));
    }

    #[test]
    fn times_agree_with_an_independent_calendar(ms in 0i64..=253_402_207_200_999) {
        let theirs = jiff::Timestamp::from_millisecond(ms).unwrap();
        prop_assert_eq!(format_time(Timestamp(ms.unsigned_abs())), format!("{theirs:.3}"));
    }

    #[test]
    fn offsets_agree_with_an_independent_calendar(
        ms in 100_000_000i64..=4_000_000_000_000,
        hours in -23i64..=23,
        minutes in 0i64..60,
    ) {
        let text = {
            let offset = hours * 60 + minutes * hours.signum().abs() * if hours < 0 { -1 } else { 1 };
            let local = ms + offset * 60_000;
            let local = format_time(Timestamp(local.unsigned_abs()));
            let sign = if offset < 0 { '-' } else { '+' };
            format!("{}{sign}{:02}:{:02}", local.trim_end_matches('Z'), offset.abs() / 60, offset.abs() % 60)
        };
        let theirs: jiff::Timestamp = text.parse().unwrap();
        prop_assert_eq!(parse_time(&text).map(|t| t.0), u64::try_from(theirs.as_millisecond()).ok());
    }

    #[test]
    fn arbitrary_text_is_no_time_or_one_that_the_independent_calendar_reads_alike(
        text in "[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,9})?(Z|z|[+-][0-9]{2}:[0-9]{2})"
    ) {
        if let Some(time) = parse_time(&text) {
            let theirs: jiff::Timestamp = text.parse().unwrap();
            prop_assert_eq!(u64::try_from(theirs.as_millisecond()).ok(), Some(time.0));
        }
    }
}

/// Arbitrary JSON that often uses names which the routes know.
fn json(depth: u32) -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ -~]{0,12}|aes-256|crypto-user|aGVsbG8=|passphrase".prop_map(Value::from),
    ];
    let name = "name|spec|plaintext|ciphertext|context|reason|version|after_days|roles|tags|cryptoperiod|quotas|kind|secret|text|before|[a-z]{1,4}";
    leaf.prop_recursive(depth, 24, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(name, inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}
