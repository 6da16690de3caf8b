"""The puller's container, and the mount and environment of the application's containers."""

from puller.settings import Settings as PullerSettings
from registry.source import HubSource, OciSource, parse_source
from webhook.names import CACHE_DIRECTORY, CREDENTIALS_DIRECTORY, CREDENTIALS_VOLUME, PULLER, VOLUME_DIRECTORY
from webhook.pod.podspec import (
    Raw,
    app_containers,
    entries,
    every_container,
    extended_list,
    extended_mapping,
    init_containers,
    name_of,
)
from webhook.pod.resources import puller_resources
from webhook.pod.security import puller_security
from webhook.pod.volumes import config_paths
from webhook.settings import Settings

from .status import Status
from .targets import puller_index


def has_puller(pod: Raw) -> bool:
    """Return whether the pod has an init container of our name."""
    return any(name_of(container) == PULLER for container in init_containers(pod))


def add_puller(pod: Raw, plan: Status, settings: Settings) -> None:
    """Add the puller, unless it is there: then changes by other plugins stay."""
    if has_puller(pod):
        return
    container = _puller(pod, plan, settings)
    extended_list(extended_mapping(pod, "spec"), "initContainers").insert(puller_index(pod), container)


def wire_targets(pod: Raw, plan: Status) -> None:
    """Add the model's mount to the plan's containers, and its environment before their own."""
    for container in every_container(pod):
        if name_of(container) in plan.containers:
            _add_mount(container, plan)
            _add_environment(container, plan)


def _puller(pod: Raw, plan: Status, settings: Settings) -> Raw:
    pull = PullerSettings(
        source=plan.source,
        destination=f"{VOLUME_DIRECTORY}/{plan.directory}",
        docker_configs=config_paths(plan.pull_secrets),
        plain_http=settings.plain_http,
        mirrors=settings.mirrors if isinstance(parse_source(plan.source), OciSource) else "",
        cache=CACHE_DIRECTORY if plan.volume.outlives_the_pod else "",
        sync=plan.volume.outlives_the_pod,
        trust_group=settings.trust_group and plan.volume.outlives_the_pod,
    )
    mounts = [plan.volume.puller_mount()]
    if plan.pull_secrets:
        mounts.append({"name": CREDENTIALS_VOLUME, "mountPath": CREDENTIALS_DIRECTORY, "readOnly": True})
    container: Raw = {
        "name": PULLER,
        "image": plan.image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-m", "puller"],
        "env": [*(_variable(name, value) for name, value in pull.to_env().items()), *_hub_environment(plan, settings)],
        "resources": puller_resources(pod, settings.puller_resources),
        "securityContext": puller_security(pod, _first_target(pod, plan)),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts,
    }
    return container


def _hub_environment(plan: Status, settings: Settings) -> list[Raw]:
    """Return the environment of a puller that uses the Hugging Face hub: the hub's URL and the token."""
    if not isinstance(parse_source(plan.source), HubSource):
        return []
    variables = [_variable("HF_ENDPOINT", settings.hub_endpoint)] if settings.hub_endpoint else []
    if settings.hub_token_secret:
        name, key = settings.hub_token_secret
        # optional, like pull secrets: open repositories need none, and for others the puller reports what is missing
        reference = {"name": name, "key": key, "optional": True}
        variables.append({"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": reference}})
    return variables


def _first_target(pod: Raw, plan: Status) -> Raw:
    targets = (one for one in [*app_containers(pod), *init_containers(pod)] if name_of(one) in plan.containers)
    return next(targets, {})


def _add_mount(container: Raw, plan: Status) -> None:
    mount = plan.volume.app_mount(plan.directory, plan.mount_path)
    if all(one.get("mountPath") != plan.mount_path for one in entries(container, "volumeMounts")):
        extended_list(container, "volumeMounts").append(mount)


def _add_environment(container: Raw, plan: Status) -> None:
    wanted = {"WEIGHBRIDGE_MODEL_PATH": plan.mount_path, "WEIGHBRIDGE_MODEL_NAME": plan.model}
    if plan.digest:
        wanted["WEIGHBRIDGE_MODEL_DIGEST"] = str(plan.digest)
    present = {name_of(one) for one in entries(container, "env")}
    missing = [_variable(name, value) for name, value in wanted.items() if name not in present]
    if missing:
        # first, because $(WEIGHBRIDGE_MODEL_PATH) is expanded only in variables after it and in arguments
        extended_list(container, "env")[:0] = missing


def _variable(name: str, value: str) -> Raw:
    # the kubelet expands $(NAME) in values, and reads $$ as one $
    return {"name": name, "value": value.replace("$", "$$")}
