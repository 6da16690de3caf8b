"""The pull beside the engine's image: several init containers in place of one (docs/overlap.md).

sidecar       weighbridge-pull: pulls, says how that ended, and stays as an idle process
ready         weighbridge-ready in Guaranteed pods: waits for that end, and reads the model ahead
outcome       how a pull ended, in a folder that they share                                             files
program       the static program: warms an image, waits as weighbridge-ready, and stays in the sidecar  pure
machine_code  its instructions                                                                          pure
command       the sidecar's hook, and the container that waits for the pull
"""
