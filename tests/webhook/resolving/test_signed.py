"""What admission says of a signature, the puller says, too; where admission cannot tell, it is silent."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from registry.manifest import MANIFEST_TYPE
from registry.reference import Reference
from registry.signatures.errors import BadSignature
from tests.fakes import faults
from tests.fakes.manner import Manner
from tests.fakes.registry import fake_registry
from tests.fakes.sigstore import new_key, public_pem
from tests.registry.signatures.signed import Signed, policy
from tests.registry.signatures.test_check import GOOD, REFUSED, pulled
from webhook.catalog import Catalog
from webhook.contract import MODEL, REQUIRE_SIGNATURE, SOURCE
from webhook.injection.inject import Injection, inject
from webhook.resolving.answer import Answer, Facts
from webhook.resolving.policy import Policy
from webhook.resolving.question import QuestionSettings
from webhook.resolving.resolver import Bounds, Resolver
from webhook.settings import Settings

from .one import resolve_one

_ALL = {**GOOD, **{name: sign for name, (_, sign) in REFUSED.items()}}
_TOLD = ("signature.missing", "signature.untrusted")


@pytest.fixture
def signed() -> Iterator[Signed]:
    """Serve a model that nobody signed yet."""
    with fake_registry() as fake:
        yield Signed(fake)


def answer(signed: Signed, text: str, bounds: Bounds | None = None) -> Answer:
    """Return what admission learns of the model, under a policy."""
    resolver = Resolver(
        lambda: Policy.of(signed.fake.address),
        QuestionSettings(signatures=text),
        bounds or Bounds(deadline_seconds=20),
    )
    found = resolve_one(resolver, "team", Reference.parse(signed.fake.reference()))
    resolver.close()
    return found


def said(signed: Signed, text: str, bounds: Bounds | None = None) -> str:
    """Return what admission says of the model's signature."""
    found = answer(signed, text, bounds)
    assert isinstance(found, Facts)
    return found.signature


def by_key(signed: Signed) -> str:
    """Return a policy that requires the key."""
    return policy([public_pem(signed.key)])


@pytest.mark.parametrize("sign", _ALL.values(), ids=_ALL)
def test_admission_is_never_at_odds_with_the_puller(
    signed: Signed, tmp_path: Path, sign: Callable[[Signed], None]
) -> None:
    """Whatever is signed how: `good` is pulled, and a failure is the puller's own code."""
    sign(signed)
    early = said(signed, by_key(signed))
    try:
        pulled(signed, tmp_path, signatures=by_key(signed))
        late = "good"
    except BadSignature as failure:
        late = failure.code
    assert early in (late, "")
    assert early or late != "signature.missing", "what has no signature at all is said early"


@pytest.mark.parametrize("form", ["cosign", "attach"])
def test_a_good_signature_by_a_key_is_known_at_admission(signed: Signed, form: str) -> None:
    """In both forms that lie beside the artifact."""
    if form == "cosign":
        signed.cosign()
    else:
        signed.attach(signed.bundle())
    assert said(signed, by_key(signed)) == "good"


def test_certificates_are_for_the_puller(signed: Signed) -> None:
    """A policy that names signatories is not judged at admission, whoever signed."""
    assert said(signed, signed.policy) == ""
    assert len(signed.fake.requests) == 1


def test_an_index_without_a_signature_is_for_the_puller(signed: Signed) -> None:
    """Its manifest may have a model signature."""
    size = len(signed.fake.manifests[str(signed.digest)])
    child = {"mediaType": MANIFEST_TYPE, "digest": str(signed.digest), "size": size}
    signed.fake.manifests["v1"] = json.dumps({"schemaVersion": 2, "manifests": [child]}).encode()
    assert said(signed, by_key(signed)) == ""


@pytest.mark.parametrize("fault", [faults.status(500), faults.status(401), faults.mannered(Manner(trickles_at=0))])
def test_a_registry_that_fails_proves_nothing(signed: Signed, fault: Any) -> None:
    """Neither by its answer for signatures, nor by taking its time: the pod's digest is known all the same."""
    signed.fake.fail(fault, path=".sig")
    assert said(signed, by_key(signed), Bounds(deadline_seconds=2)) == ""


def test_a_failure_is_asked_again_soon(signed: Signed) -> None:
    """Whoever signs the model after a refusal applies it again at once."""
    now = [0.0]
    resolver = Resolver(
        lambda: Policy.of(signed.fake.address),
        QuestionSettings(signatures=by_key(signed)),
        Bounds(deadline_seconds=20, clock=lambda: now[0]),
    )
    reference = Reference.parse(signed.fake.reference())._replace(digest=signed.digest)
    found = []
    for moment in (0.0, 11.0, 22.0):
        now[0] = moment
        found.append(resolve_one(resolver, "team", reference))
        signed.cosign()
    resolver.close()
    assert [one.signature for one in found if isinstance(one, Facts)] == ["signature.missing", "good", "good"]


@pytest.mark.parametrize("sign", [lambda _: None, lambda one: one.cosign(key=new_key())], ids=["nothing", "a stranger"])
@pytest.mark.parametrize(
    ("mode", "asks", "is_refused"),
    [
        ("require", False, True),
        ("warn", False, False),
        ("warn", True, True),
        ("off", False, False),
    ],
)
def test_a_pod_is_told_at_its_admission(
    signed: Signed, sign: Callable[[Signed], None], mode: str, *, asks: bool, is_refused: bool
) -> None:
    """Refused where a signature is required, by the policy or by the pod; warned where it is looked for."""
    sign(signed)
    text = by_key(signed).replace('"require"', f'"{mode}"')
    annotations = {SOURCE.name: signed.fake.reference(), **({REQUIRE_SIGNATURE.name: "true"} if asks else {})}
    pod = {
        "metadata": {"labels": {MODEL.name: "phi-4"}, "annotations": annotations},
        "spec": {"containers": [{"name": "server"}]},
    }
    settings = Settings(signatures=text, plain_http=(signed.fake.address,))
    found = answer(signed, text)
    if is_refused:
        with pytest.raises(BadSignature, match=str(signed.digest)) as caught:
            inject(pod, Catalog(), settings, lambda _: (found,))
        assert caught.value.code in _TOLD
        return
    outcome = inject(pod, Catalog(), settings, lambda _: (found,))
    assert isinstance(outcome, Injection)
    assert outcome.status.signatures == mode
    assert any("[source.unsigned]" in one for one in outcome.warnings) is (mode == "warn")
