"""Data sets as one stream of samples: `sample` is the contract, each reader a file of its own.

`simulated` films the actor of `simulation`, `simulated_crops` finishes what it took, one crop or a
batch of them. Readers of recorded data sets yield the same samples.
"""
