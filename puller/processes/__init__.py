"""A fetch by several processes: `fetch` deals it out and follows it, `forked` is what each of the others runs."""
