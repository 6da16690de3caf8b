"""BENCH: the promises on speed, measured beside peers on this machine.

plan       how large and how often: the full measurement, or the quick smoke
corpus     generated weights that compress as real ones do               writes the cache folder
origin     registries to pull from and push to, as processes             starts programs
sendfile   a registry that costs little and can hold back                a program
bare       receive, hash, write and nothing else: the roofline           a program
bare_push  read, hash, send and nothing else: a push's roofline   a program
peers      other tools as commands                                       looks at PATH
ours       our puller and packer as commands                             pure
strangers  what other programs took of the machine                       reads /proc
run        one command, timed and watched                                starts programs
rounds     commands in turns, medians and ratios
line       a network of a given rate                                     needs root
memory     a limit on memory                                             needs a writable cgroup
cases      the rows of goals, each measured
outcome    what a case found
record     outcomes as JSON                                              reads and writes files
report     outcomes as a page                                            writes files
plot       outcomes to SVG                                               pure
"""
