"""The manifests as `kubectl kustomize deploy/` renders them."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.parts.apiserver import ApiServer
from tests.parts.objects import Objects

DEPLOY = Path(__file__).parents[2] / "deploy"

Object = dict[str, Any]


def render(kubectl: Path, folder: Path = DEPLOY) -> list[Object]:
    """Return every object of a kustomization, in the order of installation."""
    answer = subprocess.run([kubectl, "kustomize", folder], check=True, capture_output=True, text=True)
    return list(YAML(typ="safe", pure=True).load_all(answer.stdout))


@contextmanager
def configured(api_server: ApiServer, kubectl: Path) -> Iterator[Objects]:
    """Register our webhooks with an API server until the block ends; nothing answers, and nobody waits for it."""
    objects = api_server.objects()
    (configuration,) = [one for one in render(kubectl) if one["kind"] == "MutatingWebhookConfiguration"]
    for entry in configuration["webhooks"]:
        entry["failurePolicy"] = "Ignore"
    objects.create(configuration)
    yield objects
    objects.delete("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", configuration["metadata"]["name"])


CERTIFICATES = ("cert-manager", "internal-certs")
"""Components of which an install has one: deploy/ has the second."""

COMPONENTS = sorted({path.name for path in (DEPLOY / "components").iterdir()} - set(CERTIFICATES))

OVERLAYS = sorted(path.name for path in (DEPLOY / "overlays").iterdir())


def with_component(folder: Path, *names: str, base: Path = DEPLOY) -> Path:
    """Write a kustomization of deploy/, or of its base, with components, as an operator does; return its folder."""
    lines = ["resources:", f"  - {os.path.relpath(base, folder)}", "components:"]
    lines += [f"  - {os.path.relpath(DEPLOY / 'components' / name, folder)}" for name in names]
    (folder / "kustomization.yaml").write_text("\n".join(lines) + "\n")
    return folder


def as_shipped_with(folder: Path, *components: str) -> Path:
    """Write deploy/kustomization.yaml with other components than its own; return its folder."""
    yaml = YAML(typ="safe", pure=True)
    shipped = yaml.load(DEPLOY / "kustomization.yaml")
    shipped["resources"] = [os.path.relpath(DEPLOY / name, folder) for name in shipped["resources"]]
    shipped["components"] = [os.path.relpath(DEPLOY / "components" / name, folder) for name in components]
    yaml.dump(shipped, folder / "kustomization.yaml")
    return folder


def examples() -> dict[str, list[Object]]:
    """Return the documents of each example, by its file's name; the demo's are shown elsewhere."""
    paths = sorted(path for path in (DEPLOY / "examples").glob("*.yaml") if not path.name.startswith("demo"))
    return {path.name: list(YAML(typ="safe", pure=True).load_all(path)) for path in paths}


def pod_specs(document: Object) -> Iterator[Object]:
    """Return the pod spec of a pod or of a workload; nothing for other kinds."""
    spec = document.get("spec", {})
    if document["kind"] == "Pod":
        yield spec
    if document["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    if "template" in spec:
        yield spec["template"]["spec"]
