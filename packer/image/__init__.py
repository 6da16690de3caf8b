"""A model as an image that kubelets mount and KServe's modelcars hold: its files under `models/`. Pure.

image   configs, manifests and the index    layers  which file is in which layer    tar  a layer's headers and files
"""
