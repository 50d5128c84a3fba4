"""The official SDK in front of our table of methods: what the stdio core is compared with, answer by answer."""
