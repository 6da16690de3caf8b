"""What operators and users live through, played on a real cluster, installed from the shipped manifests.

`install` applies the manifests, `engine` stands for an inference server, `timeline` says when what happened to a pod,
`load` asks for admissions, and `start_time` measures the image by itself.
"""
