"""Installs in which one thing is broken until a block ends: the line of `check` that must say so, and its hint."""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from certs.issue import issue
from certs.manifests import secret
from certs.names import Names
from tests.e2e.conftest import labelled_pod
from tests.parts.objects import Object
from tests.parts.process import poll

from .conftest import SYSTEM, TEAM, Install, base64_text, comes_back_injected, set_status

Break = Callable[[Install], AbstractContextManager[None]]
_POLICY = Path(__file__).parents[2] / "deploy" / "components" / "policy" / "pods.yaml"
_ADMISSION = "admissionregistration.k8s.io/v1"


@dataclass(frozen=True)
class Sabotage:
    """What is broken, which line says so, with which mark, in which words, and with which hint."""

    broken: Break
    check: str
    words: str
    hint: str
    mark: str = "error"


def _deployment(install: Install) -> Object:
    return install.read("apps/v1", "Deployment", "weighbridge-webhook", SYSTEM)


def _config_map(install: Install, name: str) -> Object:
    return install.read("v1", "ConfigMap", name, SYSTEM)


def _configuration(install: Install) -> Object:
    return install.read(_ADMISSION, "MutatingWebhookConfiguration", "admission.weighbridge.dev")


@contextmanager
def _status(install: Install, document: Object, status: Object, healthy: Object) -> Iterator[None]:
    set_status(install.server, document, status)
    try:
        yield
    finally:
        set_status(install.server, document, healthy)


def no_deployment(install: Install) -> AbstractContextManager[None]:
    """Remove the Deployment; its status must be played again."""

    @contextmanager
    def removed() -> Iterator[None]:
        with install.absent(_deployment(install)):
            yield
        set_status(install.server, _deployment(install), {"replicas": 2, "readyReplicas": 2, "availableReplicas": 2})

    return removed()


def replicas(available: int) -> Break:
    """Leave so many replicas available."""
    return lambda install: _status(
        install,
        _deployment(install),
        {"replicas": 2, "readyReplicas": available, "availableReplicas": available},
        {"replicas": 2, "readyReplicas": 2, "availableReplicas": 2},
    )


def waiting(reason: str, message: str, **more: Any) -> Break:
    """Have the webhook's container wait."""

    def broken(install: Install) -> AbstractContextManager[None]:
        pod = install.read("v1", "Pod", "weighbridge-webhook-0", SYSTEM)
        container = {"name": "webhook", "image": "x", "imageID": "x", "ready": False, "restartCount": 0}
        waits = container | {"state": {"waiting": {"reason": reason, "message": message}}} | more
        well = container | {"ready": True, "state": {"running": {}}}
        return _status(install, pod, {"containerStatuses": [waits]}, {"containerStatuses": [well]})

    return broken


def no_endpoints(install: Install) -> AbstractContextManager[None]:
    """Have the Service lead nowhere."""
    found = install.read("discovery.k8s.io/v1", "EndpointSlice", "weighbridge-webhook-x", SYSTEM)
    return install.changed(found, lambda one: one["endpoints"][0].update(conditions={"ready": False}))


def setting(name: str, value: str) -> Break:
    """Write a setting."""
    return lambda install: install.changed(
        _config_map(install, "weighbridge-config"), lambda one: one["data"].update({f"WEIGHBRIDGE_{name}": value})
    )


def entry(name: str, text: str) -> Break:
    """Write an entry of the catalog, in which {registry} is the real one."""
    return lambda install: install.changed(
        _config_map(install, "weighbridge-catalog"),
        lambda one: one["data"].update({name: text.format(registry=install.registry.address)}),
    )


def no_configuration(install: Install) -> AbstractContextManager[None]:
    """Remove the webhooks."""
    return install.absent(_configuration(install))


def webhooks(change: Callable[[list[Object]], object]) -> Break:
    """Change the list of webhooks."""
    return lambda install: install.changed(_configuration(install), lambda one: change(one["webhooks"]))


def other_authority(install: Install) -> AbstractContextManager[None]:
    """Have the API server trust a CA that signed nothing."""
    stranger = issue(Names.parse("x", "x", [], []), dt.datetime.now(dt.UTC)).ca_certificate
    return webhooks(lambda all_: [one["clientConfig"].update(caBundle=base64_text(stranger)) for one in all_])(install)


def no_secret(install: Install) -> AbstractContextManager[None]:
    """Remove the Secret."""
    return install.absent(install.read("v1", "Secret", "weighbridge-tls", SYSTEM))


def material(names: list[str], days_ago: int = 0, days: int = 365, *, swapped_key: bool = False) -> Break:
    """Put another certificate into the Secret, and its CA into the configuration."""

    def broken(install: Install) -> AbstractContextManager[None]:
        start = dt.datetime.now(dt.UTC) - dt.timedelta(days=days_ago)
        bundle = issue(Names.parse("localhost", "test", [], names), start, days)
        document = secret(bundle, SYSTEM)["data"]
        if swapped_key:
            document["tls.key"] = base64_text(install.bundle.key)
        stored = install.read("v1", "Secret", "weighbridge-tls", SYSTEM)
        return install.changed(stored, lambda one: one.update(data=document))

    return broken


def policy_with(*actions: str) -> Break:
    """Install a policy whose binding says these actions; without any it has no binding."""

    @contextmanager
    def broken(install: Install) -> Iterator[None]:
        policy, binding = YAML(typ="safe", pure=True).load_all(_POLICY.read_text())
        with ExitStack() as stack:
            stack.enter_context(install.present(policy))
            if actions:
                binding["spec"]["validationActions"] = list(actions)
                stack.enter_context(install.present(binding))
            yield

    return broken


def another_policy(install: Install) -> AbstractContextManager[None]:
    """Install a policy of somebody else's, which refuses the image of the pod on trial."""
    expression = "!object.spec.containers.exists(one, one.image.startsWith('registry.invalid/'))"
    return _policy(install, {"expression": expression, "message": "images come from registry.example.com"})


def policy_against_pullers(install: Install) -> AbstractContextManager[None]:
    """Install a policy of somebody else's, which refuses what the webhook adds."""
    expression = "!has(object.spec.initContainers) || object.spec.initContainers.size() == 0"
    named = "'no init containers: ' + object.spec.initContainers.map(one, one.name).join(', ')"
    return _policy(install, {"expression": expression, "messageExpression": named})


def _policy(install: Install, refusal: Object) -> AbstractContextManager[None]:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    named = {"apiVersion": _ADMISSION, "metadata": {"name": "images.example.com"}}
    spec = {"matchConstraints": {"resourceRules": [rule]}, "validations": [refusal]}
    bound = {"policyName": "images.example.com", "validationActions": ["Deny"]}

    @contextmanager
    def broken() -> Iterator[None]:
        with (
            install.present(named | {"kind": "ValidatingAdmissionPolicy", "spec": spec}),
            install.present(named | {"kind": "ValidatingAdmissionPolicyBinding", "spec": bound}),
        ):
            yield

    return broken()


def opted_out(install: Install) -> AbstractContextManager[None]:
    """Take the only namespace's opt-in away."""
    team = install.read("v1", "Namespace", TEAM)
    return install.changed(team, lambda one: one["metadata"]["labels"].pop("weighbridge.dev/injection"))


def nobody_answers(install: Install) -> AbstractContextManager[None]:
    """Lead the webhooks to a port that nobody listens on."""
    return webhooks(lambda all_: [one["clientConfig"].update(url="https://127.0.0.1:1/x") for one in all_])(install)


def bare_pod_with_label(namespace: str) -> Break:
    """Make a labelled pod while no webhook sees it."""

    @contextmanager
    def broken(install: Install) -> Iterator[None]:
        with no_configuration(install):
            assert poll(lambda: not comes_back_injected(install.objects), 30)
            stack = ExitStack()
            pod = labelled_pod("left-behind", "phi-4")
            pod["metadata"]["namespace"] = namespace
            stack.enter_context(install.present(pod))
        with stack:
            yield

    return broken


def _no_first(all_: list[Object]) -> None:
    del all_[0]


def _ignored(all_: list[Object]) -> None:
    all_[0]["failurePolicy"] = "Ignore"


def _selecting_nobody(all_: list[Object]) -> None:
    all_[0]["objectSelector"] = {"matchLabels": {"weighbridge.dev/model": "one"}}


def _narrowed(all_: list[Object]) -> None:
    added = {"key": "team", "operator": "In", "values": ["a"]}
    all_[0]["namespaceSelector"]["matchExpressions"].append(added)


def _without_one_more_namespace(all_: list[Object]) -> None:
    for one in all_[0]["namespaceSelector"]["matchExpressions"]:
        if one["operator"] == "NotIn" and one["key"] == "kubernetes.io/metadata.name":
            one["values"].append("vault")


def _ruleless(all_: list[Object]) -> None:
    all_[0]["rules"][0]["resources"] = ["services"]


def _unconditioned(all_: list[Object]) -> None:
    all_[1].pop("matchConditions")


def _untrusted(all_: list[Object]) -> None:
    for one in all_:
        one["clientConfig"].pop("caBundle")


_OURS = ["127.0.0.1"]
SABOTAGES: dict[str, Sabotage] = {
    "the Deployment is gone": Sabotage(no_deployment, "deployment", "there is no Deployment", "kubectl apply"),
    "no replica is available": Sabotage(replicas(0), "deployment", "of 2 replicas", "describe deployment"),
    "one replica of two is available": Sabotage(
        replicas(1), "deployment", "1 are available", "describe deployment", "warning"
    ),
    "the image cannot be pulled": Sabotage(
        waiting("ImagePullBackOff", "Back-off pulling image"),
        "pods",
        "waits for its image",
        "deploy/kustomization.yaml",
    ),
    "the server ends again and again": Sabotage(
        waiting("CrashLoopBackOff", "", lastState={"terminated": {"exitCode": 1, "reason": "Error"}}),
        "pods",
        "exit code 1",
        "logs deployment/weighbridge-webhook --previous",
    ),
    "a ConfigMap that the pod names is missing": Sabotage(
        waiting("CreateContainerConfigError", 'configmap "x" not found'), "pods", "cannot start", "create what"
    ),
    "the Service leads nowhere": Sabotage(no_endpoints, "endpoints", "no ready pod", "get pods"),
    "a setting has a wrong value": Sabotage(
        setting("CACHE_BYTES", "lots"), "settings", "WEIGHBRIDGE_CACHE_BYTES", "rollout restart"
    ),
    "pullers run another image than the webhook": Sabotage(
        setting("PULLER_IMAGE", "registry.example/w:0"),
        "settings",
        "pullers run registry.example/w:0",
        "one image",
        "warning",
    ),
    "a setting is misspelled": Sabotage(
        setting("DEFAULT_PREFX", "x"), "settings", "ignores WEIGHBRIDGE_DEFAULT_PREFX", "rollout restart", "warning"
    ),
    "the webhooks are gone": Sabotage(no_configuration, "configuration", "there is no", "without it labelled pods"),
    "one webhook is missing": Sabotage(webhooks(_no_first), "webhooks", "pods.weighbridge.dev", "--force-conflicts"),
    "pods do not wait": Sabotage(webhooks(_ignored), "failure-policy", "not Fail", "--force-conflicts"),
    "the selector is another": Sabotage(
        webhooks(_selecting_nobody), "selectors", "objectSelector lacks", "--force-conflicts"
    ),
    "the selector leaves namespaces out": Sabotage(
        webhooks(_narrowed), "selectors", "team In a", "--force-conflicts", "warning"
    ),
    "the selector leaves one more namespace out": Sabotage(
        webhooks(_without_one_more_namespace), "selectors", "weighbridge-system", "--force-conflicts", "warning"
    ),
    "the rules name no pods": Sabotage(webhooks(_ruleless), "selectors", "do not name pods", "--force-conflicts"),
    "every update waits": Sabotage(webhooks(_unconditioned), "selectors", "lack changes-our-keys", "--force-conflicts"),
    "the policy has no binding": Sabotage(policy_with(), "policy", "has no binding", "components/policy"),
    "the policy only warns": Sabotage(policy_with("Warn"), "policy", "says Warn, and not Deny", "components/policy"),
    "the API server trusts nobody": Sabotage(webhooks(_untrusted), "ca-bundle", "has no CA for", "certs rotate"),
    "the API server trusts another CA": Sabotage(other_authority, "ca-bundle", "did not sign", "certs rotate"),
    "the Secret is gone": Sabotage(no_secret, "secret", "nothing to serve with", "certs init"),
    "the key is another certificate's": Sabotage(
        material(_OURS, swapped_key=True), "secret", "do not belong together", "certs init"
    ),
    "the certificate has other names": Sabotage(
        material(["10.0.0.1"]), "certificate-names", "127.0.0.1", "WEIGHBRIDGE_CERTIFICATE_NAMES"
    ),
    "the certificate expired": Sabotage(material(_OURS, 400), "certificate-days", "expired on", "certs rotate"),
    "the certificate expires next week": Sabotage(
        material(_OURS, 0, 7), "certificate-days", "expires in", "certs rotate", "warning"
    ),
    "the certificate is of next month": Sabotage(
        material(_OURS, -30), "certificate-days", "not valid yet", "certs rotate"
    ),
    "an entry of the catalog is no YAML": Sabotage(
        entry("broken", "{{source"), "catalog", "the entry broken cannot be read", "catalog add"
    ),
    "an entry names what nobody pushed": Sabotage(
        entry("absent", "oci://{registry}/verbs/absent:v1"),
        "sources",
        "its registry does not have it, or does not show it",
        "push the model",
        "warning",
    ),
    "no namespace opted in": Sabotage(opted_out, "namespaces", "no namespace", "kubectl label namespace", "warning"),
    "nobody answers": Sabotage(nobody_answers, "dry-run", "was refused", "does not listen"),
    "no webhook sees pods": Sabotage(webhooks(_ruleless), "dry-run", "without a model", "no webhook saw it"),
    "somebody else refuses the pod on trial": Sabotage(
        another_policy, "dry-run", "something else refused the pod", "another namespace", "warning"
    ),
    "somebody refuses what the webhook adds": Sabotage(
        policy_against_pullers, "dry-run", "no init containers: weighbridge-puller", "API server's messages"
    ),
    "a pod was made without its model": Sabotage(
        bare_pod_with_label(TEAM), "labelled-pods", "team/left-behind", "rollout restart"
    ),
    "a label stands where nobody looks": Sabotage(
        bare_pod_with_label("default"), "labels", "Pod/default/left-behind", "kubectl label namespace", "warning"
    ),
}
