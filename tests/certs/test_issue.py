"""Laws of the certificates: what they cover, for how long, and who believes them."""

import datetime as dt
import socket
import ssl
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st

from certs.bundle import Bundle
from certs.errors import BadNameError, BadValidityError
from certs.issue import issue
from certs.names import Names

NOW = dt.datetime(2026, 3, 1, 12, 0, 30, 5, tzinfo=dt.UTC)
NAMES = Names.parse("weighbridge-webhook", "weighbridge-system", ["hooks.example.org"], ["127.0.0.1", "::1"])
LABELS = st.from_regex(r"[a-z](?:[a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)


def _handshake(bundle: Bundle, folder: Path, name: str) -> None:
    """Serve with the leaf on one end of a socket pair, and check it as `name` on the other."""
    for file, content in (("tls.crt", bundle.certificate), ("tls.key", bundle.key)):
        (folder / file).write_bytes(content)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    client = ssl.create_default_context(cadata=bundle.ca_certificate.decode())
    client.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    ours, theirs = socket.socketpair()
    serving = threading.Thread(target=_serve, args=(server, theirs))
    serving.start()
    try:
        with ours, client.wrap_socket(ours, server_hostname=name):
            pass
    finally:
        serving.join()


def _serve(context: ssl.SSLContext, connection: socket.socket) -> None:
    with connection:
        try:
            context.wrap_socket(connection, server_side=True).close()
        except OSError:
            return  # the client says what it did not like


@pytest.mark.parametrize(
    "name",
    [
        "weighbridge-webhook",
        "weighbridge-webhook.weighbridge-system",
        "weighbridge-webhook.weighbridge-system.svc",
        "weighbridge-webhook.weighbridge-system.svc.cluster.local",
        "hooks.example.org",
        "127.0.0.1",
        "::1",
    ],
)
def test_a_strict_client_that_has_the_ca_believes_every_name(name: str, tmp_path: Path) -> None:
    """Every SAN passes a TLS handshake in OpenSSL's strict mode."""
    _handshake(issue(NAMES, dt.datetime.now(dt.UTC)), tmp_path, name)


def test_no_client_believes_a_name_that_was_not_asked_for(tmp_path: Path) -> None:
    """The leaf covers its names and nothing else."""
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(issue(NAMES, dt.datetime.now(dt.UTC)), tmp_path, "weighbridge-webhook.elsewhere.svc")


@settings(max_examples=20)
@given(service=LABELS, namespace=LABELS)
def test_the_leaf_carries_exactly_the_names_of_its_service(service: str, namespace: str) -> None:
    """For any Service the SANs are its four DNS names, and the CA's key signed them."""
    bundle = issue(Names.parse(service, namespace, [], []), NOW)
    leaf = x509.load_pem_x509_certificate(bundle.certificate)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    inside = f"{service}.{namespace}"
    expected = [service, inside, f"{inside}.svc", f"{inside}.svc.cluster.local"]
    assert names.get_values_for_type(x509.DNSName) == expected
    leaf.verify_directly_issued_by(x509.load_pem_x509_certificate(bundle.ca_certificate))


def test_the_ca_lives_ten_years_and_the_leaf_one_both_from_an_hour_ago() -> None:
    """A clock that runs behind ours must not refuse a fresh certificate."""
    bundle = issue(NAMES, NOW)
    ca = x509.load_pem_x509_certificate(bundle.ca_certificate)
    leaf = x509.load_pem_x509_certificate(bundle.certificate)

    start = NOW.replace(microsecond=0)
    assert ca.not_valid_before_utc == leaf.not_valid_before_utc == start - dt.timedelta(hours=1)
    assert ca.not_valid_after_utc == start + dt.timedelta(days=3650)
    assert leaf.not_valid_after_utc == start + dt.timedelta(days=365)


def test_the_leaf_may_serve_and_nothing_else() -> None:
    """Its key signs handshakes of a server; the CA's key signs certificates, and no further CA."""
    bundle = issue(NAMES, NOW)
    leaf = x509.load_pem_x509_certificate(bundle.certificate).extensions
    ca = x509.load_pem_x509_certificate(bundle.ca_certificate).extensions

    purposes = leaf.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.SERVER_AUTH]
    usage = leaf.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert (usage.value.digital_signature, usage.value.key_cert_sign) == (True, False)
    assert not leaf.get_extension_for_class(x509.BasicConstraints).value.ca
    assert ca.get_extension_for_class(x509.BasicConstraints).value == x509.BasicConstraints(ca=True, path_length=0)
    assert ca.get_extension_for_class(x509.KeyUsage).value.key_cert_sign


def test_keys_come_from_the_maker_that_was_given_and_never_show_in_repr() -> None:
    """Randomness is an argument, and a bundle in a log line gives nothing away."""
    made: list[ec.EllipticCurvePrivateKey] = []

    def make() -> ec.EllipticCurvePrivateKey:
        made.append(ec.generate_private_key(ec.SECP256R1()))
        return made[-1]

    bundle = issue(NAMES, NOW, make_key=make)

    assert len(made) == 2
    assert "PRIVATE" not in repr(bundle)


@pytest.mark.parametrize("days", [0, -1, 3651])
def test_a_leaf_that_its_ca_cannot_cover_is_refused(days: int) -> None:
    """A leaf lives at least a day and never longer than the CA."""
    with pytest.raises(BadValidityError) as caught:
        issue(NAMES, NOW, days)

    assert caught.value.code == "certs.bad-validity"


@pytest.mark.parametrize(
    ("service", "namespace", "dns", "address"),
    [
        ("Upper", "ns", [], []),
        ("a.b", "ns", [], []),
        ("svc", "", [], []),
        ("svc", "n" * 64, [], []),
        ("svc", "ns", ["under_score.example"], []),
        ("svc", "ns", ["a." * 127 + "b"], []),
        ("svc", "ns", [], ["127.0.0.256"]),
    ],
)
def test_a_name_that_no_client_could_ask_for_is_refused(
    service: str, namespace: str, dns: list[str], address: list[str]
) -> None:
    """Wrong names are told before anything is signed."""
    with pytest.raises(BadNameError):
        Names.parse(service, namespace, dns, address)
