"""Where a pod may run and would rather.

accelerators  which resources surely compute, and who asks for them
tolerations   those that a pod needs, and those that it has
affinity      nodes that have the model already, preferred
autoscaler    the annotation that lets a node go
"""
