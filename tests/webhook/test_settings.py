"""The operator's settings."""

import pytest

from webhook.pod.scheduling.tolerations import Toleration
from webhook.pod.sidecars import Sidecar
from webhook.settings import BadSettings, Settings


def test_an_empty_environment_makes_the_defaults() -> None:
    """Nothing must be set."""
    assert Settings.from_env({}) == Settings()


def test_every_setting_is_read_from_its_variable() -> None:
    """WEIGHBRIDGE_ and the field's name, in capitals."""
    found = Settings.from_env(
        {
            "WEIGHBRIDGE_PULLER_IMAGE": "registry.example.com/weighbridge:1",
            "WEIGHBRIDGE_DEFAULT_PREFIX": "oci://registry.example.com/models/",
            "WEIGHBRIDGE_NAME_TAG_FORM": "true",
            "WEIGHBRIDGE_RESOLVE_REGISTRIES": "quay.io, harbor:5000",
            "WEIGHBRIDGE_ACCELERATORS": "gpu, npu",
            "WEIGHBRIDGE_TOLERATIONS": "a,b=c:NoExecute,d:PreferNoSchedule",
            "WEIGHBRIDGE_PLAIN_HTTP": "registry:5000",
            "WEIGHBRIDGE_MIRRORS": '["registry.example.com".host."http://mirror.example.com"]\n',
            "WEIGHBRIDGE_HUB_ENDPOINT": "https://hub.example.com/",
            "WEIGHBRIDGE_HUB_TOKEN_SECRET": "hub-token",
            "WEIGHBRIDGE_PULLER_RESOURCES": "memory=1Gi,cpu=2",
            "WEIGHBRIDGE_PULLER_PROCESSES": "4",
            "WEIGHBRIDGE_PULLER_PULL_POLICY": "Always",
            "WEIGHBRIDGE_PULLER_PULL_SECRETS": "mirror, other",
            "WEIGHBRIDGE_PULLER_DEBUG": "true",
            "WEIGHBRIDGE_SIDECARS": "corp-proxy=proxy:4000,corp-fuse-*=volume",
            "WEIGHBRIDGE_HOST_PATHS": "/var/lib/models,/mnt/nvme",
            "WEIGHBRIDGE_EPHEMERAL_SIZE": "2Ti",
            "WEIGHBRIDGE_HTTP_PROXY": "http://proxy.example.com:3128",
            "WEIGHBRIDGE_HTTPS_PROXY": "http://proxy.example.com:3129",
            "WEIGHBRIDGE_NO_PROXY": "10.0.0.0/8",
            "WEIGHBRIDGE_CA_CONFIG_MAP": "corp-ca",
            "WEIGHBRIDGE_CACHE_BYTES": "500Gi",
            "WEIGHBRIDGE_CACHE_KEEP_DAYS": "90",
            "WEIGHBRIDGE_PULL_DEADLINE_SECONDS": "3600",
            "WEIGHBRIDGE_CATALOG_DIRECTORY": "/catalog",
            "WEIGHBRIDGE_TLS_DIRECTORY": "/tls",
            "WEIGHBRIDGE_LISTEN": "127.0.0.1:0",
        }
    )
    assert found == Settings(
        puller_image="registry.example.com/weighbridge:1",
        default_prefix="oci://registry.example.com/models",
        name_tag_form=True,
        resolve_registries=("quay.io", "harbor:5000"),
        accelerators=("gpu", "npu"),
        tolerations=(
            Toleration("a", None, ""),
            Toleration("b", "c", "NoExecute"),
            Toleration("d", None, "PreferNoSchedule"),
        ),
        plain_http=("registry:5000",),
        mirrors='["registry.example.com".host."http://mirror.example.com"]',
        hub_endpoint="https://hub.example.com",
        hub_token_secret=("hub-token", "HF_TOKEN"),
        puller_resources=(("cpu", "2"), ("memory", "1Gi")),
        puller_processes=4,
        puller_pull_policy="Always",
        puller_pull_secrets=("mirror", "other"),
        puller_debug=True,
        sidecars=(Sidecar("corp-proxy", "proxy", 4000), Sidecar("corp-fuse-*", "volume")),
        host_paths=("/var/lib/models", "/mnt/nvme"),
        ephemeral_size="2Ti",
        http_proxy="http://proxy.example.com:3128",
        https_proxy="http://proxy.example.com:3129",
        no_proxy="10.0.0.0/8",
        ca_config_map=("corp-ca", "ca.crt"),
        cache_bytes=500 << 30,
        cache_keep_days=90,
        pull_deadline_seconds=3600,
        catalog_directory="/catalog",
        tls_directory="/tls",
        listen="127.0.0.1:0",
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DEFAULT_PREFIX", "models"),
        ("NAME_TAG_FORM", "yes"),
        ("TOLERATIONS", "a:Sometimes"),
        ("TOLERATIONS", "=b"),
        ("PULLER_RESOURCES", "memory=much"),
        ("PULLER_RESOURCES", "memory=0"),
        ("PULLER_RESOURCES", "memory=1Gi,gpu=1"),
        ("PULLER_PROCESSES", "-1"),
        ("PULLER_PROCESSES", "many"),
        ("PULLER_PROCESSES", "17"),
        ("MIRRORS", '[registry.example.com]\nserver = "https://registry.example.com"'),
        ("MIRRORS", '["registry.example.com".host."ftp://mirror.example.com"]'),
        ("HUB_ENDPOINT", "hub.example.com"),
        ("HUB_TOKEN_SECRET", "Hub_Token"),
        ("HUB_TOKEN_SECRET", "hub-token/"),
        ("HUB_TOKEN_SECRET", "hub-token/a/b"),
        ("LISTEN", "10250"),
        ("LISTEN", ":https"),
        ("CERTIFICATE_NAMES", "hooks.example.com,Hooks.Example.Com"),
        ("CERTIFICATE_NAMES", "10.0.0.300:443"),
        ("PULLER_PULL_POLICY", "Sometimes"),
        ("PULLER_PULL_SECRETS", "My Secret"),
        ("PULLER_DEBUG", "yes"),
        ("SIDECARS", "proxy"),
        ("SIDECARS", "x=proxy:root"),
        ("RESOLVE_REGISTRIES", "harbor"),
        ("RESOLVE_REGISTRIES", "https://quay.io"),
        ("RESOLVE_REGISTRIES", "quay.io/org"),
        ("HOST_PATHS", "var/lib"),
        ("HOST_PATHS", "/"),
        ("HOST_PATHS", "/var/../etc"),
        ("EPHEMERAL_SIZE", "much"),
        ("EPHEMERAL_SIZE", "0"),
        ("HTTP_PROXY", "proxy:3128"),
        ("HTTPS_PROXY", "https://proxy:3128"),
        ("HTTPS_PROXY", "http://me:hush@proxy:3128"),
        ("CA_CONFIG_MAP", "Corp CA"),
        ("CA_CONFIG_MAP", "corp-ca/"),
        ("CACHE_BYTES", "-1"),
        ("CACHE_BYTES", "some"),
        ("PULL_DEADLINE_SECONDS", "1h"),
        ("CACHE_KEEP_DAYS", "-1"),
        ("MIRRORS", '["registry.example.com".host."http://m".header]\nAuthorization = "Basic eDp5"'),
    ],
)
def test_a_wrong_setting_is_refused_by_its_variable(name: str, text: str) -> None:
    """The message names the variable that must be mended."""
    with pytest.raises(BadSettings, match=f"WEIGHBRIDGE_{name}"):
        Settings.from_env({f"WEIGHBRIDGE_{name}": text})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("HUB_ENDPOINT", "https://me:hush@hub.example.com"),
        ("HUB_ENDPOINT", "me:hush@hub.example.com"),
        ("HTTP_PROXY", "http://me:hush@proxy:3128"),
        ("HTTPS_PROXY", "me:hush@proxy"),
        ("DEFAULT_PREFIX", "https://me:hush@registry.example.com/models"),
        ("RESOLVE_REGISTRIES", "quay.io,me:hush@registry.example.com"),
    ],
)
def test_a_password_in_an_address_is_refused_and_not_repeated(name: str, text: str) -> None:
    """The start-up log shows every setting, and pods show addresses to all who may read them."""
    with pytest.raises(BadSettings, match=f"WEIGHBRIDGE_{name}: .* user or a password") as caught:
        Settings.from_env({f"WEIGHBRIDGE_{name}": text})
    assert "hush" not in f"{caught.value}{caught.value.explain()}"


def test_variables_that_kubernetes_sets_are_passed_over() -> None:
    """A Service named weighbridge-webhook puts variables with our prefix into its pods."""
    assert Settings.from_env({"WEIGHBRIDGE_WEBHOOK_SERVICE_HOST": "10.0.0.1"}) == Settings()
