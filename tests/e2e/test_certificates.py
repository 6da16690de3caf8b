"""An install that nobody brings a certificate to: the webhook makes it, and the API server trusts it."""

import copy
import os
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

from certs.manifests import CONFIGURATION
from tests.parts.apiserver import ApiServer
from tests.parts.objects import Object
from tests.parts.process import Process, poll

from .conftest import OPTED_IN, labelled_pod

_LISTENING = re.compile(r"Listening at: (https://127\.0\.0\.1:\d+)")
_READY_SECONDS = 60


def test_the_webhook_serves_with_a_certificate_of_its_own(
    api_server: ApiServer, configuration: Object, tmp_path: Path
) -> None:
    """From an empty namespace and a configuration without CAs to an injected pod, and nobody ran a command."""
    objects = api_server.objects()
    account = tmp_path / "account"
    account.mkdir()
    (account / "token").write_text(api_server.admin_token)
    (account / "ca.crt").write_bytes(api_server.ca_file.read_bytes())
    (account / "namespace").write_text(objects.namespace("weighbridge", {}).name)
    (tmp_path / "catalog").mkdir()
    origin = urlsplit(api_server.url)
    settings = {
        "CERTIFICATES": "built-in",
        "CERTIFICATE_NAMES": "127.0.0.1",
        "SERVICE_ACCOUNT_DIRECTORY": str(account),
        "TLS_DIRECTORY": str(tmp_path / "tls"),
        "CATALOG_DIRECTORY": str(tmp_path / "catalog"),
        "LISTEN": "127.0.0.1:0",
        "DEFAULT_PREFIX": "registry.example/models",
        "RESOLVE_REGISTRIES": "none",
    }
    environ = {
        "PATH": os.environ["PATH"],
        "KUBERNETES_SERVICE_HOST": str(origin.hostname),
        "KUBERNETES_SERVICE_PORT": str(origin.port),
        **{f"WEIGHBRIDGE_{name}": value for name, value in settings.items()},
    }
    with Process([sys.executable, "-m", "webhook"], tmp_path / "webhook.log", environ) as process:
        url = process.wait_until(lambda: _LISTENING.search(process.said()), _READY_SECONDS)[1]
        configuration = copy.deepcopy(configuration)  # the session's
        for entry in configuration["webhooks"]:
            entry["clientConfig"] = {"url": url + entry["clientConfig"]["service"]["path"]}
        namespace = objects.namespace("inference", OPTED_IN)
        objects.create(configuration)
        try:

            def is_injected() -> bool:
                try:
                    made = namespace.create(labelled_pod("probe"), dry_run="All")
                except Exception:  # noqa: BLE001 - refused until the API server trusts the webhook
                    return False
                return "initContainers" in made["spec"]

            assert poll(is_injected, _READY_SECONDS), process.said()
        finally:
            objects.delete(configuration["apiVersion"], configuration["kind"], CONFIGURATION)
