"""Manifests as files: read as kubectl reads them, and written with no other changes.

sources ─▶ stream ─▶ yaml_text, json_text ─▶ node ─▶ files (inject), uninject, explain ─▶ splice, written ─▶ documents

sources        where files come from: a path, a folder, a URL, standard input  files, sockets
stream         a file cut into its documents
yaml_text      YAML text to nodes
json_text      JSON text to nodes
scalars        how kubectl reads unquoted scalars
node           values that know their places in the text
configuration  the operator's configuration, from the deployed manifests
files          what the webhook would do with a manifest
uninject       takes out what `inject` put in
explain        which step decided what
splice         changes a text in places
style          how a document is indented
written        values as text
documents      the documents of a file, after a change
"""
