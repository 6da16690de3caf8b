"""LoRA adapters: pulled beside a model, each with a config for the base model of the pod."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from puller.pod.adapters import plain, pull_adapters
from puller.pod.hub_cache import CachedName, prepare_cache, write_cache
from puller.pull import pull
from puller.settings import Settings
from registry.access.access import Access
from registry.auth.credentials import Credentials
from registry.http.transport import Transport
from registry.progress.reporter import QuietReporter
from tests.fakes.registry import FakeRegistry, fake_registry
from tests.puller.models import noise, read_tree
from tests.puller.store.test_claims import ALICE, BOB, Volume, root_only
from tests.puller.store.users import as_user
from tests.puller.test_container import run

from .test_hub_cache import NAME, offer

WEIGHTS = noise(5000)
CONFIG = {"peft_type": "LORA", "base_model_name_or_path": "someone/else", "r": 8}
ADAPTER = {"adapter_config.json": json.dumps(CONFIG).encode(), "adapter_model.safetensors": WEIGHTS}


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """Return a volume."""
    folder = tmp_path / "volume"
    folder.mkdir()
    return folder


@pytest.fixture
def shared() -> Iterator[Volume]:
    """Return a volume that other users can reach."""
    with tempfile.TemporaryDirectory(prefix="weighbridge-claims-") as folder:
        yield Volume(Path(folder))


def adapted(fake: FakeRegistry, volume: Path, base_path: str = "/models/phi-4", **more: object) -> Settings:
    """Return what the webhook asks of a puller for a model with two adapters, having offered all of them."""
    offer(fake, {"config.json": b"{}"}, {"name": NAME})
    offer(fake, ADAPTER, {}, "sql")
    offer(fake, ADAPTER | {"README.md": b"chat"}, {}, "chat")
    reference = fake.reference()
    root = reference.removesuffix(":v1")
    fields = {
        "source": reference,
        "destination": f"{volume}/phi-4",
        "adapters": (f"sql={root}:sql", f"chat={root}:chat"),
        "adapters_dir": f"{volume}/.adapters/phi-4",
        "base_path": base_path,
    }
    return Settings(**(fields | more))  # type: ignore[arg-type]


def test_each_adapter_names_the_path_that_the_engine_was_given(volume: Path) -> None:
    """Its weights are untouched and lie on the volume once; what was pulled stays as it was pulled."""
    with fake_registry() as fake:
        done = run(adapted(fake, volume))
    assert done.returncode == 0, done.stderr
    for name, files in (("sql", 2), ("chat", 3)):
        folder = volume / ".adapters" / "phi-4" / name
        assert len(read_tree(folder)) == files
        config = json.loads((folder / "adapter_config.json").read_text())
        assert config == CONFIG | {"base_model_name_or_path": "/models/phi-4"}
        weights = folder / "adapter_model.safetensors"
        assert weights.read_bytes() == WEIGHTS
        assert weights.stat().st_nlink == 2
    pulled = sorted(path.name for path in (volume / ".adapters" / ".pulled").iterdir() if path.name[0] != ".")
    assert [name.partition("-")[0] for name in pulled] == ["chat", "sql"]
    for name in pulled:
        config = (volume / ".adapters" / ".pulled" / name / "adapter_config.json").read_bytes()
        assert config == ADAPTER["adapter_config.json"]


def test_adapters_that_stand_are_not_published_again(volume: Path) -> None:
    """A pod on the same volume finds the folder that another one has mounted."""
    with fake_registry() as fake:
        settings = adapted(fake, volume)
        assert run(settings).returncode == 0
        before = (volume / ".adapters" / "phi-4" / "sql").stat().st_ino
        assert run(settings).returncode == 0
    assert (volume / ".adapters" / "phi-4" / "sql").stat().st_ino == before


def test_an_adapter_whose_tag_moved_is_published_anew(volume: Path) -> None:
    """With the config for the same base model."""
    with fake_registry() as fake:
        settings = adapted(fake, volume)
        assert run(settings).returncode == 0
        offer(fake, ADAPTER | {"adapter_model.safetensors": b"new"}, {}, "sql")
        assert run(settings).returncode == 0
    folder = volume / ".adapters" / "phi-4" / "sql"
    assert (folder / "adapter_model.safetensors").read_bytes() == b"new"
    assert json.loads((folder / "adapter_config.json").read_text())["base_model_name_or_path"] == "/models/phi-4"


def test_in_a_hugging_face_cache_the_base_is_the_snapshot_that_the_engine_finds(volume: Path) -> None:
    """An engine (vLLM) replaces the name by the snapshot's path, and compares that."""
    with fake_registry() as fake:
        settings = adapted(
            fake,
            volume,
            "/models/phi-4/{snapshot}",
            destination=f"{volume}/phi-4/model",
            hub_cache=f"{volume}/phi-4",
        )
        done = run(settings)
    assert done.returncode == 0, done.stderr
    (snapshot,) = (volume / "phi-4").glob("models--*/snapshots/*")
    config = json.loads((volume / ".adapters" / "phi-4" / "sql" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == f"/models/phi-4/models--microsoft--phi-4/snapshots/{snapshot.name}"


@pytest.mark.parametrize("files", [{"x": b""}, {"adapter_config.json": b"[]"}, {"adapter_config.json": b"{"}])
def test_what_is_no_adapter_is_refused_by_name(files: dict[str, bytes], volume: Path) -> None:
    """The model stands by then; the pod says what is wrong."""
    with fake_registry() as fake:
        settings = adapted(fake, volume)
        offer(fake, files, {}, "sql")
        done = run(settings)
    assert done.returncode == 1
    assert "[artifact.invalid]" in done.stderr
    assert "adapter_config.json" in done.stderr
    assert not (volume / ".adapters" / "phi-4" / "sql").exists()


@root_only
@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o2775])
def test_users_of_one_claim_share_adapters_and_a_cache(shared: Volume, mode: int) -> None:
    """The second finds what the first wrote, and writes nothing; each pod's base path has a folder of its own."""
    shared.root.chmod(mode)
    source = shared.push(ADAPTER, "sql")
    settings = shared.settings(
        "phi/model",
        hub_cache=str(shared.root / "phi"),
        adapters=(f"sql={source}",),
        adapters_dir=str(shared.root / ".adapters" / "phi"),
        base_path="/models/phi",
    )
    for user in (ALICE, BOB, ALICE):
        outcome = as_user(user, lambda _: _bring(settings))
        assert outcome.code == 0, outcome.said
    config = json.loads((shared.root / ".adapters" / "phi" / "sql" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "/models/phi"
    (snapshot,) = (shared.root / "phi" / "models--team--phi" / "snapshots").iterdir()
    assert (snapshot / "config.json").is_file()


def _bring(settings: Settings) -> int:
    access = Access(transport=Transport(proxies={}), credentials=Credentials())
    model = plain(settings, settings.source, Path(settings.destination))
    prepare_cache(settings)
    receipt = pull(model, access, QuietReporter())
    write_cache(settings, receipt, CachedName("team/phi"))
    pull_adapters(settings, access, QuietReporter(), settings.base_path)
    return 0
