"""Which containers get the model, and which of them serves it.

A read-only mount too many costs nothing, one too few costs the server: so the choice is narrowed only to containers
that surely compute, or that name one of our variables, and to engines that we know beside these.

Tests: tests/webhook/test_targets.py
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from webhook.contract import CONTAINERS
from webhook.pod.podspec import Raw, app_containers, entries, every_container, init_containers, mapping, name_of
from webhook.pod.quantities import quantity
from webhook.pod.scheduling.accelerators import computes, requested_accelerators
from webhook.quotes import listed, quoted
from webhook.refusals import EarlyContainers, UnknownContainers
from webhook.settings import Settings

from .engines import engine_of

# $(NAME) is the kubelet's form, which leaves $$(NAME) alone; $NAME and ${NAME} are a shell's.
_OURS = re.compile(r"(?<!\$)\$[({]?WEIGHBRIDGE_(?:MODEL|ADAPTER)")

_SILENT = Decimal(2 << 30)
"""The memory that counts for a container that states none: more than sidecars state, and less than servers do."""


def choose_targets(pod: Raw, named: tuple[str, ...] | None, index: int, settings: Settings) -> list[Raw]:
    """Return the containers that get the model, in the order of their start; `index` is the puller's.

    Those that are named; else those that ask for an accelerator or name our variables; else all application
    containers but a mesh's proxies and servers of volumes. Init containers after the puller that name our variables
    get it, too. Raises UnknownContainers and EarlyContainers.
    """
    if named is not None:
        return _by_name(pod, named, index)
    sidecars = settings.all_sidecars
    containers = [one for one in app_containers(pod) if not sidecars.has_role(one, "proxy", "volume")]
    narrowed = [one for one in containers if computes(one, settings.accelerators) or names_our_variables(one)]
    if narrowed and not any(_surely_serves(one, settings.accelerators) for one in narrowed):
        # A claim may be of a network card, and an exporter may name the model: neither makes another one no server.
        kept = {id(one) for one in narrowed}
        narrowed = [one for one in containers if id(one) in kept or engine_of(one) != "none"]
    early = [one for one in init_containers(pod)[index:] if names_our_variables(one)]
    return early + (narrowed or containers)


def _surely_serves(container: Raw, accelerators: tuple[str, ...]) -> bool:
    return engine_of(container) != "none" or any(requested_accelerators(container, accelerators))


def server_of(pod: Raw, targets: list[Raw], mount_paths: Mapping[str, str], accelerators: tuple[str, ...]) -> Raw:
    """Return the target that serves the model. `mount_paths` are those of the model, by the containers' names.

    An application container before an init container, one with an accelerator before others, one that shows that it
    reads a model before one that does not, one that claims a device, and then the one that may use the most memory.
    """
    apps = {id(container) for container in app_containers(pod)}

    def rank(container: Raw) -> tuple[bool, bool, bool, bool, Decimal]:
        path = mount_paths.get(name_of(container), "")
        return (
            id(container) in apps,
            any(requested_accelerators(container, accelerators)),
            engine_of(container) != "none" or names_our_variables(container) or _names(container, path),
            computes(container, accelerators),
            _memory(container),
        )

    return max(targets, key=rank, default={})


def _names(container: Raw, path: str) -> bool:
    return bool(path) and any(path in text for text in _texts(container))


def _memory(container: Raw) -> Decimal:
    """Return the memory that a container may use, or requests; _SILENT where it states neither."""
    resources = mapping(container, "resources")
    stated = (quantity(mapping(resources, kind).get("memory")) for kind in ("limits", "requests"))
    return next((amount for amount in stated if amount is not None), _SILENT)


def names_our_variables(container: Raw) -> bool:
    """Return whether a container's command, arguments or environment name one of our variables."""
    return any(_OURS.search(text) for text in _texts(container))


def _texts(container: Raw) -> Iterator[str]:
    for field in ("command", "args"):
        words = container.get(field)
        yield from (word for word in words if isinstance(word, str)) if isinstance(words, list) else ()
    values = (variable.get("value") for variable in entries(container, "env"))
    yield from (value for value in values if isinstance(value, str))


def _by_name(pod: Raw, named: tuple[str, ...], index: int) -> list[Raw]:
    present = {name_of(container): container for container in every_container(pod)}
    unknown = [name for name in named if name not in present]
    if unknown:
        raise UnknownContainers(
            f"{CONTAINERS.name} names {listed(unknown)}, and the pod has no such container",
            hint=f"its containers are {listed(filter(None, present))}",
        )
    early = {name_of(container) for container in init_containers(pod)[:index]}
    for name in named:
        if name in early:
            raise EarlyContainers(f"{CONTAINERS.name} names {quoted(name)}, which starts before the model is pulled")
    return [container for name, container in present.items() if name in named]
