"""PLAN: which window to ask for, with which fields, through which export job.

Nothing here keeps rows: an export ends in verified bytes, and what is remembered of a job
lies in the ledger, so that no later run pays for the same bytes again.
"""
