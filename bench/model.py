#!/usr/bin/env python3
"""Predicts, from what each stage costs on one thread, how many messages a second N processors carry by M lines, and how late they are.

    model.py WALK.jsonl [--cores N] [--lines M]     WALK.jsonl: what walk.py printed

Each thread works off its stages' costs one message at a time; processors are shared among threads that want them, so that what all
of them do can never exceed what there are.  rate = the least of
  processors / all work of a message
  lines / receive + frame + decode       a line's messages stay on its thread; at most one such thread for each processor but the desk's
  1 / desk, 1 / read, lines / send
Latency at a share of that rate: the stages' costs, and for each thread the wait of a queue with random arrivals and constant service
(M/D/1: share x cost / 2 (1 - share)).  It knows nothing of wake-ups, interrupts, caches that grow too small, or a host that takes
processors away: what is measured stands beside what it says wherever both exist.  Figures for hosts that
nobody measured are a model's, and are called so.
"""
import argparse
import json

HOSTS = ((4, 2), (8, 4), (16, 8), (32, 16))  # processors and lines that are predicted, and were not measured
STAGES = ("send", "receive", "frame", "decode", "desk", "read")


def rows_of(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f if line.startswith("{")]


def costs_of(rows):
    """{size: {stage: ns}} of IPTC 7901."""
    costs = {}
    for row in rows:
        if row.get("group") == "stages" and row["format"] == "iptc7901" and row["stage"] in STAGES:
            costs.setdefault(row["size"], {})[row["stage"]] = row["median"]
    return {size: cost for size, cost in costs.items() if len(cost) == len(STAGES)}


def between(costs, size):
    """Costs are straight lines between the sizes that were measured."""
    sizes = sorted(costs)
    low = max([s for s in sizes if s <= size], default=sizes[0])
    high = min([s for s in sizes if s >= size], default=sizes[-1])
    share = (size - low) / (high - low) if high > low else 0
    return {stage: costs[low][stage] + share * (costs[high][stage] - costs[low][stage]) for stage in STAGES}


def rate_of(cost, cores, lines):
    """Messages a second, and what bounds them."""
    line_ns = cost["receive"] + cost["frame"] + cost["decode"]
    bounds = {"all processors": cores / sum(cost.values()), "desk": 1 / cost["desk"], "reader": 1 / cost["read"],
              "sender": lines / cost["send"], "receive and decode": min(lines, max(cores - 1, 1)) / line_ns}
    bound = min(bounds, key=bounds.get)
    return bounds[bound] * 1e9, bound


def latency_of(cost, cores, lines, share):
    """ns, from when a message is sent until it is read."""
    rate = rate_of(cost, cores, lines)[0] * share / 1e9
    threads = ((cost["receive"] + cost["frame"] + cost["decode"], min(lines, max(cores - 1, 1))), (cost["desk"], 1), (cost["read"], 1))
    ns = cost["send"]
    for service, servers in threads:
        load = min(rate * service / servers, 0.999)
        ns += service + load * service / (2 * (1 - load))
    return ns


def predictions(rows):
    costs = costs_of(rows)
    if not costs:
        return
    for row in rows:
        if row.get("group") == "scale":
            rate, bound = rate_of(between(costs, row["size"]), row["cores"], row["lines"])
            yield {"model": "rate", "cores": row["cores"], "lines": row["lines"], "size": row["size"], "predicted": round(rate),
                   "bound": bound, "measured": row["median"], "measured_to_predicted": round(row["median"] / rate, 3)}
    cores = max([row["cores"] for row in rows if row.get("group") == "scale"], default=2)
    for row in rows:
        if row.get("group") == "latency" and row["shape"] == "steady" and row["due"]["all"]["count"]:
            ns = latency_of(between(costs, 2048), cores, 1, row["load_percent"] / 100)
            measured = row["due"]["all"]["p50"]
            yield {"model": "latency", "load_percent": row["load_percent"], "predicted_ns": round(ns), "measured_ns": measured,
                   "measured_to_predicted": round(measured / ns, 3)}
    for cores, lines in HOSTS:
        rate, bound = rate_of(between(costs, 2048), cores, lines)
        yield {"model": "host", "cores": cores, "lines": lines, "size": 2048, "predicted": round(rate), "bound": bound,
               "predicted_ns_at_half": round(latency_of(between(costs, 2048), cores, lines, 0.5))}


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("walk")
    parse.add_argument("--cores", type=int)
    parse.add_argument("--lines", type=int, default=1)
    args = parse.parse_args()
    rows = rows_of(args.walk)
    for prediction in predictions(rows):
        print(json.dumps(prediction))
    if args.cores:
        costs = costs_of(rows)
        if not costs:
            raise SystemExit("model: %s says nothing of what stages cost" % args.walk)
        rate, bound = rate_of(between(costs, 2048), args.cores, args.lines)
        print(json.dumps({"model": "host", "cores": args.cores, "lines": args.lines, "size": 2048, "predicted": round(rate),
                          "bound": bound}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
