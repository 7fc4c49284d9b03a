"""clean.py ORDERS CLEAN: keep whole orders, with products in lower case."""

import csv
import sys

source, target = sys.argv[1:]
with open(source, newline="") as orders, open(target, "w", newline="") as clean:
    rows = csv.DictReader(orders)
    writer = csv.DictWriter(clean, ["day", "product", "price"])
    writer.writeheader()
    for row in rows:
        if row["product"] and row["price"]:
            writer.writerow({"day": row["day"], "product": row["product"].strip().lower(), "price": row["price"]})
