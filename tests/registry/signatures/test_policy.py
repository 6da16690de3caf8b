"""What a policy asks of which source, which policies are refused, and which keys can judge."""

import argparse
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from registry.signatures.errors import BadSignaturePolicy
from registry.signatures.keys import Key, PublicKey
from registry.signatures.options import add_signature_options, policy_from
from registry.signatures.policy import parse_policy, rule_for
from registry.signatures.rule import OFF, Rule, Signatory
from registry.source import parse_source
from tests.fakes.sigstore import Sigstore, new_key, public_pem

KEY = public_pem(new_key())
TRUSTED = '["r.example"]\nmode = "require"\ntrust-root = "{}"\n'
POLICY = f'''
["registry.example.com"]
mode = "warn"
keys = ["""{KEY}"""]
["registry.example.com/models"]
mode = "require"
keys = ["""{KEY}"""]
["registry.example.com/models/open"]
mode = "off"
["huggingface.co/microsoft"]
mode = "require"
keys = ["""{KEY}"""]
'''


@pytest.mark.parametrize(
    ("source", "mode"),
    [
        ("registry.example.com/models/phi-4:v1", "require"),
        ("registry.example.com/models:v1", "require"),
        ("registry.example.com/models/open/phi-4:v1", "off"),
        ("registry.example.com/models-of-others/phi-4:v1", "warn"),
        ("registry.example.com/other:v1", "warn"),
        ("registry.example.com:5000/models/phi-4:v1", "off"),
        ("registry.example.com:443/models/phi-4:v1", "require"),
        ("registry.example.com:00080/models/phi-4:v1", "require"),
        ("Registry.EXAMPLE.com/models/phi-4:v1", "require"),
        ("oci://registry.example.com:443/models/open/phi-4:v1", "off"),
        ("[2001:db8::443]:5000/models/phi-4:v1", "off"),
        ("[2001:db8::80]/models/phi-4:v1", "off"),
        ("hf://Microsoft/phi-4", "require"),
        ("hf://microsoft/phi-4", "require"),
        ("hf://microsoft-labs/phi-4", "off"),
        ("layout:///models:v1", "off"),
    ],
)
def test_the_longest_prefix_of_whole_segments_counts(source: str, mode: str) -> None:
    """A prefix ends where a segment ends; a port is part of a registry's name, and its spelling is not."""
    assert rule_for(POLICY, parse_source(source)).mode == mode


def test_a_default_is_for_all_that_no_table_is_for() -> None:
    """It holds for layouts and for the hub as well."""
    policy = f"{POLICY}\n[_default]\nmode = 'require'\nkeys = ['''{KEY}''']\n"
    for source in ("layout:///models:v1", "hf://other/model", "ghcr.io/a/b:v1"):
        assert rule_for(policy, parse_source(source)).mode == "require"
    assert rule_for(policy, parse_source("registry.example.com/models/open/a:v1")).mode == "off"


def test_a_pod_asks_for_more_and_never_for_less() -> None:
    """A requirement turns a warning into a refusal, with the policy's own keys; without keys nobody could sign."""
    warned = parse_source("registry.example.com/other:v1")
    assert rule_for(POLICY, warned, is_required=True) == Rule(mode="require", keys=(KEY,))
    with pytest.raises(BadSignaturePolicy, match="names no key and no signatory"):
        rule_for(POLICY, parse_source("ghcr.io/a/b:v1"), is_required=True)
    with pytest.raises(BadSignaturePolicy, match="names no key"):
        rule_for("", warned, is_required=True)


def test_a_parent_without_a_table_is_judged_as_its_child() -> None:
    """A ModelKit's model may come from elsewhere: it is then held to what the child was held to."""
    child = rule_for(POLICY, parse_source("registry.example.com/models/phi-4:v1"))
    assert rule_for(POLICY, parse_source("ghcr.io/a/parent:v1"), child) == child
    assert rule_for(POLICY, parse_source("registry.example.com/models/open/p:v1"), child).mode == "off"
    assert rule_for("", parse_source("ghcr.io/a/parent:v1")) == OFF


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("=", "not TOML"),
        ('registry.example.com = {mode = "off"}', '"registry".example'),
        ('["a/../b"]\nmode = "off"', None),
        ('["https://registry.example.com"]\nmode = "off"', "under a prefix"),
        ('["r.example/"]\nmode = "off"', "under a prefix"),
        ('["r.example"]\nmode = "strict"', "require, warn or off"),
        ('["r.example"]\nkeys = []', "require, warn or off"),
        ('["r.example"]\nmode = "require"', "nobody's signature could be good"),
        ('["r.example"]\nmode = "warn"\nkeys = []', "nobody's signature could be good"),
        ('["r.example"]\nmode = "require"\nkey = "x"', '"r.example".key'),
        ('["r.example"]\nmode = "require"\nkeys = ["/etc/key.pem"]', "public keys in PEM"),
        ('["r.example"]\nmode = "require"\nkeys = "x"', "public keys in PEM"),
        ('["r.example"]\nmode = "require"\nsignatories = [{issuer = "i"}]\ntrust-root = "{}"', "either a subject"),
        (TRUSTED + 'signatories = [{issuer = "i", subject = "s", subject-pattern = "p"}]', "either a subject"),
        ('["r.example"]\nmode = "require"\nsignatories = [{issuer = "i", subject = "s"}]', "trust root"),
        (
            '["r.example"]\nmode = "require"\ntrust-root = "{}"\nsignatories = [{issuer = "i", subject-pattern = "("}]',
            "regular expression",
        ),
        ('["r.example"]\nmode = "require"\nsignatories = ["me"]\ntrust-root = "{}"', "tables with issuer"),
        ('"r.example" = "require"', "under a prefix"),
    ],
)
def test_a_policy_that_could_be_meant_otherwise_is_refused(text: str, words: str | None) -> None:
    """A spelling mistake must not switch signatures off: each message names the table, the key and what is wanted."""
    if words is None:
        assert parse_policy(text)  # such a prefix is no source's, and harms nobody
        return
    with pytest.raises(BadSignaturePolicy, match=words):
        parse_policy(text)


def test_a_pattern_is_for_the_whole_subject() -> None:
    """What only contains it is somebody else."""
    who = Signatory("https://issuer.example", pattern=r"https://ci\.example/team/.*")
    assert who.matches("https://issuer.example", "https://ci.example/team/model")
    assert not who.matches("https://issuer.example", "https://evil.example/?https://ci.example/team/model")
    assert not who.matches("https://evil.example", "https://ci.example/team/model")
    assert not Signatory("i", "me@example.com").matches("i", "me@example.com.evil")


def pem(key: Key) -> str:
    """Return a public key in PEM."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def test_keys_of_every_kind_judge_what_they_signed() -> None:
    """ECDSA on three curves, RSA in both forms, and Ed25519; another content or key does not pass."""
    content = b"payload"
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH)
    found: list[tuple[Key, bytes]] = [
        (rsa_key.public_key(), rsa_key.sign(content, padding.PKCS1v15(), hashes.SHA256())),
        (rsa_key.public_key(), rsa_key.sign(content, pss, hashes.SHA256())),
    ]
    for curve, hashed in ((ec.SECP256R1(), hashes.SHA256()), (ec.SECP384R1(), hashes.SHA384())):
        one = ec.generate_private_key(curve)
        found.append((one.public_key(), one.sign(content, ec.ECDSA(hashed))))
    last = ec.generate_private_key(ec.SECP521R1())
    found.append((last.public_key(), last.sign(content, ec.ECDSA(hashes.SHA512()))))
    edwards = ed25519.Ed25519PrivateKey.generate()
    found.append((edwards.public_key(), edwards.sign(content)))
    for number, (key, signature) in enumerate(found):
        parsed = PublicKey.parse(pem(key))
        assert parsed.signed(content, signature)
        assert not parsed.signed(content + b"!", signature)
        others = [PublicKey.parse(pem(other)) for other, _ in found if pem(other) != pem(key)]
        assert not any(other.signed(content, signature) for other in others), number


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("-----BEGIN PUBLIC KEY-----\naGVsbG8=\n-----END PUBLIC KEY-----", "no public key"),
        (pem(rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()), "1024 bits"),  # noqa: S505 - it is to be refused
        (pem(ec.generate_private_key(ec.SECP256K1()).public_key()), "secp256k1"),
    ],
)
def test_a_key_that_cannot_judge_is_refused(text: str, words: str) -> None:
    """Broken and weak keys are the operator's mistake, and never a reason to let anything pass."""
    with pytest.raises(BadSignaturePolicy, match=words):
        PublicKey.parse(text)


def parsed(*arguments: str) -> argparse.Namespace:
    """Parse the options of a verb."""
    parser = argparse.ArgumentParser()
    add_signature_options(parser)
    return parser.parse_args(arguments)


def test_options_make_a_policy_for_any_source(tmp_path: Path) -> None:
    """Keys and an identity together: either may have signed."""
    key, root = tmp_path / "key.pem", tmp_path / "root.json"
    key.write_text(KEY)
    root.write_text(Sigstore().trust_root())
    text = policy_from(
        parsed("--key", str(key), "--identity", "me@example.com", "--issuer", "https://i", "--trust-root", str(root))
    )
    rule = rule_for(text, parse_source("layout:///a:b"))
    assert rule == Rule(
        mode="require",
        keys=(KEY,),
        signatories=(Signatory("https://i", "me@example.com"),),
        trust_root=root.read_text(),
    )
    assert policy_from(parsed()) == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--require-signature",), "needs --key"),
        (("--identity", "me"), "are one"),
        (("--issuer", "https://i"), "are one"),
        (("--key", "/no/such.pem"), "cannot be read"),
    ],
)
def test_options_that_miss_another_say_which(arguments: tuple[str, ...], words: str) -> None:
    """Nothing is let pass because an option was forgotten."""
    with pytest.raises(BadSignaturePolicy, match=words):
        policy_from(parsed(*arguments))


@pytest.mark.parametrize("table", ["docker.io/org", "index.docker.io/org", "Registry-1.docker.io:443/org"])
@pytest.mark.parametrize(
    "host", ["docker.io", "index.docker.io", "registry-1.docker.io", "DOCKER.io:443", "registry.hub.docker.com"]
)
def test_every_name_of_docker_hub_is_one(table: str, host: str) -> None:
    """In the policy as well."""
    policy = f"[\"{table}\"]\nmode = 'require'\nkeys = ['''{KEY}''']\n"
    assert rule_for(policy, parse_source(f"{host}/org/model:v1")).mode == "require"


def test_both_hosts_of_the_hub_are_one() -> None:
    """Its registry answers on each."""
    policy = f'["huggingface.co/org"]\nmode = "require"\nkeys = [{json.dumps(KEY)}]'
    assert rule_for(policy, parse_source("oci://hf.co/org/model:v1")).mode == "require"
    assert rule_for(policy, parse_source("hf://org/model")).mode == "require"


@pytest.mark.parametrize("default", ["off", "warn", "require"])
def test_the_default_asks_no_less_of_a_parent_than_its_child_was_held_to(default: str) -> None:
    """A signed child names its parent by a tag that anybody may move; and a default that asks for more does."""
    policy = f"{POLICY}\n[_default]\nmode = '{default}'\nkeys = ['''{public_pem(new_key())}''']\n"
    parent = parse_source("ghcr.io/a/parent:v1")
    child = rule_for(policy, parse_source("registry.example.com/models/phi-4:v1"))
    assert rule_for(policy, parent, child) == child, "by the same keys"
    assert rule_for(policy, parent, OFF).mode == default
    assert rule_for(policy, parent).mode == default


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('["r.example"]\nmode = "off"\n["R.example:443"]\nmode = "off"', "has another one"),
        (f"[\"r.example\"]\nmode = 'require'\nkeys = ['''{KEY}{KEY}''']", "public keys in PEM"),
    ],
)
def test_two_tables_for_one_name_and_two_keys_in_one_text_are_refused(text: str, words: str) -> None:
    """One of them alone would count, and nobody could see which."""
    with pytest.raises(BadSignaturePolicy, match=words):
        parse_policy(text)
    with pytest.raises(BadSignaturePolicy, match="several keys"):
        PublicKey.parse(KEY + KEY)


def test_older_cosign_signs_by_sha256_on_every_curve() -> None:
    """As does what signs by the curve's own hash."""
    for curve in (ec.SECP384R1(), ec.SECP521R1()):
        one = ec.generate_private_key(curve)
        assert PublicKey(one.public_key()).signed(b"payload", one.sign(b"payload", ec.ECDSA(hashes.SHA256())))
