"""What a process tells of itself: its log. Imported by all, imports nothing heavy."""
