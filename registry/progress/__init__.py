"""The progress of a transfer, and its display.

stats  bytes and seconds, counted by any thread      reporter  a status line, plain lines, or JSON
"""
