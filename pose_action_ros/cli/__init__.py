"""The `pose-action` command: one file for each verb; `main.py` adds them to the command."""
