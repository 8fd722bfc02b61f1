"""The sandbox against the documents: each example replayed, each limit reached."""
