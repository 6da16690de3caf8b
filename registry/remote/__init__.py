"""A registry over HTTP (distribution-spec).

client          authorization, redirects and errors of one registry
endpoint        one repository at one host
pull            reads artifacts, from the first host that answers
tags            lists a repository's tags
referrers       lists what refers to an artifact
pages           the next page of either list                         pure
push            writes artifacts
upload          writes one large blob
upload_session  what the registry keeps of an upload meanwhile
upload_mode     how a registry takes large blobs                     pure
commit          writes whose outcome is unknown
"""
