"""The client alone, against a small Marketo written from the documents."""
