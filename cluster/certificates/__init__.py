"""The webhook's certificate in a cluster: what stands in the Secret, who manages it, and a new one without a gap.

stored   the Secret, who manages it, and what the API server trusts  the API server
rotate   the story of a rotation                                     the API server, the clock
command  the verbs `certs status` and `certs rotate`
"""
