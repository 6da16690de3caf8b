"""Values that users and operators write, parsed.

key         a key of the contract, with its parser
annotation  values of annotations that are more than a word
setting     values of the operator's settings
record      values of a record that anybody may have written
near        names that come near another, for messages
stray       keys in our domain that have no effect, with corrections
"""
