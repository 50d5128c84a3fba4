"""This package learns from episodes when they end, and shows whether that helps."""
