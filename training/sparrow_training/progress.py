"""A line that shows how far things are, on a terminal; nothing elsewhere.

SPDX-License-Identifier: Apache-2.0
"""
WIDTH = 30


class Bar:
    def __init__(self, stream):
        self.stream, self.on = stream, stream.isatty()

    def show(self, what, done, of):
        if self.on:
            full = WIDTH * done // max(of, 1)
            self.stream.write(f"\r{what} [{'=' * full}{' ' * (WIDTH - full)}] {done}/{of}\033[K")
            self.stream.flush()
            if done == of:
                self.clear()

    def epoch(self, stage, epoch, epochs, done, of):
        self.show(f"{stage} epoch {epoch + 1} of {epochs}", done, of)

    def clear(self):
        if self.on:
            self.stream.write("\r\033[K")
            self.stream.flush()
