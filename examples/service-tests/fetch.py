"""Fetch a page, and fail unless it, or its status, is what is expected: `fetch.py URL EXPECTED`."""

import sys
import urllib.error
import urllib.request

url, expected = sys.argv[1:]
try:
    with urllib.request.urlopen(url, timeout=10) as answer:
        found = answer.read().decode()
except urllib.error.HTTPError as error:
    found = str(error.code)
if expected not in found:
    sys.exit(f"{url} says {found!r}, not {expected!r}")
