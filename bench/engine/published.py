"""What others published, for the pictures; never measured here.

From Numenta's write-ups of 2020 and 2021 (hardware ratings for watts, nothing was metered there): one Alveo U250 card, speech commands
network of 127,696 non-zero weights of 2.5 million.

SPDX-License-Identifier: Apache-2.0
"""
# name, words a second of the whole chip or card, watts of the board or None
DENSE_CARD = ("Alveo U250, dense", 12195, 225)
SPARSE_2020 = ("Alveo U250, sparse (2020)", 625000, 225)
SPARSE_DENSE_2021 = ("Alveo U250, sparse-dense (2021)", 689655, None)
SPARSE_SPARSE_2021 = ("Alveo U250, sparse-sparse (2021)", 1369863, 225)
GPU = ("Tesla V100, dense, batch 1024", 61638, None)
SMALL_DENSE = ("ZCU104, dense", 6420, 60)
SMALL_SPARSE = ("ZCU104, sparse (2020)", 80000, 60)

THROUGHPUT = (DENSE_CARD, GPU, SPARSE_2020, SPARSE_DENSE_2021, SPARSE_SPARSE_2021)
WATTS = (SMALL_DENSE, SMALL_SPARSE, DENSE_CARD, SPARSE_2020, SPARSE_SPARSE_2021)
