"""Processes: processors, jobs, and the hooks around every run."""
