"""How the puller proves itself to registries, and they to it: secrets, the pod's identity, and the operator's CAs.

Amazon's webhook is not called again for our container, and Azure's may run before ours: so what either gave to the
container that serves the model is copied to the puller. Only variables of the clouds that run the sources' registries
are copied, and only the mounts with the files that these variables name.

Tests: tests/webhook/test_cases.py
"""

from collections.abc import Iterable

from registry.identity import amazon, azure, google
from registry.identity.hosts import Cloud, cloud_of
from webhook.names import (
    CA_DIRECTORY,
    CA_VOLUME,
    CREDENTIALS_DIRECTORY,
    CREDENTIALS_VOLUME,
    TOKEN_DIRECTORY,
    TOKEN_VOLUME,
)

from .podspec import Raw, entries, extended_list, mapping, name_of

_CA_FILE = "ca.crt"
CA_PATH = f"{CA_DIRECTORY}/{_CA_FILE}"
"""Where the puller reads the operator's CAs."""


TOKEN_PATH = f"{TOKEN_DIRECTORY}/token"
"""Where the puller reads the ServiceAccount's token."""

_TOKEN_SECONDS = 3600
_VARIABLES = {Cloud.AMAZON: amazon.VARIABLES, Cloud.AZURE: azure.VARIABLES, Cloud.GOOGLE: google.VARIABLES}


def config_paths(pull_secrets: tuple[str, ...]) -> tuple[str, ...]:
    """Return the path of each secret's docker config in the puller."""
    return tuple(f"{CREDENTIALS_DIRECTORY}/{name}/config.json" for name in pull_secrets)


def credentials_volume(pull_secrets: tuple[str, ...]) -> Raw:
    """Return the volume with the docker config of each secret."""
    # optional: an absent secret must not keep the pod from starting, because the kubelet's own
    # imagePullSecrets do not either; the puller says what the registry refused.
    sources = [
        {
            "secret": {
                "name": name,
                "optional": True,
                "items": [{"key": ".dockerconfigjson", "path": f"{name}/config.json"}],
            }
        }
        for name in pull_secrets
    ]
    return {"name": CREDENTIALS_VOLUME, "projected": {"sources": sources}}


def credentials_mount() -> Raw:
    """Return the puller's mount of the credentials."""
    return {"name": CREDENTIALS_VOLUME, "mountPath": CREDENTIALS_DIRECTORY, "readOnly": True}


def ca_volume(config_map: str, key: str) -> Raw:
    """Return the volume with the operator's CAs, from a ConfigMap in the pod's namespace."""
    # optional: a namespace without it starts pods as before, and the puller says that it is missing
    items = [{"key": key, "path": _CA_FILE}]
    return {"name": CA_VOLUME, "configMap": {"name": config_map, "optional": True, "items": items}}


def ca_mount() -> Raw:
    """Return the puller's mount of the operator's CAs."""
    return {"name": CA_VOLUME, "mountPath": CA_DIRECTORY, "readOnly": True}


def identity_names(registries: Iterable[str]) -> tuple[str, ...]:
    """Return the variables of the clouds that run these registries."""
    clouds = dict.fromkeys(cloud_of(registry) for registry in registries)
    return tuple(name for cloud in clouds if cloud is not None for name in _VARIABLES[cloud])


def add_identity(container: Raw, bare: Raw, server: Raw, registries: Iterable[str]) -> None:
    """Add to the puller's container what it lacks of the identity that the server has for these registries."""
    names = identity_names(registries)
    held = {name_of(one) for one in entries(container, "env")}
    found = [one for one in entries(server, "env") if name_of(one) in names]
    missing = [one for one in found if name_of(one) not in held]
    if missing:
        extended_list(container, "env").extend(missing)
    places = {one.get("mountPath") for one in entries(container, "volumeMounts")}
    mounts = [one for one in _mounts_of(bare, server, found) if one.get("mountPath") not in places]
    if mounts:
        extended_list(container, "volumeMounts").extend(mounts)


def environment_of(server: Raw, registries: Iterable[str]) -> dict[str, str]:
    """Return the identity's variables that a container has in plain text, for an explanation of them."""
    names = identity_names(registries)
    return {
        name_of(one): str(one["value"])
        for one in entries(server, "env")
        if name_of(one) in names and isinstance(one.get("value"), str)
    }


def token_volume(audience: str) -> Raw:
    """Return the volume with a token of the pod's ServiceAccount for an audience, which the kubelet renews."""
    source = {"audience": audience, "expirationSeconds": _TOKEN_SECONDS, "path": "token"}
    return {"name": TOKEN_VOLUME, "projected": {"sources": [{"serviceAccountToken": source}]}}


def token_mount() -> Raw:
    """Return the puller's mount of the token."""
    return {"name": TOKEN_VOLUME, "mountPath": TOKEN_DIRECTORY, "readOnly": True}


def _mounts_of(bare: Raw, server: Raw, variables: list[Raw]) -> list[Raw]:
    """Return the server's mounts that hold files which the variables name.

    A credential file of Google names the token's file in turn, which is not seen here: where there is such a file, the
    mounts of all projected tokens count.
    """
    paths = [str(one.get("value")) for one in variables if str(one.get("value")).startswith("/")]
    needs_tokens = any(name_of(one) == google.FILE_VARIABLE for one in variables)
    tokens = _token_volumes(bare) if needs_tokens else frozenset()
    return [
        one
        for one in entries(server, "volumeMounts")
        if name_of(one) in tokens or any(_is_below(path, one.get("mountPath")) for path in paths)
    ]


def _token_volumes(bare: Raw) -> frozenset[str]:
    volumes = entries(mapping(bare, "spec"), "volumes")
    return frozenset(
        name_of(volume)
        for volume in volumes
        if any("serviceAccountToken" in source for source in entries(mapping(volume, "projected"), "sources"))
    )


def _is_below(path: str, folder: object) -> bool:
    return isinstance(folder, str) and (path == folder or path.startswith(f"{folder.rstrip('/')}/"))
