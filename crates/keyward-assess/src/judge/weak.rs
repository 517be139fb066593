//! Weak keys, from public parts alone: ROCA, close primes (Fermat), small factors, moduli that share a
//! prime (batch greatest common divisor over the whole inventory).

use std::collections::BTreeMap;

use num_bigint::BigUint;
use num_integer::Integer;

use crate::finding::{Finding, Severity};

/// Primes of the ROCA fingerprint and, for each, the residues of 65537 to any power.
const ROCA_PRIMES: &[u32] = &[
    11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157,
];

/// Most distinct moduli the batch computation takes; beyond it the coverage says so.
pub const MAX_MODULI: usize = 200_000;

/// Whether a modulus has the form the vulnerable library makes (CVE-2017-15361): modulo every small prime
/// it is a power of 65537.
pub fn roca(modulus: &BigUint) -> bool {
    ROCA_PRIMES.iter().all(|prime| {
        let remainder = u32::try_from(modulus % *prime).unwrap_or(0);
        let generator = 65_537 % prime;
        let mut power = 1;
        for _ in 0..*prime {
            if power == remainder {
                return true;
            }
            power = power * generator % prime;
        }
        false
    })
}

/// Whether the primes are so close that Fermat's method finds them in a few steps.
pub fn fermat(modulus: &BigUint) -> bool {
    if modulus.is_even() {
        return false;
    }
    let mut a = modulus.sqrt();
    if &(&a * &a) < modulus {
        a += 1_u32;
    }
    for _ in 0..100 {
        let square = &a * &a - modulus;
        let root = square.sqrt();
        if &root * &root == square {
            return true;
        }
        a += 1_u32;
    }
    false
}

/// A factor below 2^16, if there is one.
pub fn small_factor(modulus: &BigUint) -> Option<u32> {
    if modulus.is_even() {
        return Some(2);
    }
    // one long remainder by the product of a run of small primes, then short ones
    let mut sieve = vec![true; 1 << 16];
    let mut product = 1_u64;
    let mut run: Vec<u32> = Vec::new();
    for candidate in 3..sieve.len() {
        if candidate % 2 == 0 || !sieve[candidate] {
            continue;
        }
        let mut multiple = candidate * candidate;
        while multiple < sieve.len() {
            sieve[multiple] = false;
            multiple += candidate * 2;
        }
        let prime = u32::try_from(candidate).unwrap_or(3);
        if let Some(next) = product.checked_mul(u64::from(prime)) {
            product = next;
            run.push(prime);
            continue;
        }
        if let Some(found) = divisor(modulus, product, &run) {
            return Some(found);
        }
        product = u64::from(prime);
        run = vec![prime];
    }
    divisor(modulus, product, &run)
}

/// The first prime of a run that divides.
fn divisor(modulus: &BigUint, product: u64, run: &[u32]) -> Option<u32> {
    let remainder = u64::try_from(modulus % product).unwrap_or(1);
    run.iter()
        .copied()
        .find(|prime| remainder.is_multiple_of(u64::from(*prime)))
}

/// Indices of moduli that share a factor with another one (Bernstein's product and remainder trees).
pub fn shared(moduli: &[BigUint]) -> Vec<usize> {
    if moduli.len() < 2 {
        return Vec::new();
    }
    let mut levels: Vec<Vec<BigUint>> = vec![moduli.to_vec()];
    while let Some(last) = levels.last().filter(|level| level.len() > 1) {
        let next = last.chunks(2).map(|pair| pair.iter().product()).collect();
        levels.push(next);
    }
    let Some(mut remainders) = levels.pop() else {
        return Vec::new();
    };
    for level in levels.iter().rev() {
        remainders = level
            .iter()
            .enumerate()
            .filter_map(|(index, value)| Some(remainders.get(index / 2)? % (value * value)))
            .collect();
    }
    moduli
        .iter()
        .zip(&remainders)
        .enumerate()
        .filter(|(_, (modulus, remainder))| {
            (*remainder / *modulus).gcd(modulus) != BigUint::from(1_u32)
        })
        .map(|(index, _)| index)
        .collect()
}

/// Marks every finding whose RSA modulus is weak. Each distinct modulus is looked at once.
pub fn mark(findings: &mut [Finding]) {
    let mut places: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
    for (index, finding) in findings.iter().enumerate() {
        if let Some(modulus) = &finding.modulus {
            places.entry(modulus.clone()).or_default().push(index);
        }
    }
    let distinct: Vec<(BigUint, Vec<usize>)> = places
        .into_iter()
        .take(MAX_MODULI)
        .map(|(bytes, at)| (BigUint::from_bytes_be(&bytes), at))
        .collect();
    let mut add = |at: &[usize], rule: &str, message: &str, source: &str| {
        for index in at {
            if let Some(finding) = findings.get_mut(*index) {
                finding.add_issue(rule, Severity::Critical, message, source);
            }
        }
    };
    for (modulus, at) in &distinct {
        if roca(modulus) {
            add(
                at,
                "KA-ROCA",
                "key made by the vulnerable Infineon library (ROCA): can be factored",
                "CVE-2017-15361",
            );
        }
        if fermat(modulus) {
            add(
                at,
                "KA-FERMAT",
                "the two primes are so close that Fermat's method factors the key",
                "CVE-2022-26320",
            );
        }
        if let Some(factor) = small_factor(modulus) {
            let message = format!(
                "the modulus is divisible by {factor}: it is no RSA modulus or was corrupted"
            );
            add(at, "KA-SMALL-FACTOR", &message, "SP 800-89 §5.3.3");
        }
    }
    let moduli: Vec<BigUint> = distinct
        .iter()
        .map(|(modulus, _)| modulus.clone())
        .collect();
    for index in shared(&moduli) {
        if let Some((_, at)) = distinct.get(index) {
            add(
                at,
                "KA-SHARED-PRIME",
                "shares a prime with another key of this inventory: both can be factored",
                "Heninger et al., USENIX Security 2012",
            );
        }
    }
}

/// A list of keys known to be compromised: SHA-256 of the SubjectPublicKeyInfo, one hexadecimal line each; the first
/// fifteen bytes decide, as published lists shorten them.
#[derive(Debug, Default)]
pub struct KnownKeys(std::collections::HashSet<String>);

/// Hexadecimal digits that are compared.
const KNOWN_DIGITS: usize = 30;

impl KnownKeys {
    /// Reads a list; what is no line of digits is stepped over.
    pub fn read(text: &str) -> Self {
        Self(
            text.lines()
                .filter_map(|line| line.split_whitespace().next())
                .map(|word| word.trim_start_matches("sha256:").to_ascii_lowercase())
                .filter(|word| {
                    word.len() >= KNOWN_DIGITS && word.bytes().all(|b| b.is_ascii_hexdigit())
                })
                .filter_map(|word| word.get(..KNOWN_DIGITS).map(str::to_owned))
                .collect(),
        )
    }

    /// Marks what is on the list.
    pub fn mark(&self, findings: &mut [Finding]) {
        for finding in findings {
            let known = finding
                .fingerprint
                .as_deref()
                .and_then(|text| text.strip_prefix("sha256:"))
                .and_then(|digits| digits.get(..KNOWN_DIGITS))
                .is_some_and(|digits| self.0.contains(digits));
            if known {
                finding.add_issue(
                    "KA-WEAK-KEY-KNOWN",
                    Severity::Critical,
                    "the key is on the list of compromised keys that was given",
                    "CVE-2008-0166 for keys of Debian's broken generator",
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> BigUint {
        text.parse().expect("decimal")
    }

    #[test]
    fn close_primes_are_found_and_distant_ones_are_not() {
        let (p, q) = (
            number("1000000000000000000000007"),
            number("1000000000000000000000049"),
        );
        assert!(fermat(&(&p * &q)));
        assert!(!fermat(
            &(&p * number("170141183460469231731687303715884105727"))
        ));
    }

    #[test]
    fn a_prime_used_twice_is_found_in_both_keys_and_nowhere_else() {
        let primes: Vec<BigUint> = [
            "1000000007",
            "1000000009",
            "1000000021",
            "1000000033",
            "1000000087",
        ]
        .map(number)
        .to_vec();
        let moduli = vec![
            &primes[0] * &primes[1],
            &primes[2] * &primes[3],
            &primes[0] * &primes[4],
        ];
        assert_eq!(shared(&moduli), vec![0, 2]);
    }

    #[test]
    fn a_small_factor_is_named() {
        assert_eq!(small_factor(&(number("1000000007") * 251_u32)), Some(251));
        assert_eq!(
            small_factor(&(number("1000000007") * number("1000000009"))),
            None
        );
    }

    #[test]
    fn a_key_on_the_list_is_marked_by_the_beginning_of_its_fingerprint() {
        let digits = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
        let list = KnownKeys::read(&format!(
            "# comment\n{}\n",
            digits.get(..30).unwrap_or_default()
        ));
        let mut finding = Finding::new(crate::finding::Kind::PublicKey, "spki", "key");
        finding.fingerprint = Some(format!("sha256:{digits}"));
        let mut other = finding.clone();
        other.fingerprint = Some(format!("sha256:ff{}", digits.get(2..).unwrap_or_default()));
        let mut all = [finding, other];
        list.mark(&mut all);
        assert_eq!((all[0].issues.len(), all[1].issues.len()), (1, 0));
    }
}
