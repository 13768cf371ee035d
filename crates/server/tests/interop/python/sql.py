"""One statement on an SQLite file, through the library that Python brings along."""

import json
import sqlite3
import sys

database, statement = sys.argv[1:]
with sqlite3.connect(database) as connection:
    rows = connection.execute(statement).fetchall()
connection.close()
print(json.dumps(rows, default=bytes.hex))
