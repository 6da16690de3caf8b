"""TLS for the webhook: a CA, a leaf for the Service's names, and their manifests for the cluster.

`issue` and `manifests` are pure; `command` alone touches files and the clock.
"""
