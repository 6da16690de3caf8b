"""TLS for the webhook: a CA, a leaf for the Service's names, and their manifests for the cluster.

bundle     the PEM texts that serve one webhook              pure
names      the names in a serving certificate                pure
issue      certificates, by names, keys and the time         pure
chain      which CAs a bundle's certificates are trusted by  pure
renewal    what a bundle becomes as time goes by             pure
report     what there is to say of a bundle at some time     pure
manifests  a bundle as objects of the cluster                pure
files      a bundle as files in a folder                     files
api        the Secret and the configuration                  the API server
rotator    the thread that keeps both, and serves            files, the clock
command    the verb `certs`                                  files, the clock
errors     what can go wrong
"""
