"""What operators and users live through, played on a real cluster, installed from the shipped manifests.

`install` applies the manifests, `engine` stands for an inference server. `pods` has what users do and their pods get,
`installs` what operators do.
"""
