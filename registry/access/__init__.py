"""How this user reaches registries: the environment, the command's options, and their defaults.

access  the value      environment  from variables to it
options  the flags that verbs share      defaults  what both assume
"""
