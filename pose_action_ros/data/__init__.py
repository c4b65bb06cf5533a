"""Data sets as streams of samples. `sample` is the contract; each reader has its own file.

`simulated` films the actor of `simulation`. `simulated_crops` finishes its crops, one or a batch
at a time. Readers of recorded data sets yield the same samples.
"""
