"""SSL contexts are made once for each settings."""

import datetime as dt
import ssl
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from registry.errors import BadCaFile
from registry.net.tls import Contexts, Tls, allow_sparse


def test_each_context_is_made_once() -> None:
    """By whoever comes first."""
    contexts, tls = Contexts(), Tls()
    got = [contexts.get(tls)]
    threads = [threading.Thread(target=lambda: got.append(contexts.get(tls))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 5
    assert len(set(map(id, got))) == 1
    assert contexts.get(Tls(skip_verify=True)) is not got[0]


def test_a_context_that_cannot_be_made_is_told_each_time(tmp_path: Path) -> None:
    """The file may be there the next time."""
    contexts, tls = Contexts(), Tls.trusting(str(tmp_path / "absent.pem"))
    for _ in range(2):
        with pytest.raises(BadCaFile, match=r"absent\.pem"):
            contexts.get(tls)


def test_a_certificate_without_key_identifiers_is_accepted(tmp_path: Path) -> None:
    """As by Go and by kubectl; Python refuses it by default since 3.13, and clusters have such CAs."""
    ca, server = _sparse(tmp_path)
    strict = ssl.create_default_context(cadata=ca)
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    with pytest.raises(ssl.SSLCertVerificationError):
        _shake_hands(strict, server)
    allow_sparse(strict)
    _shake_hands(strict, server)
    assert not Tls().context().verify_flags & ssl.VERIFY_X509_STRICT


def _sparse(folder: Path) -> tuple[str, ssl.SSLContext]:
    """Return a CA in PEM, and a server's context with a certificate of it; neither has a key identifier."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in ("ca", "server")]
    now = dt.datetime.now(dt.UTC)
    made = []
    for key, name, is_ca in zip(keys, names, (True, False), strict=True):
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(names[0]).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - dt.timedelta(days=1))
        builder = builder.not_valid_after(now + dt.timedelta(days=1))
        builder = builder.add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("server")]), critical=False)
        made.append(builder.sign(keys[0], hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    key_text = keys[1].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "pair.pem").write_bytes(made[1] + key_text)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "pair.pem")
    return made[0].decode(), context


def _shake_hands(client: ssl.SSLContext, server: ssl.SSLContext) -> None:
    """Pass records between both ends in memory until each has had its say. Raises ssl.SSLError."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(back, there, server_hostname="server"), server.wrap_bio(there, back, server_side=True)]
    for _ in range(3):
        for end in ends:
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
