"""Readers and builders of a pod's parts: mounts, volumes, tolerations, resources, security."""
