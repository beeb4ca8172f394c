#!/bin/sh
# make.sh - how the files beside it were made: one sample clip through encoders that are not ours.
# Usage: tests/data/audio/make.sh, anywhere. Writes into its own folder; needs sox, flac, oggenc, opusenc and ffmpeg.
# Encoders change from version to version: the files are committed, the tests read those.
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")"
yes=../samples/yes.wav
half='trim 0.25 0.5'

flac -s -f -8 --no-padding "$yes" -o yes.flac
oggenc -Q -q 3 -s 1 "$yes" -o yes.ogg
opusenc --quiet --bitrate 24 --padding 0 --serial 1 "$yes" yes.opus
ffmpeg -v error -y -i "$yes" -c:a libmp3lame -b:a 32k -bitexact yes.mp3
ffmpeg -v error -y -i "$yes" -ar 44100 -ac 2 -c:a libmp3lame -b:a 64k -id3v2_version 3 -metadata title=yes yes-44k-stereo-id3.mp3

# half a second from its quarter on, in the forms of WAV that these tools write
# shellcheck disable=SC2086  # the effect is three words
sox -D "$yes" half.wav $half
ffmpeg -v error -y -i half.wav -bitexact -c:a pcm_s24le extensible-24.wav
ffmpeg -v error -y -i half.wav -bitexact -f wav - >pipe.wav
ffmpeg -v error -y -i half.wav -bitexact -rf64 always rf64.wav
sox -D half.wav -B rifx.wav
rm half.wav
