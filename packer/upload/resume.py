"""An upload whose connection broke, brought on behind what has arrived."""

from collections.abc import Callable

from registry.errors import Unavailable, UploadLost, UploadModeRejected
from registry.http.retry import Patience
from registry.repository import Upload


def mend(upload: Upload, error: Unavailable, patience: Patience, resend: Callable[[int], None]) -> None:
    """Have `resend` send what has not arrived from an offset on, with patience, which what arrives renews.

    Raises UploadModeRejected and UploadLost when the blob must begin anew, and the last fault when patience ends.
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
