"""A registry belongs to a cloud by its whole host name, in every partition; look-alikes belong to none."""

import pytest

from registry.identity.hosts import Cloud, Ecr, cloud_of, ecr_of

ACCOUNT = "123456789012"


@pytest.mark.parametrize(
    ("host", "api", "sts"),
    [
        ("dkr.ecr.eu-west-1.amazonaws.com", "api.ecr.eu-west-1.amazonaws.com", "amazonaws.com"),
        ("dkr.ecr.us-gov-west-1.amazonaws.com", "api.ecr.us-gov-west-1.amazonaws.com", "amazonaws.com"),
        ("dkr.ecr-fips.us-gov-east-1.amazonaws.com", "ecr-fips.us-gov-east-1.amazonaws.com", "amazonaws.com"),
        ("dkr.ecr.cn-north-1.amazonaws.com.cn", "api.ecr.cn-north-1.amazonaws.com.cn", "amazonaws.com.cn"),
        ("dkr.ecr.eusc-de-east-1.amazonaws.eu", "api.ecr.eusc-de-east-1.amazonaws.eu", "amazonaws.eu"),
        ("dkr.ecr.us-iso-east-1.c2s.ic.gov", "api.ecr.us-iso-east-1.c2s.ic.gov", "c2s.ic.gov"),
        ("dkr.ecr.us-isob-east-1.sc2s.sgov.gov", "api.ecr.us-isob-east-1.sc2s.sgov.gov", "sc2s.sgov.gov"),
        ("dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk", "api.ecr.eu-isoe-west-1.cloud.adc-e.uk", "cloud.adc-e.uk"),
        ("dkr.ecr.us-isof-south-1.csp.hci.ic.gov", "api.ecr.us-isof-south-1.csp.hci.ic.gov", "csp.hci.ic.gov"),
        ("dkr-ecr.us-east-1.on.aws", "ecr.us-east-1.api.aws", "amazonaws.com"),
        ("dkr-ecr-fips.us-east-1.on.aws", "ecr-fips.us-east-1.api.aws", "amazonaws.com"),
        (
            "dkr-ecr.cn-north-1.on.amazonwebservices.com.cn",
            "ecr.cn-north-1.api.amazonwebservices.com.cn",
            "amazonaws.com.cn",
        ),
    ],
)
def test_every_partition_of_ecr_has_its_endpoints(host: str, api: str, sts: str) -> None:
    """Commercial, government, China, sovereign and isolated ones, with FIPS and with both IP families."""
    registry = f"{ACCOUNT}.{host}"
    found = ecr_of(registry)
    assert (cloud_of(registry), found.api, found.sts_suffix) == (Cloud.AMAZON, api, sts)
    assert found.region in host


def test_ecr_public_has_one_region() -> None:
    """Its API answers in us-east-1 alone."""
    assert ecr_of("public.ecr.aws") == Ecr(
        "us-east-1", "api.ecr-public.us-east-1.amazonaws.com", "amazonaws.com", is_public=True
    )


@pytest.mark.parametrize(
    ("host", "cloud"),
    [
        ("models.azurecr.io", Cloud.AZURE),
        ("MODELS.azurecr.io", Cloud.AZURE),
        ("models.azurecr.io:443", Cloud.AZURE),
        ("models.azurecr.cn", Cloud.AZURE),
        ("models.azurecr.us", Cloud.AZURE),
        ("models-abc123.azurecr.io", Cloud.AZURE),
        ("europe-west4-docker.pkg.dev", Cloud.GOOGLE),
        ("gcr.io", Cloud.GOOGLE),
        ("eu.gcr.io", Cloud.GOOGLE),
        ("ghcr.io", None),
        ("models.azurecr.io.evil.example", None),
        ("azurecr.io", None),
        ("evil-azurecr.io", None),
        ("models.azurecr.io:5000", None),
        ("docker.pkg.dev.example.com", None),
        ("notgcr.io", None),
        (f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com.evil.example", None),
        (f"x{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com", None),
        (f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.org", None),
        (f"{ACCOUNT}.dkrxecr.eu-west-1.amazonaws.com", None),
        ("12345.dkr.ecr.eu-west-1.amazonaws.com", None),
        ("evil.example.com/public.ecr.aws", None),
        ("127.0.0.1:5000", None),
        ("localhost", None),
    ],
)
def test_a_cloud_is_known_by_the_whole_name(host: str, cloud: Cloud | None) -> None:
    """A credential would otherwise be made for, and sent to, whoever registers a similar name."""
    assert cloud_of(host) is cloud


def test_another_registry_has_no_endpoints_of_amazon() -> None:
    """It is asked for by mistake only."""
    with pytest.raises(ValueError, match=r"ghcr\.io"):
        ecr_of("ghcr.io")
