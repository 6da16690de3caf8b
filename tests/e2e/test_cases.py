"""The admission cases at a real API server: what they expect of the functions holds for whoever applies a pod."""

import copy
import json
from collections.abc import Iterator

import pytest
from kubernetes.client.exceptions import ApiException

from tests.cases import Case, load_cases
from tests.parts.admission import pointed_at, registered, running_webhook
from tests.parts.apiserver import ApiServer
from tests.parts.objects import Namespace, Object, Objects
from webhook.injection.inject import Injection, inject
from webhook.manifests.files import admit_manifest

from .conftest import OPTED_IN, labelled_pod
from .passes import as_new, changes, pullers, stored

CATALOG = {"phi-4": "oci://registry.example.com/models/phi-4:v1"}
CASES = load_cases()
USUAL = [case for case in CASES if not (case.given_settings or case.answers) and case.given_catalog == CATALOG]
OTHERS = [case for case in CASES if case not in USUAL]

_REFUSED_BEFORE_US = {"refused-name-not-text"}  # to the API server labels are texts


@pytest.fixture(scope="module")
def asking(objects: Objects, configuration: Object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Objects]:
    """Have the API server ask a webhook with the usual catalog and no settings."""
    with (
        running_webhook(tmp_path_factory.mktemp("cases"), CATALOG, {}) as webhook,
        registered(objects, pointed_at(webhook, configuration), labelled_pod("probe", "phi-4")),
    ):
        yield objects


@pytest.fixture
def opted_in(asking: Objects) -> Namespace:
    """Make a namespace that opted in and enforces the restricted profile."""
    return asking.namespace("cases", OPTED_IN)


def injected(case: Case) -> Object:
    """Return what the functions make of a case."""
    outcome = inject(case.pod, case.catalog, case.settings, case.ask)
    assert isinstance(outcome, Injection)
    return outcome.pod


def _injected(cases: list[Case]) -> list[object]:
    return [pytest.param(case, id=case.name) for case in cases if case.expect_pod and case.restricted]


@pytest.mark.parametrize("case", _injected(USUAL))
def test_the_api_server_takes_the_case_and_a_second_pass_changes_nothing(
    case: Case, opted_in: Namespace, api_server: ApiServer
) -> None:
    """An injected pod satisfies the restricted profile, and is known when it comes again."""
    first = opted_in.create(copy.deepcopy(case.pod))
    second = opted_in.create(as_new(first, "second"))

    assert pullers(first) == pullers(injected(case))
    assert stored(second) == stored(first)
    assert not changes(api_server, second)


@pytest.mark.parametrize("case", _injected(USUAL))
def test_what_was_injected_offline_is_what_the_webhook_makes(case: Case, opted_in: Namespace) -> None:
    """The API server makes the same of the output of `inject` as of the pod itself.

    Its own tolerations come after those that a pod brings, and before those that a webhook adds. A webhook sees amounts
    that the API server spelled anew, so the records may differ.
    """
    offline = admit_manifest(case.pod, case.catalog, case.settings).manifest
    made = [opted_in.create(copy.deepcopy(pod), dry_run="All") for pod in (offline, case.pod)]
    for pod in made:
        pod["spec"].get("tolerations", []).sort(key=json.dumps)

    assert made[0]["spec"] == made[1]["spec"]
    assert made[0]["metadata"]["annotations"].keys() == made[1]["metadata"]["annotations"].keys()


@pytest.mark.parametrize("case", _injected(OTHERS))
def test_the_api_server_takes_what_other_settings_inject(case: Case, objects: Objects) -> None:
    """Whatever the operator decided, the outcome is a pod that the restricted profile lets in."""
    pod = injected(case)
    enforcing = {key: value for key, value in OPTED_IN.items() if key.startswith("pod-security")}

    assert pullers(objects.namespace("others", enforcing).create(pod)) == pullers(pod)


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case.name) for case in USUAL if case.expect_refusal and case.name not in _REFUSED_BEFORE_US],
)
def test_whoever_applies_a_pod_that_is_refused_reads_why(case: Case, opted_in: Namespace) -> None:
    """The refusal's code and its facts reach the user's terminal."""
    with pytest.raises(ApiException) as caught:
        opted_in.create(copy.deepcopy(case.pod))

    message = json.loads(caught.value.body or "")["message"]
    assert message.startswith('admission webhook "pods.weighbridge.dev" denied the request')
    assert f"[{case.expect_refusal}]" in message
    assert case.expect_message in message


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case.name) for case in USUAL if case.expect_skip and case.restricted]
)
def test_a_pod_that_is_skipped_starts_as_it_is(case: Case, opted_in: Namespace) -> None:
    """Being left alone is not being refused."""
    made = opted_in.create(copy.deepcopy(case.pod))

    assert pullers(made) == pullers(case.pod)
