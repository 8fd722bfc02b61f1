"""The road from Marketo to a release, one file per story, named for its trouble."""
