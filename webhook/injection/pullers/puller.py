"""The puller's container: what it is, and whether the one in the pod is it.

Tests: tests/webhook/test_cases.py
"""

from puller.settings import Settings as PullerSettings
from registry.mirrors.pod_text import text_for
from webhook.injection.containers import escaped
from webhook.injection.engines import files_path
from webhook.injection.plan import Plan
from webhook.injection.status import Status
from webhook.injection.targets import names_our_variables
from webhook.names import CACHE_DIRECTORY, DIRECTORY, PULLER, VOLUME_DIRECTORY, VOLUMES
from webhook.pod.credentials import CA_PATH, TOKEN_PATH, ca_mount, config_paths, credentials_mount, token_mount
from webhook.pod.podspec import Raw, entries, mapping, name_of
from webhook.pod.resources import Resources
from webhook.pod.security import puller_security
from webhook.settings import Settings

from .overlap import OVERLAPS, overlapping
from .variables import uses_hub

_RUNS = ("args", "workingDir", "envFrom", "lifecycle", "restartPolicy", "restartPolicyRules", "volumeDevices", "tty")
"""Fields that change what a container runs, or how: those of ours that have them have just these."""

_ASSIGNED = ("runAsUser", "runAsGroup", "seLinuxOptions", "appArmorProfile")
"""What security policies of clusters assign to containers."""

_RESERVED = "WEIGHBRIDGE_"


def puller_containers(bare: Raw, plan: Plan, settings: Settings) -> list[Raw]:
    """Return the containers that bring the model, in their order, for a pod that is given without them."""
    puller = _puller(bare, plan, settings)
    if plan.status.overlap != OVERLAPS:
        return [puller]
    return overlapping(bare, puller, plan.status.containers, plan.status.content_bytes)


def _puller(bare: Raw, plan: Plan, settings: Settings) -> Raw:
    status = plan.status
    mounts = [status.volume.puller_mount()]
    mounts += [credentials_mount()] if status.pull_secrets else []
    mounts += [ca_mount()] if settings.ca_config_map else []
    mounts += [token_mount()] if status.token_audience else []
    return {
        "name": PULLER,
        "image": status.image,
        "imagePullPolicy": settings.puller_pull_policy,
        "command": ["python", "-m", "puller"],
        "env": [*_environment(plan, settings), *_hub_token(status, settings)],
        "resources": status.resources.to_raw(),
        "securityContext": puller_security(bare, plan.server, plan.placement.user),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts,
    }


def differences(present: Raw, planned: Raw) -> list[str]:
    """Return the fields in which a container is not the planned one; what other plugins may change is none.

    Those are resources, the pull policy, further variables and mounts, and users that a policy assigns.
    """
    found = [field for field in ("image", "command") if present.get(field) != planned[field]]
    found += [field for field in _RUNS if not _is_same(present.get(field), planned.get(field))]
    if not _is_same_context(mapping(present, "securityContext"), planned["securityContext"]):
        found.append("securityContext")
    variables, mounts = entries(present, "env"), entries(present, "volumeMounts")
    wanted = planned.get("env", [])
    names = {name_of(one) for one in wanted}
    if [one for one in variables if name_of(one) in names or _is_ours(one)] != wanted:
        found.append("env")
    if [one for one in mounts if _is_our_mount(one)] != planned["volumeMounts"]:
        found.append("volumeMounts")
    return found


def renewed(present: Raw, planned: Raw, record: Status) -> Raw:
    """Return the planned container with what other plugins gave to the one that is there, by what we recorded."""
    wanted = planned.get("env", [])
    names = {name_of(one) for one in wanted}
    earlier = {name: {"name": name, "value": escaped(value)} for name, value in record.variables}
    variables = [
        one
        for one in entries(present, "env")
        if name_of(one) not in names and not _is_ours(one) and one != earlier.get(name_of(one))
    ]
    mounts = [one for one in entries(present, "volumeMounts") if not _is_our_mount(one)]
    container = planned | {"volumeMounts": planned["volumeMounts"] + mounts}
    if wanted or variables:
        container["env"] = wanted + variables
    if present.get("imagePullPolicy") == "Always":
        container["imagePullPolicy"] = "Always"
    if name_of(planned) == PULLER and Resources.of(present) != record.resources:
        container["resources"] = mapping(present, "resources")
    if "terminationMessagePath" in present:
        container["terminationMessagePath"] = present["terminationMessagePath"]
    assigned = {key: value for key, value in mapping(present, "securityContext").items() if key in _ASSIGNED}
    container["securityContext"] = assigned | planned["securityContext"]
    return container


def _pull(plan: Plan, settings: Settings) -> PullerSettings:
    status, is_shared = plan.status, plan.status.volume.is_shared
    return PullerSettings(
        source=str(status.pinned_source),
        destination=files_path(status.layout, f"{VOLUME_DIRECTORY}/{status.directory}"),
        include=status.include,
        exclude=status.exclude,
        hub_cache=f"{VOLUME_DIRECTORY}/{status.directory}" if status.layout == "huggingface" else "",
        adapters=tuple(map(str, status.pinned_adapters)),
        adapters_dir=f"{VOLUME_DIRECTORY}/{status.adapters_directory}" if status.adapters else "",
        base_path=_base_path(plan) if status.adapters else "",
        docker_configs=config_paths(status.pull_secrets),
        token_file=TOKEN_PATH if status.token_audience else "",
        plain_http=settings.plain_http,
        mirrors=_mirrors(status, settings),
        signatures=settings.signatures,
        require_signature=status.require_signature,
        ca_file=CA_PATH if settings.ca_config_map else "",
        cache=CACHE_DIRECTORY if is_shared else "",
        cache_bytes=settings.cache_bytes if is_shared else 0,
        cache_keep_days=settings.cache_keep_days if is_shared else 0,
        processes=settings.puller_processes,
        deadline_seconds=settings.pull_deadline_seconds,
        sync=is_shared,
        trust_group=settings.trust_group and is_shared,
    )


def _base_path(plan: Plan) -> str:
    """Return the path that the engine is given for the base model.

    In a cache that is the snapshot's, which it finds by the model's name, unless its arguments name the path.
    """
    name = name_of(plan.server)
    mount_path = next((one.mount_path for one in plan.status.targets if one.name == name), plan.status.mount_path)
    if plan.status.layout == "huggingface" and not names_our_variables(plan.server):
        return f"{mount_path}/{{snapshot}}"
    return files_path(plan.status.layout, mount_path)


def _mirrors(status: Status, settings: Settings) -> str:
    """Return the mirrors of the sources' own registries: those of others are nobody's business in this namespace."""
    texts = dict.fromkeys(text_for(settings.mirrors, registry) for registry in status.registries)
    return "\n".join(filter(None, texts))


def _environment(plan: Plan, settings: Settings) -> list[Raw]:
    variables = {**_pull(plan, settings).to_env(), **dict(plan.status.variables)}
    if settings.puller_debug:
        variables["WEIGHBRIDGE_DEBUG"] = "1"
    return [{"name": name, "value": escaped(value)} for name, value in variables.items()]


def _hub_token(status: Status, settings: Settings) -> list[Raw]:
    if not settings.hub_token_secret or not uses_hub(status.source, status.adapters):
        return []
    name, key = settings.hub_token_secret
    # optional, like pull secrets: open repositories need none, and for others the puller reports what is missing
    return [{"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": name, "key": key, "optional": True}}}]


def _is_same(present: object, planned: object) -> bool:
    """Return whether a field is as planned; what is absent may be empty, and null."""
    return present == planned or (not present and not planned)


def _is_same_context(present: Raw, planned: Raw) -> bool:
    others = {key: value for key, value in present.items() if key not in planned and key not in _ASSIGNED}
    return not others and all(present.get(key) == value for key, value in planned.items())


def _is_ours(variable: Raw) -> bool:
    return name_of(variable).startswith(_RESERVED)


def _is_our_mount(mount: Raw) -> bool:
    path = mount.get("mountPath")
    is_inside = isinstance(path, str) and (path == DIRECTORY or path.startswith(f"{DIRECTORY}/"))
    return is_inside or name_of(mount) in VOLUMES
