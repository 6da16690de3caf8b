"""What a model directory will hold.

tree         names, links and whiteouts        pure     folders  which names are below which  pure
materialize  the directory, put together       files    links    where a symbolic link leads  pure
"""
