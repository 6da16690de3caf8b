"""A Job that fetches a model to a claim, where pods that ask for it find it. Pure.

It is made of the pod that the webhook would make: so it writes to the same folder, with the same settings. It has no
label of ours, so that the webhook leaves it alone.

Tests: tests/verbs/test_prefetch.py
"""

import json
import re
from dataclasses import dataclass
from hashlib import sha256

from cluster.errors import BadObject
from webhook.catalog import Catalog
from webhook.contract import EXCLUDE, INCLUDE, LAYOUT, MODEL, PULL_SECRETS, PULLER_RESOURCES, SOURCE, VOLUME
from webhook.injection.inject import Injection, Skip, inject
from webhook.names import PULLER
from webhook.pod.podspec import Raw, init_containers, mapping, name_of
from webhook.settings import Settings

_PREFIX = "weighbridge-prefetch-"
_NAME_LIMIT = 63
_KEPT_SECONDS = 3600
_TRIES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is fetched, to which claim, and as whom; empty means what a pod would get without the annotation."""

    model: str
    claim: str
    """CLAIM, or CLAIM/SUBPATH as in `weighbridge.dev/volume`."""

    namespace: str = ""
    source: str = ""
    layout: str = ""
    include: str = ""
    exclude: str = ""
    pull_secrets: str = ""
    resources: str = ""
    """What the Job's pod requests and may use, as in `weighbridge.dev/puller-resources`."""

    user: int | None = None
    group: int | None = None


def prefetch_job(wanted: Wanted, catalog: Catalog, settings: Settings) -> Raw:
    """Return the Job. Raises what the webhook would refuse such a pod with: a model on a claim needs no pull, say."""
    made = inject(_pod(wanted), catalog, settings)
    if isinstance(made, Skip):
        raise BadObject(f"{wanted.model}: {made.reason}")
    return _job(wanted, made)


def _pod(wanted: Wanted) -> Raw:
    """Return a pod that would serve the model from the claim."""
    stated = {
        SOURCE.name: wanted.source,
        VOLUME.name: f"pvc:{wanted.claim}",
        LAYOUT.name: wanted.layout,
        INCLUDE.name: wanted.include,
        EXCLUDE.name: wanted.exclude,
        PULL_SECRETS.name: wanted.pull_secrets,
        PULLER_RESOURCES.name: wanted.resources,
    }
    context: Raw = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    context |= {"runAsUser": wanted.user} if wanted.user is not None else {}
    context |= {"fsGroup": wanted.group, "fsGroupChangePolicy": "OnRootMismatch"} if wanted.group is not None else {}
    annotations = {name: value for name, value in stated.items() if value}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": wanted.model, "labels": {MODEL.name: wanted.model}, "annotations": annotations},
        "spec": {"securityContext": context, "containers": [{"name": "server"}]},
    }


def _job(wanted: Wanted, made: Injection) -> Raw:
    spec = mapping(made.pod, "spec")
    puller = next(one for one in init_containers(made.pod) if name_of(one) == PULLER)  # as on every claim
    labels = {"app.kubernetes.io/name": "weighbridge", "app.kubernetes.io/component": "prefetch"}
    pod = {
        "restartPolicy": "OnFailure",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": mapping(spec, "securityContext"),
        **({"imagePullSecrets": spec["imagePullSecrets"]} if spec.get("imagePullSecrets") else {}),
        "containers": [{key: value for key, value in puller.items() if value not in ({}, [])}],
        "volumes": spec["volumes"],
    }
    place = {"namespace": wanted.namespace} if wanted.namespace else {}
    template = {"metadata": {"labels": labels.copy()}, "spec": pod}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": _name(wanted.model, template), **place, "labels": labels},
        "spec": {"backoffLimit": _TRIES, "ttlSecondsAfterFinished": _KEPT_SECONDS, "template": template},
    }


def _name(model: str, template: Raw) -> str:
    """Return a Job's name: of the model, and a hash of all that the Job does.

    A Job's template cannot be changed, so another claim, source, layout or image of the same model is another Job; the
    same command once more is the same one.
    """
    name = _PREFIX + re.sub(r"[^a-z0-9-]+", "-", model.lower()).strip("-")
    mark = sha256(json.dumps([model, template], sort_keys=True).encode()).hexdigest()[:8]
    return f"{name[: _NAME_LIMIT - len(mark) - 1].rstrip('-')}-{mark}"
