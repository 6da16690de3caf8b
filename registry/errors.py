"""What can go wrong between us and a registry, each failure with its code and its hint.

Fault                                 base of every error that this project raises on purpose
├── BadReference      reference.invalid      text that is no reference or source
├── SourceUnsupported source.unsupported     a scheme that this build does not read
├── BadDigest         digest.invalid         text that is no digest
├── BadManifest       manifest.invalid       JSON that is no manifest, or is too large
├── BadCredentials    credentials.invalid    a docker config that cannot be read
├── BadIdentity       identity.invalid       half an identity of a cloud, or a token that cannot be read
├── BadCaFile         ca-file.invalid        a file that holds no certificates
├── BadMirrors        mirrors.invalid        a hosts.toml that cannot be followed
├── BadLayout         layout.invalid         a folder that is no OCI layout
├── LayoutFailed      layout.failed          a layout on a disk that is full, or fails
├── Mismatch          content.mismatch       bytes that are not what their digest or size promised
├── NotFound          registry.not-found     no such repository, tag or blob
│   └── HubNotFound   hub.not-found          no such repository, revision or file on the hub
├── BadProxy          proxy.invalid          a proxy that cannot be spoken to
├── Unauthorized      registry.unauthorized  credentials missing, refused or not sufficient
│   ├── IdentityRefused identity.refused     a cloud that gives this identity no credential
│   ├── HubUnauthorized hub.unauthorized     a token that is missing, refused or not sufficient
│   └── HubGated      hub.gated              a repository whose terms the token's owner has not accepted
├── BadHubAnswer      hub.invalid            a repository of the hub that cannot be believed
├── Refused           registry.refused       any other answer that trying again will not change
│   ├── ProxyRefused  proxy.refused          a proxy's own refusal
│   └── Untrusted     registry.untrusted     TLS that does not prove who answers
└── Unavailable       registry.unavailable   down, unreachable, overloaded, or cut off (temporary)
    ├── UploadModeRejected registry.takes-otherwise  a blob must be sent in another mode (temporary)
    └── UploadLost     registry.upload-lost      an upload that the registry knows no more (temporary)

Tests: tests/test_house.py
"""

from typing import ClassVar


class Fault(Exception):
    """A failure that explains itself.

    `code` is stable and goes to logs, metrics and answers; `hint` says what to do;
    `temporary` says whether the same call may succeed later. `str()` gives the facts alone. A program that it ends
    exits with `exit_code`: 2 where the command line itself is wrong.
    """

    code: ClassVar[str] = "fault"
    temporary: ClassVar[bool] = False
    hint: str = ""
    exit_code: int = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        if hint:
            self.hint = hint

    def explain(self) -> str:
        """Return the facts and the hint in one line."""
        return f"{self}; {self.hint}" if self.hint else str(self)


class BadReference(Fault):
    """Text that is no reference or source."""

    code = "reference.invalid"
    hint = "write it as REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY@sha256:HEX"


class SourceUnsupported(Fault):
    """A source whose scheme this build does not read."""

    code = "source.unsupported"
    hint = "use oci://REGISTRY/REPOSITORY:TAG, layout://DIRECTORY:TAG or hf://ORGANISATION/NAME"


class BadDigest(Fault):
    """Text that is no digest."""

    code = "digest.invalid"
    hint = "a digest is sha256: and 64 lower-case hexadecimal digits, or sha512: and 128"


class BadManifest(Fault):
    """A manifest that cannot be believed: not JSON, not a manifest, or too large."""

    code = "manifest.invalid"
    hint = "look at it with `weighbridge inspect`; if a tool of yours wrote it, tell us which"


class BadCredentials(Fault):
    """A docker config that cannot be read."""

    code = "credentials.invalid"
    hint = "write the file again with `docker login`, or leave it out"


class BadCaFile(Fault):
    """A file that holds no certificates."""

    code = "ca-file.invalid"
    hint = "name a file with PEM certificates, each from BEGIN to END"


class BadIdentity(Fault):
    """Half an identity of a cloud, or a token or a file of it that cannot be read."""

    code = "identity.invalid"
    hint = "docs/identity.md lists what each cloud's identity needs; the cloud's own webhook or workload sets it"


class BadMirrors(Fault):
    """A hosts.toml that cannot be followed."""

    code = "mirrors.invalid"
    hint = "mend the key that is named (docs/mirrors.md lists them), or take the file away to go without mirrors"


class BadProxy(Fault):
    """A proxy that cannot be spoken to: only http:// ones are."""

    code = "proxy.invalid"
    hint = "write HTTP_PROXY and HTTPS_PROXY as http://HOST:PORT, and what needs no proxy into NO_PROXY"


class BadLayout(Fault):
    """A folder that is no OCI image layout."""

    code = "layout.invalid"
    hint = "point layout:// at a folder that holds oci-layout, index.json and blobs/"


class LayoutFailed(Fault):
    """A layout on a disk that is full, or refuses to be read or written; no tag has moved."""

    code = "layout.failed"
    hint = "make room, or name a folder that you may write to"


class Mismatch(Fault):
    """Bytes that are not what their digest or size promised; they were thrown away."""

    code = "content.mismatch"
    hint = "the registry or something on the way to it changes bytes: push the artifact again, or ask its operator"


class NotFound(Fault):
    """No such repository, tag or blob.

    `codes` are the registry's own (distribution-spec, "Error Codes"); what is no registry's answer has none.
    """

    codes: tuple[str, ...] = ()
    code = "registry.not-found"
    hint = "check the spelling; many registries also answer so when credentials are missing"


class Unauthorized(Fault):
    """Credentials missing, refused, or not sufficient."""

    code = "registry.unauthorized"
    hint = "log in with `docker login`, or name a secret that may read the repository"


class IdentityRefused(Unauthorized):
    """A cloud that gives this identity no credential for the registry."""

    code = "identity.refused"
    hint = "let the identity that is named read the registry (docs/identity.md says which role), or use a secret"


class HubNotFound(NotFound):
    """No such repository, revision or file on the Hugging Face hub."""

    code = "hub.not-found"
    hint = "check the spelling; the hub also answers so for private repositories when no token may read them"


class HubUnauthorized(Unauthorized):
    """A token of the Hugging Face hub that is missing, refused, or not sufficient."""

    code = "hub.unauthorized"
    hint = "log in with `hf auth login` or set HF_TOKEN; in pods a Secret (WEIGHBRIDGE_HUB_TOKEN_SECRET) holds it"


class HubGated(Unauthorized):
    """A repository of the Hugging Face hub whose terms the token's owner has not accepted."""

    code = "hub.gated"
    hint = (
        "accept the terms on the repository's page, and give a token of that account with HF_TOKEN; "
        "in pods a Secret (WEIGHBRIDGE_HUB_TOKEN_SECRET) holds it"
    )


class BadHubAnswer(Fault):
    """A repository of the Hugging Face hub that cannot be believed as it is described."""

    code = "hub.invalid"
    hint = "look at the repository's page; if HF_ENDPOINT names a mirror, ask its operator"


class Refused(Fault):
    """An answer that trying again will not change."""

    code = "registry.refused"
    hint = "read the registry's own words above"


class ProxyRefused(Refused):
    """A proxy's own refusal: the registry has not been asked."""

    code = "proxy.refused"
    hint = "name the registry in NO_PROXY if it needs no proxy, or ask the proxy's operator to let you through"


class Untrusted(Refused):
    """TLS that does not prove who answers."""

    code = "registry.untrusted"
    hint = "name the CA that signed the registry's certificate with --ca-file, or --plain-http if it speaks no TLS"


class Unavailable(Fault):
    """The registry is down, unreachable, overloaded, or cut the connection.

    `retry_after_seconds` is what the registry asked for, if it asked; `is_overload` says that fewer requests at once
    would help; `has_other` that another host is ready, so that waiting is of no use; `is_lasting` that the failure is
    temporary in principle, but seldom passes.
    """

    code = "registry.unavailable"
    temporary = True
    hint = "check the address and the network, then try again"

    def __init__(  # noqa: PLR0913 - facts, all by name
        self,
        message: str,
        *,
        hint: str = "",
        retry_after_seconds: float | None = None,
        is_overload: bool = False,
        has_other: bool = False,
        is_lasting: bool = False,
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_seconds, self.is_overload = retry_after_seconds, is_overload
        self.has_other, self.is_lasting = has_other, is_lasting


class UploadModeRejected(Unavailable):
    """The registry takes a blob in another mode than was tried; it must be sent again, from its start."""

    code = "registry.takes-otherwise"


class UploadLost(Unavailable):
    """An upload that the registry knows no more; its blob must be sent again from its start."""

    code = "registry.upload-lost"
