"""An install of the shipped manifests, as docs/install.md has it."""

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.cluster.cluster import Cluster, CommandFailed
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

_DIALS = 20
_DIAL = """\
import socket, sys
for host, _, port in (place.rpartition(":") for place in sys.argv[1:]):
    socket.create_connection((host, int(port)), timeout=1).close()
"""


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
        its way out may answer a few seconds longer. The Service is dialled often, for each connection gets another pod.
        """
        self.cluster.kubectl("-n", NAMESPACE, "rollout", "status", DEPLOYMENT, "--timeout=120s")
        self.cluster.wait("the former replicas are gone", lambda: not self._leaving())
        probe = ("create", "--dry-run=server", "-n", "probes", "-f", str(self._probe))
        self.cluster.wait("the webhook is reached", lambda: self.cluster.tried(*probe))
        self.cluster.wait("every connection to its Service is taken", self._is_dialled)

    def _is_dialled(self) -> bool:
        service = self.cluster.read("service", "weighbridge-webhook", "-n", NAMESPACE)["spec"]
        pods = [pod["status"]["podIP"] for pod in self.cluster.read("pods", "-n", NAMESPACE)["items"]]
        places = [f"{service['clusterIP']}:{service['ports'][0]['port']}"] * _DIALS + [f"{ip}:10250" for ip in pods]
        try:
            self.cluster.run([sys.executable, "-c", _DIAL, *places])
        except CommandFailed:
            return False
        return True

    def said(self) -> str:
        """Return what the webhook's pods said last, and where its Service leads."""
        logs = ("logs", "--selector=app.kubernetes.io/component=webhook", "--prefix", "--tail=40")
        lists = ("get", "pods,endpointslices", "-o", "wide")
        return "\n".join(self.cluster.tried("-n", NAMESPACE, *words) for words in (lists, logs))

    def _leaving(self) -> list[Object]:
        pods = self.cluster.read("pods", "-n", NAMESPACE)["items"]
        return [pod for pod in pods if "deletionTimestamp" in pod["metadata"]]

    def delete(self) -> None:
        """Uninstall."""
        self.cluster.kubectl("delete", "mutatingwebhookconfiguration", "admission.weighbridge.dev")
        self.cluster.kubectl("delete", "--ignore-not-found", "-k", self.folder)
