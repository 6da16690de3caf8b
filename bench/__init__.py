"""BENCH: the goals for speed, measured beside other tools on this machine.

plan       sizes and repetitions: the full measurement, or a quick smoke test
corpus     generated weights that compress as real ones do               writes the cache folder
origin     registries to pull from and push to, as processes             starts programs
sendfile   a registry that needs little CPU and can limit its rate       a program
bare       receive, hash, write and nothing else: the roofline           a program
bare_push  read, hash, send and nothing else: a push's roofline          a program
peers      other tools as commands                                       looks at PATH
ours       our puller and packer as commands                             pure
background_load  other programs' share of the machine                    reads /proc
memory_filler    pages held at hand for the command that runs
run        one command, timed and watched                                starts programs
rounds     commands in rounds, medians and ratios
line       a network of a given rate                                     needs root
memory     a limit on memory                                             needs a writable cgroup
cases      the goals, each measured
outcome    the result of a case
record     outcomes as JSON                                              reads and writes files
report     outcomes as a page                                            writes files
plot       outcomes to SVG                                               pure
"""
