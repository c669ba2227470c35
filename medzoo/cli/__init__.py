"""The command line: one module a command, each imported when it is chosen.

Imports whatever a command needs; `medzoo.__main__` alone imports it.
"""
