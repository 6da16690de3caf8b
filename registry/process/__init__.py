"""A program of ours as a process.

program  streams, and messages for its end               signals        what ends it, whatever it waits for
threads  workers that end with their caller              control_group  the memory and the cores that it may use
ticker   a call that is repeated in a thread             core_time      the time on cores that it wanted
"""
