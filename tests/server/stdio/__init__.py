"""Tests of the stdio core's parts."""
