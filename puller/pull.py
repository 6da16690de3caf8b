"""The story of a pull.

1. Lock the destination. A model that is up to date ends the pull; a pinned one needs no lock for that.
2. Resolve the source to a manifest: the one saved beside the model where the source is pinned, else the registry's.
3. Read the artifact: which files it makes, and who signed it (signatures.py). Files that stand already and have the
   right bytes end the pull (adopt.py).
4. Plan: parts to blobs and pieces (plan.py).
5. Keep what is right: pieces of an earlier pull, files of the version before, files of the cache (work.py).
6. Fetch the rest in pieces, each verified as it is written and noted in a journal (transfer/); an archive again, where
   a selected link leads to a member that was not selected (reuse/linked.py).
7. Place files: put the model directory together (tree/).
8. Publish it in one step, with a receipt (store/publish.py).

With a cache, steps 4 to 8 run in the cache (through_cache.py), and the destination gets hard links to the files there.
"""

from registry.access.access import Access
from registry.open import open_repository
from registry.progress.reporter import Reporter
from registry.source import Source, parse_source

from .adopt import adopt_current
from .artifact.model_artifact import load_artifact
from .deadline import within
from .settings import Settings
from .signatures import prove_signers
from .store.locked import LockedDestination, current, destination_of, locked_destination, note_start
from .store.receipt import Receipt
from .through_cache import pull_through_cache, saved_artifact
from .update import update


def pull(settings: Settings, access: Access, reporter: Reporter) -> Receipt:
    """Bring the model of `settings` to its destination, whole and verified; return its receipt.

    Raises Fault, DeadlinePassed among them; then the destination is as it was before, and what has come so far is kept
    beside it.
    """
    with within(settings.deadline_seconds):
        source, destination = parse_source(settings.source), destination_of(settings)
        destination.check()
        note_start(settings, destination)
        found = current(settings, reporter, destination, source.digest)
        if found is None:
            # 1
            with locked_destination(settings, reporter, destination) as locked:
                found = locked.current(source.digest)
                if found is None:
                    return _pull_locked(locked, source, access)
        return _up_to_date(found, settings, reporter)


def _pull_locked(locked: LockedDestination, source: Source, access: Access) -> Receipt:
    repository = open_repository(source, access)
    artifact = saved_artifact(locked, source, repository, access)
    if artifact is None:
        # 2
        resolved = repository.resolve()
        found = locked.current(resolved.digest)
        if found is not None:
            return _up_to_date(found, locked.settings, locked.reporter)
        # 3
        artifact = load_artifact(repository, resolved, access)
    artifact = prove_signers(artifact, locked.settings, locked.reporter)
    # 4 to 8
    return adopt_current(locked, artifact) or pull_through_cache(locked, artifact) or update(locked, artifact)


def _up_to_date(found: Receipt, settings: Settings, reporter: Reporter) -> Receipt:
    reporter.message(f"{settings.destination} holds it already, as published on {found.date}")
    return found
