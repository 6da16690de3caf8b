"""How this user reaches registries: the environment, the command's options, and their defaults.

access       the value
environment  from variables to the value  environment
options      the flags that verbs share
defaults     default paths                pure
"""
