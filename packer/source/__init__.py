"""A model folder: which files to pack, and reading them unchanged.

scan         from a folder to the files to pack      files
source_file  one of them, as a value
suspicion    files that should not be published      pure
stable_read  a file's bytes, unchanged, or an error  files
"""
