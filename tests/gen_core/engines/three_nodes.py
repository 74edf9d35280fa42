"""A process with a Ray cluster on loopback: a head without processors, and a node of one for each line that it reads.

    python three_nodes.py FOLDER

It writes the head's address and processes first, then each node's process, a line of JSON each.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from ray.cluster_utils import Cluster

HERE = {"node_ip_address": "127.0.0.1", "include_dashboard": False}


def pids(node: Any) -> list[int]:
    return [info.process.pid for infos in node.all_processes.values() for info in infos]


def main() -> None:
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "temp_dir": f"{sys.argv[1]}/ray", **HERE})
    print(json.dumps({"address": cluster.address, "pids": pids(cluster.head_node)}), flush=True)
    for _ in sys.stdin:
        node = cluster.add_node(num_cpus=1, wait=False, **HERE)
        print(json.dumps({"pids": pids(node)}), flush=True)


if __name__ == "__main__":
    main()
