"""Which containers get the model.

A read-only mount too many costs nothing, one too few costs the server: so the choice is narrowed only to containers
that surely compute, or that name one of our variables.

Tests: tests/webhook/test_targets.py
"""

import re
from collections.abc import Iterator

from webhook.contract import CONTAINERS
from webhook.pod.podspec import Raw, app_containers, entries, every_container, init_containers, name_of
from webhook.pod.scheduling.accelerators import computes
from webhook.quotes import listed, quoted
from webhook.refusals import EarlyContainers, UnknownContainers
from webhook.settings import Settings

# $(NAME) is the kubelet's form, which leaves $$(NAME) alone; $NAME and ${NAME} are a shell's.
_OURS = re.compile(r"(?<!\$)\$[({]?WEIGHBRIDGE_(?:MODEL|ADAPTER)")


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
    early = [one for one in init_containers(pod)[index:] if names_our_variables(one)]
    return early + (narrowed or containers)


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
