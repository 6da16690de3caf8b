"""What need not be fetched, because the volume has it.

search    finds blobs: in earlier pulls, published models and a cache
verify    hashes what no receipt vouches for
archives  packed layers, whose members an earlier pull left on the stage
linked    what links lead to where the selection left it out
"""
