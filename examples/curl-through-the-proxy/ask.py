"""Asks for two addresses as any script does: the proxy comes from the environment, and nothing in here knows of Writ."""

import sys
import urllib.error
import urllib.request

for url in sys.argv[1:]:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            print(url.rsplit("/", 1)[1], answer.status)
    except urllib.error.HTTPError as refused:
        print(url.rsplit("/", 1)[1], refused.code, refused.headers.get("writ-code"))
