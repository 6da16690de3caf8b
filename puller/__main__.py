"""The initContainer: `python -m puller`, told what to do by its environment."""

from registry.process.program import heed_signals, leave, open_streams

if __name__ == "__main__":
    open_streams()
    heed_signals()  # before all that takes time to load
    from .container import main

    leave(main())
