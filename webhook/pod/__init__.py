"""Readers and builders of a pod's parts.

podspec           reads and extends raw pods
placement         where the puller stands among the init containers, and its user
sidecars          the sidecars that it stands beside
resources         its resources, which the application lends
quantities        quantities as Kubernetes writes them
security          its security context, and the group that a claim needs
credentials       how it proves itself to registries, and they to it
service_account   what the ServiceAccount plugin does to pods
volumes           the volume of models
mounts            the model's path in a container
operating_system  which operating system a pod is for

scheduling/       where a pod may run and would rather
"""
