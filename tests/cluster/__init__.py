"""A real Kubernetes cluster of one node, and what is played on it (as root, on Linux).

`cluster` is the story. It stands on `isolation` (namespaces and cgroups), `network` (addresses), `identities`
(certificates, tokens, kubeconfigs), `control_plane`, `node` (containerd, kubelet, kube-proxy), `host` (what else has an
address), `registry` and `oci_image`; `requirements` says what a machine lacks. `python -m tests.cluster` brings one up
for use by hand.

A test that asks for the fixture `cluster` has one in four seconds:

    cluster.kubectl("get", "pods", "-A")                      # as the administrator, or caller="guest"
    cluster.apply({"apiVersion": "v1", "kind": …}, namespace="…")
    cluster.image("localhost/app:1", {"app.py": b"…"}, ["python", "/app.py"], base=archive)
    with cluster.registry(rate="80mbit", auth=token_auth(…)) as registry: …  # registry.address, registry.requests()
    with cluster.host() as host: Process(host.command(["python", "-m", "http.server"]), …)  # host.address
    cluster.wait("the pod is ready", lambda: …)
    cluster.run(["ip", "address"])                            # on the node
"""
