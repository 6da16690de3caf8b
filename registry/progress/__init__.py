"""How far a transfer is, and how it says so.

stats  bytes and seconds, counted by any thread      reporter  a living line, plain lines, or JSON
"""
