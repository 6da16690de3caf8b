"""What can go wrong with TLS material, each failure with its code and its hint.

CertsError                          base of every error that this package raises on purpose
├── ApiError                certs.api           a request to the API server that failed
│   └── ConflictError       certs.conflict      an object that another replica changed meanwhile
├── BadNameError            certs.bad-name      text that is no DNS name, Service, namespace or IP address
├── BadValidityError        certs.bad-validity  a life of the leaf that its CA cannot cover
├── FileExistsAlreadyError  certs.exists        a file that would be overwritten
├── ManagedElsewhereError   certs.managed-elsewhere  material that something else manages, and would write again
├── UnreadableError         certs.unreadable    files, or a Secret, without a certificate that can be read
└── UnwritableError         certs.unwritable    a folder that takes no files

Tests: tests/certs/test_issue.py
"""

from typing import ClassVar


class CertsError(Exception):
    """A failure that explains itself: `code` is stable, `hint` says what to do, `str()` gives the facts."""

    code: ClassVar[str] = "certs"
    hint: ClassVar[str] = ""


class ApiError(CertsError):
    """A request to the API server that failed."""

    code = "certs.api"
    hint = "see that the webhook's ServiceAccount has the rights in deploy/components/internal-certs"


class ConflictError(ApiError):
    """An object that another replica changed meanwhile."""

    code = "certs.conflict"
    hint = "read the object again"


class BadNameError(CertsError):
    """Text that is no DNS name, Service, namespace or IP address."""

    code = "certs.bad-name"
    hint = "use lower-case letters, digits and -, with dots between the labels of a DNS name"


class BadValidityError(CertsError):
    """A life of the leaf that its CA cannot cover."""

    code = "certs.bad-validity"
    hint = "give --days a number from 1 to 3650, the CA's own life"


class FileExistsAlreadyError(CertsError):
    """A file that would be overwritten."""

    code = "certs.exists"
    hint = "choose another folder, or add --force when nothing serves with those files any more"


class ManagedElsewhereError(CertsError):
    """Material that something else manages, and would write again."""

    code = "certs.managed-elsewhere"
    hint = "rotate it there: `cmctl renew weighbridge-webhook -n weighbridge-system` with cert-manager"


class UnreadableError(CertsError):
    """Files, or a Secret, without a certificate that can be read."""

    code = "certs.unreadable"
    hint = "name a folder with tls.crt and tls.key, or look at what manages the Secret"


class UnwritableError(CertsError):
    """A folder that takes no files."""

    code = "certs.unwritable"
    hint = "choose a folder that you may write to"
