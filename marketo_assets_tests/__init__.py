"""The tests: unit, sandbox, pipeline, properties and live; doors.py leads to the sandbox."""
