# SPDX-License-Identifier: LGPL-2.1-or-later
"""One name is open, on one port, and nothing else of the network.

    buntime --allow-net=github.com:443 run net_allow_external.py
"""
import urllib.error
import urllib.request


def attempt(what, expected, action):
    try:
        came = f"allowed: {action()}"
    except PermissionError as error:  # this is how a policy refuses
        came = f"refused: {error.strerror}"
    except OSError as error:
        came = f"no answer: {error}"
    print(f"{what}\n  expected {expected}\n  came     {came}", flush=True)


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return f"status {answer.status}"
    except urllib.error.HTTPError as error:
        return f"status {error.code}"
    except urllib.error.URLError as error:
        raise error.reason from None


attempt("Get https://github.com/", "allowed", lambda: get("https://github.com/"))
# The same host on another port.
attempt("Get http://github.com/", "refused", lambda: get("http://github.com/"))
# Another name: it is not even looked up.
attempt("Get https://example.com/", "refused", lambda: get("https://example.com/"))
# An address without a name.
attempt("Get http://192.0.2.7/", "refused", lambda: get("http://192.0.2.7/"))
