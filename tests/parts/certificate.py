"""Certificates of addresses, for servers of tests and benchmarks."""

import datetime as dt
import ipaddress
import ssl
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def certificate_for_localhost(folder: Path) -> tuple[Path, Path]:
    """Make a self-signed certificate for 127.0.0.1."""
    return certificate_for("127.0.0.1", folder)


def tls_for_localhost(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Make a server's TLS for 127.0.0.1; return its context, and the file of the CA that clients must trust."""
    certificate, key = certificate_for_localhost(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate


def certificate_for(address: str, folder: Path) -> tuple[Path, Path]:
    """Make a self-signed certificate for an IP address; return the files of certificate and key."""
    return certificate_of([x509.IPAddress(ipaddress.ip_address(address))], folder)


def certificate_of(names: Sequence[x509.GeneralName], folder: Path) -> tuple[Path, Path]:
    """Make a self-signed certificate of names; return the files of certificate and key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "tls.crt", folder / "tls.key"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files
