"""What need not be fetched: `search` finds it on the volume, and `verify` hashes what no receipt vouches for."""
