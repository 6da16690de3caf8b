"""The Secret weighbridge-tls, who manages it, and the CAs that the API server trusts for each webhook.

Tests: tests/verbs/test_certificates.py
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from certs.bundle import Bundle
from certs.chain import chain_of, signers_in
from certs.errors import UnreadableError
from certs.manifests import CONFIGURATION, FIELD_MANAGER, SECRET, bundle_in, ca_bundle_in, secret, trust
from cluster import kinds
from cluster.api import Api
from cluster.errors import Absent
from webhook.pod.podspec import Raw, annotations, entries, mapping, name_of

ManagedBy = Literal["built-in", "cert-manager", "you"]
_CERTIFICATE = "cert-manager.io/certificate-name"
_SWITCH = {"name": "WEIGHBRIDGE_CERTIFICATES", "value": "built-in"}


@dataclass(frozen=True, slots=True)
class Stored:
    """The material of an install: the Secret as it was read, what is in it, and who manages it."""

    document: Raw
    bundle: Bundle
    managed_by: ManagedBy


@dataclass(frozen=True, slots=True)
class InstallStatus:
    """Who manages the material of an install, and for which webhooks the API server does not trust it."""

    managed_by: ManagedBy
    not_trusted_for: tuple[str, ...]

    def to_text(self) -> str:
        """Return it for people."""
        manager = "built-in certificates" if self.managed_by == "built-in" else self.managed_by
        trusted = f"not for {', '.join(self.not_trusted_for)}" if self.not_trusted_for else "for every webhook"
        return f"managed by   {manager}\ntrusted      {trusted}"

    def to_raw(self) -> Raw:
        """Return it as JSON has it."""
        return {"managedBy": self.managed_by, "notTrustedFor": list(self.not_trusted_for)}


@dataclass(frozen=True, slots=True)
class Store:
    """The material of one install at an API server."""

    api: Api
    namespace: str

    def read(self) -> Stored:
        """Return what stands in the Secret. Raises Absent, Forbidden, UnreadableError."""
        document = self.api.read(kinds.SECRET, SECRET, self.namespace)
        bundle = bundle_in(document)
        if bundle is None:
            raise UnreadableError(f"the Secret {self.namespace}/{SECRET} has no tls.crt or no tls.key")
        return Stored(document, bundle, self._managed_by(document))

    def write(self, bundle: Bundle, before: Stored) -> None:
        """Write the Secret, unless somebody else did since it was read. Raises Conflict."""
        metadata = mapping(before.document, "metadata")
        kept = ("name", "namespace", "labels", "annotations", "resourceVersion")
        stated = {key: metadata[key] for key in kept if key in metadata}
        document = before.document | {"metadata": stated, "data": secret(bundle, self.namespace)["data"]}
        self.api.replace(kinds.SECRET, document, self.namespace)

    def trusted(self) -> dict[str, bytes]:
        """Return the CAs in PEM that the API server trusts for each webhook; nothing where it trusts none."""
        found = self.api.read(kinds.CONFIGURATION, CONFIGURATION)
        return {name_of(one): ca_bundle_in(one) for one in entries(found, "webhooks")}

    def trust(self, bundle: Bundle, webhooks: Sequence[str]) -> None:
        """Make the API server trust the bundle's CAs, by server-side apply of these fields alone."""
        options = {"fieldManager": FIELD_MANAGER, "force": "true"}
        self.api.apply(kinds.CONFIGURATION, trust(bundle, webhooks), "", options)

    def status(self, stored: Stored) -> InstallStatus:
        """Return who manages material that was read, and who trusts it."""
        return InstallStatus(stored.managed_by, tuple(not_trusting(stored.bundle, self.trusted())))

    def _managed_by(self, document: Raw) -> ManagedBy:
        if _CERTIFICATE in annotations(document):
            return "cert-manager"
        try:
            deployment = self.api.read(kinds.DEPLOYMENT, "weighbridge-webhook", self.namespace)
        except Absent:
            return "you"
        template = mapping(mapping(deployment, "spec"), "template")
        containers = entries(mapping(template, "spec"), "containers")
        return "built-in" if any(_SWITCH in entries(one, "env") for one in containers) else "you"


def not_trusting(bundle: Bundle, trusted: dict[str, bytes]) -> list[str]:
    """Return the webhooks for which the API server trusts no CA that is behind the certificate."""
    chain = chain_of(bundle)
    return [name for name, pem in trusted.items() if not signers_in(pem, chain)]
