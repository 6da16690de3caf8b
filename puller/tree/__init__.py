"""What a model directory will hold.

tree  names, links and whiteouts, decided purely      folders  which names lie below which  pure
links where a symbolic link leads              pure   materialize  the directory put together                    files
"""
