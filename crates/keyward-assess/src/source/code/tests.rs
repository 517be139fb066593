use crate::detect::{Scan, bytes};
use crate::limits::Limits;

/// Rules with their lines.
fn rules(path: &str, text: &str) -> Vec<String> {
    let limits = Limits::default();
    let mut scan = Scan::new(&limits, path, None, text.len() as u64);
    bytes(&mut scan, text.as_bytes());
    let mut all: Vec<String> =
        scan.findings
            .iter()
            .flat_map(|found| {
                let line = found.location.line.unwrap_or(0);
                found.issues.iter().map(move |issue| {
                    format!("{line}:{}", issue.rule.trim_start_matches("KA-CODE-"))
                })
            })
            .collect();
    all.sort();
    all.dedup();
    all
}

#[test]
fn java_constants_are_followed_through_names_fields_callers_and_results() {
    let text = r#"import javax.crypto.*;
class A {
  private static final String ALG = "DES" + "/CBC/PKCS5Padding";
  String field = "MD5";
  void a() throws Exception { Cipher.getInstance(ALG); }
  void b() throws Exception { go("AES/ECB/NoPadding"); }
  void go(String what) throws Exception { Cipher c = Cipher.getInstance(what); }
  void c() throws Exception { MessageDigest.getInstance(this.field); }
  String name() { return "RC4"; }
  void d() throws Exception { Cipher.getInstance(name()); }
  void e() throws Exception { Cipher.getInstance("AES/GCM/NoPadding"); }
}
"#;
    assert_eq!(
        rules("A.java", text),
        ["10:WEAK-CIPHER", "5:WEAK-CIPHER", "7:ECB", "8:WEAK-HASH"]
    );
}

#[test]
fn java_keys_vectors_salts_and_seeds_that_are_constant_are_found_and_random_ones_are_not() {
    let text = r#"import javax.crypto.*;
class B {
  void bad() throws Exception {
    byte[] k = "0123456789abcdef".getBytes("UTF-8");
    new SecretKeySpec(k, "AES");
    byte[] iv = {1, 2, 3, 4};
    new IvParameterSpec(iv);
    new PBEKeySpec("secret".toCharArray(), new byte[8], 100, 128);
    SecureRandom r = new SecureRandom();
    r.setSeed(12345);
    KeyPairGenerator g = KeyPairGenerator.getInstance("RSA");
    g.initialize(1024);
  }
  void good(byte[] key) throws Exception {
    new SecretKeySpec(key, "AES");
    byte[] iv = new byte[16];
    new SecureRandom().nextBytes(iv);
    new IvParameterSpec(iv);
    KeyPairGenerator g = KeyPairGenerator.getInstance("RSA");
    g.initialize(3072);
  }
}
"#;
    assert_eq!(
        rules("B.java", text),
        [
            "10:STATIC-SEED",
            "12:SHORT-KEY",
            "5:STATIC-KEY",
            "7:STATIC-IV",
            "8:FEW-ITERATIONS",
            "8:STATIC-PASSWORD",
            "8:STATIC-SALT"
        ]
    );
}

#[test]
fn java_verifiers_that_accept_everything_are_found() {
    let text = r#"import javax.net.ssl.*;
class C implements HostnameVerifier {
  public boolean verify(String h, SSLSession s) { return true; }
  public void checkServerTrusted(X509Certificate[] c, String a) { }
}
class D implements HostnameVerifier {
  public boolean verify(String h, SSLSession s) { return h.equals(s.getPeerHost()); }
}
"#;
    assert_eq!(rules("C.java", text), ["3:NO-VERIFY", "4:NO-VERIFY"]);
}

#[test]
fn python_calls_are_told_through_import_aliases() {
    let text = r#"import hashlib as h
from Crypto.Cipher import DES as D, AES
from cryptography.hazmat.primitives.asymmetric import rsa
import requests, jwt, ssl
h.md5(b"x")
h.md5(b"x", usedforsecurity=False)
h.sha256(b"x")
KEY = b"0123456789abcdef"
D.new(KEY, D.MODE_ECB)
AES.new(get_key(), AES.MODE_GCM, nonce=os.urandom(12))
rsa.generate_private_key(public_exponent=65537, key_size=1024)
requests.get("https://example.org", verify=False)
jwt.encode({}, "hunter2", algorithm="HS256")
hashlib.pbkdf2_hmac("sha256", pw, b"salt", 10)
ctx.verify_mode = ssl.CERT_NONE
"#;
    assert_eq!(
        rules("a.py", text),
        [
            "11:SHORT-KEY",
            "12:NO-VERIFY",
            "13:STATIC-KEY",
            "14:FEW-ITERATIONS",
            "14:STATIC-SALT",
            "15:NO-VERIFY",
            "5:WEAK-HASH",
            "9:ECB",
            "9:STATIC-KEY",
            "9:WEAK-CIPHER"
        ]
    );
}

#[test]
fn go_calls_are_told_by_their_package() {
    let text = r#"package main
import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"golang.org/x/crypto/pbkdf2"
)
func bad() {
	md5.Sum([]byte("x"))
	key := []byte("0123456789abcdef")
	block, _ := aes.NewCipher(key)
	iv := make([]byte, 16)
	cipher.NewCBCEncrypter(block, iv)
	rsa.GenerateKey(rand.Reader, 1024)
	_ = &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10}
	pbkdf2.Key(pw, []byte("salt"), 10, 32, h)
}
func good(key []byte) {
	block, _ := aes.NewCipher(key)
	iv := make([]byte, 16)
	rand.Read(iv)
	cipher.NewCBCEncrypter(block, iv)
	rsa.GenerateKey(rand.Reader, 3072)
}
"#;
    assert_eq!(
        rules("a.go", text),
        [
            "12:WEAK-HASH",
            "14:STATIC-KEY",
            "16:STATIC-IV",
            "17:SHORT-KEY",
            "18:NO-VERIFY",
            "18:OLD-TLS",
            "19:FEW-ITERATIONS",
            "19:STATIC-SALT"
        ]
    );
}

#[test]
fn further_languages_are_read_by_their_table() {
    assert_eq!(
        rules(
            "a.c",
            "  EVP_EncryptInit(c, EVP_des_cbc(), k, iv);\n// MD5(x)\n"
        ),
        ["1:WEAK-CIPHER"]
    );
    assert_eq!(rules("a.cs", "var h = MD5.Create();\n"), ["1:WEAK-HASH"]);
    assert_eq!(
        rules("a.js", "crypto.createHash('sha1')\n"),
        ["1:WEAK-HASH"]
    );
    assert_eq!(
        rules("a.rs", "let c = Cipher::des_cbc();\n"),
        ["1:WEAK-CIPHER"]
    );
}

#[test]
fn hostile_nesting_ends() {
    let deep = format!(
        "import hashlib\nx = {}1{}\n",
        "(".repeat(50_000),
        ")".repeat(50_000)
    );
    let _ = rules("deep.py", &deep);
    let calls = format!(
        "import hashlib\nx = {}b'a'{}\n",
        "hashlib.md5(".repeat(5000),
        ")".repeat(5000)
    );
    let _ = rules("calls.py", &calls);
    let circle = "import hashlib\na = b\nb = a\nhashlib.new(a)\n";
    let _ = rules("circle.py", circle);
}
