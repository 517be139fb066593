//! What the scanner reads: anything at all, and the files of each group of programs under the names they go by.
use keyward_assess::detect::{self, Scan};
use keyward_assess::limits::Limits;

fn scan(path: &str, data: &[u8]) {
    let limits = Limits {
        unpacked_bytes: 1 << 20,
        ..Limits::default()
    };
    let mut scan = Scan::new(&limits, path, None, data.len() as u64);
    detect::bytes(&mut scan, data);
    for finding in &scan.findings {
        assert!(serde_json::to_string(finding).is_ok());
    }
}

/// The first byte says under which name the rest is found.
fn named(names: &[&str], bytes: &[u8]) {
    if let Some((which, rest)) = bytes.split_first() {
        scan(names[usize::from(*which) % names.len()], rest);
    }
}

fn with_names(names: &[&str], texts: &[&str]) -> Vec<Vec<u8>> {
    let numbered = (0..=u8::MAX).zip(names);
    numbered
        .flat_map(|(number, _)| {
            texts
                .iter()
                .map(move |text| [&[number], text.as_bytes()].concat())
        })
        .collect()
}

const ANY: &[&str] = &[
    "file", "a.pem", "tpm.priv", "a.jar", "id_rsa", "a.pfx", "a.yaml",
];

pub(crate) fn detect(bytes: &[u8]) {
    named(ANY, bytes);
}

pub(crate) fn detect_seeds() -> Vec<Vec<u8>> {
    let samples: &[&[u8]] = &[
        include_bytes!("../../keyward-assess/tests/data/rsa.p8.der"),
        include_bytes!("../../keyward-assess/tests/data/certificate.der"),
        include_bytes!("../../keyward-assess/tests/data/pair.jks"),
        include_bytes!("../../keyward-assess/tests/data/secret.jceks"),
        include_bytes!("../../keyward-assess/tests/data/modern.p12"),
        include_bytes!("../../keyward-assess/tests/data/pubring.kbx"),
        include_bytes!("../../keyward-assess/tests/data/id_ed25519"),
        include_bytes!("../../keyward-assess/tests/data/nested.jar"),
        include_bytes!("../../keyward-assess/tests/data/chain.p7b"),
        include_bytes!("../../keyward-assess/tests/data/message.gpg"),
        include_bytes!("../../keyward-assess/tests/data/jwks.json"),
        b"LUKS\xba\xbe\0\x01",
        b"age-encryption.org/v1\n-> X25519 AAAA\n",
        b"PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\nComment: a\nPublic-Lines: 1\nAAAA\n",
        b"apiVersion: v1\nkind: Secret\ntype: kubernetes.io/tls\ndata:\n  tls.crt: AAAA\n",
    ];
    samples
        .iter()
        .map(|sample| [&[0], *sample].concat())
        .collect()
}

const SERVERS: &[&str] = &[
    "/etc/ssh/sshd_config",
    "/etc/nginx/nginx.conf",
    "/etc/apache2/sites-enabled/a.conf",
    "/etc/haproxy/haproxy.cfg",
    "/etc/postfix/main.cf",
    "/etc/dovecot/conf.d/10-ssl.conf",
    "/etc/ssl/openssl.cnf",
    "/usr/lib/jvm/java-17/conf/security/java.security",
    "/etc/crypto-policies/state/CURRENT.pol",
];

pub(crate) fn servers(bytes: &[u8]) {
    named(SERVERS, bytes);
}

pub(crate) fn server_seeds() -> Vec<Vec<u8>> {
    with_names(
        SERVERS,
        &[
            "Ciphers aes128-ctr,3des-cbc\nssl_protocols TLSv1 TLSv1.2;\nSSLProtocol all -SSLv3\n\
           ssl-default-bind-ciphers HIGH:!aNULL\nsmtpd_tls_protocols = !SSLv2\nMinProtocol = TLSv1.2\n\
           jdk.tls.disabledAlgorithms=SSLv3, \\\n RC4\n",
        ],
    )
}

const SERVICES: &[&str] = &[
    "/etc/ipsec.conf",
    "/etc/openvpn/server.conf",
    "/etc/krb5.conf",
    "/etc/postgresql/15/main/postgresql.conf",
    "/etc/mysql/my.cnf",
    "/etc/redis/redis.conf",
    "/etc/mongod.conf",
    "/etc/kafka/server.properties",
    "/etc/ldap/slapd.conf",
    "/etc/kubernetes/manifests/kube-apiserver.yaml",
];

pub(crate) fn services(bytes: &[u8]) {
    named(SERVICES, bytes);
}

pub(crate) fn service_seeds() -> Vec<Vec<u8>> {
    with_names(
        SERVICES,
        &[
            "ike=aes128-sha1-modp1024\ncipher BF-CBC\npermitted_enctypes = des3-cbc-sha1\nssl_ciphers = 'HIGH'\n\
           tls-protocols \"TLSv1.1\"\nssl.enabled.protocols=TLSv1.2\nTLSCipherSuite NORMAL\n  - --tls-min-version=VersionTLS12\n",
        ],
    )
}

const MANIFESTS: &[&str] = &[
    "Cargo.lock",
    "poetry.lock",
    "requirements.txt",
    "package-lock.json",
    "yarn.lock",
    "package.json",
    "go.mod",
    "go.sum",
    "pom.xml",
    "build.gradle",
    "libssl.so.3",
];

pub(crate) fn manifests(bytes: &[u8]) {
    named(MANIFESTS, bytes);
}

pub(crate) fn manifest_seeds() -> Vec<Vec<u8>> {
    with_names(
        MANIFESTS,
        &[
            "[[package]]\nname = \"ring\"\nversion = \"0.17.8\"\n\"node-forge\": \"^1.0.0\",\ncryptography==41.0.0\n\
           \tgolang.org/x/crypto v0.17.0\n<artifactId>bcprov-jdk18on</artifactId>\n<version>1.78</version>\n",
            "\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0OpenSSL 3.0.11 19 Sep 2023",
        ],
    )
}
