"""What a process may use, read as kernels of both versions tell it."""

from pathlib import Path

import pytest

from registry.process.control_group import core_limit, memory_limit, own_cores


@pytest.mark.parametrize(
    ("cgroups", "files", "limit"),
    [
        ("0::/pod/app\n", {"pod/app/memory.max": "134217728"}, 134217728),
        ("0::/pod/app\n", {"memory.max": "1000"}, 1000),
        ("0::/\n", {"memory.max": "max"}, None),
        ("0::/a/pod/app\n", {"a/pod/app/memory.max": "max", "a/pod/memory.max": "500", "a/memory.max": "900"}, 500),
        ("0::/pod/app\n", {"pod/app/memory.max": "900", "memory.max": "500"}, 500),
        ("4:cpu:/x\n3:memory:/pod\n", {"memory/pod/memory.limit_in_bytes": "2000"}, 2000),
        ("3:memory:/pod\n", {"memory/memory.limit_in_bytes": "9223372036854771712"}, None),
        ("", {}, None),
    ],
)
def test_the_memory_limit_is_found_in_both_versions_of_control_groups(
    tmp_path: Path, cgroups: str, files: dict[str, str], limit: int | None
) -> None:
    """On the host under the group's path, in a container at the root."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    assert memory_limit(cgroups, tmp_path) == limit


@pytest.mark.parametrize(
    ("cgroups", "files", "cores"),
    [
        ("0::/pod/app\n", {"pod/app/cpu.max": "150000 100000"}, 1.5),
        ("0::/pod/app\n", {"cpu.max": "200000 100000"}, 2.0),
        ("0::/\n", {"cpu.max": "max 100000"}, None),
        ("0::/pod/app\n", {"pod/app/cpu.max": "400000 100000", "pod/cpu.max": "100000 100000"}, 1.0),
        ("4:cpu,cpuacct:/x\n", {"cpu/x/cpu.cfs_quota_us": "50000", "cpu/x/cpu.cfs_period_us": "100000"}, 0.5),
        ("4:cpu,cpuacct:/x\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ("", {}, None),
    ],
)
def test_the_limit_on_cores_is_found_in_both_versions_of_control_groups(
    tmp_path: Path, cgroups: str, files: dict[str, str], cores: float | None
) -> None:
    """As a container's limit on cpu is written there."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    assert core_limit(cgroups, tmp_path) == cores


def test_there_is_a_core_at_least() -> None:
    """Whatever the machine that tests run on."""
    assert own_cores() >= 1
