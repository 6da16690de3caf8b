"""A model on a volume.

destination     the model directory, locked for one process
locked          the same with its settings: what stands, and how it takes over what stands elsewhere
lock            one process at a time
standing        which files are there, and which are trusted
trust           which users can have written a file
receipt         what was published                                          pure
journal         which pieces are written
publish         one decision (docs/decisions/0004)
work_dir        the folders behind a model
used            when it was last used
saved_manifest  the manifest, kept beside the model
filesystem      what a file system can do
writeback       when pages are written to the disk
memory          what fits into memory: connections, and pages of the model
"""
