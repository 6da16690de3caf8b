"""Laws of the engine."""

import json
import subprocess
import sys
from pathlib import Path

from bench.evaluation.starts import engine


def test_an_engine_waits_for_its_weights_reports_when_it_touched_them_and_ends(tmp_path: Path) -> None:
    """It starts without a model, as beside a modelcar that comes later."""
    program, model, staging = Path(engine.__file__), tmp_path / "model", tmp_path / "staging"
    with subprocess.Popen([sys.executable, program, "--model", model], stdout=subprocess.PIPE) as process:
        staging.mkdir()
        (staging / "a.safetensors").write_bytes(bytes(3 * 4096))
        (staging / "config.json").write_bytes(b"{}")
        staging.rename(model)
        report = json.loads(process.communicate(timeout=20)[0])
    assert process.returncode == 0
    assert report["started"] <= report["ready"] <= report["touched"]
    assert report["digests"].keys() == {"a.safetensors", "config.json"}


def test_one_byte_of_every_page_is_read(tmp_path: Path) -> None:
    """A loader's first read costs as many page faults."""
    (tmp_path / "shard").write_bytes(bytes(2 * 4096 + 1))
    assert engine.touch(tmp_path / "shard") == 3


def test_an_engine_needs_the_standard_library_alone() -> None:
    """It runs in an image that has nothing else."""
    subprocess.run([sys.executable, "-I", "-S", "-c", f"import runpy; runpy.run_path({engine.__file__!r})"], check=True)
