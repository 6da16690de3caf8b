"""A real Kubernetes cluster of one node, and what is played on it (as root, on Linux).

`cluster` is the story. It stands on `isolation` (namespaces and cgroups), `network` (addresses), `identities`
(certificates, tokens, kubeconfigs), `control_plane`, `node` (containerd, kubelet, kube-proxy) and `oci_image`;
`requirements` says what a machine lacks. `python -m tests.cluster` brings one up for use by hand.
"""
