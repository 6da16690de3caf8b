"""Whether an install works, a line for each thing that must be so.

check        the story
reading      all that is read of the cluster, once           the API server
shipped      what the manifests install
finding      a line, and the table of all checks             pure
server       the lines about the API server and permissions  the API server
install      the lines about the Deployment                  pure
admission    the lines about the configuration of webhooks   pure
certificate  the lines about the certificate                 pure
catalog      the lines about the catalog                     pure
models       the lines about those who use models            pure
probe        the pod that should come back with a model      pure
command      the verb `check`
"""
