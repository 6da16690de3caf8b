"""The operator's ConfigMaps, as `inject --config` reads them."""

import json
from pathlib import Path

import pytest

from webhook.command import read_configuration
from webhook.manifests.configuration import CATALOG, CONFIG, configure
from webhook.settings import BadSettings


def _map(name: str, held: dict[str, str]) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": held}


def test_both_maps_are_found_among_other_manifests() -> None:
    """The file may be all that is deployed."""
    found = configure(
        [
            None,
            {"kind": "Namespace"},
            _map("other", {"a": "b"}),
            _map(CATALOG, {"phi-4": "registry.example.com/phi-4", "bad": "{"}),
            _map(CONFIG, {"WEIGHBRIDGE_NAME_TAG_FORM": "true"}),
        ]
    )
    assert found.settings.name_tag_form
    assert list(found.catalog.entries) == ["phi-4"]
    assert list(found.catalog.broken) == ["bad"]


def test_manifests_without_either_map_are_refused() -> None:
    """A wrong file would otherwise look like an empty configuration."""
    with pytest.raises(BadSettings, match="neither"):
        configure([_map("other", {})])


def test_a_key_that_is_no_setting_is_refused_in_a_file_and_named_in_a_cluster(tmp_path: Path) -> None:
    """The webhook ignores it, so that nothing which reads a cluster may fail for it."""
    manifest = _map(CONFIG, {"WEIGHBRIDGE_PULER_IMAGE": "x", "WEIGHBRIDGE_OVERLAP": "auto"})
    found = configure([manifest])
    assert (found.unknown_keys, found.settings.overlap) == (("WEIGHBRIDGE_PULER_IMAGE",), "auto")
    file = tmp_path / "configuration.yaml"
    file.write_text(json.dumps(manifest))
    with pytest.raises(BadSettings, match="WEIGHBRIDGE_PULER_IMAGE"):
        read_configuration(str(file))
