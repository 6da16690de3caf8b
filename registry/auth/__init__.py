"""Who asks a registry, and how that is proved.

authorizer   the Authorization header of each request, kept fresh      challenges  WWW-Authenticate, parsed        pure
credentials  docker configs, read and merged             files         credential_helpers  programs that know more
tokens       what a token server is asked, and answers
"""
