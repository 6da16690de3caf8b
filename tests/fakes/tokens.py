"""A token server for registries, which signs what was asked for (distribution's token specification)."""

import base64
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

_KEY_ID = "tests"
_COORDINATE_BYTES = 32  # P-256


@dataclass
class Script:
    """What the server shall do; tests change it while it runs."""

    user: str = "porter"
    password: str = "ferry-toll"
    anonymous_actions: frozenset[str] = frozenset()
    """Actions that a caller without credentials gets, such as `pull`."""

    lifetime_seconds: int = 300
    """How long tokens are good; a registry adds a minute of leeway, so -120 makes dead ones."""

    fail_next: list[int] = field(default_factory=list)
    """HTTP codes to answer the next requests with."""


class TokenServer:
    """A loopback token server; `realm` is its address, `asked` what scopes it was asked for."""

    def __init__(self, script: Script | None = None) -> None:
        self.script = script or Script()
        self.asked: list[str] = []
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def realm(self) -> str:
        """The URL that a registry points its callers to."""
        return f"http://127.0.0.1:{self._server.server_port}/token"

    def jwks(self) -> dict[str, Any]:
        """Return the public key as a JSON Web Key Set (RFC 7517)."""
        point = self._key.public_key().public_numbers()
        coordinates = {"x": _base64url(_fixed(point.x)), "y": _base64url(_fixed(point.y))}
        return {"keys": [{"kty": "EC", "crv": "P-256", "kid": _KEY_ID, "use": "sig", "alg": "ES256"} | coordinates]}

    def token(self, access: list[dict[str, Any]]) -> str:
        """Sign a token that grants `access` (RFC 7515, ES256)."""
        now = int(time.time())
        claims = {
            "iss": "weighbridge tests",
            "sub": self.script.user,
            "aud": "registry",
            "iat": now,
            "nbf": now - 600,
            "exp": now + self.script.lifetime_seconds,
            "access": access,
        }
        header = {"typ": "JWT", "alg": "ES256", "kid": _KEY_ID}
        text = ".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))
        r, s = decode_dss_signature(self._key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{text}.{_base64url(_fixed(r) + _fixed(s))}"

    def answer(self, query: dict[str, list[str]], credentials: str | None) -> tuple[int, dict[str, Any]]:
        """Return the HTTP code and the JSON for one request."""
        scopes = query.get("scope", [])
        self.asked.extend(scopes)
        if self.script.fail_next:
            return self.script.fail_next.pop(0), {"details": "as the test asked"}
        known = credentials == f"{self.script.user}:{self.script.password}"
        if credentials is not None and not known:
            return 401, {"details": "wrong user or password"}
        access = [grant for scope in scopes if (grant := self._grant(scope, known=known))]
        return 200, {"token": self.token(access), "expires_in": self.script.lifetime_seconds}

    def _grant(self, scope: str, *, known: bool) -> dict[str, Any] | None:
        kind, _, rest = scope.partition(":")
        name, _, asked = rest.rpartition(":")
        actions = [action for action in asked.split(",") if known or action in self.script.anonymous_actions]
        return {"type": kind, "name": name, "actions": actions} if actions else None


def _handler_for(tokens: TokenServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            scheme, _, encoded = self.headers.get("Authorization", "").partition(" ")
            credentials = base64.b64decode(encoded).decode() if scheme.lower() == "basic" else None
            code, content = tokens.answer(parse_qs(urlsplit(self.path).query), credentials)
            body = json.dumps(content).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
            """Keep the test's output clean."""

    return Handler


def _fixed(number: int) -> bytes:
    return number.to_bytes(_COORDINATE_BYTES, "big")


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
