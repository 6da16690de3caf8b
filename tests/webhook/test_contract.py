"""The contract's table."""

import re

from ruamel.yaml import YAML

from registry.errors import Fault
from tests.fakes.sigstore import new_key, public_pem
from tests.test_house import ROOT
from webhook.catalog import Catalog
from webhook.contract import COPIED, INJECTION, KEYS, MODEL, SOURCE, STATUS
from webhook.injection.inject import ALREADY, Injection, inject
from webhook.names import DOMAIN
from webhook.refusals import Refusal
from webhook.request import Request
from webhook.settings import Settings
from webhook.warnings import warnings


def test_every_key_is_told_in_full() -> None:
    """README's table is made of these words."""
    assert len({key.name for key in KEYS}) == len(KEYS)
    for key in KEYS:
        assert key.name.startswith(DOMAIN)
        assert all((key.values, key.default, key.meaning))


def test_the_page_for_users_has_an_example_of_every_key() -> None:
    """A pod with all of them is injected, and nothing of it is unknown or warned of."""
    text = (ROOT / "docs" / "pods.md").read_text()
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    pod = YAML(typ="safe", pure=True).load(example)
    shown = {*pod["metadata"]["labels"], *pod["metadata"]["annotations"]}
    assert shown == {key.name for key in KEYS} - {INJECTION.name, STATUS.name, COPIED.name}
    settings = Settings(signatures=f'[_default]\nmode = "warn"\nkeys = [""" {public_pem(new_key())} """]')
    outcome = inject(pod, Catalog(), settings)
    assert isinstance(outcome, Injection)
    assert (warnings(pod), outcome.warnings) == ((), ())
    assert inject(outcome.pod, Catalog(), settings) is ALREADY


def test_a_pod_that_says_only_its_model_leaves_the_rest_to_us() -> None:
    """Absent keys are None, or the contract's default."""
    request = Request.read({"metadata": {"labels": {MODEL.name: "phi-4"}}})
    assert (request.model, request.source, str(request.volume), request.tolerations) == (
        "phi-4",
        None,
        "emptydir",
        "auto",
    )


def test_a_key_of_another_domain_is_none_of_our_business() -> None:
    """Warnings are about our own keys alone."""
    held = {"weighbridge.example.com/x": "y", "sidecar.istio.io/inject": "true"}
    assert warnings({"metadata": {"labels": held, "annotations": held | {SOURCE.name: "x"}}}) == ()


def test_every_refusal_has_a_code_of_its_own() -> None:
    """Codes are what logs and people search for."""
    codes = [refusal.code for refusal in Refusal.__subclasses__()]
    assert len(set(codes)) == len(codes)
    assert Fault.code not in codes


def test_of_many_keys_that_do_nothing_the_first_are_told_and_the_others_counted() -> None:
    """An annotation may be as long as a quarter of a megabyte: what is told of it is short."""
    held = {f"{DOMAIN}{number}-{'x' * 200}": "y" for number in range(6000)}
    told = warnings({"metadata": {"annotations": held}})

    assert len(told) == 6
    assert "and 5,995 more annotations" in told[-1]
    assert all(len(warning) < 120 for warning in told)
