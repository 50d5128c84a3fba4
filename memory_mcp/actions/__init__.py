"""This package says what a step did: its normalised tool and verb, the files it touched, the error it met."""
