"""KEEP: the bytes of an export as they came, written once, checksummed, with a manifest beside them.

A landed file is the first durable halting place: from here on everything can be repeated without asking Marketo.
"""
