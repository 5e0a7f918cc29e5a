"""Objects, dictionaries, strings and JSON: what programs in Python are made of."""

import json


class Node:
    def __init__(self, key):
        self.key, self.left, self.right, self.words = key, None, None, []


def add(node, key, word):
    if node is None:
        node = Node(key)
    if key == node.key:
        node.words.append(word)
    elif key < node.key:
        node.left = add(node.left, key, word)
    else:
        node.right = add(node.right, key, word)
    return node


def each(node):
    if node is not None:
        yield from each(node.left)
        yield node
        yield from each(node.right)


seed = 12345


def random(limit):
    global seed
    seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
    return (seed >> 8) % limit


total = 0
for turn in range(12):
    root, counts = None, {}
    for n in range(4000):
        word = f"word {random(600)} of {turn}"
        counts[word] = counts.get(word, 0) + 1
        root = add(root, random(2000), word * (1 + n % 4))
    lines = ["-".join(word.upper()[::-1] for word in node.words) for node in each(root)]
    text = json.dumps({"lines": sorted(lines), "counts": counts, "pairs": [[n, str(n)] for n in range(3000)]})
    back = json.loads(text)
    best = sorted(back["counts"].items(), key=lambda item: (-item[1], item[0]))[:5]
    total = (total + len(text) + sum(len(line) for line in back["lines"]) + len(str(best))) % 1000003
print(total)
