"""Answers for references, within a bounded time whatever registries do: a cache, a few threads, and budgets.

1. What was asked lately is known. Digests do not move; a tag's answer lives for a minute, a failure for ten seconds.
2. While a registry did not answer in time, nobody waits for it again, and the last digest of a tag stays.
3. Each reference is asked for once at a time, by a few threads of our own; those of an admission side by side.
4. A namespace has a budget of questions, and half of the server's threads never wait.
"""

import logging
import math
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from registry.errors import Fault, NotFound, Unauthorized, Unavailable
from registry.reference import Reference

from .answer import Answer, Ask, Facts, Unknown
from .policy import Policy
from .question import Questioner, QuestionSettings

_log = logging.getLogger(__name__)

_LATE = Unknown("not-in-time")
_MOST_ANSWERS = 8192
_MOST_REGISTRIES = 64
_THREADS = 4

Note = Callable[[Answer, bool], None]
"""Is called with an answer, and whether it was known before."""


def note_nothing(_answer: Answer, _was_kept: bool) -> None:  # noqa: FBT001 - a Note
    """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The bounds of a resolver, in seconds and numbers; `clock` returns seconds."""

    deadline_seconds: float = 1.5
    """How long an admission waits for all that it asks."""

    tag_seconds: float = 60.0
    digest_seconds: float = 3600.0
    failure_seconds: float = 10.0
    stale_seconds: float = 900.0
    """How long a tag's digest is still used while its registry does not answer in time."""

    most_waiting: int = 16
    most_waiting_of_namespace: int = 4
    most_joined: int = 12  # of a namespace, where a question is asked already
    most_questions_of_namespace: int = 60
    """How many new questions a namespace may cause in a minute."""

    clock: Callable[[], float] = time.monotonic


@dataclass(slots=True)
class _Known:
    answer: Answer
    until: float
    learned: float


@dataclass(slots=True)
class _Budget:
    since: float
    spent: int = 0


@dataclass(slots=True)
class _State:
    known: OrderedDict[Reference, _Known] = field(default_factory=OrderedDict)
    asked: dict[Reference, "Future[Answer]"] = field(default_factory=dict)
    late: dict[str, float] = field(default_factory=dict)
    waiting: Counter[str] = field(default_factory=Counter)
    budgets: dict[str, _Budget] = field(default_factory=dict)
    questioners: OrderedDict[str, Questioner] = field(default_factory=OrderedDict)


class Resolver:
    """Resolves references for admissions. Safe to share between threads."""

    def __init__(
        self,
        policy: Callable[[], Policy],
        settings: QuestionSettings | None = None,
        bounds: Bounds | None = None,
        note: Note = note_nothing,
    ) -> None:
        """`policy` returns the rules of now: the catalog changes.

        `note` is called with each answer, and whether it was known before.
        """
        self._policy, self._settings, self._note = policy, settings or QuestionSettings(), note
        self._bounds = bounds or Bounds()
        self._state, self._lock = _State(), threading.Lock()
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="resolve")

    def asking(self, namespace: str, until: float = math.inf) -> Ask:
        """Return the question on behalf of a namespace, which waits until then by the monotonic clock at most."""
        return partial(self.resolve, namespace, until=until)

    def resolve(self, namespace: str, references: Sequence[Reference], until: float = math.inf) -> tuple[Answer, ...]:
        """Return the answers for references, at `until` or after `deadline_seconds`, whichever comes first."""
        until = min(until, time.monotonic() + self._bounds.deadline_seconds)
        policy = self._policy()
        with self._lock:
            may_wait = self._may_wait(namespace, self._bounds.most_waiting_of_namespace)
            begun = [self._begin(policy, namespace, one, may_wait=may_wait) for one in references]
            waits = any(isinstance(one, Future) for one in begun)
            self._state.waiting[namespace] += waits
        try:
            answers = tuple(map(partial(self._await, until), references, begun))
        finally:
            with self._lock:
                self._state.waiting[namespace] -= waits
                if not self._state.waiting[namespace]:
                    del self._state.waiting[namespace]
        for answer, one in zip(answers, begun, strict=True):
            self._note(answer, not isinstance(one, Future))
        return answers

    def _begin(
        self, policy: Policy, namespace: str, reference: Reference, *, may_wait: bool
    ) -> "Answer | Future[Answer]":
        """Return what is known of a reference, else the question for it, where the namespace may wait for one."""
        if not policy.allows(reference.registry):
            return Unknown("not-listed")
        found = self._found(reference)
        if found is not None:
            return found
        future = self._state.asked.get(reference)
        if future is not None and self._may_wait(namespace, self._bounds.most_joined):
            return future  # whoever else asks the same costs the registry nothing
        if not may_wait or (future is None and not self._spend(namespace)):
            return self._last(reference, Unknown("too-many"))
        if future is None:
            future = self._state.asked[reference] = self._pool.submit(self.refresh, reference)
        return future

    def _await(self, until: float, reference: Reference, begun: "Answer | Future[Answer]") -> Answer:
        if not isinstance(begun, Future):
            return begun
        try:
            return begun.result(max(0.0, until - time.monotonic()))
        except TimeoutError:
            with self._lock:
                return self._last(reference)

    def refresh(self, reference: Reference) -> Answer:
        """Ask the registry, keep its answer, and return what is known now."""
        bounds = self._bounds
        if self._is_late(reference.registry):  # found out by another question, while this one waited for a thread
            answer: Answer = Unknown("not-in-time")
        else:
            answer = self._asked(reference)
        now = bounds.clock()
        with self._lock:
            state = self._state
            if answer == Unknown("not-in-time") and not self._is_late(reference.registry):
                state.late[reference.registry] = now + bounds.failure_seconds
            state.asked.pop(reference, None)
            before = state.known.get(reference)
            if before and _outlasts(before, answer, now - bounds.stale_seconds):
                before.until = now + bounds.failure_seconds
                return before.answer
            life = bounds.failure_seconds
            if isinstance(answer, Facts) and not answer.is_unsigned:
                life = bounds.digest_seconds if reference.digest else bounds.tag_seconds
            state.known[reference] = _Known(answer, now + life, now)
            state.known.move_to_end(reference)
            if len(state.known) > _MOST_ANSWERS:
                state.known.popitem(last=False)
        return answer

    def _asked(self, reference: Reference) -> Answer:
        try:
            return self._questioner(reference.registry).ask(reference)
        except NotFound:
            return Unknown("not-found")
        except Unauthorized:
            return Unknown("needs-credentials")
        except Unavailable:
            return Unknown("not-in-time")
        except Fault as fault:
            _log.info("%s was not resolved: %s", reference, fault.code)
        except Exception as error:  # noqa: BLE001 - whatever a registry answers, the admission goes on
            _log.warning("%s was not resolved: %s", reference, type(error).__name__)
        return Unknown("refused")

    def is_due(self, reference: Reference, within_seconds: float) -> bool:
        """Return whether the answer for a reference is missing, or ends within so many seconds; a failure must end."""
        known = self._state.known.get(reference)
        if known is not None:
            ahead = within_seconds if isinstance(known.answer, Facts) else 0.0
            if known.until > self._bounds.clock() + ahead:
                return False
        return not self._is_late(reference.registry)

    def close(self) -> None:
        """Close every connection; questions under way end within their deadline."""
        self._pool.shutdown(wait=True)
        with self._lock:
            questioners, self._state.questioners = self._state.questioners, OrderedDict()
        for questioner in questioners.values():
            questioner.close()

    def _found(self, reference: Reference) -> Answer | None:
        """Return what is known without a question, or None."""
        now = self._bounds.clock()
        known = self._state.known.get(reference)
        if known is not None and now < known.until:
            return known.answer
        return self._last(reference) if self._is_late(reference.registry) else None

    def _is_late(self, registry: str) -> bool:
        return self._bounds.clock() < self._state.late.get(registry, 0.0)

    def _last(self, reference: Reference, why: Unknown = _LATE) -> Answer:
        """Return the last digest of a reference, where it is not too old, else why it is not asked for now."""
        known, oldest = self._state.known.get(reference), self._bounds.clock() - self._bounds.stale_seconds
        return known.answer if known and _outlasts(known, _LATE, oldest) else why

    def _may_wait(self, namespace: str, most: int) -> bool:
        has_room = self._state.waiting.total() < self._bounds.most_waiting
        return has_room and self._state.waiting[namespace] < most

    def _spend(self, namespace: str) -> bool:
        now, budgets = self._bounds.clock(), self._state.budgets
        for name in [name for name, budget in budgets.items() if now - budget.since >= 60]:
            del budgets[name]
        budget = budgets.setdefault(namespace, _Budget(now))
        budget.spent += 1
        return budget.spent <= self._bounds.most_questions_of_namespace

    def _questioner(self, registry: str) -> Questioner:
        seconds = self._bounds.deadline_seconds
        with self._lock:
            held = self._state.questioners
            if registry not in held:
                held[registry] = Questioner(registry, self._policy, self._settings, seconds)
            held.move_to_end(registry)
            oldest = held.popitem(last=False)[1] if len(held) > _MOST_REGISTRIES else None
            found = held[registry]
        if oldest is not None:
            oldest.close()
        return found


def _outlasts(known: _Known, answer: Answer, oldest: float) -> bool:
    """Return whether a digest learned before is kept, because the registry is late now."""
    return answer == Unknown("not-in-time") and isinstance(known.answer, Facts) and known.learned >= oldest
