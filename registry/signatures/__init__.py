"""Who signed an artifact, decided before any byte of its weights is fetched.

check          the story: an artifact, a rule and what is attached in, its signers out
policy         the operator's rules, by prefixes of sources                 pure
rule           what is demanded of one source                               pure
options        the options of verbs that judge signatures                   files
cosign         signatures under cosign's tag, and attached bundles          pure
envelope       Sigstore bundles with a DSSE envelope                        pure
model_signing  an OpenSSF model signature, held to the files of a manifest  pure
keys           public keys, and what they signed                            pure
certificates   signatures by a certificate of Fulcio, in a bundle
classic        signatures by a certificate of Fulcio, under cosign's tag
found          which signatures an artifact has; nothing of them is judged
errors         what can go wrong

A signature counts for the digest that is pulled, whatever document says so: no other field of a payload is believed.
"""
