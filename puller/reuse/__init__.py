"""What need not be fetched: `search` finds it on the volume, and `verify` hashes what no receipt vouches for.

`archives` does so for packed layers, whose members an earlier pull left on the stage; `linked` tells what their links
lack.
"""
