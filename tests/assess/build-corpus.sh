#!/bin/sh
# Builds a labelled corpus with the tools that really make these files. Every line of labels.tsv is
#   path <TAB> kind <TAB> how many
# and what is not listed for a file must not be found in it (decoys have no line at all).
# Needs: openssl, keytool, ssh-keygen, gpg, age-keygen, age, cryptsetup, certutil, puttygen, git, zip, tar.
set -eu
out=${1:?usage: build-corpus.sh DIRECTORY}
rm -rf "$out"; mkdir -p "$out"; cd "$out"
labels=$PWD/labels.tsv; : > "$labels"
missing=""
for tool in openssl keytool ssh-keygen gpg age age-keygen cryptsetup certutil puttygen git zip tar python3; do
    command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done
if [ -n "$missing" ]; then
    echo "build-corpus: these tools are missing, their kinds are not in the corpus:$missing" >&2
    [ "${KEYWARD_ALLOW_MISSING:-no}" = yes ] || exit 3
fi
have() { command -v "$1" >/dev/null 2>&1; }
label() { printf '%s\t%s\t%s\n' "$1" "$2" "$3" >> "$labels"; }
mkdir -p x509 keys ssh pgp java p12 disk misc archive conf source decoy repo

# --- keys -----------------------------------------------------------------------------------------
for bits in 1024 2048 3072; do
    openssl genrsa -out keys/rsa$bits.pem $bits 2>/dev/null;                                 label keys/rsa$bits.pem private-key 1
    openssl rsa -in keys/rsa$bits.pem -traditional -out keys/rsa$bits-pkcs1.pem 2>/dev/null; label keys/rsa$bits-pkcs1.pem private-key 1
    openssl rsa -in keys/rsa$bits.pem -outform DER -traditional -out keys/rsa$bits-pkcs1.der 2>/dev/null; label keys/rsa$bits-pkcs1.der private-key 1
    openssl pkcs8 -topk8 -nocrypt -in keys/rsa$bits.pem -outform DER -out keys/rsa$bits.p8;  label keys/rsa$bits.p8 private-key 1
    openssl rsa -in keys/rsa$bits.pem -pubout -out keys/rsa$bits.pub.pem 2>/dev/null;        label keys/rsa$bits.pub.pem public-key 1
    openssl rsa -in keys/rsa$bits.pem -pubout -outform DER -out keys/rsa$bits.pub.der 2>/dev/null; label keys/rsa$bits.pub.der public-key 1
    openssl rsa -in keys/rsa$bits.pem -RSAPublicKey_out -out keys/rsa$bits.pub1.pem 2>/dev/null; label keys/rsa$bits.pub1.pem public-key 1
done
for curve in prime256v1 secp384r1 secp521r1 secp256k1 brainpoolP256r1 secp224r1; do
    openssl ecparam -name $curve -genkey -noout -out keys/$curve.pem;                label keys/$curve.pem private-key 1
    openssl ec -in keys/$curve.pem -outform DER -out keys/$curve.der 2>/dev/null;    label keys/$curve.der private-key 1
    openssl pkcs8 -topk8 -nocrypt -in keys/$curve.pem -out keys/$curve.p8.pem;       label keys/$curve.p8.pem private-key 1
    openssl ec -in keys/$curve.pem -pubout -out keys/$curve.pub.pem 2>/dev/null;     label keys/$curve.pub.pem public-key 1
done
openssl ecparam -name prime256v1 -genkey -out keys/with-parameters.pem
label keys/with-parameters.pem private-key 1; label keys/with-parameters.pem parameters 1
openssl ecparam -name prime256v1 -genkey -noout -param_enc explicit -out keys/explicit.pem; label keys/explicit.pem private-key 1
for kind in ed25519 ed448 x25519 x448; do
    openssl genpkey -algorithm $kind -out keys/$kind.pem;                  label keys/$kind.pem private-key 1
    openssl pkey -in keys/$kind.pem -outform DER -out keys/$kind.der;      label keys/$kind.der private-key 1
    openssl pkey -in keys/$kind.pem -pubout -out keys/$kind.pub.pem;       label keys/$kind.pub.pem public-key 1
done
openssl dsaparam -genkey -out keys/dsa.pem 2048 2>/dev/null; label keys/dsa.pem private-key 1; label keys/dsa.pem parameters 1
openssl genpkey -genparam -algorithm DH -pkeyopt group:ffdhe2048 -out keys/dh.pem 2>/dev/null; label keys/dh.pem parameters 1
for cipher in aes-128-cbc aes-256-cbc des3; do
    openssl pkcs8 -topk8 -v2 $cipher -passout pass:secret -in keys/rsa2048.pem -out keys/enc-$cipher.pem; label keys/enc-$cipher.pem private-key 1
done
openssl pkcs8 -topk8 -v1 PBE-SHA1-3DES -passout pass:secret -in keys/rsa2048.pem -out keys/enc-pbe1.pem; label keys/enc-pbe1.pem private-key 1
openssl pkcs8 -topk8 -scrypt -passout pass:secret -in keys/rsa2048.pem -outform DER -out keys/enc-scrypt.der; label keys/enc-scrypt.der private-key 1
openssl rsa -traditional -aes128 -passout pass:secret -in keys/rsa2048.pem -out keys/enc-traditional.pem 2>/dev/null; label keys/enc-traditional.pem private-key 1

# --- X.509 ----------------------------------------------------------------------------------------
for key in rsa1024 rsa2048 rsa3072 prime256v1 secp384r1 ed25519; do
    openssl req -x509 -new -key keys/$key.pem -subj "/CN=$key.example" -days 365 -out x509/$key.crt; label x509/$key.crt certificate 1
    openssl x509 -in x509/$key.crt -outform DER -out x509/$key.der;                                   label x509/$key.der certificate 1
    openssl req -new -key keys/$key.pem -subj "/CN=$key.example" -out x509/$key.csr;                  label x509/$key.csr certificate-request 1
    openssl req -in x509/$key.csr -outform DER -out x509/$key.csr.der;                                label x509/$key.csr.der certificate-request 1
done
openssl req -x509 -new -sha1 -key keys/rsa2048.pem -subj /CN=sha1.example -days 10 -out x509/sha1.crt; label x509/sha1.crt certificate 1
openssl req -x509 -new -sigopt rsa_padding_mode:pss -key keys/rsa2048.pem -subj /CN=pss.example -days 10 -out x509/pss.crt; label x509/pss.crt certificate 1
openssl x509 -in x509/rsa2048.crt -text -out x509/with-text.crt; label x509/with-text.crt certificate 1
openssl x509 -in x509/rsa2048.crt -trustout -addtrust serverAuth -out x509/trusted.pem; label x509/trusted.pem certificate 1
cat x509/rsa2048.crt x509/prime256v1.crt x509/ed25519.crt keys/rsa2048.pem > x509/bundle.pem
label x509/bundle.pem certificate 3; label x509/bundle.pem private-key 1
cat x509/rsa2048.der x509/prime256v1.der > x509/two.der; label x509/two.der certificate 2
openssl crl2pkcs7 -nocrl -certfile x509/bundle.pem -out x509/chain.p7b; label x509/chain.p7b certificate 3; label x509/chain.p7b signed-message 1
openssl crl2pkcs7 -nocrl -certfile x509/bundle.pem -outform DER -out x509/chain.p7c; label x509/chain.p7c certificate 3; label x509/chain.p7c signed-message 1
echo data | openssl cms -sign -signer x509/rsa2048.crt -inkey keys/rsa2048.pem -outform DER -out x509/signed.p7s 2>/dev/null
label x509/signed.p7s certificate 1; label x509/signed.p7s signed-message 1
echo data | openssl cms -encrypt -aes256 -outform PEM -out x509/enveloped.pem x509/rsa2048.crt; label x509/enveloped.pem encrypted-data 1
mkdir ca; : > ca/index.txt; echo 01 > ca/crlnumber
printf '[ca]\ndefault_ca=d\n[d]\ndatabase=ca/index.txt\ncrlnumber=ca/crlnumber\ndefault_md=sha256\ndefault_crl_days=30\n' > ca/ca.cnf
openssl ca -config ca/ca.cnf -gencrl -keyfile keys/rsa2048.pem -cert x509/rsa2048.crt -out x509/list.crl 2>/dev/null; label x509/list.crl revocation-list 1
openssl crl -in x509/list.crl -outform DER -out x509/list.der.crl; label x509/list.der.crl revocation-list 1
rm -rf ca

# --- PKCS#12 --------------------------------------------------------------------------------------
openssl pkcs12 -export -inkey keys/rsa2048.pem -in x509/rsa2048.crt -passout pass:secret -out p12/modern.p12
label p12/modern.p12 keystore 1; label p12/modern.p12 private-key 1
openssl pkcs12 -export -legacy -inkey keys/rsa2048.pem -in x509/rsa2048.crt -passout pass:secret -out p12/legacy.pfx
label p12/legacy.pfx keystore 1; label p12/legacy.pfx private-key 1
openssl pkcs12 -export -certpbe NONE -inkey keys/rsa2048.pem -in x509/rsa2048.crt -passout pass:secret -out p12/plaincert.p12
label p12/plaincert.p12 keystore 1; label p12/plaincert.p12 private-key 1; label p12/plaincert.p12 certificate 1
openssl pkcs12 -export -keypbe NONE -certpbe NONE -inkey keys/rsa2048.pem -in x509/rsa2048.crt -passout pass:secret -out p12/plain.p12
label p12/plain.p12 keystore 1; label p12/plain.p12 private-key 1; label p12/plain.p12 certificate 1

# --- Java -----------------------------------------------------------------------------------------
if have keytool; then
    k() { keytool -J-Xshare:auto -noprompt "$@" >/dev/null 2>&1; }
    for type in jks jceks pkcs12; do
        k -genkeypair -keystore java/pair.$type -storetype $type -alias one -keyalg RSA -keysize 2048 -dname CN=one -storepass secret1 -keypass secret1
        k -genkeypair -keystore java/pair.$type -storetype $type -alias two -keyalg EC -groupname secp256r1 -dname CN=two -storepass secret1 -keypass secret1
        label java/pair.$type keystore 1; label java/pair.$type private-key 2
        [ $type = pkcs12 ] || label java/pair.$type certificate 2
    done
    k -importcert -keystore java/trust.jks -storetype jks -alias ca -file x509/rsa3072.crt -storepass secret1
    label java/trust.jks keystore 1; label java/trust.jks certificate 1
    k -genseckey -keystore java/secret.jceks -storetype jceks -alias aes -keyalg AES -keysize 256 -storepass secret1 -keypass secret1
    k -genseckey -keystore java/secret.jceks -storetype jceks -alias des -keyalg DESede -storepass secret1 -keypass secret1
    label java/secret.jceks keystore 1; label java/secret.jceks secret-key 2
    k -importcert -keystore java/trust.p12 -storetype pkcs12 -alias ca -file x509/rsa3072.crt -storepass secret1
    label java/trust.p12 keystore 1
fi

# --- SSH ------------------------------------------------------------------------------------------
for type in rsa ecdsa ed25519; do
    ssh-keygen -q -t $type -N '' -C test@corpus -f ssh/id_$type; label ssh/id_$type private-key 1; label ssh/id_$type.pub public-key 1
    ssh-keygen -q -t $type -N secret -C test@corpus -f ssh/enc_$type; label ssh/enc_$type private-key 1; label ssh/enc_$type.pub public-key 1
done
ssh-keygen -q -t rsa -m PEM -N secret -f ssh/old_rsa; label ssh/old_rsa private-key 1; label ssh/old_rsa.pub public-key 1
ssh-keygen -e -f ssh/id_rsa.pub > ssh/rfc4716.pub; label ssh/rfc4716.pub public-key 1
{ echo '# people'; cat ssh/id_rsa.pub; printf 'command="/bin/true",no-pty '; cat ssh/id_ed25519.pub; } > ssh/authorized_keys; label ssh/authorized_keys public-key 2
{ printf 'host.example,10.0.0.1 '; cut -d' ' -f1,2 ssh/id_ecdsa.pub; printf '|1|abc=|def= '; cut -d' ' -f1,2 ssh/id_ed25519.pub; } > ssh/known_hosts; label ssh/known_hosts public-key 2
ssh-keygen -q -s ssh/id_rsa -I corpus -n user ssh/id_ed25519.pub 2>/dev/null; label ssh/id_ed25519-cert.pub certificate 1
if have puttygen; then
    puttygen ssh/id_rsa -O private -o ssh/plain.ppk; label ssh/plain.ppk private-key 1
    puttygen ssh/id_ed25519 -O private --ppk-param version=2 -o ssh/v2.ppk; label ssh/v2.ppk private-key 1
    echo secret > pass.txt; puttygen ssh/id_ecdsa -O private --new-passphrase pass.txt -o ssh/enc.ppk; label ssh/enc.ppk private-key 1; rm pass.txt
fi

# --- OpenPGP --------------------------------------------------------------------------------------
if have gpg; then
    GNUPGHOME=$PWD/gnupg; export GNUPGHOME; mkdir -m 700 "$GNUPGHOME"
    g() { gpg --batch --quiet --pinentry-mode loopback "$@" 2>/dev/null; }
    g --passphrase '' --quick-generate-key 'RSA <rsa@corpus>' rsa2048 sign never
    g --passphrase secret --quick-generate-key 'Ed <ed@corpus>' future-default default never
    g --armor --export rsa@corpus > pgp/rsa.asc;                  label pgp/rsa.asc public-key 1
    g --export ed@corpus > pgp/ed.gpg;                            label pgp/ed.gpg public-key 2
    g --armor --passphrase '' --export-secret-keys rsa@corpus > pgp/rsa-secret.asc; label pgp/rsa-secret.asc private-key 1
    g --passphrase secret --export-secret-keys ed@corpus > pgp/ed-secret.gpg;       label pgp/ed-secret.gpg private-key 2
    echo data | g --trust-model always --armor -r ed@corpus --encrypt > pgp/message.asc; label pgp/message.asc encrypted-data 1
    echo data | g --trust-model always -r ed@corpus --encrypt > pgp/message.gpg;         label pgp/message.gpg encrypted-data 1
    echo data | g --passphrase secret --symmetric > pgp/symmetric.gpg;                   label pgp/symmetric.gpg encrypted-data 1
    echo data > pgp/data.txt; g --passphrase '' -u rsa@corpus --detach-sign -o pgp/data.sig pgp/data.txt; label pgp/data.sig signed-message 1
    cp "$GNUPGHOME/pubring.kbx" pgp/pubring.kbx; label pgp/pubring.kbx keystore 1; label pgp/pubring.kbx public-key 3
    gpgconf --kill all >/dev/null 2>&1 || true; rm -rf "$GNUPGHOME"; unset GNUPGHOME
fi

# --- disks ----------------------------------------------------------------------------------------
if have cryptsetup; then
    for type in luks1 luks2; do
        truncate -s 20M disk/$type.img
        echo secret | cryptsetup -q --type $type --pbkdf pbkdf2 --pbkdf-force-iterations 2000 luksFormat disk/$type.img -; label disk/$type.img encrypted-data 1
    done
    truncate -s 20M disk/argon.img
    echo secret | cryptsetup -q --type luks2 --pbkdf argon2id --pbkdf-memory 32 --pbkdf-parallel 1 --pbkdf-force-iterations 4 luksFormat disk/argon.img -; label disk/argon.img encrypted-data 1
fi
python3 - <<'P'
import os, struct
head = bytearray(512); head[0:3] = b'\xeb\x58\x90'; head[3:11] = b'-FVE-FS-'
head[160:176] = bytes.fromhex('3b4da89280dd0e4d9e4eb1e3284eaed8'); struct.pack_into('<Q', head, 176, 512); head[510:] = b'\x55\xaa'
meta = bytearray(4096); meta[0:8] = b'-FVE-FS-'; struct.pack_into('<H', meta, 64 + 36, 0x8004)
open('disk/bitlocker.img', 'wb').write(bytes(head + meta))
open('disk/container.hc', 'wb').write(os.urandom(512 * 1024))
open('disk/secret.db', 'wb').write(os.urandom(64 * 1024))
P
label disk/bitlocker.img encrypted-data 1; label disk/container.hc encrypted-data 1; label disk/secret.db encrypted-data 1

# --- NSS ------------------------------------------------------------------------------------------
if have certutil; then
    mkdir nss; certutil -N -d sql:nss --empty-password
    certutil -A -d sql:nss -n one -t C,, -i x509/rsa2048.crt
    certutil -A -d sql:nss -n two -t C,, -i x509/prime256v1.crt
    label nss/cert9.db keystore 1; label nss/cert9.db certificate 2; label nss/key4.db keystore 1
fi

# --- age, JWK, TPM, others ------------------------------------------------------------------------
age-keygen -o misc/age.key 2>/dev/null; label misc/age.key private-key 1
recipient=$(age-keygen -y misc/age.key)
echo data | age -r "$recipient" > misc/data.age; label misc/data.age encrypted-data 1
echo data | age -a -r "$recipient" > misc/data.age.asc; label misc/data.age.asc encrypted-data 1
echo data | openssl enc -aes-256-cbc -pbkdf2 -pass pass:secret > misc/enc.bin; label misc/enc.bin encrypted-data 1
python3 - <<'P'
import base64, json, os, subprocess
def b(x): return base64.urlsafe_b64encode(x).rstrip(b'=').decode()
n = subprocess.run(['openssl', 'rsa', '-in', 'keys/rsa2048.pem', '-noout', '-modulus'], capture_output=True, text=True).stdout.strip().split('=')[1]
rsa = {'kty': 'RSA', 'n': b(bytes.fromhex(n)), 'e': 'AQAB', 'kid': 'one', 'alg': 'RS256', 'use': 'sig'}
ed = {'kty': 'OKP', 'crv': 'Ed25519', 'x': b(os.urandom(32)), 'd': b(os.urandom(32))}
json.dump({'keys': [rsa, ed]}, open('misc/jwks.json', 'w'))
json.dump(dict(rsa), open('misc/one.jwk', 'w'), indent=2)
json.dump({'kty': 'oct', 'k': b(os.urandom(32)), 'alg': 'HS256'}, open('misc/oct.jwk', 'w'))
cert = open('x509/rsa2048.der', 'rb').read()
open('misc/saml.xml', 'w').write('<md:X509Certificate>\n' + base64.encodebytes(cert).decode() + '</md:X509Certificate>')
pem = open('keys/rsa2048.pem', 'rb').read()
open('misc/secret.yaml', 'w').write('apiVersion: v1\nkind: Secret\ndata:\n  tls.key: ' + base64.b64encode(pem).decode() + '\n')
open('misc/service-account.json', 'w').write(json.dumps({'type': 'service_account', 'private_key': pem.decode()}))
lines = pem.decode().strip().split('\n')
open('misc/Embedded.txt', 'w').write('String key = ' + ' +\n    '.join('"%s\\n"' % l for l in lines) + ';\n')
open('misc/firmware.bin', 'wb').write(os.urandom(5000) + cert + os.urandom(3000) + open('keys/rsa1024.p8', 'rb').read() + os.urandom(100))
# TPM2B_PUBLIC of an RSA key: sized, type RSA, name algorithm SHA-256, attributes, no policy, null symmetric, null scheme
pub = bytes.fromhex('0001000b00060472' + '0000' + '0010' + '0010' + '0800' + '00000000' + '0100') + bytes.fromhex(n)
open('misc/tpm.pub', 'wb').write(len(pub).to_bytes(2, 'big') + pub)
P
label misc/jwks.json public-key 1; label misc/jwks.json private-key 1; label misc/one.jwk public-key 1; label misc/oct.jwk secret-key 1
label misc/saml.xml certificate 1; label misc/secret.yaml private-key 1; label misc/service-account.json private-key 1
label misc/Embedded.txt private-key 1; label misc/firmware.bin certificate 1; label misc/firmware.bin private-key 1; label misc/tpm.pub public-key 1

# --- archives -------------------------------------------------------------------------------------
tar -cf archive/plain.tar -C keys rsa2048.pem -C ../x509 rsa2048.crt; label archive/plain.tar private-key 1; label archive/plain.tar certificate 1
tar -czf archive/packed.tgz -C keys rsa2048.pem; label archive/packed.tgz private-key 1
(cd x509 && zip -q ../archive/certs.zip rsa2048.crt rsa3072.crt); label archive/certs.zip certificate 2
(cd archive && zip -q nested.jar certs.zip packed.tgz); label archive/nested.jar certificate 2; label archive/nested.jar private-key 1
gzip -c keys/prime256v1.pem > archive/key.pem.gz; label archive/key.pem.gz private-key 1
head -c 40000000 /dev/zero | cat - keys/rsa2048.pem > archive/large.bin; label archive/large.bin private-key 1
(cd repo && git init -q && git config user.email a@b && git config user.name a && cp ../keys/rsa3072.pem key.pem && git add . && git commit -qm one && git rm -q key.pem && git commit -qm two)
object=$(cd repo && git rev-parse HEAD~1:key.pem | sed 's,^\(..\),\1/,'); label "repo/.git/objects/$object" private-key 1

# --- decoys: nothing may be found here --------------------------------------------------------------
cat > decoy/readme.md <<'D'
Put your key between the lines:
-----BEGIN PRIVATE KEY-----
...your key here...
-----END PRIVATE KEY-----
and the certificate after `-----BEGIN CERTIFICATE-----`. An SSH key looks like `ssh-rsa AAAAB3NzaC1yc2E...`.
D
cat > decoy/pem.c <<'D'
static const char *begin = "-----BEGIN CERTIFICATE-----";
static const char *end = "-----END CERTIFICATE-----";
static const char *key = "-----BEGIN RSA PRIVATE KEY-----";
D
head -c 100000 /dev/urandom > decoy/noise.dat
head -c 100000 /dev/urandom | base64 > decoy/base64.txt
head -c 4096 /dev/urandom | od -An -tx1 > decoy/hex.txt
sha512sum keys/*.pem > decoy/SHA512SUMS
printf 'LUKS is a format. BitLocker writes -FVE-FS- at offset 3. age-encryption.org/v1\n' > decoy/prose.txt
printf '{"kty":"a word","alg":"none"}\n' > decoy/notakey.json
printf '\376\355\376\355\0\0\0\2truncated' > decoy/not.bin
printf '0\202\001\001junk that looks like DER but is not, %0400d' 1 > decoy/almost.der
python3 -c "import sqlite3; c = sqlite3.connect('decoy/plain.db'); c.execute('create table t(a)'); c.executemany('insert into t values(?)', [('x' * 900,)] * 50); c.commit()"
cp /usr/share/common-licenses/GPL-3 decoy/ 2>/dev/null || true
head -c 300000 /dev/urandom | gzip > decoy/noise.gz
head -c 2000000 /bin/bash > decoy/program.bin 2>/dev/null || true
sort -o "$labels" "$labels"
echo "corpus: $(wc -l < "$labels") labels in $out"
