"""What registries say of references at admission: digests and sizes, under the rules for hosts that users may name.

answer    what is known of a reference, or the code of why nothing is known
policy    which registries are asked, and which addresses are connected to
question  one request to one registry (the IO edge)
resolver  cache, threads and budgets around questions
freshness the resolver of a server, and its thread that renews answers
sizing    what a model needs on its volume
"""
