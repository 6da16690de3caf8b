"""What registries say of references at admission: digests and sizes, under the rules for hosts that users may name.

answer     what is known of a reference, or the code of why nothing is known
policy     which registries are asked, and which addresses are connected to   pure
question   one request to one registry                                        sockets
resolver   cache, threads and budgets around questions                        threads, time
freshness  the resolver of a server, and its thread that renews answers       threads
signed     whether an artifact is signed, as far as admission can tell
sizing     what a model needs on its volume                                   pure
"""
