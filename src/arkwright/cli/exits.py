"""How `arkwright` ends: its exit codes."""

DONE = 0
"""Done; a run that was followed or waited for ended in success."""
FAILED = 1
"""The server refused, something failed, or a run that was followed or waited for did not end in success."""
USAGE = 2
"""The command line is wrong; nothing was done."""
INTERRUPTED = 130
"""Ctrl-C. A run that was being followed goes on."""

EPILOG = "Exit codes: 0 done, 1 failed or refused, 2 wrong usage, 130 interrupted (a run goes on)."
