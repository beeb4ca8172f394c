/* windows.c - which words lie in audio that is longer than one, and which of them answers for the
 * clip.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/model/model.h"

/* Frames behind the first word. */
static size_t frames_left(const struct sparrow_model *model, size_t frames)
{
    return frames > model->frames ? frames - model->frames : 0;
}

size_t sparrow_windows_count(const struct sparrow_model *model, size_t frames, size_t hop_frames)
{
    size_t left = frames_left(model, frames), hop = hop_frames > 0 ? hop_frames : 1;
    return 1 + left / hop + (left % hop != 0 ? 1 : 0);
}

size_t sparrow_windows_start(const struct sparrow_model *model, size_t frames, size_t hop_frames,
                             size_t index)
{
    size_t left = frames_left(model, frames), hop = hop_frames > 0 ? hop_frames : 1;
    return index > left / hop ? left : index * hop;
}

/* The most confident label of a word; ties go to the lowest. */
static size_t best_label(const struct sparrow_model *model, const float *confidence)
{
    size_t best = 0;
    for (size_t i = 1; i < model->label_count; i++)
        if (confidence[i] > confidence[best])
            best = i;
    return best;
}

/* Keywords come before unknown words, these before silence. */
static int precedence(enum sparrow_label_kind kind)
{
    return kind == SPARROW_KEYWORD ? 2 : kind == SPARROW_UNKNOWN_WORD ? 1 : 0;
}

size_t sparrow_windows_best(const struct sparrow_model *model, const float *confidences,
                            size_t words)
{
    size_t best = 0;
    int best_precedence = -1;
    float best_confidence = 0;
    for (size_t i = 0; i < words && model->label_count > 0; i++) {
        const float *confidence = confidences + i * model->label_count;
        size_t label = best_label(model, confidence);
        int p = precedence(model->labels[label].kind);
        if (p > best_precedence || (p == best_precedence && confidence[label] > best_confidence)) {
            best = i;
            best_precedence = p;
            best_confidence = confidence[label];
        }
    }
    return best;
}
