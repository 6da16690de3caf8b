"""How this user reaches registries: the environment, the command's options, and their defaults.

environment  from variables to an Access      options  the flags that verbs share      defaults  what both assume
"""
