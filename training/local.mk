# training: adds to the lists of Makefile.am
# SPDX-License-Identifier: Apache-2.0
EXTRA_DIST += \
	training/README.md training/evaluate training/export training/make-eval-list training/noise \
	training/results training/search training/train \
	training/sparrow_training/__init__.py training/sparrow_training/arguments.py \
	training/sparrow_training/augment.py training/sparrow_training/checks.py \
	training/sparrow_training/bands.py \
	training/sparrow_training/card.py training/sparrow_training/clips.py \
	training/sparrow_training/command.py training/sparrow_training/exporting.py \
	training/sparrow_training/exporting_published.py training/sparrow_training/judge.py \
	training/sparrow_training/modelfile.py training/sparrow_training/network.py \
	training/sparrow_training/plot.py training/sparrow_training/progress.py \
	training/sparrow_training/prune.py training/sparrow_training/published.py training/sparrow_training/published_prune.py \
	training/sparrow_training/quantise.py training/sparrow_training/recipe.py \
	training/sparrow_training/reference.py training/sparrow_training/sampling.py \
	training/sparrow_training/takes.py training/sparrow_training/testlist.py \
	training/sparrow_training/trainer.py training/sparrow_training/vocabulary.py \
	training/sparrow_training/curves.py training/sparrow_training/noises.py \
	training/sparrow_training/noisetest.py training/sparrow_training/paired.py \
	training/sparrow_training/assembly.py training/sparrow_training/corpus.py \
	training/sparrow_training/figures.py training/sparrow_training/folder.py \
	training/sparrow_training/masks.py training/sparrow_training/pareto.py \
	training/sparrow_training/resultspage.py training/sparrow_training/searching.py \
	training/sparrow_training/speechcommands.py training/sparrow_training/testset.py \
	training/sparrow_training/voices.py training/sparrow_training/winners.py \
	training/sparrow_training/bcresnet.py training/sparrow_training/measured.py \
	training/sparrow_training/onnxfile.py

# They run the `sparrow` command, and are skipped where python3-numpy, python3-protobuf (or torch) is missing.
EXTRA_DIST += tests/training/README.md
TRAINING_TESTS = tests/training/test_checks.py tests/training/test_export.py tests/training/test_keywords.py tests/training/test_noise.py \
	tests/training/test_reference.py tests/training/test_results.py tests/training/test_rivals.py tests/training/test_sampling.py \
	tests/training/test_search.py tests/training/test_speechcommands.py \
	tests/training/test_trainer.py
dist_check_SCRIPTS += $(TRAINING_TESTS)
TESTS += $(TRAINING_TESTS)
