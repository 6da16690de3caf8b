"""The keys of credentials in docker configs: hosts and paths, in the forms that tools write. Pure.

Tests: tests/registry/auth/test_credentials.py
"""

from fnmatch import fnmatchcase

from registry.reference import first_name

_VERSIONS = ("v1", "v2")
"""Paths of a whole registry's API; below a path of their own they are names of repositories."""


def normal(key: str) -> str:
    """Return a key in its plain form: HOST[:PORT][/PATH], Docker Hub under its first name."""
    key = key.removeprefix("https://").removeprefix("http://").rstrip("/")
    host, slash, path = key.lower().partition("/")
    return first_name(host) + ("" if path in _VERSIONS else slash + path)


def matches(pattern: str, key: str) -> bool:
    """Return whether a key with `*` in its host covers another one, label by label, with the same port and path.

    So the kubelet reads pull secrets (kubernetes.io/docs/concepts/containers/images, "Interpretation of config.json").
    """
    (wanted, _, path), (place, _, other_path) = pattern.partition("/"), key.partition("/")
    (wanted, _, port), (host, _, other_port) = wanted.partition(":"), place.partition(":")
    if "*" not in wanted or (port, path) != (other_port, other_path):
        return False
    labels, parts = wanted.split("."), host.split(".")
    return len(labels) == len(parts) and all(map(fnmatchcase, parts, labels))
