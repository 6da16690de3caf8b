"""The verbs that ask a cluster, against a real API server."""
