"""Parts of a pod, read and made: mounts, volumes, tolerations, resources, security."""
