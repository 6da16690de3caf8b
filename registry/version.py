"""The version, in its one place: the package, the User-Agent and the default image take it from here."""

VERSION = "0.1.0"
