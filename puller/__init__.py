"""PULL: a reference in, verified files out.

pull         the story: take the place, resolve, plan, keep what is right, fetch, publish
settings     what one pull needs: the webhook writes it, the puller reads it
holder       whether what stands there is what is wanted                       files
bring        one model into one place
cache        models by digest, shared by hard links                            files
deadline     a time for all of it                                              signals
lineage      an artifact with those that it builds on
formats      which files an artifact makes, a module for each family           pure
plan         parts to blobs and pieces                                         pure
resume       what an earlier pull left that is still right                     reads files
destination  the model directory, its lock, its one rename                     files
lock         one process at a time, where the file system can                  files
journal      which pieces have landed, under which boot                        files
receipt      what was published                                                pure

fetch        the crew: as many workers as bring more, and who looks after them threads, time
queue        which piece comes next                                            threads
carrier      one worker's errand, through whatever the network does            time
pace         how many connections are worth having                             pure
watchdog     which connection is so slow that a new one would be faster        threads
cargo        what the workers need to know of a blob, whatever becomes of it
assembly     a blob that is a file, each piece verified as it lands            files
prefix       the one digest of a blob that has none for its pieces             files
stream       a blob that is unpacked from front to back                        threads
courier      large files brought by a program of their place's own             files
flush        when pages leave memory for the disk                              files
filesystem   what a file system is good at                                     files

unpack       what is behind a codec or in an archive, put on a stage           files
tree         what the directory will hold, decided from what layers claim      pure
folders      which names lie below which                                       pure
links        where a symbolic link leads                                       pure
settle       every file to its place                                           files

inspect      what an artifact holds
command      the verbs `pull` and `inspect`
errors       what can go wrong
__main__     the initContainer
"""
