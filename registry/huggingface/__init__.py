"""A repository of the Hugging Face hub, read as a registry would present it (docs/decisions/0007).

api                calls to the package `huggingface_hub`
package_transport  the package's requests, over our connections      network
repository         a repository's files as blobs                     network
snapshot           a commit's manifest
"""
