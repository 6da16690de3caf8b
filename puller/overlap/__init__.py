"""The pull beside the engine's image: three init containers in place of one (docs/overlap.md).

sidecar   weighbridge-pull: pulls, says how that ended, and stays as an idle process
ready     weighbridge-ready: waits for that end, and ends as the pull did
outcome   how a pull ended, in a file between the two
program   the static program that weighbridge-warm runs on the engine's image, and that stays in the sidecar   pure
"""
