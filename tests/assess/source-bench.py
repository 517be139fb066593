#!/usr/bin/env python3
"""Cases in the shape of the public misuse benchmarks (basic, through a variable, a field, a caller, a result, another
class, path-sensitive, and their secure twins), written for this test; measures recall and precision per language.

usage: source-bench.py KEYWARD-ASSESS DIRECTORY [--minimum 0.9]

Each case is one file and asks one question: does rule R stand in it? A miss of a case that needs another file is
counted like any other.
"""
import collections
import json
import pathlib
import subprocess
import sys

assess, out = sys.argv[1], pathlib.Path(sys.argv[2])
minimum = float(sys.argv[sys.argv.index("--minimum") + 1]) if "--minimum" in sys.argv else 0.0
out.mkdir(parents=True, exist_ok=True)
cases = []  # path, rule, expected


def case(language, name, rule, expected, text, extra=None):
    extension = {"java": "java", "python": "py", "go": "go"}[language]
    folder = out / language / name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"Case.{extension}"
    path.write_text(text)
    if extra:
        (folder / f"Other.{extension}").write_text(extra)
    cases.append((language, str(folder), rule, expected))


def java(body, fields="", more=""):
    return ("import javax.crypto.*; import javax.crypto.spec.*; import java.security.*; import java.util.*; import javax.net.ssl.*;\n"
            f"class Case {{\n{fields}\n void run(String[] args, byte[] given) throws Exception {{\n{body}\n }}\n{more}\n}}\n")


# Java: strings that choose an algorithm
for rule, call, bad, good in [
    ("KA-CODE-WEAK-CIPHER", 'Cipher.getInstance({})', ["DES/CBC/PKCS5Padding", "Blowfish", "RC4", "RC2", "IDEA", "DESede/CBC/PKCS5Padding"], "AES/GCM/NoPadding"),
    ("KA-CODE-ECB", 'Cipher.getInstance({})', ["AES/ECB/PKCS5Padding", "AES"], "AES/CTR/NoPadding"),
    ("KA-CODE-WEAK-HASH", 'MessageDigest.getInstance({})', ["MD5", "SHA1", "SHA-1", "MD4", "MD2"], "SHA-256"),
    ("KA-CODE-WEAK-SIGNATURE", 'Signature.getInstance({})', ["SHA1withRSA", "MD5withRSA"], "SHA256withRSA"),
    ("KA-CODE-OLD-TLS", 'SSLContext.getInstance({})', ["SSL", "TLSv1", "TLSv1.1"], "TLSv1.3"),
]:
    for n, word in enumerate(bad):
        tag = rule[8:].lower() + f"-{n}"
        q = f'"{word}"'
        case("java", f"{tag}-direct", rule, True, java(call.format(q) + ";"))
        case("java", f"{tag}-variable", rule, True, java(f"String a = {q}; String b = a; " + call.format("b") + ";"))
        case("java", f"{tag}-field", rule, True, java(call.format("ALG") + ";", f"static final String ALG = {q};"))
        case("java", f"{tag}-caller", rule, True, java(f"go({q});", "", f"void go(String a) throws Exception {{ {call.format('a')}; }}"))
        case("java", f"{tag}-result", rule, True, java(call.format("name()") + ";", "", f"String name() {{ return {q}; }}"))
        case("java", f"{tag}-concatenated", rule, True, java(f'String a = "{word[:2]}"; ' + call.format(f'a + "{word[2:]}"') + ";"))
        case("java", f"{tag}-constructor", rule, True, java(call.format("alg") + ";", "String alg;", f"Case() {{ this.alg = {q}; }}"))
        case("java", f"{tag}-two-callers", rule, True, java(f"one({q});", "", f"void one(String a) throws Exception {{ two(a); }} void two(String b) throws Exception {{ {call.format('b')}; }}"))
        case("java", f"{tag}-other-class", rule, True, java("new Other().go(" + q + ");"), f"class Other {{ void go(String a) throws Exception {{ {call.format('a')}; }} }}")
        case("java", f"{tag}-replaced", rule, False, java(f'String a = {q}; a = "{good}"; ' + call.format("a") + ";"))
    case("java", f"{rule[8:].lower()}-good", rule, False, java(call.format(f'"{good}"') + ";"))
    case("java", f"{rule[8:].lower()}-good-caller", rule, False, java(f'go("{good}");', "", f"void go(String a) throws Exception {{ {call.format('a')}; }}"))
    case("java", f"{rule[8:].lower()}-unknown", rule, False, java(call.format("args[0]") + ";"))
# Java: constants where none may be
for rule, call, bad, good in [
    ("KA-CODE-STATIC-KEY", 'new SecretKeySpec({}, "AES")', ['"0123456789abcdef".getBytes()', "new byte[] {1, 2, 3}", '"k".getBytes("UTF-8")'], "given"),
    ("KA-CODE-STATIC-IV", "new IvParameterSpec({})", ["new byte[16]", '"0123456789abcdef".getBytes()'], "given"),
    ("KA-CODE-STATIC-SALT", "new PBEParameterSpec({}, 5000)", ["new byte[] {1, 2, 3, 4}", '"salt".getBytes()'], "given"),
    ("KA-CODE-STATIC-PASSWORD", "new PBEKeySpec({}, given, 5000, 128)", ['"secret".toCharArray()', "\"pass\".toCharArray()"], "args[0].toCharArray()"),
    ("KA-CODE-STATIC-SEED", "new SecureRandom({})", ["new byte[] {1, 2, 3}", '"seed".getBytes()'], "given"),
]:
    for n, value in enumerate(bad):
        tag = rule[8:].lower() + f"-{n}"
        kind = "char[]" if "Char" in value else "byte[]"
        case("java", f"{tag}-direct", rule, True, java(call.format(value) + ";"))
        case("java", f"{tag}-variable", rule, True, java(f"{kind} v = {value}; " + call.format("v") + ";"))
        case("java", f"{tag}-field", rule, True, java(call.format("V") + ";", f"{kind} V = {value};"))
        case("java", f"{tag}-caller", rule, True, java(f"go({value}, given);", "", f"void go({kind} v, byte[] given) throws Exception {{ {call.format('v')}; }}"))
    case("java", f"{rule[8:].lower()}-good", rule, False, java(call.format(good) + ";"))
    if rule == "KA-CODE-STATIC-IV":
        case("java", "static-iv-random", rule, False, java("byte[] iv = new byte[16]; new SecureRandom().nextBytes(iv); new IvParameterSpec(iv);"))
for n, (bits, bad) in enumerate([(1024, True), (512, True), (2048, False), (3072, False)]):
    case("java", f"size-{n}-direct", "KA-CODE-SHORT-KEY", bad, java(f'KeyPairGenerator g = KeyPairGenerator.getInstance("RSA"); g.initialize({bits});'))
    case("java", f"size-{n}-variable", "KA-CODE-SHORT-KEY", bad, java(f'int n = {bits}; KeyPairGenerator g = KeyPairGenerator.getInstance("RSA"); g.initialize(n);'))
    case("java", f"size-{n}-caller", "KA-CODE-SHORT-KEY", bad, java(f"go({bits});", "", 'void go(int n) throws Exception { KeyPairGenerator g = KeyPairGenerator.getInstance("RSA"); g.initialize(n); }'))
for n, (count, bad) in enumerate([(20, True), (999, True), (10000, False)]):
    case("java", f"iterations-{n}", "KA-CODE-FEW-ITERATIONS", bad, java(f"new PBEKeySpec(args[0].toCharArray(), given, {count}, 128);"))
case("java", "random", "KA-CODE-WEAK-RANDOM", True, java("Random r = new Random(); r.nextInt();"))
case("java", "random-math", "KA-CODE-WEAK-RANDOM", True, java("double d = Math.random();"))
case("java", "random-good", "KA-CODE-WEAK-RANDOM", False, java("SecureRandom r = new SecureRandom(); r.nextInt();"))
case("java", "verifier", "KA-CODE-NO-VERIFY", True, java("", "", "class V implements HostnameVerifier { public boolean verify(String h, SSLSession s) { return true; } }"))
case("java", "verifier-good", "KA-CODE-NO-VERIFY", False, java("", "", "class V implements HostnameVerifier { public boolean verify(String h, SSLSession s) { return h.equals(s.getPeerHost()); } }"))
case("java", "trust", "KA-CODE-NO-VERIFY", True, java("", "", "class T { public void checkServerTrusted(X509Certificate[] c, String a) {} }"))
case("java", "trust-good", "KA-CODE-NO-VERIFY", False, java("", "", "class T { public void checkServerTrusted(X509Certificate[] c, String a) throws Exception { c[0].checkValidity(); } }"))
case("java", "store", "KA-CODE-STATIC-PASSWORD", True, java('KeyStore ks = KeyStore.getInstance("JKS"); ks.load(null, "changeit".toCharArray());'))
case("java", "store-good", "KA-CODE-STATIC-PASSWORD", False, java('KeyStore ks = KeyStore.getInstance("JKS"); ks.load(null, args[0].toCharArray());'))

# Python
HEAD = ("import hashlib, hmac, ssl, os, requests, jwt, random, secrets\nfrom Crypto.Cipher import AES, DES, ARC4, Blowfish\nfrom Crypto.PublicKey import RSA\n"
        "from cryptography.hazmat.primitives.asymmetric import rsa\nfrom cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes\n"
        "from cryptography.hazmat.primitives import hashes\nfrom cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC\n")
for rule, call, bad, good in [
    ("KA-CODE-WEAK-HASH", "hashlib.new({})", ['"md5"', '"sha1"'], '"sha256"'),
    ("KA-CODE-STATIC-KEY", "AES.new({}, AES.MODE_GCM)", ['b"0123456789abcdef"', 'bytes.fromhex("00112233445566778899aabbccddeeff")'], "os.urandom(16)"),
    ("KA-CODE-STATIC-KEY", 'hmac.new({}, b"m", hashlib.sha256)', ['b"key"', '"key".encode()'], "os.environ['K'].encode()"),
    ("KA-CODE-STATIC-IV", "AES.new(os.urandom(16), AES.MODE_CBC, {})", ['b"0123456789abcdef"', 'b"\\x00" * 16'], "os.urandom(16)"),
    ("KA-CODE-STATIC-SALT", 'hashlib.pbkdf2_hmac("sha256", os.urandom(8), {}, 100000)', ['b"salt"'], "os.urandom(16)"),
    ("KA-CODE-SHORT-KEY", "RSA.generate({})", ["1024", "512"], "3072"),
    ("KA-CODE-SHORT-KEY", "rsa.generate_private_key(public_exponent=65537, key_size={})", ["1024"], "2048"),
    ("KA-CODE-FEW-ITERATIONS", 'hashlib.pbkdf2_hmac("sha256", os.urandom(8), os.urandom(8), {})', ["1", "500"], "600000"),
]:
    for n, value in enumerate(bad):
        tag = rule[8:].lower() + "-" + "".join(c for c in call[:12] if c.isalnum()) + f"-{n}"
        case("python", f"{tag}-direct", rule, True, HEAD + call.format(value) + "\n")
        case("python", f"{tag}-variable", rule, True, HEAD + f"def f():\n    v = {value}\n    {call.format('v')}\n")
        case("python", f"{tag}-module", rule, True, HEAD + f"V = {value}\ndef f():\n    {call.format('V')}\n")
        case("python", f"{tag}-caller", rule, True, HEAD + f"def g(v):\n    {call.format('v')}\ndef f():\n    g({value})\n")
        case("python", f"{tag}-attribute", rule, True, HEAD + f"class C:\n    def __init__(self):\n        self.v = {value}\n    def f(self):\n        {call.format('self.v')}\n")
        case("python", f"{tag}-result", rule, True, HEAD + f"def g():\n    return {value}\ndef f():\n    {call.format('g()')}\n")
        case("python", f"{tag}-default", rule, True, HEAD + f"def g(v={value}):\n    {call.format('v')}\n")
    tag = rule[8:].lower() + "-" + "".join(c for c in call[:12] if c.isalnum())
    case("python", f"{tag}-good", rule, False, HEAD + call.format(good) + "\n")
    case("python", f"{tag}-given", rule, False, HEAD + f"def f(v):\n    {call.format('v')}\n")
for n, (text, rule, bad) in enumerate([
    ("hashlib.md5(b'x')", "KA-CODE-WEAK-HASH", True), ("hashlib.sha1(b'x')", "KA-CODE-WEAK-HASH", True), ("hashlib.sha3_256(b'x')", "KA-CODE-WEAK-HASH", False),
    ("hashlib.md5(b'x', usedforsecurity=False)", "KA-CODE-WEAK-HASH", False), ("hashes.Hash(hashes.MD5())", "KA-CODE-WEAK-HASH", True),
    ("DES.new(os.urandom(8), DES.MODE_CBC, os.urandom(8))", "KA-CODE-WEAK-CIPHER", True), ("ARC4.new(os.urandom(8))", "KA-CODE-WEAK-CIPHER", True),
    ("Blowfish.new(os.urandom(8), Blowfish.MODE_CBC, os.urandom(8))", "KA-CODE-WEAK-CIPHER", True), ("AES.new(os.urandom(16), AES.MODE_ECB)", "KA-CODE-ECB", True),
    ("AES.new(os.urandom(16), AES.MODE_GCM)", "KA-CODE-ECB", False), ("Cipher(algorithms.TripleDES(os.urandom(24)), modes.CBC(os.urandom(8)))", "KA-CODE-WEAK-CIPHER", True),
    ("Cipher(algorithms.AES(os.urandom(16)), modes.ECB())", "KA-CODE-ECB", True), ("Cipher(algorithms.AES(os.urandom(16)), modes.GCM(os.urandom(12)))", "KA-CODE-ECB", False),
    ("requests.get('https://x.example', verify=False)", "KA-CODE-NO-VERIFY", True), ("requests.get('https://x.example')", "KA-CODE-NO-VERIFY", False),
    ("ssl._create_unverified_context()", "KA-CODE-NO-VERIFY", True), ("ssl.SSLContext(ssl.PROTOCOL_TLSv1)", "KA-CODE-OLD-TLS", True), ("ssl.create_default_context()", "KA-CODE-OLD-TLS", False),
    ("jwt.decode(t, options={'verify_signature': False})", "KA-CODE-JWT-NONE", True), ("jwt.encode({}, 'x', algorithm='none')", "KA-CODE-JWT-NONE", True),
    ("jwt.decode(t, k, algorithms=['RS256'])", "KA-CODE-JWT-NONE", False), ("token = random.randint(0, 9)", "KA-CODE-WEAK-RANDOM", True), ("token = secrets.token_hex()", "KA-CODE-WEAK-RANDOM", False),
]):
    case("python", f"single-{n}", rule, bad, HEAD + text + "\n")

# Go
GO = ('package main\nimport (\n "crypto/aes"\n "crypto/cipher"\n "crypto/des"\n "crypto/hmac"\n "crypto/md5"\n "crypto/rand"\n "crypto/rc4"\n "crypto/rsa"\n "crypto/sha1"\n "crypto/sha256"\n "crypto/tls"\n "golang.org/x/crypto/pbkdf2"\n)\n')
for rule, call, bad, good in [
    ("KA-CODE-STATIC-KEY", "aes.NewCipher({})", ['[]byte("0123456789abcdef")', "[]byte{1, 2, 3}"], "given"),
    ("KA-CODE-STATIC-KEY", "hmac.New(sha256.New, {})", ['[]byte("key")'], "given"),
    ("KA-CODE-STATIC-IV", "cipher.NewCBCEncrypter(block, {})", ["make([]byte, 16)", '[]byte("0123456789abcdef")'], "given"),
    ("KA-CODE-STATIC-SALT", "pbkdf2.Key(given, {}, 100000, 32, sha256.New)", ['[]byte("salt")'], "given"),
    ("KA-CODE-SHORT-KEY", "rsa.GenerateKey(rand.Reader, {})", ["1024", "512"], "3072"),
    ("KA-CODE-FEW-ITERATIONS", "pbkdf2.Key(given, given, {}, 32, sha256.New)", ["10"], "600000"),
]:
    kind = "int" if bad[0].isdigit() else "[]byte"
    for n, value in enumerate(bad):
        tag = rule[8:].lower() + "-" + "".join(c for c in call[:10] if c.isalnum()) + f"-{n}"
        case("go", f"{tag}-direct", rule, True, GO + f"func f(given []byte, block cipher.Block) {{\n {call.format(value)}\n}}\n")
        case("go", f"{tag}-variable", rule, True, GO + f"func f(given []byte, block cipher.Block) {{\n v := {value}\n {call.format('v')}\n}}\n")
        case("go", f"{tag}-package", rule, True, GO + f"var v = {value}\nfunc f(given []byte, block cipher.Block) {{\n {call.format('v')}\n}}\n")
        case("go", f"{tag}-caller", rule, True, GO + f"func g(v {kind}, given []byte, block cipher.Block) {{\n {call.format('v')}\n}}\nfunc f(given []byte, block cipher.Block) {{\n g({value}, given, block)\n}}\n")
        case("go", f"{tag}-result", rule, True, GO + f"func g() {kind} {{\n return {value}\n}}\nfunc f(given []byte, block cipher.Block) {{\n {call.format('g()')}\n}}\n")
    tag = rule[8:].lower() + "-" + "".join(c for c in call[:10] if c.isalnum())
    case("go", f"{tag}-good", rule, False, GO + f"func f(given []byte, block cipher.Block) {{\n {call.format(good)}\n}}\n")
for n, (text, rule, bad) in enumerate([
    ('md5.Sum([]byte("x"))', "KA-CODE-WEAK-HASH", True), ("h := sha1.New()", "KA-CODE-WEAK-HASH", True), ("h := sha256.New()", "KA-CODE-WEAK-HASH", False),
    ("des.NewCipher(given)", "KA-CODE-WEAK-CIPHER", True), ("rc4.NewCipher(given)", "KA-CODE-WEAK-CIPHER", True), ("aes.NewCipher(given)", "KA-CODE-WEAK-CIPHER", False),
    ("c := tls.Config{InsecureSkipVerify: true}", "KA-CODE-NO-VERIFY", True), ("c := tls.Config{MinVersion: tls.VersionTLS12}", "KA-CODE-OLD-TLS", False),
    ("c := &tls.Config{MinVersion: tls.VersionTLS10}", "KA-CODE-OLD-TLS", True), ("c := &tls.Config{}\n c.InsecureSkipVerify = true", "KA-CODE-NO-VERIFY", True),
    ("iv := make([]byte, 16)\n rand.Read(iv)\n cipher.NewCTR(block, iv)", "KA-CODE-STATIC-IV", False), ("block, _ = aes.NewCipher(given)\n block.Encrypt(given, given)", "KA-CODE-ECB", True),
]):
    case("go", f"single-{n}", rule, bad, GO + f"func f(given []byte, block cipher.Block) {{\n {text}\n}}\n")

scan = json.loads(subprocess.run([assess, "scan", str(out), "--format", "json"], capture_output=True, check=True).stdout)
found = collections.defaultdict(set)
for finding in scan["findings"]:
    folder = str(pathlib.Path(finding["location"]["path"]).parent)
    found[folder] |= {issue["rule"] for issue in finding.get("issues", [])}
table = collections.defaultdict(lambda: [0, 0, 0, 0])
for language, folder, rule, expected in cases:
    got = rule in found[folder]
    table[language][(0 if got else 1) if expected else (2 if got else 3)] += 1
    if got != expected:
        print(f"  {folder.removeprefix(str(out))}: {rule} expected {expected}")
failed = 0
print(f"{'language':10} {'cases':>6} {'right':>6} {'missed':>7} {'wrong':>6} {'recall':>8} {'precision':>10}")
for language, (hit, missed, wrong, clean) in sorted(table.items()):
    recall, precision = hit / max(hit + missed, 1), hit / max(hit + wrong, 1)
    failed += recall < minimum or precision < minimum
    print(f"{language:10} {hit + missed + wrong + clean:6} {hit + clean:6} {missed:7} {wrong:6} {recall:8.4f} {precision:10.4f}")
print(f"{len(table) - failed} passed, {failed} failed")
sys.exit(1 if failed else 0)
