"""Which names are below which folder, indexed so that a look-up need not scan all names. Pure."""

from collections.abc import Container, Iterator


class Folders:
    """Paths by the folder that they are in; a folder is known as long as something is in it."""

    def __init__(self) -> None:
        self._inside: dict[str, dict[str, None]] = {}

    def add(self, path: str) -> None:
        """Record a path, and every folder above it."""
        while path:
            folder = path.rpartition("/")[0]
            inside = self._inside.setdefault(folder, {})
            if path in inside:
                return
            inside[path] = None
            path = folder

    def drop(self, path: str, kept: Container[str]) -> None:
        """Remove a path, and the folders above it that are empty then and not in `kept`."""
        while path and path not in self._inside and path not in kept:
            folder = path.rpartition("/")[0]
            inside = self._inside[folder]
            del inside[path]
            if inside:
                return
            del self._inside[folder]
            path = folder

    def has_any(self, folder: str) -> bool:
        """Return whether anything is below a folder."""
        return folder in self._inside

    def below(self, folder: str) -> Iterator[str]:
        """Return every path below a folder, without the folder; the caller must not add or drop paths meanwhile."""
        waiting = [folder]
        while waiting:
            inside = self._inside.get(waiting.pop(), {})
            yield from inside
            waiting += inside
