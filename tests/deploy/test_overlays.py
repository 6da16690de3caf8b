"""Laws of the overlays: each is an install by itself, and differs from the shipped one by what it says."""

from dataclasses import dataclass

import pytest

from tests.conftest import Part

from .rendered import DEPLOY, OVERLAYS, Object, render


@dataclass(frozen=True)
class Rendered:
    """What a law looks at, of one overlay."""

    objects: list[Object]

    def one(self, kind: str, name: str = "weighbridge-webhook") -> Object:
        """Return the only object of that kind and name."""
        (found,) = [one for one in self.objects if (one["kind"], one["metadata"]["name"]) == (kind, name)]
        return found

    @property
    def kinds(self) -> set[str]:
        """The kinds that are there."""
        return {one["kind"] for one in self.objects}

    @property
    def pod(self) -> Object:
        """The pod spec of the webhook."""
        content: Object = self.one("Deployment")["spec"]["template"]["spec"]
        return content


@pytest.fixture(scope="module")
def overlays(part: Part) -> dict[str, Rendered]:
    """Render each overlay with the real kubectl."""
    return {name: Rendered(render(part("kubectl"), DEPLOY / "overlays" / name)) for name in OVERLAYS}


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_overlay_has_all_that_the_shipped_install_has(
    name: str, overlays: dict[str, Rendered], manifests: list[Object]
) -> None:
    """Admission, settings and rights are the same; only how the pods run is an overlay's to say."""
    identity = {(one["kind"], one["metadata"]["name"]): one for one in overlays[name].objects}
    missing = [one for one in manifests if (one["kind"], one["metadata"]["name"]) not in identity]

    assert [one["kind"] for one in missing] == (["PodDisruptionBudget"] if name == "minimal" else [])
    for one in manifests:
        if one["kind"] in {"MutatingWebhookConfiguration", "ConfigMap", "Role", "ClusterRole", "ServiceAccount"}:
            assert identity[one["kind"], one["metadata"]["name"]] == one


def test_a_budget_always_lets_one_pod_go(overlays: dict[str, Rendered]) -> None:
    """A drain ends, and one replica stays wherever there are two."""
    for rendered in overlays.values():
        replicas = rendered.one("Deployment")["spec"]["replicas"]
        kept = rendered.one("PodDisruptionBudget")["spec"]["minAvailable"] if replicas > 1 else 0
        assert kept == replicas - 1


def test_a_priority_comes_with_the_quota_that_some_clusters_want(overlays: dict[str, Rendered]) -> None:
    """The quota speaks of the very priority that the pods have, and has room for a rollout."""
    assert {name for name, one in overlays.items() if "priorityClassName" in one.pod} == set(OVERLAYS) - {"minimal"}
    for rendered in overlays.values():
        if "priorityClassName" in rendered.pod:
            quota = rendered.one("ResourceQuota", "weighbridge-critical-pods")["spec"]
            (scope,) = quota["scopeSelector"]["matchExpressions"]
            assert scope["values"] == [rendered.pod["priorityClassName"]]
            assert int(quota["hard"]["pods"]) > 2 * rendered.one("Deployment")["spec"]["replicas"]


def test_highly_available_pods_are_guarded_by_policies(overlays: dict[str, Rendered]) -> None:
    """Whatever becomes of the webhook, no labelled pod starts without its model."""
    assert "ValidatingAdmissionPolicy" in overlays["ha"].kinds


def test_on_gke_the_port_and_amounts_are_those_that_it_lets_through_unchanged(overlays: dict[str, Rendered]) -> None:
    """Private control planes reach 10250, and Autopilot makes limits and requests equal."""
    (container,) = overlays["gke-private"].pod["containers"]
    assert container["ports"][0]["containerPort"] == 10250
    assert container["resources"]["requests"] == container["resources"]["limits"]


def test_on_eks_with_an_overlay_network_the_pods_are_on_their_nodes_addresses(overlays: dict[str, Rendered]) -> None:
    """The control plane reaches nodes and no pods."""
    assert overlays["eks-cni"].pod["hostNetwork"]
    assert overlays["eks-cni"].one("Service")["spec"]["ports"][0]["targetPort"] == 10260
