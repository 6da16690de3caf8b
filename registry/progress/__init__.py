"""The progress of a transfer, and its display.

stats     bytes and seconds, counted by any thread             time
pace      a share, a rate and the time that is left, in words
reporter  a status line, plain lines, or JSON                  stderr
"""
