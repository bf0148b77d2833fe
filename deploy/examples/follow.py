"""The same in Python: PYTHONPATH=/usr/share/slugline/python python3 follow.py 'urgency <= 2'"""
import sys

from slugline import Bulletin, Reader

with Reader(where=sys.argv[1] if len(sys.argv) > 1 else "headline") as reader:
    for event in reader:
        if isinstance(event, Bulletin):
            print(event.seq, event.feed, event.headline, flush=True)
