"""What an export will cost before anything is spent: leads and bytes a month, calls, days of quota.

Marketo counts nothing for a caller, but ids grow with time and three hundred of them are looked up in one call: a few
calls show where ids lie, in which month each lead was created, and how many bytes its row will have.
"""
