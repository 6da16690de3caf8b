"""The pod's own identity: what its cloud or its cluster proves about it becomes a registry's credential.

identities       which identity answers for a registry, and until when its credential is good
hosts            which cloud a registry belongs to, by its host name  pure
amazon           ECR and ECR Public
aws_signature    Amazon's Signature Version 4                         pure
azure            Azure Container Registry
google           Artifact Registry and Container Registry
service_account  a projected token of the pod's ServiceAccount, for the registry of its source
endpoint         one small exchange with an identity endpoint         sockets
token_file       tokens that the kubelet renews                       files

No SDK of a cloud is used. An identity is chosen by the registry's host name and by the variables that the clouds' own
webhooks put into pods; its credential is sent to that registry alone.
"""
