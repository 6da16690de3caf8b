"""Laws of the model."""

from pathlib import Path

from bench.evaluation.model import make_phi
from bench.plan import MIB


def test_a_model_has_phi_4s_files_and_another_version_other_weights(tmp_path: Path) -> None:
    """Six shards change with the version, all other files stay."""
    one, two = (make_phi(MIB, tmp_path / "cache", tmp_path / str(number), number) for number in (1, 2))
    shards = {name for name in one.digests if name.endswith(".safetensors")}
    assert len(shards) == 6
    assert {"config.json", "tokenizer.json", "model.safetensors.index.json"} < one.digests.keys()
    assert {name for name in one.digests if one.digests[name] != two.digests[name]} == shards
    assert one.size == sum(path.stat().st_size for path in one.folder.iterdir())
