"""Which cloud a registry belongs to, by its host name. Pure.

A credential is made for a registry only where its name belongs to the cloud that issues the credential: a name that
merely contains a cloud's does not count.

Tests: tests/registry/identity/test_hosts.py
"""

import re
from enum import StrEnum
from typing import NamedTuple

ECR_PUBLIC = "public.ecr.aws"

_ECR = re.compile(
    r"[0-9]{12}\.dkr(?P<dual>[.-])ecr(?P<fips>-fips)?\.(?P<region>[a-z0-9][a-z0-9-]*)\."
    r"(?P<suffix>amazonaws\.(?:com(?:\.cn)?|eu)|on\.(?:aws|amazonwebservices\.com\.cn)"
    r"|sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)"
)
"""Registries of ECR in every partition (amazon-ecr-credential-helper, api/client.go)."""

_DUAL_STACK = {
    "on.aws": ("api.aws", "amazonaws.com"),
    "on.amazonwebservices.com.cn": ("api.amazonwebservices.com.cn", "amazonaws.com.cn"),
}
"""By the suffix of dual-stack registries: that of ECR's API, and that of the Security Token Service."""

_AZURE = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9-]+\.data)?\.azurecr\.(?:io|cn|us|de)")
_GOOGLE = re.compile(r"(?:[a-z0-9-]+\.)*(?:gcr\.io|pkg\.dev)")


class Cloud(StrEnum):
    """A cloud whose identities open its registries."""

    AMAZON = "Amazon"
    AZURE = "Azure"
    GOOGLE = "Google"


class Ecr(NamedTuple):
    """Where one registry's credentials come from: a region, and the hosts of two services in its partition."""

    region: str
    api: str
    """The host of ECR's API."""

    sts_suffix: str
    """The domain of the Security Token Service: `sts.REGION.` goes before it."""

    is_public: bool = False


def cloud_of(registry: str) -> Cloud | None:
    """Return the cloud that runs a registry, given as HOST or HOST:PORT."""
    host = _name(registry)
    if host == ECR_PUBLIC or _ECR.fullmatch(host):
        return Cloud.AMAZON
    if _AZURE.fullmatch(host):
        return Cloud.AZURE
    return Cloud.GOOGLE if _GOOGLE.fullmatch(host) else None


def ecr_of(registry: str) -> Ecr:
    """Return where a registry of Amazon gets its credentials; raise ValueError for another's."""
    host = _name(registry)
    if host == ECR_PUBLIC:  # its API is in one region (docs.aws.amazon.com/general/latest/gr/ecr-public.html)
        return Ecr("us-east-1", "api.ecr-public.us-east-1.amazonaws.com", "amazonaws.com", is_public=True)
    match = _ECR.fullmatch(host)
    if match is None:
        raise ValueError(registry)
    region, suffix, fips = match["region"], match["suffix"], match["fips"] or ""
    if suffix in _DUAL_STACK:
        api, sts = _DUAL_STACK[suffix]
        return Ecr(region, f"ecr{fips}.{region}.{api}", sts)
    if fips:
        return Ecr(region, f"ecr-fips.{region}.{suffix}", suffix)
    return Ecr(region, f"api.ecr.{region}.{suffix}", suffix)


def _name(registry: str) -> str:
    host, _, port = registry.partition(":")
    return host.lower() if not port or port == "443" else registry
