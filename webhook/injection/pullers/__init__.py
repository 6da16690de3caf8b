"""The containers that bring a model: one, or several that pull beside the engine's image.

puller     the init container, and whether the one in the pod is it
overlap    whether the pull goes beside the engine's image, and the containers for that
variables  what other tools know of the puller's environment, too
"""
