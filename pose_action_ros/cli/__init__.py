"""The `pose-action` command: one file per verb, `main.py` gathers them."""
