"""TLS for the webhook: a CA, a leaf for the Service's names, and what of it goes to the cluster.

`issue` and `manifests` are pure; `command` alone touches files and the clock.
"""
