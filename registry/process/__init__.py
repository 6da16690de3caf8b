"""A program of ours as a process.

program  streams, signals, and messages for its end      threads  workers that end with their caller
ticker   a call that is repeated in a thread             control_group  the memory and the cores that it may use
"""
