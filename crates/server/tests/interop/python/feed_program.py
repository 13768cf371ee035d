"""A service around docs/revocation-feed/verifier.py: for each token on a line of its standard input it prints the status
of the answer to a request with it, and with 200 the user, with 503 the reason.

    feed_program.py FOLDER SERVER FEED_KEY   # docs/revocation-feed
"""

import sys

folder, server, feed_key = sys.argv[1:]
sys.path.insert(0, folder)
sys.dont_write_bytecode = True
import verifier  # noqa: E402


def status(feed, token):
    try:
        return f"200 {feed.verify(token)['sub']}"
    except verifier.Unavailable as why:
        return f"503 {why}"
    except Exception:
        return "401"


feed = verifier.Feed(server, "default", feed_key)
feed.start()
for line in sys.stdin:
    print(status(feed, line.strip()), flush=True)
