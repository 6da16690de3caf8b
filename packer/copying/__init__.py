"""COPY: an artifact from place to place, as it is, with its signatures.

copy       the story
closure    all that belongs to an artifact, read from its source
companion  what cosign keeps under a tag, joined with what the target holds there
blob       one blob: there already, mounted, or streamed and verified
"""
