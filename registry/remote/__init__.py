"""A registry over HTTP (distribution-spec).

client  authorization, redirects, errors, and Access, which says how registries are reached
pull    artifacts read, from the first host that can     endpoint  one repository at one host
push    artifacts written      upload  a blob on its way in      commit  writes whose outcome is not known
"""
