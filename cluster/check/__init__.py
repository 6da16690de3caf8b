"""Whether an install works, a line for each thing that must be so.

check      the story          reading    all that is read of the cluster, once     shipped  what the manifests install
finding    a line, and the table of all checks                                     pure
server, install, admission, certificate, catalog, models   the lines of each group   pure
probe      the pod that should come back with a model                              pure
"""
