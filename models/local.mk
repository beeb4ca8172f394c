# models: adds to the lists of Makefile.am
# SPDX-License-Identifier: Apache-2.0
dist_pkgdatamodel_DATA += models/commands.sparrow models/commands-wide.sparrow models/commands-dense.sparrow models/commands-sparse-dense.sparrow models/published.sparrow models/published-dense.sparrow models/published-sparse-dense.sparrow models/digits.sparrow
EXTRA_DIST += models/RESULTS.md models/results models/README.md models/commands.md models/commands-wide.md models/commands-dense.md models/commands-sparse-dense.md models/eval.tsv models/published.md models/published-dense.md models/published-sparse-dense.md models/digits.md
