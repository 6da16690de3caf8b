"""Continues an upload whose connection broke after the bytes that arrived.

Tests: tests/packer/test_outcomes.py
"""

from collections.abc import Callable

from registry.errors import Unavailable, UploadLost, UploadModeRejected
from registry.http.retry import Patience
from registry.repository import Upload


def mend(upload: Upload, error: Unavailable, patience: Patience, resend: Callable[[int], None]) -> None:
    """Call `resend` with the offset after the arrived bytes, with retries; bytes that arrive renew the patience.

    Raises UploadModeRejected and UploadLost when the blob must be sent from its start, and the last fault when patience
    ends.
    """
    if isinstance(error, (UploadModeRejected, UploadLost)):
        raise error
    waiting, arrived, gained = patience.begin(), -1, 0
    while True:
        waiting.after(error, gained)
        before = arrived
        try:
            arrived = upload.resume()
            return resend(arrived)
        except (UploadModeRejected, UploadLost):
            raise
        except Unavailable as broken:
            error, gained = broken, (max(arrived - before, 0) if before >= 0 else 0)
