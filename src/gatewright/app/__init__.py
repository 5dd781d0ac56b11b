"""The composition root: which parts make up a process, and how processes start and end."""
