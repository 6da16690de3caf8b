"""A service mesh's injector, as far as neighbours see it: a webhook that adds a mesh's containers to pods."""

import base64
import copy
import datetime as dt
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from certs.files import write_bundle
from certs.issue import issue
from certs.names import Names

Pod = dict[str, Any]
Inject = Callable[[Pod], None]

_CONTEXT = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def container(name: str, **fields: Any) -> Pod:
    """Return a container of a mesh that the restricted profile takes."""
    context = _CONTEXT | fields.pop("securityContext", {})
    return {"name": name, "image": "registry.example/mesh:1", "securityContext": context, **fields}


def istio_native(pod: Pod) -> None:
    """Move validation and native proxy to the front, as Istio does on each pass."""
    _first(pod, container("istio-validation"), container("istio-proxy", restartPolicy="Always"))


def istio_init(pod: Pod) -> None:
    """Put istio-init last and the proxy beside the application, as Istio does without native sidecars."""
    spec = pod["spec"]
    others = [one for one in spec.get("initContainers", []) if one["name"] != "istio-init"]
    spec["initContainers"] = [*others, container("istio-init")]
    _beside(pod, container("istio-proxy", securityContext={"runAsUser": 1337}))


def linkerd_cni(pod: Pod) -> None:
    """Add the validator of Linkerd's CNI plugin, and the proxy beside the application."""
    _first(pod, container("linkerd-network-validator"))
    _beside(pod, container("linkerd-proxy", securityContext={"runAsUser": 2102}))


def kuma_native(pod: Pod) -> None:
    """Move validator and native sidecar to the front, as Kuma does."""
    _first(pod, container("kuma-validator"), container("kuma-sidecar", restartPolicy="Always"))


def consul_init(pod: Pod) -> None:
    """Put Consul's init container last and its dataplane beside the application."""
    spec = pod["spec"]
    others = [one for one in spec.get("initContainers", []) if one["name"] != "consul-connect-inject-init"]
    spec["initContainers"] = [*others, container("consul-connect-inject-init")]
    _beside(pod, container("consul-dataplane", securityContext={"runAsUser": 5995}))


def istio_cni(pod: Pod) -> None:
    """Add the validation of Istio's CNI plugin, and the proxy beside the application."""
    _first(pod, container("istio-validation"))
    _beside(pod, container("istio-proxy", securityContext={"runAsUser": 1337}))


def _first(pod: Pod, *containers: Pod) -> None:
    names = {one["name"] for one in containers}
    others = [one for one in pod["spec"].get("initContainers", []) if one["name"] not in names]
    pod["spec"]["initContainers"] = [*containers, *others]


def _beside(pod: Pod, proxy: Pod) -> None:
    if all(one["name"] != proxy["name"] for one in pod["spec"]["containers"]):
        pod["spec"]["containers"].append(proxy)


@contextmanager
def running_injector(folder: Path, inject: Inject, name: str) -> Iterator[Pod]:
    """Serve an injector on loopback until the block ends; give its MutatingWebhookConfiguration.

    The API server calls webhooks in the order of their configurations' names.
    """
    bundle = issue(Names.parse("localhost", "test", [], ["127.0.0.1"]), dt.datetime.now(dt.UTC))
    write_bundle(bundle, folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(inject))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield _configuration(name, server.server_address[1], bundle.ca_certificate)
    finally:
        server.shutdown()
        server.server_close()


def _handler(inject: Inject) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            pod = review["request"]["object"]
            after = copy.deepcopy(pod)
            inject(after)
            answer = {"uid": review["request"]["uid"], "allowed": True}
            if after != pod:
                patch = [{"op": "replace", "path": "/spec", "value": after["spec"]}]
                answer |= {"patchType": "JSONPatch", "patch": base64.b64encode(json.dumps(patch).encode()).decode()}
            content = json.dumps({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": answer})
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content.encode())))
            self.end_headers()
            self.wfile.write(content.encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler


def _configuration(name: str, port: int, ca_certificate: bytes) -> Pod:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [
            {
                "name": "mesh.example.com",
                "clientConfig": {
                    "url": f"https://127.0.0.1:{port}/",
                    "caBundle": base64.b64encode(ca_certificate).decode(),
                },
                "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
                "namespaceSelector": {"matchLabels": {"mesh": name}},
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
                "reinvocationPolicy": "IfNeeded",
            }
        ],
    }
