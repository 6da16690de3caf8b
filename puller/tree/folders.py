"""Which names lie below which folder, kept so that asking costs what is there and not all there is. Pure."""

from collections.abc import Container, Iterator


class Folders:
    """Paths by the folder that they lie in; a folder is there as long as something is in it."""

    def __init__(self) -> None:
        self._inside: dict[str, dict[str, None]] = {}

    def add(self, path: str) -> None:
        """Record a path, and of every folder above it."""
        while path:
            folder = path.rpartition("/")[0]
            inside = self._inside.setdefault(folder, {})
            if path in inside:
                return
            inside[path] = None
            path = folder

    def drop(self, path: str, kept: Container[str]) -> None:
        """Forget a path, and the folders above it that are empty then and not `kept` for themselves."""
        while path and path not in self._inside and path not in kept:
            folder = path.rpartition("/")[0]
            inside = self._inside[folder]
            del inside[path]
            if inside:
                return
            del self._inside[folder]
            path = folder

    def has_any(self, folder: str) -> bool:
        """Return whether anything lies below a folder."""
        return folder in self._inside

    def below(self, folder: str) -> Iterator[str]:
        """Return every path below a folder, itself left out; nothing may be added or dropped meanwhile."""
        waiting = [folder]
        while waiting:
            inside = self._inside.get(waiting.pop(), {})
            yield from inside
            waiting += inside
