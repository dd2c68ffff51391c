"""What must come before what: the only room that knows networkx.

Here: nodes, edges, order, cycles and the words to report them.
Not here: what a node means, and any waiting for it.
"""
