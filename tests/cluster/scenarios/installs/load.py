"""Admissions in a row: creates of labelled pods, as dry runs, over several connections to the API server.

    python -m tests.cluster.scenarios.installs.load KUBECONFIG NAMESPACE IMAGE STOP_FILE

It goes on until the stop file is there, says meanwhile how many requests there were, and at the end what became of
them, as JSON.
"""

import http.client
import json
import ssl
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_CONNECTIONS = 4
_TIMEOUT_SECONDS = 30
_KEPT = 20
_STEP = 100
_PULLERS = ("weighbridge-puller", "weighbridge-pull")


class Load:
    """What several threads do and count."""

    def __init__(self, kubeconfig: Path, namespace: str, image: str, stop: Path) -> None:
        config = json.loads(kubeconfig.read_text())
        cluster = config["clusters"][0]["cluster"]
        self._host = urlsplit(cluster["server"]).netloc
        self._trusted = ssl.create_default_context(cafile=cluster["certificate-authority"])
        self._headers = {
            "Authorization": f"Bearer {config['users'][0]['user']['token']}",
            "Content-Type": "application/json",
        }
        self._path = f"/api/v1/namespaces/{namespace}/pods?dryRun=All"
        self._body = json.dumps(_pod(image))
        self._stop, self._began = stop, time.monotonic()
        self.seconds: list[float] = []
        self.failures: list[str] = []
        self.last_failure = 0.0
        """Seconds after the begin."""

    def run(self) -> None:
        """Return when the stop file is there."""
        threads = [threading.Thread(target=self._ask) for _ in range(_CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _ask(self) -> None:
        connection = http.client.HTTPSConnection(self._host, context=self._trusted, timeout=_TIMEOUT_SECONDS)
        while not self._stop.exists():
            began = time.monotonic()
            try:
                failure = self._create(connection)
            except (OSError, http.client.HTTPException) as error:
                failure = repr(error)
                connection.close()  # the next request opens it again
            self.seconds.append(time.monotonic() - began)
            if failure:
                self.last_failure = time.monotonic() - self._began
                self.failures.append(f"after {self.last_failure:.1f} s: {failure}")
            self._say_progress(len(self.seconds))
        connection.close()

    def _create(self, connection: http.client.HTTPSConnection) -> str:
        """Create a pod; return what was answered where it was not admitted with a puller."""
        connection.request("POST", self._path, self._body, self._headers)
        with connection.getresponse() as response:
            content = response.read()
        is_admitted = response.status == http.HTTPStatus.CREATED and _is_injected(json.loads(content))
        return "" if is_admitted else content.decode(errors="replace")[:1000]

    def _say_progress(self, requests: int) -> None:
        if requests % _STEP == 0:
            sys.stdout.write(f"{requests}\n")
            sys.stdout.flush()


def _is_injected(pod: Any) -> bool:
    return any(one["name"] in _PULLERS for one in pod["spec"].get("initContainers", ()))


def _pod(image: str) -> dict[str, Any]:
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "load-", "labels": {"weighbridge.dev/model": "tiny"}},
        "spec": {
            "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{"name": "engine", "image": image, "securityContext": security}],
        },
    }


def main() -> None:
    """Ask until it is enough, and print the outcome."""
    kubeconfig, namespace, image, stop = sys.argv[1:]
    load = Load(Path(kubeconfig), namespace, image, Path(stop))
    began = time.monotonic()
    load.run()
    ordered = sorted(load.seconds)
    outcome = {
        "requests": len(ordered),
        "failed": len(load.failures),
        "failures": load.failures[:_KEPT],
        "lastFailure": load.last_failure,
        "perSecond": len(ordered) / (time.monotonic() - began),
        "median": ordered[len(ordered) // 2],
        "p99": ordered[len(ordered) * 99 // 100],
        "slowest": ordered[-1],
    }
    sys.stdout.write(json.dumps(outcome) + "\n")


if __name__ == "__main__":
    main()
