"""Ways in which a registry's answer can be wrong, for FakeRegistry.fail."""

from dataclasses import replace

from .manner import Manner
from .registry import Answer, Change, FakeRegistry, Request


def status(code: int, **headers: str) -> Change:
    """Answer another status; headers are written with _ for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _, __: Answer(code, b"", named)


def refused(code: int, fake: FakeRegistry) -> Change:
    """Answer another status to a write, and forget what it brought."""

    def change(request: Request, _: Answer) -> Answer:
        fake.forget(request)
        return Answer(code)

    return change


def out_of_range(fake: FakeRegistry) -> Change:
    """Answer that a write to an upload does not go on where that ends, and take it back."""

    def change(request: Request, _: Answer) -> Answer:
        fake.take_back(request)
        return Answer(416)

    return change


def truncated(count: int, *, resets: bool = False) -> Change:
    """Promise the whole body and hang up after `count` bytes."""

    def change(_: Request, answer: Answer) -> Answer:
        return replace(answer, body=answer.body[:count], length=len(answer.body), resets=resets)

    return change


def stalled(count: int) -> Change:
    """Promise the whole body, send `count` bytes, and then nothing."""
    return lambda _, answer: replace(answer, body=answer.body[:count], length=len(answer.body), stalls=True)


def shortened(count: int) -> Change:
    """Promise and send `count` bytes less."""
    return lambda _, answer: replace(answer, body=answer.body[:-count])


def lengthened(extra: bytes) -> Change:
    """Promise and send more."""
    return lambda _, answer: replace(answer, body=answer.body + extra)


def flipped(at: int) -> Change:
    """Change one byte of the body."""

    def change(_: Request, answer: Answer) -> Answer:
        body = bytearray(answer.body)
        body[at % len(body)] ^= 1
        return replace(answer, body=bytes(body))

    return change


def replaced(body: bytes, **headers: str) -> Change:
    """Send another body with status 200."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _, __: Answer(200, body, named)


def with_headers(**headers: str) -> Change:
    """Add or change headers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _, answer: replace(answer, headers={**answer.headers, **named})


def redirected(url: str) -> Change:
    """Send the client elsewhere; `{path}` in `url` is the request's own."""
    return lambda request, _: Answer(307, b"", {"Location": url.format(path=request.path)})


def ignoring_ranges(content: bytes) -> Change:
    """Answer every read of a blob with the whole of it."""
    return lambda _, __: Answer(200, content)


def mannered(manner: Manner) -> Change:
    """Send the right answer, but late, bit by bit, or not to its end."""
    return lambda _, answer: replace(answer, manner=manner)


def without(*names: str) -> Change:
    """Leave headers out."""

    def change(_: Request, answer: Answer) -> Answer:
        return replace(answer, headers={name: value for name, value in answer.headers.items() if name not in names})

    return change
