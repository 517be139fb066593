//! What the codec costs per encryption of 1 KiB: `cargo run --release -p keyward-protocol --example codec_cost`.
#![allow(clippy::disallowed_methods, reason = "it measures real time")]
use std::hint::black_box;
use std::time::Instant;

use keyward_core::ids::{CorrelationId, ObjectId};
use keyward_core::outcome::Outcome;
use keyward_protocol::rest::{self, Headers, Reply};

const ROUNDS: u32 = 200_000;

fn measure(name: &str, mut one: impl FnMut()) {
    (0..ROUNDS / 10).for_each(|_| one());
    let start = Instant::now();
    (0..ROUNDS).for_each(|_| one());
    let each = start.elapsed().as_nanos() / u128::from(ROUNDS);
    println!("{name:<28} {each:>6} ns");
}

fn main() {
    let path = "/v1/realms/shop/keys/0123456789abcdef0123456789abcdef/encrypt";
    let data = base64_simd::STANDARD.encode_to_string([0x5a; 1024]);
    let body = format!("{{\"plaintext\":\"{data}\"}}");
    let headers = Headers {
        accept: Some(b"*/*"),
        content_type: Some(b"application/json"),
        ..Headers::default()
    };
    measure("find the route", || {
        black_box(rest::find("POST", black_box(path))).ok();
    });
    measure("find and decode", || {
        let matched = rest::find("POST", black_box(path)).ok();
        let decoded = matched.map(|m| rest::decode(&m, None, &headers, black_box(body.as_bytes())));
        black_box(decoded).transpose().ok();
    });
    measure("answer", || {
        let outcome = Outcome::Ciphertext {
            ciphertext: vec![0xa5; 1094],
            key: ObjectId([1; 16]),
            version: 1,
        };
        let response = Reply::unrouted(path, CorrelationId([2; 16])).outcome(black_box(outcome));
        response.for_each_header(|name, value| {
            black_box((name, value));
        });
        black_box(response);
    });
}
