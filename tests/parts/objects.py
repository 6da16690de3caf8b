"""Kubernetes objects as the plain JSON that they are, through the `kubernetes` package's dynamic client."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubernetes.client import ApiClient
from kubernetes.dynamic import DynamicClient

Object = dict[str, Any]


class Objects:
    """Create and read objects of any kind; a refusal is the package's ApiException."""

    def __init__(self, api: ApiClient, discovery_cache: Path) -> None:
        self._client = DynamicClient(  # type: ignore[no-untyped-call]  # the package types its models alone
            api, cache_file=str(discovery_cache)
        )

    def create(self, document: Object, namespace: str | None = None, **options: str) -> Object:
        """Send one object and give what the API server made of it; `dry_run="All"` stores nothing."""
        kind = self._kind(document["apiVersion"], document["kind"])
        return _plain(kind.create(body=document, namespace=namespace, **options))

    def read(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object:
        """Return a stored object."""
        return _plain(self._kind(api_version, kind).get(name=name, namespace=namespace))

    def merge(self, document: Object, namespace: str | None = None) -> Object:
        """Change a stored object by a JSON merge patch, as `kubectl label` and `kubectl annotate` do."""
        kind = self._kind(document["apiVersion"], document["kind"])
        name = document["metadata"]["name"]
        patch_type = "application/merge-patch+json"
        return _plain(kind.patch(body=document, name=name, namespace=namespace, content_type=patch_type))

    def replace(self, document: Object, namespace: str | None = None) -> Object:
        """Send a whole object in place of the stored one, as controllers do."""
        kind = self._kind(document["apiVersion"], document["kind"])
        return _plain(kind.replace(body=document, name=document["metadata"]["name"], namespace=namespace))

    def delete(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> None:
        """Remove an object."""
        self._kind(api_version, kind).delete(name=name, namespace=namespace)

    def namespace(self, prefix: str, labels: Mapping[str, str]) -> "Namespace":
        """Make a namespace with a fresh name and `labels`."""
        metadata = {"generateName": f"{prefix}-", "labels": dict(labels)}
        made = self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        return Namespace(self, made["metadata"]["name"])

    def _kind(self, api_version: str, kind: str) -> Any:
        return self._client.resources.get(api_version=api_version, kind=kind)


@dataclass(frozen=True)
class Namespace:
    """One namespace's objects."""

    objects: Objects
    name: str

    def create(self, document: Object, **options: str) -> Object:
        """Create an object here."""
        return self.objects.create(document, self.name, **options)

    def read(self, api_version: str, kind: str, name: str) -> Object:
        """Return a stored object from here."""
        return self.objects.read(api_version, kind, name, self.name)

    def replace(self, document: Object) -> Object:
        """Send a whole object in place of the stored one here."""
        return self.objects.replace(document, self.name)

    def merge(self, document: Object) -> Object:
        """Change an object here by a JSON merge patch."""
        return self.objects.merge(document, self.name)


def _plain(answer: Any) -> Object:
    content: Object = answer.to_dict()
    return content
