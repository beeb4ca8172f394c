# daemon/schedule, daemon/decode, daemon/backend, daemon/request.c, daemon/models.c: adds to the lists of Makefile.am
# SPDX-License-Identifier: Apache-2.0
