"""ASK: the verbs that ask a cluster, as whoever has a kubeconfig.

kinds       the kinds that are read                        pure
connection  kubeconfig or pod to API server                files, `kubernetes`
api         objects in and out                             sockets
pull_state  what a pod says of its model                   pure
status      who has which model                            pure
explaining  an object of the cluster, explained            the API server
check/      whether an install works                       the API server, registries
catalog     entries of the catalog                         the API server
prefetch    a Job that fills a claim                       pure
certificates  the webhook's Secret                         the API server
"""
