"""The config of what cosign keeps under a tag: that of an image, whose layers are signed payloads. Pure.

Tests: tests/packer/test_sign.py
"""

import json
from collections.abc import Sequence

from registry.manifest import Descriptor


def cosign_config(layers: Sequence[Descriptor]) -> bytes:
    """Return a config as cosign writes it."""
    rootfs = {"type": "layers", "diff_ids": [str(one.digest) for one in layers]}
    return json.dumps({"architecture": "", "os": "", "config": {}, "rootfs": rootfs}).encode()
