"""A model on a volume.

destination  the model directory, locked for one process    locked      it with its settings
standing     which files are there, and which are trusted   trust       which users can have written a file
publish      one decision (docs/decisions/0004)             work_dir    the folders behind a model
receipt      what was published                    pure     journal     which pieces are written
used         when it was last used                          lock        one process at a time
saved_manifest  the manifest, kept beside the model         filesystem  what a file system can do
writeback    when pages are written to the disk
"""
