"""A fetch by several processes.

fetch   deals the pieces out, and starts the processes
forked  one process: it fetches its share
pipe    what that process tells its parent
"""
