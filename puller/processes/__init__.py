"""A fetch by several processes: `fetch` deals it out, `forked` runs a share, a `pipe` tells of it."""
