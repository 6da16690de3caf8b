"""`weighbridge prefetch`: a Job that fetches to a claim what pods will look for there."""

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import weighbridge
from cluster.catalog.prefetch import Wanted, prefetch_job
from tests.e2e.conftest import OPTED_IN
from tests.parts.objects import Object
from webhook.catalog import Catalog
from webhook.injection.inject import Injection, inject
from webhook.refusals import BadVolume, UnknownModel
from webhook.settings import Settings

from .conftest import Install

CATALOG = Catalog.read({"phi-4": "oci://registry.example.com/phi-4:v1", "held": "pvc://models/held"})
SETTINGS = Settings(puller_image="registry.example.com/weighbridge:1", cache_bytes=10**12, no_proxy="x")


def job(**wanted: Any) -> Object:
    """Return the Job for phi-4 on the claim models."""
    return prefetch_job(Wanted(**({"model": "phi-4", "claim": "models"} | wanted)), CATALOG, SETTINGS)


def container(made: Object) -> Object:
    """Return a Job's container."""
    (found,) = made["spec"]["template"]["spec"]["containers"]
    only: Object = found
    return only


@pytest.mark.parametrize(
    "annotations",
    [
        {},
        {"layout": "huggingface", "source": "hf://microsoft/phi-4"},
        {"include": "*.json", "exclude": "*.md", "source": "registry.example.com/other:v2"},
        {"pull_secrets": "one,two"},
    ],
)
def test_the_job_fetches_what_pods_on_the_claim_look_for(annotations: dict[str, str]) -> None:
    """The same image, folder, cache and credentials as the puller of a pod with these annotations."""
    stated = {f"weighbridge.dev/{name.replace('_', '-')}": value for name, value in annotations.items()}
    metadata = {
        "labels": {"weighbridge.dev/model": "phi-4"},
        "annotations": stated | {"weighbridge.dev/volume": "pvc:models/team-a"},
    }
    context = {"runAsUser": 1000, "fsGroup": 2000}
    pod = {"kind": "Pod", "metadata": metadata, "spec": {"securityContext": context, "containers": [{"name": "x"}]}}
    made = inject(pod, CATALOG, SETTINGS)
    assert isinstance(made, Injection)
    (puller,) = made.pod["spec"]["initContainers"]
    fetches = container(job(claim="models/team-a", user=1000, group=2000, **annotations))
    for key in ("image", "command", "env", "volumeMounts", "securityContext"):
        assert fetches[key] == puller[key]
    assert {"persistentVolumeClaim": {"claimName": "models"}, "name": "weighbridge-model"} in made.pod["spec"][
        "volumes"
    ]


@pytest.mark.parametrize("model", ["phi-4", "Phi_4.v1", "a" * 63])
def test_names_of_jobs_are_valid_and_apart(model: str) -> None:
    """Whatever a label may hold."""
    name = job(model=model, source="registry.example.com/x:1")["metadata"]["name"]
    assert len(name) <= 63
    assert name.strip("-") == name.lower()
    assert "weighbridge-prefetch-" in name
    assert name != job(model=f"{model[:-1]}z", source="registry.example.com/x:1")["metadata"]["name"]


@pytest.mark.parametrize(
    "other",
    [
        {"claim": "others"},
        {"claim": "models/team-a"},
        {"source": "registry.example.com/phi-4:v2"},
        {"layout": "huggingface", "source": "hf://microsoft/phi-4"},
        {"include": "*.json"},
        {"user": 1000},
        {"resources": "cpu=2"},
    ],
)
def test_another_template_is_another_job(other: dict[str, Any]) -> None:
    """What exists cannot be changed (spec.template: field is immutable); the same command is the same Job."""
    assert job()["metadata"]["name"] == job()["metadata"]["name"]
    assert job(**other)["metadata"]["name"] != job()["metadata"]["name"]


def test_amounts_are_those_that_quotas_may_want() -> None:
    """As the annotation of pods has them; none by default."""
    amounts = {"cpu": "2", "memory": "4Gi"}
    assert container(job(resources="cpu=2,memory=4Gi"))["resources"] == {"requests": amounts, "limits": amounts}
    assert "resources" not in container(job())


def test_what_is_on_a_claim_already_is_not_fetched() -> None:
    """And a model that nobody knows is refused, as the webhook refuses both."""
    with pytest.raises(BadVolume, match="mounted as it is"):
        job(model="held")
    with pytest.raises(UnknownModel, match="phi-5"):
        job(model="phi-5")


def test_the_printed_job_passes_the_api_server_and_the_webhook_untouched(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a namespace that opted in and enforces the restricted profile, its pod included."""
    namespace = install.objects.namespace("prefetch", OPTED_IN)
    assert install.run("prefetch", "phi-4", "--claim", "models", "-n", namespace.name) == 0
    text = capsys.readouterr().out
    assert "&" not in text, "an alias, which people read badly"
    printed = YAML(typ="safe", pure=True).load(text)
    made = namespace.create(printed, dry_run="All")
    assert made["spec"]["template"]["spec"]["containers"][0]["env"] == container(printed)["env"]
    template = printed["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"} | template["metadata"]}
    admitted = namespace.create(pod | {"spec": template["spec"]}, dry_run="All")
    assert "initContainers" not in admitted["spec"]
    assert "weighbridge.dev/status" not in admitted["metadata"].get("annotations", {})
    assert container(printed)["image"] == "localhost/weighbridge:0.1.0"


def test_no_cluster_is_asked_where_source_and_image_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    """So it works where no kubeconfig is."""
    arguments = ["prefetch", "phi-4", "--claim", "models", "--source", "registry.example.com/phi-4:v1"]
    assert weighbridge.main([*arguments, "--image", "registry.example.com/wb:1"]) == 0
    printed = YAML(typ="safe", pure=True).load(capsys.readouterr().out)
    assert container(printed)["image"] == "registry.example.com/wb:1"
    assert weighbridge.main(arguments) == 1
    assert "[cluster.no-kubeconfig]" in capsys.readouterr().err


def test_an_image_that_no_registry_serves_is_warned_of(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A file with the catalog alone names none, and no webhook mends a Job."""
    config = tmp_path / "catalog.yaml"
    catalog = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "weighbridge-catalog"}}
    config.write_text(json.dumps(catalog | {"data": {"phi-4": "registry.example.com/phi-4:v1"}}))
    arguments = ["prefetch", "phi-4", "--claim", "models", "--config", str(config)]
    assert weighbridge.main(arguments) == 0
    assert "name the puller's image with --image" in capsys.readouterr().err
    assert weighbridge.main([*arguments, "--image", "registry.example.com/wb:1"]) == 0
    assert capsys.readouterr().err == ""


def test_the_catalog_is_listed_for_people_and_programs(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    """With an entry added and removed again by the verbs."""
    assert install.run("catalog", "add", "qwen", "hf://Qwen/Qwen3-8B", "--gpu") == 0
    assert install.run("catalog", "list") == 0
    said = capsys.readouterr().out
    assert said.startswith("qwen added\nNAME ")
    assert "qwen    hf://Qwen/Qwen3-8B@main" in said
    assert install.run("catalog", "list", "-o", "json") == 0
    assert {"name": "qwen", "source": "hf://Qwen/Qwen3-8B@main", "gpu": True} in json.loads(capsys.readouterr().out)
    assert install.run("catalog", "remove", "qwen", "--dry-run") == 0
    assert install.run("catalog", "remove", "qwen") == 0
    assert capsys.readouterr().out == "qwen removed (dry run)\nqwen removed\n"
    assert install.run("catalog", "remove", "qwem") == 1
    assert install.run("catalog", "list", "--system-namespace", "default") == 1
    assert "install first" in capsys.readouterr().err
