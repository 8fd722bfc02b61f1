"""KNOW: landed bytes become typed rows in `raw`, in one verified transaction with their bookkeeping."""
