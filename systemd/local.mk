# systemd: adds to the lists of Makefile.am
# SPDX-License-Identifier: Apache-2.0
