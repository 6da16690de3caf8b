"""Authentication at a registry.

authorizer          the Authorization header of each request, kept fresh
challenges          WWW-Authenticate, parsed                              pure
tokens              requests for tokens, and their answers
credential          the value, which shows no secret
credentials         the right one of all docker configs                   files
docker_config       one docker config, read                               files
docker_keys         the keys of its entries                               pure
credential_helpers  programs that return credentials                      programs
"""
