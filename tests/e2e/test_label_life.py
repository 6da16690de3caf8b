"""The life of a label on a workload, as a law: random requests of users, with the webhook there or away."""

import itertools
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Part
from tests.fakes.forwarder import Forwarder
from tests.parts.admission import pointed_at, registered, running_webhook
from tests.parts.apiserver import ApiServer
from tests.parts.objects import Namespace, Object, Objects
from webhook.contract import COPIED, MODEL

from .conftest import OPTED_IN, labelled_pod

Mode = Literal["apply", "server-side apply", "replace"]
MODES: tuple[Mode, ...] = ("apply", "server-side apply", "replace")
CATALOG = {name: f"oci://registry.example/models/{name}:v1" for name in ("phi-4", "gemma")}
EXAMPLES = 6 * int(os.environ.get("WEIGHBRIDGE_LAWS", "1"))
_AWAY = "failed calling webhook"
_numbers = itertools.count()


@dataclass(frozen=True)
class Manifest:
    """What a user keeps in a file: the model on the workload, the one in its template, an image."""

    own: str | None
    template: str | None
    image: int

    def write(self, name: str) -> Object:
        """Return the Deployment."""
        labels = {"app": name} | ({MODEL.name: self.template} if self.template else {})
        spec = labelled_pod("")["spec"]
        spec["containers"][0]["image"] = f"registry.example/server:{self.image}"
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "labels": {MODEL.name: self.own} if self.own else {}},
            "spec": {
                "selector": {"matchLabels": {"app": name}},
                "template": {"metadata": {"labels": labels}, "spec": spec},
            },
        }


_MODELS = st.sampled_from([None, "phi-4", "gemma"])
_MANIFESTS = st.builds(Manifest, _MODELS, _MODELS, st.integers(1, 2))
_STEPS = st.one_of(
    st.tuples(st.just("manifest"), _MANIFESTS),
    st.tuples(st.just("label"), st.sampled_from(["phi-4", "gemma"])),
    st.tuples(st.just("unlabel"), st.none()),
    st.tuples(st.just("image"), st.integers(3, 4)),
    st.tuples(st.just("scale"), st.integers(1, 3)),
    st.tuples(st.just("update"), st.integers(4, 6)),
    st.tuples(st.just("away"), st.none()),
    st.tuples(st.just("back"), st.none()),
    st.tuples(st.just("undo"), st.none()),
)
_NOT_UNDONE = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass
class Stage:
    """An API server whose webhook can go away."""

    namespace: Namespace
    forwarder: Forwarder
    kubectl: list[str | Path]
    folder: Path


@dataclass
class Life:
    """One Deployment, and what its user wrote last."""

    stage: Stage
    mode: Mode
    name: str = field(default_factory=lambda: f"vllm-{next(_numbers)}")
    manifest: Manifest | None = None
    is_away: bool = False
    stays: bool = False
    is_over: bool = False
    revisions: list[tuple[Object, Object]] = field(default_factory=list)
    """Each template that pods were made of, with the workload's annotations of that time, as ReplicaSets keep them."""

    def run(self, *arguments: str | Path) -> str | None:
        """Run kubectl; return its warnings, or None when it was refused because the webhook is away."""
        command = [*self.stage.kubectl, *arguments]
        answer = subprocess.run(command, check=False, capture_output=True, text=True)
        if answer.returncode:
            assert self.is_away, answer.stderr
            assert _AWAY in answer.stderr
            return None
        return answer.stderr

    def live(self) -> Object:
        """Return the stored Deployment."""
        return self.stage.namespace.read("apps/v1", "Deployment", self.name)

    def send(self, manifest: Manifest) -> str | None:
        """Send the manifest as users of this mode do."""
        file = self.stage.folder / f"{self.name}.json"
        file.write_text(json.dumps(manifest.write(self.name)))
        if self.mode == "apply":
            return self.run("apply", "-f", file)
        if self.mode == "server-side apply":
            return self.run("apply", "--server-side", "--force-conflicts", "-f", file)
        return self.run("create" if self.manifest is None else "replace", "-f", file)

    def update(self, replicas: int) -> str | None:
        """Read the Deployment, change it and send it whole, as controllers do."""
        live = self.live()
        live["spec"]["replicas"] = replicas
        self.stage.namespace.replace(live)  # never refused: it leaves our keys alone
        return ""

    def note_revision(self) -> None:
        """Keep what the Deployment's controller would keep of it now."""
        live = self.live()
        annotations = {
            name: value for name, value in live["metadata"].get("annotations", {}).items() if name != _NOT_UNDONE
        }
        template = live["spec"]["template"]
        self.revisions = [*(one for one in self.revisions if one[0] != template), (template, annotations)]

    def undo(self) -> str | None:
        """Send what `kubectl rollout undo` sends: the former template, and the annotations of its ReplicaSet."""
        template, annotations = self.revisions[-2]
        kept = {
            name: value for name, value in self.live()["metadata"].get("annotations", {}).items() if name == _NOT_UNDONE
        }
        patch = [
            {"op": "replace", "path": "/spec/template", "value": template},
            {"op": "add", "path": "/metadata/annotations", "value": annotations | kept},
        ]
        return self.run("patch", "deployment", self.name, "--type=json", "-p", json.dumps(patch))

    def take_undo(self) -> None:
        """Undo once, and hold that no pod of it would be bare; what users send afterwards is another story."""
        if len(self.revisions) < 2:
            return
        template = self.revisions[-2][0]
        if self.undo() is None:
            return
        live = self.live()
        own, found = MODEL.held(live), MODEL.held(live["spec"]["template"])
        assert found == (own or MODEL.held(template)), "the template that was asked for, or the workload's label"
        before = live["metadata"]["generation"]
        assert self.update(live["spec"].get("replicas", 1)) == ""
        assert self.live()["metadata"]["generation"] == before, "nothing moves by itself"
        self.is_over = True

    def take(self, step: str, value: Any) -> None:
        """Make one request twice, and hold the laws."""
        if self.is_over:
            return
        if step in ("away", "back"):
            self.is_away = step == "away"
            (self.stage.forwarder.go_away if self.is_away else self.stage.forwarder.come_back)()
            return
        requests: dict[str, Callable[[], str | None]] = {
            "manifest": lambda: self.send(value),
            "label": lambda: self.run("label", "deployment", self.name, f"{MODEL.name}={value}", "--overwrite"),
            "unlabel": lambda: self.run("label", "deployment", self.name, f"{MODEL.name}-"),
            "image": lambda: self.run(
                "set", "image", f"deployment/{self.name}", f"server=registry.example/server:{value}"
            ),
            "update": lambda: self.update(value),
            "scale": lambda: self.run("scale", "deployment", self.name, f"--replicas={value}"),
        }
        if step != "manifest" and self.manifest is None:
            return
        if step == "undo":
            self.take_undo()
            return
        warned = requests[step]()
        if warned is None:
            return
        if step == "manifest":
            self.manifest = value
        if step in ("manifest", "label", "unlabel"):
            is_said = "stays" in warned or self.stays  # kubectl sends nothing to take away what is gone
            self.stays = step == "unlabel" and self.mode == "server-side apply" and is_said
        self.check()
        first = self.live()
        again = requests[step]()
        second = self.live()
        assert second["metadata"]["generation"] == first["metadata"]["generation"], "the same request moved something"
        assert second["spec"] == first["spec"]
        self.note_revision()
        if step == "manifest" and not self.is_away:
            self.check_conflict(warned, first)
            self.check_conflict(again or "", first)

    def check(self) -> None:
        """Hold what is true of a Deployment after every request that was taken.

        After a server-side apply nobody knows the user's value in the template where the workload's replaced it, until
        the next one; that the workload's stays is said.
        """
        assert self.manifest
        live = self.live()
        own, found = MODEL.held(live), MODEL.held(live["spec"]["template"])
        assert self.stays or found == (own or self.manifest.template)
        if own is None:
            assert COPIED.held(live) is None

    def check_conflict(self, warned: str, live: Object) -> None:
        """Hold that whoever sends another value than the workload's is told, each time."""
        assert self.manifest
        own = MODEL.held(live)
        is_other = own is not None and self.manifest.template not in (None, own)
        assert ("replaces" in warned) == is_other, warned


@pytest.fixture(scope="module")
def stage(
    objects: Objects, configuration: Object, api_server: ApiServer, part: Part, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """Run a webhook behind a forwarder, in a namespace that opted in."""
    folder = tmp_path_factory.mktemp("life")
    with running_webhook(folder, CATALOG, {"PULLER_IMAGE": "registry.example/w:1"}) as webhook:
        port = re.search(r":(\d+)$", webhook.url)
        assert port
        with Forwarder(("127.0.0.1", int(port[1]))) as forwarder:
            behind = pointed_at(webhook, configuration)
            for entry in behind["webhooks"]:
                entry["clientConfig"]["url"] = entry["clientConfig"]["url"].replace(port[1], str(forwarder.port))
            with registered(objects, behind, labelled_pod("probe", "phi-4")):
                namespace = objects.namespace("life", OPTED_IN)
                kubectl: list[str | Path] = [
                    part("kubectl"),
                    f"--kubeconfig={api_server.kubeconfig}",
                    "-n",
                    namespace.name,
                ]
                yield Stage(namespace, forwarder, kubectl, folder)
                forwarder.come_back()


@pytest.mark.parametrize("mode", MODES)
@given(steps=st.lists(_STEPS, min_size=4, max_size=9))
@settings(
    max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_label_lives_as_its_workload_does(stage: Stage, mode: Mode, steps: list[tuple[str, Any]]) -> None:
    """A labelled workload has a labelled template, an unlabelled one what its user wrote; nothing moves by itself."""
    stage.forwarder.come_back()
    life = Life(stage, mode)
    for step, value in steps:
        life.take(step, value)
