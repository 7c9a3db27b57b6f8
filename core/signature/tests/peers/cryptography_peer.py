"""Signs and verifies statements with Python's `cryptography`, and knows nothing of Pannier.

  make FOLDER BITS ALG STATEMENT  a key, an authority, a certificate by it, and a JWS: key.pem, root.pem, chain.pem, jws
  verify JWS                      fails unless the JWS is by the key of the first certificate in its x5c; prints the payload
"""

import base64
import datetime
import json
import pathlib
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

HASHES = {"RS256": hashes.SHA256(), "RS384": hashes.SHA384(), "RS512": hashes.SHA512()}


def encode(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def decode(text):
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


def certificate(name, key, issuer, issuer_key, is_authority):
    def named(common):
        return x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example School"),
                x509.NameAttribute(NameOID.COMMON_NAME, common),
            ]
        )

    return (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.datetime(2026, 1, 1))
        .not_valid_after(datetime.datetime(2036, 1, 1))
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


def make(folder, bits, alg, statement):
    folder = pathlib.Path(folder)
    key = rsa.generate_private_key(65537, int(bits))
    root_key = rsa.generate_private_key(65537, 2048)
    root = certificate("Authority", root_key, "Authority", root_key, True)
    own = certificate("Ada, of Python", key, "Authority", root_key, False)
    own_der = own.public_bytes(serialization.Encoding.DER)
    header = {"alg": alg, "x5c": [base64.b64encode(own_der).decode()]}
    payload = pathlib.Path(statement).read_bytes()
    signed = encode(json.dumps(header).encode()) + b"." + encode(payload)
    signature = key.sign(signed, padding.PKCS1v15(), HASHES[alg])
    (folder / "jws").write_bytes(signed + b"." + encode(signature))
    (folder / "root.pem").write_bytes(root.public_bytes(serialization.Encoding.PEM))
    (folder / "chain.pem").write_bytes(own.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def verify(jws):
    header, payload, signature = pathlib.Path(jws).read_bytes().split(b".")
    parameters = json.loads(decode(header))
    own = x509.load_der_x509_certificate(base64.b64decode(parameters["x5c"][0], validate=True))
    own.public_key().verify(
        decode(signature), header + b"." + payload, padding.PKCS1v15(), HASHES[parameters["alg"]]
    )
    sys.stdout.buffer.write(decode(payload))


if __name__ == "__main__":
    {"make": make, "verify": verify}[sys.argv[1]](*sys.argv[2:])
