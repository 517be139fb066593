//! The rows. A change of a standard is a change of rows, reviewed as data.
//!
//! Sources are public documents; drafts are marked. As of 2026-11-23: SP 800-131A Rev. 3 and NIST IR 8547 are initial
//! public drafts, SP 800-57 Part 1 Rev. 5 and SP 800-131A Rev. 2 are in force.
use super::Standing::{Acceptable, Deprecated, Disallowed, Legacy, NotApproved};
use super::{Curves, Day, Family, Milestone, Row, Sizes, Standing, Usage};

const A57: &str = "SP 800-57 Part 1 Rev. 5";
const A131: &str = "SP 800-131A Rev. 2";
const A131_DRAFT: &str = "SP 800-131A Rev. 3 ipd";
const IR8547: &str = "NIST IR 8547 ipd";

/// A day that exists; checked when the table is compiled.
const fn on(year: u32, month: u32, day: u32) -> Day {
    match Day::new(year, month, day) {
        Some(day) => day,
        None => panic!("no such day"),
    }
}

const STRENGTH_80_ENDS: Day = on(2014, 1, 1);
const TDEA_ENDS: Day = on(2024, 1, 1);
const DSA_ENDS: Day = on(2024, 2, 3);
const STRENGTH_112_ENDS: Day = on(2031, 1, 1);
const QUANTUM_VULNERABLE_ENDS: Day = on(2036, 1, 1);
const R3_DRAFTED: Day = on(2024, 10, 21);

const SIGN: &[Usage] = &[Usage::Signature];
const CURVES: &[&str] = &["P-224", "P-256", "P-384", "P-521"];
const BINARY: &[&str] = &[
    "sect233k1",
    "sect233r1",
    "sect283k1",
    "sect283r1",
    "sect409k1",
    "sect409r1",
    "sect571k1",
    "sect571r1",
];
const ONCE_NAMED: &[&str] = &[
    "P-192",
    "sect163k1",
    "sect163r2",
    "P-224",
    "P-256",
    "P-384",
    "P-521",
    "sect233k1",
    "sect233r1",
    "sect283k1",
    "sect283r1",
    "sect409k1",
    "sect409r1",
    "sect571k1",
    "sect571r1",
];

/// A final rule without limits, in force since ever.
const fn rule(family: Family, protect: Standing, process: Standing) -> Row {
    Row {
        family,
        sizes: Sizes::Any,
        curves: Curves::Any,
        mode: None,
        usages: &[],
        from: Day::FIRST,
        until: None,
        protect,
        process,
        draft: false,
        document: "",
        section: "",
    }
}

impl Row {
    const fn sized(self, sizes: Sizes) -> Self {
        Self { sizes, ..self }
    }
    const fn on(self, curves: Curves) -> Self {
        Self { curves, ..self }
    }
    const fn for_use(self, usages: &'static [Usage]) -> Self {
        Self { usages, ..self }
    }
    const fn in_mode(self, mode: &'static str) -> Self {
        Self {
            mode: Some(mode),
            ..self
        }
    }
    const fn since(self, from: Day) -> Self {
        Self { from, ..self }
    }
    const fn drafted(self) -> Self {
        Self {
            draft: true,
            ..self
        }
    }
    const fn by(self, document: &'static str, section: &'static str) -> Self {
        Self {
            document,
            section,
            ..self
        }
    }
}

const fn good(family: Family, document: &'static str, section: &'static str) -> Row {
    rule(family, Acceptable, Acceptable).by(document, section)
}

const fn never(family: Family, section: &'static str) -> Row {
    rule(family, NotApproved, NotApproved).by("no NIST publication", section)
}

/// 112 bits of strength: to protect through 2030, to process afterwards (final).
const fn ends_with_112(family: Family, sizes: Sizes) -> Row {
    rule(family, Disallowed, Legacy)
        .sized(sizes)
        .since(STRENGTH_112_ENDS)
        .by(A57, "Table 4")
}

/// The draft transition of quantum-vulnerable algorithms: disallowed after 2035.
const fn ends_with_2035(family: Family) -> Row {
    rule(family, Disallowed, Legacy)
        .since(QUANTUM_VULNERABLE_ENDS)
        .drafted()
        .by(IR8547, "Tables 2 and 4")
}

/// Below 112 bits: disallowed to protect since 2014.
const fn too_small(family: Family, most: u32, section: &'static str) -> Row {
    rule(family, Disallowed, Legacy)
        .sized(Sizes::UpTo(most))
        .since(STRENGTH_80_ENDS)
        .by(A131, section)
}

/// A hash of 224 bits: the draft deprecates it and ends it after 2030.
const fn short_hash(family: Family) -> [Row; 2] {
    [
        rule(family, Deprecated, Acceptable)
            .since(R3_DRAFTED)
            .drafted()
            .by(A131_DRAFT, "hash functions"),
        rule(family, Disallowed, Legacy)
            .since(STRENGTH_112_ENDS)
            .drafted()
            .by(A131_DRAFT, "hash functions"),
    ]
}

const SHORT_SHA2: [Row; 2] = short_hash(Family::Sha224);
const SHORT_SHA512: [Row; 2] = short_hash(Family::Sha512T224);
const SHORT_SHA3: [Row; 2] = short_hash(Family::Sha3T224);

/// Every rule.
pub const ROWS: &[Row] = &[
    // --- signatures, key transport and agreement ---
    good(Family::Rsa, "FIPS 186-5; SP 800-56B Rev. 2", "§5; §6").sized(Sizes::From(2048)),
    too_small(Family::Rsa, 2047, "Tables 2 and 5"),
    ends_with_112(Family::Rsa, Sizes::Between(2048, 3071)),
    ends_with_2035(Family::Rsa).sized(Sizes::From(2048)),
    rule(Family::Rsa, Disallowed, Legacy)
        .sized(Sizes::From(2048))
        .for_use(&[Usage::KeyTransportPkcs1])
        .since(TDEA_ENDS)
        .by(A131, "Table 5"),
    rule(Family::Rsa, Disallowed, Disallowed)
        .sized(Sizes::UpTo(1023))
        .since(STRENGTH_80_ENDS)
        .by(A131, "Table 2: legacy verification from 1024 bits on"),
    rule(Family::Dsa, Disallowed, Legacy)
        .since(DSA_ENDS)
        .by("FIPS 186-5", "§1 (FIPS 186-4 withdrawn)"),
    good(Family::Dsa, "FIPS 186-4", "§4").sized(Sizes::From(2048)),
    too_small(Family::Dsa, 2047, "Table 2"),
    good(Family::Dh, "SP 800-56A Rev. 3", "§5.5.1").sized(Sizes::From(2048)),
    too_small(Family::Dh, 2047, "Table 4"),
    ends_with_112(Family::Dh, Sizes::Between(2048, 3071)),
    ends_with_2035(Family::Dh).sized(Sizes::From(2048)),
    never(Family::ElGamal, "in neither FIPS 186-5 nor SP 800-56A"),
    good(Family::Ec, "FIPS 186-5; SP 800-186", "§6; §3").on(Curves::Only(CURVES)),
    ends_with_112(Family::Ec, Sizes::Any).on(Curves::Only(&["P-224"])),
    ends_with_2035(Family::Ec).on(Curves::Only(CURVES)),
    rule(Family::Ec, Deprecated, Acceptable)
        .on(Curves::Only(BINARY))
        .since(on(2023, 2, 3))
        .by("SP 800-186", "§3.3 (binary curves deprecated)"),
    ends_with_112(Family::Ec, Sizes::Any).on(Curves::Only(&["sect233k1", "sect233r1"])),
    rule(Family::Ec, Disallowed, Legacy)
        .on(Curves::Only(&["P-192", "sect163k1", "sect163r2"]))
        .since(STRENGTH_80_ENDS)
        .by(A131, "Tables 2 and 4"),
    too_small(Family::Ec, 223, "Tables 2 and 4"),
    rule(Family::Ec, NotApproved, NotApproved)
        .on(Curves::OtherThan(ONCE_NAMED))
        .by("SP 800-186", "§3: not among the recommended curves"),
    good(Family::Ed25519, "FIPS 186-5", "§7"),
    ends_with_2035(Family::Ed25519),
    good(Family::Ed448, "FIPS 186-5", "§7"),
    ends_with_2035(Family::Ed448),
    never(Family::X25519, "not in SP 800-56A Rev. 3"),
    never(Family::X448, "not in SP 800-56A Rev. 3"),
    never(Family::Sm2, "not in FIPS 186-5"),
    never(Family::Gost2001, "not in FIPS 186-5"),
    never(Family::Gost2012, "not in FIPS 186-5"),
    good(Family::MlKem, "FIPS 203", "§8").since(on(2024, 8, 13)),
    good(Family::MlDsa, "FIPS 204", "§4").since(on(2024, 8, 13)),
    good(Family::SlhDsa, "FIPS 205", "§11").since(on(2024, 8, 13)),
    good(Family::Lms, "SP 800-208", "§4"),
    good(Family::Xmss, "SP 800-208", "§5"),
    never(Family::FnDsa, "FIPS 206 is not final"),
    // --- ciphers ---
    good(Family::Aes, "FIPS 197; SP 800-131A Rev. 2", "Table 1"),
    rule(Family::Aes, Deprecated, Acceptable)
        .in_mode("ECB")
        .for_use(&[Usage::Encryption])
        .since(R3_DRAFTED)
        .drafted()
        .by(A131_DRAFT, "ECB: disallowed for confidentiality once final"),
    rule(Family::TripleDes, Deprecated, Acceptable).by(A131, "Table 1"),
    rule(Family::TripleDes, Disallowed, Legacy)
        .since(TDEA_ENDS)
        .by(A131, "Table 1"),
    rule(Family::TwoKeyTripleDes, Disallowed, Legacy)
        .since(on(2016, 1, 1))
        .by(A131, "Table 1"),
    rule(Family::Des, Disallowed, Disallowed)
        .since(on(2005, 5, 19))
        .by("FIPS 46-3", "withdrawn 2005-05-19"),
    rule(Family::Skipjack, Disallowed, Legacy)
        .since(on(2011, 1, 1))
        .by(A131, "Table 1"),
    never(Family::Rc2, "never approved"),
    never(Family::Rc4, "never approved; RFC 7465"),
    never(Family::Blowfish, "never approved"),
    never(Family::Twofish, "never approved"),
    never(Family::Serpent, "never approved"),
    never(Family::Camellia, "never approved"),
    never(Family::Seed, "never approved"),
    never(Family::Aria, "never approved"),
    never(Family::Sm4, "never approved"),
    never(Family::Cast5, "never approved"),
    never(Family::Idea, "never approved"),
    good(Family::Ascon, "SP 800-232", "§4").since(on(2025, 8, 13)),
    never(Family::ChaCha20Poly1305, "never approved"),
    // --- codes ---
    good(Family::Hmac, "FIPS 198-1; SP 800-131A Rev. 2", "Table 9").sized(Sizes::From(112)),
    too_small(Family::Hmac, 111, "Table 9"),
    ends_with_112(Family::Hmac, Sizes::Between(112, 127)),
    good(Family::Cmac, "SP 800-38B; SP 800-131A Rev. 2", "Table 9"),
    good(Family::Kmac, "SP 800-185; SP 800-131A Rev. 2", "Table 9"),
    never(Family::Poly1305, "never approved"),
    // --- hashes ---
    never(Family::Md2, "never approved; broken"),
    never(Family::Md4, "never approved; broken"),
    never(Family::Md5, "never approved; RFC 6151"),
    good(Family::Sha1, "FIPS 180-4", "§6.1"),
    rule(Family::Sha1, Disallowed, Legacy)
        .for_use(SIGN)
        .since(STRENGTH_80_ENDS)
        .by(A131, "Table 8"),
    rule(Family::Sha1, Disallowed, Legacy)
        .since(STRENGTH_112_ENDS)
        .by(
            "NIST announcement of 2022-12-15",
            "SHA-1 retires by 2030-12-31",
        ),
    good(Family::Sha224, "FIPS 180-4", "§6.3"),
    SHORT_SHA2[0],
    SHORT_SHA2[1],
    good(Family::Sha256, "FIPS 180-4", "§6.2"),
    good(Family::Sha384, "FIPS 180-4", "§6.5"),
    good(Family::Sha512, "FIPS 180-4", "§6.4"),
    good(Family::Sha512T224, "FIPS 180-4", "§6.6"),
    SHORT_SHA512[0],
    SHORT_SHA512[1],
    good(Family::Sha512T256, "FIPS 180-4", "§6.7"),
    good(Family::Sha3T224, "FIPS 202", "§6.1"),
    SHORT_SHA3[0],
    SHORT_SHA3[1],
    good(Family::Sha3T256, "FIPS 202", "§6.1"),
    good(Family::Sha3T384, "FIPS 202", "§6.1"),
    good(Family::Sha3T512, "FIPS 202", "§6.1"),
    good(Family::Shake128, "FIPS 202", "§6.2"),
    good(Family::Shake256, "FIPS 202", "§6.2"),
    never(Family::Ripemd160, "never approved"),
    never(Family::Whirlpool, "never approved"),
    never(Family::Blake2, "never approved"),
    never(Family::Blake3, "never approved"),
    never(Family::Sm3, "never approved"),
    // --- derivation and random bits ---
    good(Family::Kbkdf, "SP 800-108 Rev. 1", "§4"),
    good(Family::Hkdf, "SP 800-56C Rev. 2", "§5"),
    good(Family::OneStepKdf, "SP 800-56C Rev. 2", "§4"),
    never(Family::Pbkdf1, "not in SP 800-132"),
    good(Family::Pbkdf2, "SP 800-132", "§5 (storage only)"),
    never(Family::Scrypt, "not in SP 800-132"),
    never(Family::Bcrypt, "not in SP 800-132"),
    never(Family::Argon2, "not in SP 800-132"),
    good(Family::HashDrbg, "SP 800-90A Rev. 1", "§10.1.1"),
    good(Family::HmacDrbg, "SP 800-90A Rev. 1", "§10.1.2"),
    good(Family::CtrDrbg, "SP 800-90A Rev. 1", "§10.2.1"),
    rule(Family::DualEcDrbg, Disallowed, Disallowed)
        .since(on(2014, 4, 21))
        .by("SP 800-90A Rev. 1", "removed"),
];

/// Dates that drive plans.
pub const MILESTONES: &[Milestone] = &[
    Milestone {
        day: on(2026, 9, 21),
        name: "FIPS 140-2 certificates are historical",
        applies: "federal procurement",
        source: "CMVP",
    },
    Milestone {
        day: on(2027, 1, 1),
        name: "CNSA 2.0 for new acquisitions",
        applies: "national security systems",
        source: "CNSA 2.0 FAQ v2.1",
    },
    Milestone {
        day: on(2030, 1, 2),
        name: "TLS 1.3 everywhere",
        applies: "federal agencies",
        source: "OMB M-26-15",
    },
    Milestone {
        day: on(2030, 12, 31),
        name: "post-quantum key establishment for high-value and high-impact systems; 112-bit strength ends",
        applies: "federal agencies and contractors; SP 800-57 for all",
        source: "EO 14412; SP 800-57 Part 1 Rev. 5 Table 4",
    },
    Milestone {
        day: on(2031, 12, 31),
        name: "post-quantum signatures for high-value and high-impact systems",
        applies: "federal agencies",
        source: "EO 14412",
    },
    Milestone {
        day: on(2035, 12, 31),
        name: "quantum-vulnerable public-key cryptography disallowed",
        applies: "federal agencies; draft",
        source: "NIST IR 8547 ipd",
    },
];
