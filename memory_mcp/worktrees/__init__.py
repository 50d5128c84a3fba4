"""This package knows the git work tree that a process runs in, from git's own files."""
