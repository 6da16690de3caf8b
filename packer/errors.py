"""What can go wrong while a folder is packed, each failure with its code and its hint.

registry.errors.Fault
├── BadFolder       folder.invalid     a folder that cannot be packed as it is
│   ├── EmptyFolder folder.empty       no file in it
│   ├── BadName     folder.bad-name    a file name that other systems could not write
│   └── Suspicious  folder.suspicious  files that look secret, unfinished, or like another file's place-holder
├── Changed         folder.changed     a file that changed while it was read
├── BadKey          sign-key.invalid   a key that cannot sign, or cannot be read
└── TooManyFiles    manifest.too-large more files than a manifest that registries take can name

Tests: tests/packer/test_push.py
"""

from registry.errors import Fault


class BadFolder(Fault):
    """A folder that cannot be packed as it is."""

    code = "folder.invalid"
    hint = "name a folder that holds the model's files"


class EmptyFolder(BadFolder):
    """A folder without files, which would make an artifact without layers."""

    code = "folder.empty"
    hint = "name the folder that holds the model's files; did a download end early?"


class BadName(BadFolder):
    """A file name that could not be written everywhere, so that no pull would take it."""

    code = "folder.bad-name"
    hint = "rename the file"


class Suspicious(BadFolder):
    """Files that look secret, or like downloads that did not end, or that stand for others."""

    code = "folder.suspicious"
    hint = "leave them out with --exclude GLOB, or push them all the same with --include GLOB"


class Changed(Fault):
    """A file that changed while it was read."""

    code = "folder.changed"
    hint = "wait until whatever writes the folder is done, then push again"


class BadKey(Fault):
    """A private key that cannot be read, or that cannot sign."""

    code = "sign-key.invalid"
    hint = "name a private key in PEM (openssl genpkey, cosign generate-key-pair); its password is in COSIGN_PASSWORD"


class TooManyFiles(Fault):
    """More files than one manifest can name."""

    code = "manifest.too-large"
    hint = "push fewer files: put small ones that belong together into an archive"
