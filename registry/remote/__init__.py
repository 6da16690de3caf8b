"""A registry over HTTP (distribution-spec).

client  authorization, redirects, errors, and Access, the settings for reaching registries
pull    reads artifacts, from the first host that answers     endpoint  one repository at one host
push    writes artifacts      upload  one blob      upload_session  what the registry keeps of it meanwhile
                              upload_mode     how it takes large ones
commit  writes whose outcome is unknown
"""
