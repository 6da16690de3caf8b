"""An install of the shipped manifests, as docs/install.md has it."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.cluster.cluster import Cluster
from tests.parts.objects import Object

NAMESPACE = "weighbridge-system"
DEPLOYMENT = "deployment/weighbridge-webhook"

_DEPLOY = Path(__file__).parents[3] / "deploy"
_SHIPPED_NAME = "newName: localhost/weighbridge\n"
_SHIPPED_TAG = "newTag: 0.1.0\n"
_PROBES = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": "probes", "labels": {"weighbridge.dev/injection": "enabled"}},
}
_PROBE = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "name": "probe",
        "labels": {"weighbridge.dev/model": "x"},
        "annotations": {"weighbridge.dev/source": "registry.example/x:1"},
    },
    "spec": {"containers": [{"name": "main", "image": "x"}]},
}


class Install:
    """The manifests with an operator's own values, in a folder of their own."""

    def __init__(self, cluster: Cluster, settings: Mapping[str, str]) -> None:
        """`settings` are variables of deploy/base/configuration.yaml without their WEIGHBRIDGE_."""
        self.cluster = cluster
        self.folder = cluster.folder / "install" / "deploy"
        shutil.copytree(_DEPLOY, self.folder)
        configuration = self.folder / "base" / "configuration.yaml"
        text = configuration.read_text()
        for name, value in settings.items():
            line = f'  # WEIGHBRIDGE_{name}: ""\n'
            assert line in text, f"deploy/base/configuration.yaml tells no empty {name}"
            text = text.replace(line, f'  WEIGHBRIDGE_{name}: "{value}"\n')
        configuration.write_text(text)
        self._probe = self.folder.with_name("probe.json")
        self._probe.write_text(json.dumps(_PROBE))
        cluster.apply(_PROBES)

    def name_image(self, name: str, tag: str) -> None:
        """Write the image's name where the manifests say."""
        text = (_DEPLOY / "kustomization.yaml").read_text()
        assert _SHIPPED_NAME in text
        assert _SHIPPED_TAG in text
        text = text.replace(_SHIPPED_NAME, f"newName: {name}\n").replace(_SHIPPED_TAG, f"newTag: {tag}\n")
        (self.folder / "kustomization.yaml").write_text(text)

    def apply(self) -> None:
        """Apply the manifests, and wait for the rollout."""
        self.cluster.kubectl("apply", "--server-side", "-k", self.folder)
        self.wait()

    def wait(self) -> None:
        """Wait until the webhook's pods are those of its Deployment, and the API server reaches them.

        A pod that is Ready is behind its Service when kube-proxy has heard of it, up to a second later; one that is on
        its way out may answer a few seconds longer.
        """
        self.cluster.kubectl("-n", NAMESPACE, "rollout", "status", DEPLOYMENT, "--timeout=120s")
        self.cluster.wait("the former replicas are gone", lambda: not self._leaving())
        probe = ("create", "--dry-run=server", "-n", "probes", "-f", str(self._probe))
        self.cluster.wait("the webhook is reached", lambda: self.cluster.tried(*probe))

    def _leaving(self) -> list[Object]:
        pods = self.cluster.read("pods", "-n", NAMESPACE)["items"]
        return [pod for pod in pods if "deletionTimestamp" in pod["metadata"]]

    def delete(self) -> None:
        """Uninstall."""
        self.cluster.kubectl("delete", "mutatingwebhookconfiguration", "admission.weighbridge.dev")
        self.cluster.kubectl("delete", "--ignore-not-found", "-k", self.folder)
