"""TLS for the webhook: a CA, a leaf for the Service's names, and their manifests for the cluster.

bundle     the PEM texts that serve one webhook
issue      certificates, by names, keys and the time     pure
renewal    what a bundle becomes as time goes by          pure
manifests  a bundle as objects of the cluster            pure
api        the Secret and the configuration              the API server
rotator    the thread that keeps both, and serves         files, the clock
command    the verb `certs`                              files, the clock
"""
