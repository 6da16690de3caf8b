"""A registry's front that takes tokens of the cluster's ServiceAccounts: it asks the API server whose a token is.

`python -m tests.cluster.scenarios.pods.token_gate KUBECONFIG ADDRESS UPSTREAM AUDIENCE ACCOUNT` serves plain HTTP until
it is ended; ACCOUNT, as `system:serviceaccount:NAMESPACE:NAME`, is the one that may read.
"""

import sys
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from kubernetes import client, config

_KEPT = ("range", "accept")


def main() -> None:
    """Serve until the end."""
    kubeconfig, address, upstream, audience, account = sys.argv[1:]
    config.load_kube_config(kubeconfig)  # type: ignore[no-untyped-call] # it says nothing of its types
    reviews = client.AuthenticationV1Api()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            scheme, _, token = self.headers.get("Authorization", "").partition(" ")
            who = _owner(reviews, token, audience) if scheme == "Bearer" else ""
            if who != account:
                self.send_response(403 if who else 401)
                self.send_header("WWW-Authenticate", f'Bearer realm="http://{address}/none",service="models"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self._forward()

        do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

        def _forward(self) -> None:
            connection = HTTPConnection(upstream, timeout=60)
            headers = {name: value for name, value in self.headers.items() if name.lower() in _KEPT}
            connection.request(self.command, self.path, headers=headers)
            answer = connection.getresponse()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("date", "connection"):
                    self.send_header(name, value)
            self.end_headers()
            while content := answer.read(1 << 20):
                self.wfile.write(content)
            connection.close()

    host, _, port = address.rpartition(":")
    server = ThreadingHTTPServer((host, int(port)), Handler)
    sys.stdout.write("serving\n")
    sys.stdout.flush()
    server.serve_forever()


def _owner(reviews: client.AuthenticationV1Api, token: str, audience: str) -> str:
    """Return whose a token is, if it is for this audience; empty otherwise."""
    review = client.V1TokenReview(spec=client.V1TokenReviewSpec(token=token, audiences=[audience]))
    status = reviews.create_token_review(review).to_dict()["status"]
    is_good = status["authenticated"] and audience in (status["audiences"] or [])
    return str(status["user"]["username"]) if is_good else ""


if __name__ == "__main__":
    main()
