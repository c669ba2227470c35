"""The local page and its JSON API: scans in, models run in a process of their own.

Imports reporting and all below; `medzoo serve` imports it. The extra is "serve".
"""
