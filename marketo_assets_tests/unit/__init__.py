"""One folder per room: no network beyond this machine, no Dagster, no sleep."""
