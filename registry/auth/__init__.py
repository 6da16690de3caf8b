"""Authentication at a registry.

authorizer   the Authorization header of each request, kept fresh      challenges  WWW-Authenticate, parsed        pure
credentials  docker configs, merged                      files         credential_helpers  programs that know more
docker_config  one of them, read                         files         credential  the value, which shows no secret
docker_keys  the keys of their entries                   pure          tokens  requests for them, and answers
"""
