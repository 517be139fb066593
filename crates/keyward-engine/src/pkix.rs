//! X.509 and PKCS#10, read and written without any cryptography: what is signed is signed by the module.
use std::net::IpAddr;
use std::str::FromStr as _;

use der::asn1::{Any, BitString, Ia5String, ObjectIdentifier, OctetString, SetOfVec};
use der::pem::LineEnding;
use der::{Decode as _, Encode as _, EncodePem as _, Reader as _, SliceReader};
use keyward_core::algorithm::{KeySpec, SignatureScheme};
use keyward_core::outcome::CertificateFacts;
use keyward_core::time::Timestamp;
use keyward_core::{ErrorCode, Problem};
use x509_cert::Certificate;
use x509_cert::attr::Attribute;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;
use x509_cert::request::{CertReq, CertReqInfo, ExtensionReq, Version};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

/// Certificates of one chain.
const CHAIN_MAX: usize = 10;
/// Bytes of one chain.
pub(crate) const CHAIN_MAX_BYTES: usize = 64 << 10;
/// Alternative names of one request.
const NAMES_MAX: usize = 100;

const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
const SHA256_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const ECDSA_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// A certificate and those that issued it, in order.
pub(crate) struct Chain {
    certificates: Vec<(Certificate, Vec<u8>)>,
    facts: CertificateFacts,
    public_key: Vec<u8>,
}

impl Chain {
    /// Reads certificates one after the other, each issued by the next.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        if bytes.len() > CHAIN_MAX_BYTES {
            return Err("a chain has at most 65536 bytes");
        }
        let mut reader = SliceReader::new(bytes).map_err(|_| "it is no certificate")?;
        let mut certificates: Vec<(Certificate, Vec<u8>)> = Vec::new();
        while !reader.is_finished() {
            if certificates.len() >= CHAIN_MAX {
                return Err("a chain has at most 10 certificates");
            }
            let der = reader.tlv_bytes().map_err(|_| "it is no certificate")?;
            let certificate = Certificate::from_der(der).map_err(|_| "it is no certificate")?;
            let issued_by_it = certificates.last().is_none_or(|(before, _)| {
                before.tbs_certificate().issuer() == certificate.tbs_certificate().subject()
            });
            if !issued_by_it {
                return Err("each certificate must be followed by the one of its issuer");
            }
            certificates.push((certificate, der.to_vec()));
        }
        let (leaf, _) = certificates.first().ok_or("there is no certificate")?;
        let facts = facts(leaf).ok_or("the certificate's names or dates cannot be read")?;
        let public_key = leaf
            .tbs_certificate()
            .subject_public_key_info()
            .to_der()
            .map_err(|_| "the certificate's public key cannot be read")?;
        Ok(Self {
            certificates,
            facts,
            public_key,
        })
    }

    pub(crate) const fn facts(&self) -> &CertificateFacts {
        &self.facts
    }

    /// SubjectPublicKeyInfo of the first certificate.
    pub(crate) fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    pub(crate) fn leaf_der(&self) -> &[u8] {
        self.certificates
            .first()
            .map_or(&[], |(_, der)| der.as_slice())
    }

    /// All of them in PEM.
    pub(crate) fn pem(&self) -> String {
        self.certificates
            .iter()
            .filter_map(|(certificate, _)| certificate.to_pem(LineEnding::LF).ok())
            .collect()
    }
}

fn facts(certificate: &Certificate) -> Option<CertificateFacts> {
    let tbs = certificate.tbs_certificate();
    let validity = tbs.validity();
    let millis = |time: &x509_cert::time::Time| {
        u64::try_from(time.to_unix_duration().as_millis())
            .ok()
            .map(Timestamp)
    };
    let names = tbs.extensions().into_iter().flatten();
    let names = names
        .filter(|extension| extension.extn_id == SUBJECT_ALT_NAME)
        .filter_map(|extension| SubjectAltName::from_der(extension.extn_value.as_bytes()).ok())
        .flat_map(|names| names.0);
    Some(CertificateFacts {
        subject: tbs.subject().to_string(),
        issuer: tbs.issuer().to_string(),
        serial: keyward_core::ids::hex(tbs.serial_number().as_bytes()),
        not_before: millis(&validity.not_before)?,
        not_after: millis(&validity.not_after)?,
        alternative_names: names.filter_map(|name| shown(&name)).collect(),
    })
}

fn shown(name: &GeneralName) -> Option<String> {
    Some(match name {
        GeneralName::DnsName(name) => format!("dns:{}", name.as_str()),
        GeneralName::UniformResourceIdentifier(uri) => format!("uri:{}", uri.as_str()),
        GeneralName::Rfc822Name(name) => format!("email:{}", name.as_str()),
        GeneralName::IpAddress(bytes) => {
            let bytes = bytes.as_bytes();
            let address: IpAddr = match (<[u8; 4]>::try_from(bytes), <[u8; 16]>::try_from(bytes)) {
                (Ok(four), _) => four.into(),
                (_, Ok(sixteen)) => sixteen.into(),
                _ => return None,
            };
            format!("ip:{address}")
        }
        _ => return None,
    })
}

/// A request that is not signed yet.
pub(crate) struct Unsigned {
    info: CertReqInfo,
    pub(crate) subject: String,
    pub(crate) to_be_signed: Vec<u8>,
}

/// Puts a request together.
pub(crate) fn request(
    subject: &str,
    alternative_names: &[String],
    public: &[u8],
) -> Result<Unsigned, Problem> {
    let name = Name::from_str(subject).map_err(|_| {
        Problem::invalid_field(
            "subject",
            "it must be a distinguished name as in RFC 4514, e.g. CN=till.example,O=Shop",
        )
    })?;
    if name.is_empty() && alternative_names.is_empty() {
        return Err(Problem::invalid_field(
            "subject",
            "a request needs a subject or an alternative name",
        ));
    }
    let internal = |_| Problem::new(ErrorCode::Internal);
    let public_key = SubjectPublicKeyInfoOwned::from_der(public).map_err(internal)?;
    let mut attributes = SetOfVec::new();
    if !alternative_names.is_empty() {
        let extension = alternative(alternative_names)?;
        let attribute = Attribute::try_from(ExtensionReq(vec![extension])).map_err(internal)?;
        attributes.insert(attribute).map_err(internal)?;
    }
    let info = CertReqInfo {
        version: Version::V1,
        subject: name,
        public_key,
        attributes,
    };
    let to_be_signed = info.to_der().map_err(internal)?;
    Ok(Unsigned {
        subject: info.subject.to_string(),
        info,
        to_be_signed,
    })
}

fn alternative(names: &[String]) -> Result<Extension, Problem> {
    if names.len() > NAMES_MAX {
        return Err(Problem::too_many_items(
            "alternative_names",
            NAMES_MAX.to_string(),
        ));
    }
    let mut general = Vec::with_capacity(names.len());
    for (index, text) in names.iter().enumerate() {
        general.push(general_name(text).ok_or_else(|| {
            Problem::invalid_field(
                format!("alternative_names[{index}]"),
                "dns:…, uri:…, email:… or ip:…, in ASCII",
            )
        })?);
    }
    let internal = |_| Problem::new(ErrorCode::Internal);
    let value = SubjectAltName(general).to_der().map_err(internal)?;
    Ok(Extension {
        extn_id: SUBJECT_ALT_NAME,
        critical: false,
        extn_value: OctetString::new(value).map_err(internal)?,
    })
}

fn general_name(text: &str) -> Option<GeneralName> {
    let (kind, value) = text.split_once(':')?;
    if value.is_empty() || value.len() > 512 || value.bytes().any(|b| !b.is_ascii_graphic()) {
        return None;
    }
    Some(match kind {
        "dns" => GeneralName::DnsName(Ia5String::new(value).ok()?),
        "uri" => GeneralName::UniformResourceIdentifier(Ia5String::new(value).ok()?),
        "email" => GeneralName::Rfc822Name(Ia5String::new(value).ok()?),
        "ip" => match value.parse::<IpAddr>().ok()? {
            IpAddr::V4(four) => GeneralName::IpAddress(OctetString::new(four.octets()).ok()?),
            IpAddr::V6(six) => GeneralName::IpAddress(OctetString::new(six.octets()).ok()?),
        },
        _ => return None,
    })
}

impl Unsigned {
    /// The request with its signature, in PEM.
    pub(crate) fn signed(
        self,
        scheme: SignatureScheme,
        spec: KeySpec,
        signature: &[u8],
    ) -> Result<String, Problem> {
        let internal = |_| Problem::new(ErrorCode::Internal);
        let (oid, parameters) = match (scheme, spec) {
            (SignatureScheme::RsaPkcs1Sha256, _) => (SHA256_WITH_RSA, Some(Any::null())),
            (SignatureScheme::Ecdsa, KeySpec::EcP256) => (ECDSA_SHA256, None),
            (SignatureScheme::Ecdsa, KeySpec::EcP384) => (ECDSA_SHA384, None),
            (SignatureScheme::Ecdsa, KeySpec::EcP521) => (ECDSA_SHA512, None),
            (SignatureScheme::Ed25519, _) => (ED25519, None),
            _ => return Err(Problem::new(ErrorCode::Internal)),
        };
        let request = CertReq {
            info: self.info,
            algorithm: AlgorithmIdentifierOwned { oid, parameters },
            signature: BitString::from_bytes(signature).map_err(internal)?,
        };
        request.to_pem(LineEnding::LF).map_err(internal)
    }
}
