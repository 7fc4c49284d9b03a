"""report.py TOP REPORT TOTALS…: the TOP products that sell best, over all files of totals."""

import csv
import sys
from collections import Counter

top, target, *sources = sys.argv[1:]
totals: Counter[str] = Counter()
for source in sources:
    with open(source, newline="") as file:
        for product, total in csv.reader(file):
            totals[product] += int(total)
with open(target, "w") as report:
    for product, total in totals.most_common(int(top)):
        print(f"{product:10} {total:6}", file=report)
