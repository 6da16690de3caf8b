"""Entries of the catalog as the ConfigMap holds them, and which of them this command wrote. Pure.

Tests: tests/verbs/test_catalog.py
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from certs.manifests import to_yaml
from cluster.output import columns
from registry.errors import Fault
from registry.printable import printable
from webhook.catalog import Catalog
from webhook.catalog_entry import parse_entry
from webhook.contract import parse_model
from webhook.manifests.configuration import CATALOG
from webhook.pod.podspec import Raw, entries, mapping

FIELD_MANAGER = "weighbridge-catalog"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """An entry that somebody adds, or changes: of what is None, what it has already stays."""

    name: str
    source: str
    gpu: bool | None = None
    mount_path: str | None = None

    def text(self, before: str = "") -> str:
        """Return the entry as the ConfigMap holds it, in place of the one before.

        Raises what the webhook would refuse it with.
        """
        parse_model(self.name)
        gpu, mount_path = _kept(before)
        gpu = gpu if self.gpu is None else self.gpu
        mount_path = mount_path if self.mount_path is None else self.mount_path
        stated: dict[str, Any] = {"source": self.source}
        stated |= {"gpu": True} if gpu else {}
        stated |= {"mountPath": mount_path} if mount_path else {}
        text = self.source if len(stated) == 1 else to_yaml(stated).removeprefix("---\n")
        parse_entry(text)
        return text


def _kept(before: str) -> tuple[bool, str]:
    """Return what an entry has beside its source; nothing of one that cannot be read."""
    try:
        entry = parse_entry(before)
    except Fault:
        return False, ""
    return bool(entry.gpu), entry.mount_path or ""


def owned(config_map: Raw) -> set[str]:
    """Return the names of the entries that were applied by this command."""
    return {name for manager, name in owners(config_map) if manager == FIELD_MANAGER}


def owners(config_map: Raw) -> set[tuple[str, str]]:
    """Return field managers with the names of the entries that they own (`metadata.managedFields`)."""
    return {
        (str(fields.get("manager")), key.removeprefix("f:"))
        for fields in entries(mapping(config_map, "metadata"), "managedFields")
        for key in mapping(mapping(fields, "fieldsV1"), "f:data")
        if key.startswith("f:")
    }


def document(config_map: Raw, texts: Mapping[str, str]) -> Raw:
    """Return what is applied: all entries of ours, on the version of the ConfigMap that was read."""
    metadata = mapping(config_map, "metadata")
    place = {key: metadata[key] for key in ("namespace", "resourceVersion") if key in metadata}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": CATALOG} | place, "data": dict(texts)}


def to_text(catalog: Catalog) -> str:
    """Return the catalog for people."""
    rows = [
        (name, str(entry.source), "yes" if entry.gpu else "", entry.mount_path or "")
        for name, entry in catalog.entries.items()
    ]
    rows += [(printable(name), f"cannot be read: {printable(why)}", "", "") for name, why in catalog.broken.items()]
    return columns(("NAME", "SOURCE", "GPU", "MOUNT-PATH"), sorted(rows))


def to_raw(catalog: Catalog) -> list[Raw]:
    """Return the catalog as JSON has it."""
    found: list[Raw] = []
    for name, entry in catalog.entries.items():
        more: Raw = {"gpu": True} if entry.gpu else {}
        more |= {"mountPath": entry.mount_path} if entry.mount_path else {}
        found.append({"name": name, "source": str(entry.source)} | more)
    found += [{"name": name, "problem": reason} for name, reason in catalog.broken.items()]
    return sorted(found, key=lambda one: str(one["name"]))
