"""Who signed an artifact, decided before any byte of its weights is fetched.

check      the story: an artifact, a rule and what is attached in, its signers out
rule       what the operator demands of a source     policy     the operator's text, by prefixes         pure
attached   manifests that are attached to a digest   keys       public keys, and what they signed        pure
cosign     signatures under cosign's tag             bundle     Sigstore bundles with an envelope (DSSE) pure
model_signing  an OpenSSF model signature, held to the files of a manifest                               pure

A signature counts for the digest that is pulled, whatever document says so: no other field of a payload is believed.
"""
