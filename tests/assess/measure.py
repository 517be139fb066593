#!/usr/bin/env python3
"""Compares a scan with labels: recall and precision per kind, on files.

usage: measure.py CORPUS SCAN.json [--minimum 0.99]

A label says how many things of a kind a file holds. Found beyond that, or in a file without a label, is a
false positive; found less is a miss. Kinds that describe text (configuration, use, library) are not
judged here.
"""
import collections
import json
import sys

JUDGED = {"certificate", "certificate-request", "revocation-list", "private-key", "public-key", "secret-key",
          "keystore", "encrypted-data", "signed-message", "parameters"}


def main() -> int:
    corpus, scan = sys.argv[1].rstrip("/"), json.load(open(sys.argv[2]))
    minimum = float(sys.argv[sys.argv.index("--minimum") + 1]) if "--minimum" in sys.argv else 0.99
    expected = collections.Counter()
    for line in open(f"{corpus}/labels.tsv"):
        path, kind, count = line.rstrip("\n").split("\t")
        expected[path, kind] += int(count)
    found = collections.Counter()
    for finding in scan["findings"]:
        path = finding["location"]["path"].removeprefix(corpus + "/")
        if finding["kind"] in JUDGED and path != "labels.tsv":
            found[path, finding["kind"]] += 1
    table = collections.defaultdict(lambda: [0, 0, 0])
    for key in expected | found:
        hit = min(expected[key], found[key])
        row = table[key[1]]
        row[0] += hit
        row[1] += expected[key] - hit
        row[2] += found[key] - hit
        if expected[key] != found[key]:
            print(f"  {key[0]}: {key[1]}: expected {expected[key]}, found {found[key]}")
    failed = 0
    print(f"{'kind':22} {'right':>6} {'missed':>7} {'wrong':>6} {'recall':>8} {'precision':>10}")
    for kind, (hit, missed, wrong) in sorted(table.items()):
        recall = hit / (hit + missed) if hit + missed else 1.0
        precision = hit / (hit + wrong) if hit + wrong else 1.0
        bad = recall < minimum or precision < minimum
        failed += bad
        print(f"{kind:22} {hit:6} {missed:7} {wrong:6} {recall:8.4f} {precision:10.4f}{'  BELOW' if bad else ''}")
    if not table:
        print("nothing was compared")
        return 1
    print(f"{len(table) - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
