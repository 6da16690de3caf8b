"""A repository of the Hugging Face hub, read as a registry would present it (docs/decisions/0007).

api  calls to the package `huggingface_hub`         repository  its files as blobs      snapshot  a commit's manifest
"""
