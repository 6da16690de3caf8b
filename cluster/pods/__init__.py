"""Who has which model, and why not.

pull_state  what one pod says of its model                             pure
table       all pods with the label, and those that could not be made  pure
live        an object of the cluster, explained                        the API server
command     the verbs `explain` and `status`
"""
