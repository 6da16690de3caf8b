"""Docker's credential helpers: programs that return the credentials of one registry.

Tests: tests/registry/auth/test_credentials.py
"""

import json
import re

from registry.errors import BadCredentials
from registry.printable import printable

HELPER_SECONDS = 30
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_TOKEN_USER = "<token>"  # noqa: S105 - what helpers answer as the user name beside an identity token


def ask_helper(name: str, server: str) -> tuple[str, str, str] | None:
    """Return the user, password and identity token that the program `docker-credential-NAME` holds for a server.

    None when it holds none. Raises BadCredentials when it cannot be run, or when its answer cannot be parsed.
    """
    import subprocess  # noqa: PLC0415 - few pulls need a helper, and it would make all of them start later

    if not _NAME.fullmatch(name):
        raise BadCredentials(f"{printable(name, 100)!r} is no name of a credential helper: it would name a path")
    try:
        answer = subprocess.run(
            [f"docker-credential-{name}", "get"],
            input=server.encode(),
            capture_output=True,
            timeout=HELPER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BadCredentials(
            f"the credential helper docker-credential-{name} did not run ({type(error).__name__})",
            hint="install it on the PATH, or write the credentials into the docker config itself",
        ) from None
    if answer.returncode != 0:
        return None  # helpers answer so when they hold nothing for this host
    try:
        entry = json.loads(answer.stdout)
        user, secret = str(entry["Username"]), str(entry["Secret"])
        (user + secret).encode()
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadCredentials(f"the credential helper docker-credential-{name} answered no credential") from None
    return ("", "", secret) if user == _TOKEN_USER else (user, secret, "")
