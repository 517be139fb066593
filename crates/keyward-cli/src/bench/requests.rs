//! Requests, ready as bytes: what varies is written into a template.
use super::load::Requests;

/// A small generator for choosing keys; nothing secret depends on it.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// A repeatable sequence.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In [0, 1).
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, count: usize) -> usize {
        let wide = u128::from(self.next()) * (count as u128);
        usize::try_from(wide >> 64).unwrap_or(0)
    }
}

/// Which of many keys.
#[derive(Debug, Clone)]
pub enum Choice {
    /// All alike.
    Uniform(usize),
    /// Few often, most rarely.
    Zipf(Zipf),
}

/// Zipf's law over `count` things (Gray et al., "Quickly generating billion-record synthetic databases", 1994).
#[derive(Debug, Clone)]
pub struct Zipf {
    count: usize,
    theta: f64,
    zeta: f64,
    alpha: f64,
    eta: f64,
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts far below 2^53"
)]
impl Zipf {
    /// Prepares it: a sum over all.
    pub fn new(count: usize, theta: f64) -> Self {
        let zeta = |upto: usize| {
            (1..=upto)
                .map(|rank| (rank as f64).powf(-theta))
                .sum::<f64>()
        };
        let all = zeta(count);
        Self {
            count,
            theta,
            zeta: all,
            alpha: 1.0 / (1.0 - theta),
            eta: (1.0 - (2.0 / count as f64).powf(1.0 - theta)) / (1.0 - zeta(2) / all),
        }
    }

    fn rank(&self, share: f64) -> usize {
        let scaled = share * self.zeta;
        if scaled < 1.0 {
            return 0;
        }
        if scaled < 1.0 + 0.5_f64.powf(self.theta) {
            return 1;
        }
        let rank = (self.count as f64) * (self.eta * share - self.eta + 1.0).powf(self.alpha);
        (rank as usize).min(self.count.saturating_sub(1))
    }
}

impl Choice {
    fn pick(&self, dice: &mut Dice) -> usize {
        match self {
            Self::Uniform(count) => dice.below(*count),
            // Neighbouring ranks are spread over the keys, so that hot ones do not lie in the same pages.
            Self::Zipf(zipf) => {
                let rank = zipf.rank(dice.share()) as u64;
                let spread = rank.wrapping_mul(2_654_435_761) % (zipf.count.max(1) as u64);
                usize::try_from(spread).unwrap_or(0)
            }
        }
    }
}

/// The same request to one of many keys.
pub struct ToKeys {
    before: Vec<u8>,
    after: Vec<u8>,
    name: fn(usize) -> String,
    choice: Choice,
    dice: Dice,
}

/// How requests begin: whom they come from and where they go.
#[derive(Debug, Clone)]
pub struct Sender {
    /// Bearer token.
    pub token: String,
    /// Realm.
    pub realm: String,
}

fn head(method: &str, path: &str, token: &str, body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n").into_bytes();
    finish_head(&mut head, token, body);
    head
}

fn finish_head(head: &mut Vec<u8>, token: &str, body: &[u8]) {
    head.extend_from_slice(
        format!(
            "authorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
        .as_bytes(),
    );
    head.extend_from_slice(body);
}

impl Sender {
    /// `POST /v1/realms/<realm>/keys/<one of them>/<verb>`.
    pub fn to_keys(
        &self,
        verb: &str,
        body: &[u8],
        name: fn(usize) -> String,
        choice: Choice,
    ) -> ToKeys {
        let before = format!("POST /v1/realms/{}/keys/", self.realm).into_bytes();
        let mut after = format!("/{verb} HTTP/1.1\r\nhost: localhost\r\n").into_bytes();
        finish_head(&mut after, &self.token, body);
        ToKeys {
            before,
            after,
            name,
            choice,
            dice: Dice::new(0x5eed),
        }
    }

    /// One whole request.
    pub fn post(&self, path: &str, body: &[u8]) -> Vec<u8> {
        head("POST", path, &self.token, body)
    }
}

impl Requests for ToKeys {
    fn next(&mut self, out: &mut Vec<u8>) {
        let key = self.choice.pick(&mut self.dice);
        out.extend_from_slice(&self.before);
        out.extend_from_slice((self.name)(key).as_bytes());
        out.extend_from_slice(&self.after);
    }
}

/// One of several whole requests.
pub struct OneOf {
    requests: Vec<Vec<u8>>,
    dice: Dice,
}

impl OneOf {
    /// From these.
    pub const fn new(requests: Vec<Vec<u8>>) -> Self {
        Self {
            requests,
            dice: Dice::new(0x5eed),
        }
    }
}

impl Requests for OneOf {
    fn next(&mut self, out: &mut Vec<u8>) {
        let place = self.dice.below(self.requests.len());
        out.extend_from_slice(self.requests.get(place).map_or(b"", Vec::as_slice));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zipf_gives_every_rank_its_share() {
        let zipf = Zipf::new(1000, 0.99);
        let mut dice = Dice::new(7);
        let mut counts = vec![0_u32; 1000];
        for _ in 0..200_000 {
            counts[zipf.rank(dice.share())] += 1;
        }
        // 1 / zeta(1000, 0.99) = 0.1286 of all go to the first.
        let first = f64::from(counts[0]) / 200_000.0;
        assert!((first - 1.0 / zipf.zeta).abs() < 0.01, "{first}");
        assert!(counts[0] > counts[9] && counts[9] > counts[99] && counts[99] > counts[900]);
    }

    #[test]
    fn a_request_carries_the_length_of_its_body() {
        let sender = Sender {
            token: "kwt_x".to_owned(),
            realm: "bench".to_owned(),
        };
        let mut requests = sender.to_keys(
            "encrypt",
            b"{}",
            |key| format!("k{key}"),
            Choice::Uniform(1),
        );
        let mut bytes = Vec::new();
        requests.next(&mut bytes);
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with("POST /v1/realms/bench/keys/k0/encrypt HTTP/1.1\r\n"));
        assert!(text.ends_with("content-length: 2\r\n\r\n{}"));
    }
}
