"""A program of ours as a process.

program        its start and its end: streams, and messages for failures  streams
signals        what ends it, whatever it waits for                        signals
arguments      the parser of its command line                             streams
completion     completion for shells, written from the parsers            pure
threads        workers that end with their caller
background     work that waits for the disk, done by a thread
ticker         a call that is repeated in a thread
control_group  the memory and the cores that it may use                   files
core_time      the time on cores that it had and wanted                   files
"""
