"""What a model directory will hold.

tree         names, links and whiteouts   pure
folders      which names are below which  pure
selection    which of them are selected   pure
links        where a symbolic link leads  pure
materialize  the directory, put together  files
"""
