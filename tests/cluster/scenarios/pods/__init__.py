"""What users do, and what their pods get.

`timeline` says when what happened to a pod, and `overlap_times` measures what overlap saves; `claims` makes claims,
`overlapped` workloads with the model beside the engine's image, and `token_gate` takes tokens in front of a registry.
"""
