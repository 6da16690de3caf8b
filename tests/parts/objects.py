"""Kubernetes objects as the plain JSON that they are, through the `kubernetes` package's dynamic client."""

from collections.abc import Mapping
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
        """Give a stored object."""
        return _plain(self._kind(api_version, kind).get(name=name, namespace=namespace))

    def merge(self, document: Object, namespace: str | None = None) -> Object:
        """Change a stored object by a JSON merge patch, as `kubectl label` and `kubectl annotate` do."""
        kind = self._kind(document["apiVersion"], document["kind"])
        name = document["metadata"]["name"]
        patch_type = "application/merge-patch+json"
        return _plain(kind.patch(body=document, name=name, namespace=namespace, content_type=patch_type))

    def delete(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> None:
        """Remove an object."""
        self._kind(api_version, kind).delete(name=name, namespace=namespace)

    def namespace(self, prefix: str, labels: Mapping[str, str]) -> str:
        """Make a namespace with a fresh name and `labels`, and give its name."""
        metadata = {"generateName": f"{prefix}-", "labels": dict(labels)}
        made = self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        name: str = made["metadata"]["name"]
        return name

    def _kind(self, api_version: str, kind: str) -> Any:
        return self._client.resources.get(api_version=api_version, kind=kind)


def _plain(answer: Any) -> Object:
    content: Object = answer.to_dict()
    return content
