"""This package finds what episodes have in common and brings it back for the next one."""
