"""Authentication at a registry.

authorizer   the Authorization header of each request, kept fresh      challenges  WWW-Authenticate, parsed        pure
credentials  docker configs, read and merged             files         credential_helpers  programs that know more
tokens       requests to token servers, and their answers
"""
