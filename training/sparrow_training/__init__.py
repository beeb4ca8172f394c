"""What the training commands share. Each module is about one noun; README.md of the folder above
says where to start.

SPDX-License-Identifier: Apache-2.0
"""
