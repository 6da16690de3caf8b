"""A Sigstore instance in this process: a CA like Fulcio, a certificate log, and a transparency log like Rekor.

It issues certificates for whoever asks, and bundles that a verifier with its trust root accepts; tests then harm them.
"""

import base64
import hashlib
import json
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

SUBJECT, ISSUER = "https://ci.example/team/model", "https://issuer.example"
_SCT_LIST, _ISSUER_OID = "1.3.6.1.4.1.11129.2.4.2", "1.3.6.1.4.1.57264.1.8"
_DER, _SPKI = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_PAYLOAD_TYPE = "application/vnd.in-toto+json"

Key = ec.EllipticCurvePrivateKey


def new_key() -> Key:
    """Return a key on P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def public_pem(key: Key) -> str:
    """Return a key's public half in PEM."""
    return key.public_key().public_bytes(serialization.Encoding.PEM, _SPKI).decode()


def private_pem(key: Key) -> bytes:
    """Return a key in PEM, not encrypted."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def signed_by(key: Key, content: bytes) -> bytes:
    """Return an ECDSA signature with SHA-256."""
    return key.sign(content, ec.ECDSA(hashes.SHA256()))


def pre_authentication(payload: bytes, kind: str = _PAYLOAD_TYPE) -> bytes:
    """Return what an envelope's signature is made over."""
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)


def statement(subject: str, predicate_type: str, predicate: object) -> bytes:
    """Return an in-toto statement about a sha256 in hexadecimal."""
    found = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "model", "digest": {"sha256": subject}}],
        "predicateType": predicate_type,
        "predicate": predicate,
    }
    return json.dumps(found).encode()


def key_bundle(key: Key, payload: bytes) -> dict[str, Any]:
    """Return a bundle that a key signed."""
    hint = base64.b64encode(hashlib.sha256(key.public_key().public_bytes(_DER, _SPKI)).digest()).decode()
    return {
        "mediaType": BUNDLE_TYPE,
        "verificationMaterial": {"publicKey": {"hint": hint}, "tlogEntries": []},
        "dsseEnvelope": _envelope(payload, signed_by(key, pre_authentication(payload))),
    }


@dataclass
class Sigstore:
    """One instance. Its keys may be exchanged, so that what it makes is trusted by nobody."""

    ca_key: Key = field(default_factory=new_key)
    ct_key: Key = field(default_factory=new_key)
    log_key: Key = field(default_factory=new_key)
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def __post_init__(self) -> None:
        self.ca = self._ca()

    def trust_root(self) -> str:
        """Return the JSON of its trust root."""
        valid = {"start": "2020-01-01T00:00:00Z"}
        authority = {
            "subject": {"organization": "tests", "commonName": "tests"},
            "uri": "https://fulcio.example",
            "certChain": {"certificates": [{"rawBytes": _b64(self.ca.public_bytes(_DER))}]},
            "validFor": valid,
        }
        return json.dumps(
            {
                "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
                "tlogs": [_log(self.log_key, "https://rekor.example", valid)],
                "certificateAuthorities": [authority],
                "ctlogs": [_log(self.ct_key, "https://ct.example", valid)],
                "timestampAuthorities": [],
            }
        )

    def bundle(
        self, payload: bytes, *, subject: str = SUBJECT, issuer: str = ISSUER, life: timedelta = timedelta(minutes=10)
    ) -> dict[str, Any]:
        """Return a bundle signed by a new key, whose certificate names a subject; it is logged a minute later."""
        key = new_key()
        certificate = self.certificate(key, subject, issuer, life)
        signature = signed_by(key, pre_authentication(payload))
        return {
            "mediaType": BUNDLE_TYPE,
            "verificationMaterial": {
                "certificate": {"rawBytes": _b64(certificate.public_bytes(_DER))},
                "tlogEntries": [self.entry(payload, signature, certificate)],
            },
            "dsseEnvelope": _envelope(payload, signature),
        }

    def classic(
        self,
        payload: bytes,
        *,
        subject: str = SUBJECT,
        issuer: str = ISSUER,
        life: timedelta = timedelta(minutes=10),
        late: timedelta = timedelta(minutes=1),
    ) -> dict[str, str]:
        """Return the annotations of cosign's classic signature of a payload, by a new key and its certificate.

        It is logged `late` after the certificate was made.
        """
        key = new_key()
        pem = self.certificate(key, subject, issuer, life).public_bytes(serialization.Encoding.PEM)
        signature = _b64(signed_by(key, payload))
        data = {"hash": {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()}}
        spec = {"data": data, "signature": {"content": signature, "publicKey": {"content": _b64(pem)}}}
        promise = {
            "body": _b64(_canonical({"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": spec})),
            "integratedTime": int((self.now + late).timestamp()),
            "logID": _key_id(self.log_key).hex(),
            "logIndex": 7,
        }
        bundle = {"SignedEntryTimestamp": _b64(signed_by(self.log_key, _canonical(promise))), "Payload": promise}
        return {
            "dev.cosignproject.cosign/signature": signature,
            "dev.sigstore.cosign/certificate": pem.decode(),
            "dev.sigstore.cosign/bundle": json.dumps(bundle),
        }

    def certificate(self, key: Key, subject: str, issuer: str, life: timedelta) -> x509.Certificate:
        """Return a certificate with a proof that the certificate log has seen it (RFC 6962, 3.2)."""
        plain = self._unlogged(key, subject, issuer, life)
        tbs = plain.sign(self.ca_key, hashes.SHA256()).tbs_certificate_bytes
        spki = hashlib.sha256(self.ca_key.public_key().public_bytes(_DER, _SPKI)).digest()
        milliseconds = int(self.now.timestamp() * 1000)
        entry = struct.pack(f"!BBQH32s3s{len(tbs)}sH", 0, 0, milliseconds, 1, spki, len(tbs).to_bytes(3), tbs, 0)
        signature = signed_by(self.ct_key, entry)
        head = struct.pack("!B32sQHBBH", 0, _key_id(self.ct_key), milliseconds, 0, 4, 3, len(signature))
        one = head + signature
        listed = struct.pack("!HH", len(one) + 2, len(one)) + one
        length = bytes([len(listed)]) if len(listed) < 0x80 else bytes([0x81, len(listed)])
        value = b"\x04" + length + listed
        logged = plain.add_extension(
            x509.UnrecognizedExtension(x509.ObjectIdentifier(_SCT_LIST), value), critical=False
        )
        return logged.sign(self.ca_key, hashes.SHA256())

    def entry(self, payload: bytes, signature: bytes, certificate: x509.Certificate) -> dict[str, Any]:
        """Return the entry of the transparency log, which holds this one alone."""
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        spec = {
            "envelopeHash": {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()},
            "payloadHash": {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()},
            "signatures": [{"signature": _b64(signature), "verifier": _b64(pem)}],
        }
        body = _canonical({"apiVersion": "0.0.1", "kind": "dsse", "spec": spec})
        root = hashlib.sha256(b"\0" + body).digest()
        time = int((self.now + timedelta(minutes=1)).timestamp())
        key_id = _key_id(self.log_key)
        promise = {"body": _b64(body), "integratedTime": time, "logID": key_id.hex(), "logIndex": 0}
        note = f"rekor.example - 1\n1\n{_b64(root)}\n"
        mark = _b64(key_id[:4] + signed_by(self.log_key, note.encode()))
        return {
            "logIndex": "0",
            "logId": {"keyId": _b64(key_id)},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": str(time),
            "inclusionPromise": {"signedEntryTimestamp": _b64(signed_by(self.log_key, _canonical(promise)))},
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": _b64(root),
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {"envelope": f"{note}\n\u2014 rekor.example {mark}\n"},
            },
            "canonicalizedBody": _b64(body),
        }

    def _ca(self) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")])
        public = self.ca_key.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(public)
            .serial_number(1)
            .not_valid_before(self.now - timedelta(days=400))
            .not_valid_after(self.now + timedelta(days=400))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .sign(self.ca_key, hashes.SHA256())
        )

    def _unlogged(self, key: Key, subject: str, issuer: str, life: timedelta) -> x509.CertificateBuilder:
        who = x509.RFC822Name(subject) if "@" in subject else x509.UniformResourceIdentifier(subject)
        text = issuer.encode()
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.ca_key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self.ca.subject)
            .public_key(key.public_key())
            .serial_number(2)
            .not_valid_before(self.now)
            .not_valid_after(self.now + life)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(authority, critical=False)
            .add_extension(x509.SubjectAlternativeName([who]), critical=True)
            .add_extension(
                x509.UnrecognizedExtension(x509.ObjectIdentifier(_ISSUER_OID), b"\x0c" + bytes([len(text)]) + text),
                critical=False,
            )
        )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _envelope(payload: bytes, signature: bytes) -> dict[str, Any]:
    return {
        "payload": _b64(payload),
        "payloadType": _PAYLOAD_TYPE,
        "signatures": [{"sig": _b64(signature), "keyid": ""}],
    }


def _log(key: Key, url: str, valid: dict[str, str]) -> dict[str, Any]:
    raw = key.public_key().public_bytes(_DER, _SPKI)
    return {
        "baseUrl": url,
        "hashAlgorithm": "SHA2_256",
        "publicKey": {"rawBytes": _b64(raw), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": valid},
        "logId": {"keyId": _b64(_key_id(key))},
    }


def _key_id(key: Key) -> bytes:
    return hashlib.sha256(key.public_key().public_bytes(_DER, _SPKI)).digest()


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode()
