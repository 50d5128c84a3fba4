"""This package declares the settings, reads them from their layers and finds places and projects."""
