"""Entries added to the catalog and removed from it, by server-side apply under a field manager of our own.

So an apply of the manifests, or another tool's, keeps what this command wrote, and this command what they did. Each
write is bound to the version that was read; of two at once, the second reads again.

Tests: tests/verbs/test_catalog.py
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cluster import kinds
from cluster.api import Api, Made
from cluster.errors import Absent, Conflict
from registry.errors import Fault
from webhook.manifests.configuration import CATALOG
from webhook.pod.podspec import Raw, mapping, name_of
from webhook.values.near import Names

from .entries import FIELD_MANAGER, NewEntry, document, owned, owners

_TRIES = 5
_SEEN = "catalog.weighbridge.dev/version"
"""An annotation of the webhook's own pods."""


@dataclass(frozen=True, slots=True)
class Editor:
    """The catalog of an install. `options` are those of a write: dryRun, and force."""

    api: Api
    namespace: str
    options: Mapping[str, str] = field(default_factory=dict)

    def read(self) -> Raw:
        """Return the ConfigMap. Raises Absent where nothing is installed."""
        try:
            return self.api.read(kinds.CONFIG_MAP, CATALOG, self.namespace)
        except Absent as error:
            raise Absent(str(error), hint="install first: kubectl apply --server-side -k deploy/") from error

    def add(self, entry: NewEntry) -> str:
        """Write an entry; return `added`, `changed` or `unchanged`.

        Raises what the webhook would refuse it with, and Conflict where another field manager owns the entry.
        """
        entry.text()  # what is refused needs no cluster

        def write(config_map: Raw) -> str:
            before = mapping(config_map, "data").get(entry.name)
            text = entry.text(str(before or ""))
            if before == text:
                return "unchanged"
            self._apply(config_map, owned(config_map) | {entry.name}, {entry.name: text})
            return "added" if before is None else "changed"

        return self._patiently(write)

    def remove(self, name: str) -> str:
        """Remove an entry; return `removed`. Raises Absent, and Conflict where another field manager owns it."""

        def write(config_map: Raw) -> str:
            held = mapping(config_map, "data")
            if name not in held:
                near = Names(held).near(name)
                guess = f"; did you mean {near[0]}?" if near else ""
                raise Absent(f"the catalog has no entry {name!r}{guess}", hint="weighbridge catalog list has them all")
            others = sorted({manager for manager, entry in owners(config_map) if entry == name} - {FIELD_MANAGER})
            if "force" in self.options:
                self._drop(config_map, name)
            elif others:
                raise Conflict(f"the entry {name!r} belongs to the field manager {', '.join(others)}")
            else:
                self._apply(config_map, owned(config_map) - {name}, {})
            return "removed"

        return self._patiently(write)

    def hurry(self) -> bool:
        """Ask the kubelets to bring the catalog to the webhook's pods at once; return whether they could be asked.

        A kubelet reads the ConfigMaps of a pod again when an annotation of the pod changes, and else once a minute or
        so (kubernetes.io, "Configure a Pod to Use a ConfigMap", "Mounted ConfigMaps are updated automatically").
        """
        try:
            version = self.read()["metadata"]["resourceVersion"]
            pods = self.api.items(kinds.POD, self.namespace, labels=kinds.WEBHOOK_PODS)
            for pod in pods:
                metadata = {"name": name_of(mapping(pod, "metadata")), "annotations": {_SEEN: version}}
                self.api.merge(kinds.POD, {"metadata": metadata}, self.namespace, {"fieldManager": FIELD_MANAGER})
        except Fault:
            return False
        return bool(pods)

    def _apply(self, config_map: Raw, names: set[str], changed: Mapping[str, str]) -> Made:
        held = mapping(config_map, "data")
        texts = {name: held[name] for name in sorted(names) if name in held} | dict(changed)
        options = {"fieldManager": FIELD_MANAGER, **self.options}
        return self.api.apply(kinds.CONFIG_MAP, document(config_map, texts), self.namespace, options)

    def _drop(self, config_map: Raw, name: str) -> Made:
        patch = document(config_map, {}) | {"data": {name: None}}
        options = {"fieldManager": FIELD_MANAGER} | {key: self.options[key] for key in self.options if key != "force"}
        return self.api.merge(kinds.CONFIG_MAP, patch, self.namespace, options)

    def _patiently(self, write: Callable[[Raw], str]) -> str:
        """Read and write, and again where somebody else wrote in between."""
        for _ in range(_TRIES - 1):
            try:
                return write(self.read())
            except Conflict as error:
                if "the object has been modified" not in str(error):
                    raise
        return write(self.read())
