"""A model as an image that kubelets mount: its files under `models/`, as KServe has them. Pure.

image   configs, manifests and the index
layers  which file is in which layer
tar     a layer's headers and files
"""
