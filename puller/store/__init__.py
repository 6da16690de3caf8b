"""A model on a volume.

destination  the model directory, held for one process      locked      it with its settings; a warm start is here
standing     what stands there, and how far it is believed  trust       who can have written a file
publish      one decision (docs/decisions/0004)             work_dir    the folders behind a model
receipt      what was published                    pure     journal     which pieces have landed
cache        models by digest, shared by hard links         lock        one process at a time
saved_manifest  what a model was made from, kept beside it  filesystem  what a file system can do
writeback    when pages leave memory for the disk
"""
