"""A program of ours as a process.

program  its streams, its signals, and the words for what ended it      threads  workers that end with who waits
"""
