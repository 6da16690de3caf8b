"""The initContainer: `python -m puller`, configured by its environment."""

from registry.process.program import heed_signals, leave, open_streams

if __name__ == "__main__":
    open_streams()
    heed_signals()  # before the imports that take time
    from .container import main

    leave(main())
