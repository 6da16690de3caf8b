"""The way to the API server: a kubeconfig, or the account of the pod that this process runs in.

The only module that imports `kubernetes`, which reads kubeconfigs and runs their credential plugins.

Tests: tests/verbs/test_api.py
"""

import os
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from registry.net.tls import allow_sparse
from registry.printable import printable
from registry.version import VERSION

from .api import Answer, Api, Send
from .errors import NoClient, NoKubeconfig, TimedOut, Unreachable
from .options import Place

_WARNING = re.compile(r'\d{3} \S+ "((?:[^"\\]|\\.)*)"')


def connect(place: Place, environ: Mapping[str, str] = os.environ) -> Api:
    """Return the API server that is meant. Raises NoClient, NoKubeconfig."""
    try:
        from kubernetes.client import Configuration  # noqa: PLC0415 - a quarter of a second, and an extra
        from kubernetes.client.rest import RESTClientObject  # noqa: PLC0415 - as above
    except ImportError as error:
        raise NoClient("verbs that ask a cluster need the Python package kubernetes, which is not installed") from error
    configuration = Configuration()
    namespace = _load(configuration, place, environ)
    pool = RESTClientObject(configuration).pool_manager
    pool.connection_pool_kw["ssl_context"] = _context(configuration)
    return Api(_sender(configuration, pool, place.timeout_seconds), str(configuration.host), namespace)


def _load(configuration: Any, place: Place, environ: Mapping[str, str]) -> str:
    """Load the way to the cluster; return the namespace that is meant there."""
    stated = place.kubeconfig or environ.get("KUBECONFIG", "")
    files = stated or str(Path.home() / ".kube" / "config")
    is_there = any(Path(file).expanduser().exists() for file in files.split(os.pathsep))
    is_pod = not stated and not is_there and bool(environ.get("KUBERNETES_SERVICE_HOST"))
    if not is_there and not is_pod:
        raise NoKubeconfig(f"there is no kubeconfig at {files}")
    try:
        return (
            _of_pod(configuration, environ, place.account) if is_pod else _of_files(configuration, files, place.context)
        )
    except Exception as error:
        # whatever is in the file, or a credential plugin does
        where = "this pod's account" if is_pod else f"the kubeconfig {files}"
        raise NoKubeconfig(f"{where}: {printable(str(error))}") from error


def _of_pod(configuration: Any, environ: Mapping[str, str], account: Path) -> str:
    """Load a ServiceAccount, as the kubelet mounts it; its token is read for each request, because it is renewed."""
    host = environ["KUBERNETES_SERVICE_HOST"]
    host = f"[{host}]" if ":" in host else host
    configuration.host = f"https://{host}:{environ.get('KUBERNETES_SERVICE_PORT', '443')}"
    configuration.ssl_ca_cert = str(account / "ca.crt")

    def renew(held: Any) -> None:
        held.api_key["authorization"] = f"Bearer {(account / 'token').read_text().strip()}"

    renew(configuration)
    configuration.refresh_api_key_hook = renew
    return (account / "namespace").read_text().strip()


def _of_files(configuration: Any, files: str, context: str) -> str:
    from kubernetes.config import kube_config  # noqa: PLC0415 - as above

    package: Any = kube_config
    merged = package.KubeConfigMerger(files).config
    loader = package.KubeConfigLoader(merged, active_context=context or None, config_base_path=None)
    loader.load_and_set(configuration)
    return str(loader.current_context["context"].get("namespace") or "default")


def _context(configuration: Any) -> ssl.SSLContext:
    """Return the context that the client would make, for clusters with older CAs, too.

    The client loads the kubeconfig's CA and keys into it; without a CA, the system's count, as with kubectl.
    """
    from urllib3.util.ssl_ import create_urllib3_context  # noqa: PLC0415 - what the client itself speaks with

    is_verified = bool(configuration.verify_ssl)
    context: ssl.SSLContext = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if is_verified else ssl.CERT_NONE)
    if is_verified and not configuration.ssl_ca_cert and not configuration.ca_cert_data:
        context.load_default_certs()
    allow_sparse(context)
    return context


def _sender(configuration: Any, pool: Any, seconds: float) -> Send:
    import urllib3  # noqa: PLC0415 - what the client itself speaks with

    def send(method: str, path: str, body: bytes | None, media_type: str) -> Answer:
        headers = {"Accept": "application/json", "Content-Type": media_type, "User-Agent": f"weighbridge/{VERSION}"}
        token = configuration.auth_settings().get("BearerToken")
        headers |= {"Authorization": token["value"]} if token else {}
        try:
            answer = pool.request(
                method, configuration.host + path, body=body, headers=headers, timeout=seconds, retries=False
            )
        except urllib3.exceptions.NewConnectionError as error:  # which is a TimeoutError in some releases
            raise Unreachable(f"{configuration.host}: {_why(error)}") from error
        except urllib3.exceptions.TimeoutError as error:
            raise TimedOut(f"{configuration.host} did not answer within {seconds:g} s") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unreachable(f"{configuration.host}: {_why(error)}") from error
        warnings = [_unquoted(text) for text in _WARNING.findall(", ".join(answer.headers.getlist("Warning")))]
        return Answer(
            answer.status, {key.lower(): value for key, value in answer.headers.items()}, (*warnings,), answer.data
        )

    return send


def _why(error: BaseException) -> str:
    """Return the system's own words where there are some: the client's name its objects."""
    cause = error.__cause__ or error
    return printable(getattr(cause, "strerror", None) or str(cause))


def _unquoted(text: str) -> str:
    """Return the text of a quoted string (RFC 9110, 5.6.4)."""
    return re.sub(r"\\(.)", r"\1", text)
