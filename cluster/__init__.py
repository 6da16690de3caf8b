"""ASK: the verbs that ask a cluster, as whoever has a kubeconfig.

kinds          the kinds that are read                                    pure
connection     kubeconfig or pod to API server                            files, `kubernetes`
api            objects in and out, each failure with what was asked       sockets
options        the options that these verbs share
output         their results for people and programs                      pure
command        the verbs, gathered
errors         what can go wrong

check/         whether an install works
pods/          who has which model, and why not
catalog/       the named models, and a Job that fetches one ahead
certificates/  what the webhook serves with, and a new one without a gap
"""
