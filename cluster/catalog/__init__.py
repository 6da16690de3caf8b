"""The named models: entries of the ConfigMap weighbridge-catalog, and a Job that fetches one ahead.

entries   what an entry is, and which are ours                      pure
edit      entries added and removed, under a field manager of ours  the API server
prefetch  the Job                                                   pure
command   the verbs `catalog` and `prefetch`
"""
