"""totals.py CLEAN TOTALS: add up the prices of each product."""

import csv
import sys
from collections import Counter

source, target = sys.argv[1:]
totals: Counter[str] = Counter()
with open(source, newline="") as orders:
    for row in csv.DictReader(orders):
        totals[row["product"]] += int(row["price"])
with open(target, "w", newline="") as file:
    csv.writer(file).writerows(sorted(totals.items()))
