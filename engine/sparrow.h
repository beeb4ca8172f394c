/* sparrow.h - sparse networks that recognise spoken words: audio in, scores out.
 *
 * The one public header of libsparrow. The library has no globals, starts no threads, writes no
 * logs.
 * Threads: a model is immutable once loaded and may be used by any number of threads at once; a
 * scratch or an audio object belongs to one thread at a time.
 * Errors: functions that can fail return 0 or a negative enum sparrow_status; the text of the
 * failure goes into *err (may be NULL), which is written only on failure. ret_ arguments are
 * written only on success.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SPARROW_H
#define SPARROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define SPARROW_API __attribute__((visibility("default")))
#else
#define SPARROW_API
#endif

/* 0 is fine, failures are negative. The last group is used by the daemon and its clients only. */
enum sparrow_status {
    SPARROW_OK = 0,
    SPARROW_BAD_ARGUMENT = -1, /* a value the caller passed is out of range */
    SPARROW_NO_MEMORY = -2,
    SPARROW_IO = -3,              /* a file could not be read */
    SPARROW_BAD_MODEL = -4,       /* not a model, damaged, or its contents contradict themselves */
    SPARROW_UNKNOWN_VERSION = -5, /* a model format or layer this library does not know */
    SPARROW_UNSUPPORTED_MEDIA = -6, /* an audio container or coding that is not handled */
    SPARROW_BAD_AUDIO = -7, /* the right kind of audio, but not decodable, or without samples */
    SPARROW_TOO_LARGE = -8, /* a limit on bytes, seconds or counts was passed */
    SPARROW_CANCELLED = -9, /* the caller's interrupt function said so */

    SPARROW_BUSY = -10,       /* every queue is full: come back later */
    SPARROW_DRAINING = -11,   /* going down */
    SPARROW_NO_REPLICA = -12, /* no replica is alive */
    SPARROW_DEADLINE = -13,   /* the deadline passed before the answer */
    SPARROW_BACKEND = -14,    /* a device failed with the word in it, and so did the retry */
    SPARROW_UNKNOWN_MODEL = -15,
    SPARROW_BAD_PARAMETER = -16, /* a query parameter or field; the text names it */
    SPARROW_BAD_REQUEST = -17,   /* malformed framing, body or message */
    SPARROW_NOT_FOUND = -18,
    SPARROW_METHOD_NOT_ALLOWED = -19,
    SPARROW_METHOD_UNKNOWN = -20,
    SPARROW_NOT_ACCEPTABLE = -21,
    SPARROW_LENGTH_REQUIRED = -22,
    SPARROW_EXPECTATION_FAILED = -23,
    SPARROW_CONFIG = -24,  /* a configuration key or value */
    SPARROW_INTERNAL = -25 /* our own mistake */
};
#define SPARROW_STATUS_COUNT 26

struct sparrow_error {
    enum sparrow_status status;
    char text[200]; /* what, where, which limit; one sentence, no newline */
};

/* A fixed word for a status, as "bad-audio". Never NULL. */
SPARROW_API const char *sparrow_status_name(enum sparrow_status status);

/* "1.2.3" */
SPARROW_API const char *sparrow_version(void);

/* ---- CPU ---- */

/* Which kernels may be used. Names as in `sparrow --cpu`: "scalar", "avx2", "avxvnni",
 * "avx512vnni", "avx512", "neon", "dotprod", or "native" (NULL means native; a comma list allows
 * several). Unknown or unavailable names: SPARROW_BAD_ARGUMENT. */
struct sparrow_model_options {
    size_t size;     /* sizeof(struct sparrow_model_options) */
    const char *cpu; /* NULL: the environment variable SPARROW_CPU, else native */
};

/* ---- models ---- */

struct sparrow_model;

/* Reads and checks a model file (at most 64 MiB). opt may be NULL. The caller owns *ret_model.
 * Blocks on the file.
 * Errors: SPARROW_IO, SPARROW_BAD_MODEL, SPARROW_UNKNOWN_VERSION, SPARROW_NO_MEMORY,
 * SPARROW_BAD_ARGUMENT. */
SPARROW_API int sparrow_model_load(const char *path, const struct sparrow_model_options *opt,
                                   struct sparrow_model **ret_model, struct sparrow_error *err);

/* The same from memory; the bytes are not needed afterwards. */
SPARROW_API int sparrow_model_parse(const void *bytes, size_t n,
                                    const struct sparrow_model_options *opt,
                                    struct sparrow_model **ret_model, struct sparrow_error *err);

SPARROW_API void sparrow_model_free(struct sparrow_model *model);

/* Calls each(path, arg) for the model files of a folder: those named *.sparrow that are not hidden,
 * in the order of their names without it ("commands" before "commands-wide"). Ends with the first
 * answer of each that is not 0, and returns it. The path is folder/name, and valid during the call.
 * Any number of threads at once; each runs on the caller's, before this returns. Blocks on the
 * folder. *err is written for the errors below alone: what fails in each is for each to say, by way
 * of arg.
 * Errors: SPARROW_IO (the folder cannot be read), SPARROW_NO_MEMORY. */
SPARROW_API int sparrow_model_files(const char *folder, int (*each)(const char *path, void *arg),
                                    void *arg, struct sparrow_error *err);

/* All strings belong to the model. */
SPARROW_API const char *sparrow_model_name(const struct sparrow_model *model);
SPARROW_API const char *sparrow_model_version(const struct sparrow_model *model);
SPARROW_API const char *
sparrow_model_digest(const struct sparrow_model *model); /* SHA-256 of the payload, 64 hex digits */
SPARROW_API const char *
sparrow_model_cpu(const struct sparrow_model *model); /* the kernels in use: "scalar", "avx2" ... */
SPARROW_API size_t sparrow_model_label_count(const struct sparrow_model *model);
SPARROW_API const char *sparrow_model_label(const struct sparrow_model *model, size_t label);

enum sparrow_label_kind { SPARROW_KEYWORD = 0, SPARROW_SILENCE = 1, SPARROW_UNKNOWN_WORD = 2 };
SPARROW_API enum sparrow_label_kind sparrow_model_label_kind(const struct sparrow_model *model,
                                                             size_t label);

/* The front end's shape: a word is frames rows of bands bytes; a frame is hop samples of 16 kHz
 * audio. */
SPARROW_API size_t sparrow_model_frames(const struct sparrow_model *model);
SPARROW_API size_t sparrow_model_bands(const struct sparrow_model *model);
SPARROW_API size_t sparrow_model_hop(const struct sparrow_model *model);

/* The front end's parameters, as ARITHMETIC.md section 2 names them. Fill front_end->size first. */
struct sparrow_front_end {
    size_t size; /* sizeof(struct sparrow_front_end) */
    unsigned rate_hz, window, hop, frames, bands, max_value;
    const float *band_edges_hz; /* bands + 2 of them; belongs to the model */
    float log_scale, log_offset;
};
SPARROW_API int sparrow_model_front_end(const struct sparrow_model *model,
                                        struct sparrow_front_end *front_end);

/* The default front end alone: a model without labels and layers, for sparrow_scratch_new() and
 * sparrow_features() before any network exists (training reads these features). sparrow_run()
 * writes nothing for it.
 * The caller owns *ret_model. opt may be NULL. Errors: SPARROW_NO_MEMORY, SPARROW_BAD_ARGUMENT. */
SPARROW_API int sparrow_model_default_front_end(const struct sparrow_model_options *opt,
                                                struct sparrow_model **ret_model,
                                                struct sparrow_error *err);

/* What the loader found, layer by layer. Fill info->size first. label <
 * sparrow_model_layer_count(). */
struct sparrow_layer_info {
    size_t size; /* sizeof(struct sparrow_layer_info) */
    const char *name;
    const char *op;                 /* "conv", "linear", "add", "max_pool", ... */
    size_t height, width, channels; /* of the output */
    uint64_t weights;               /* of the dense twin; 0 for layers without weights */
    uint64_t stored;                /* weights that are stored (zeros inside a window included) */
    uint64_t macs_dense;            /* multiply-adds per word of the dense twin */
    uint64_t macs_stored;           /* multiply-adds per word with every input alive */
    const char *kernel;             /* which kernel runs it */
};
SPARROW_API size_t sparrow_model_layer_count(const struct sparrow_model *model);
SPARROW_API int sparrow_model_layer(const struct sparrow_model *model, size_t layer,
                                    struct sparrow_layer_info *info);

/* The card's figures. index < sparrow_model_figure_count(). */
struct sparrow_figure {
    size_t size;
    const char *name, *unit, *note;
    double value;
};
SPARROW_API size_t sparrow_model_figure_count(const struct sparrow_model *model);
SPARROW_API int sparrow_model_figure(const struct sparrow_model *model, size_t index,
                                     struct sparrow_figure *figure);
SPARROW_API const char *sparrow_model_description(const struct sparrow_model *model);
SPARROW_API const char *sparrow_model_licence(const struct sparrow_model *model);

/* ---- inference ---- */

struct sparrow_scratch; /* working memory of one replica; belongs to one thread at a time */

/* The model must outlive the scratch. Errors: SPARROW_NO_MEMORY. */
SPARROW_API int sparrow_scratch_new(const struct sparrow_model *model,
                                    struct sparrow_scratch **ret_scratch,
                                    struct sparrow_error *err);
SPARROW_API void sparrow_scratch_free(struct sparrow_scratch *scratch);
SPARROW_API size_t sparrow_scratch_bytes(const struct sparrow_scratch *scratch);

/* Runs `words` words. features[i] points to frames x bands bytes (rows of neighbouring words may
 * overlap); scores receives words x labels integers. Never allocates, never blocks, cannot fail. */
SPARROW_API void sparrow_run(const struct sparrow_model *model, struct sparrow_scratch *scratch,
                             const uint8_t *const *features, size_t words, int32_t *scores);

/* From how many words on one call of sparrow_run() costs less than as many calls with one word
 * each; 0: however many, no less. */
SPARROW_API size_t sparrow_model_batch(const struct sparrow_model *model);

/* Confidence: softmax of one word's scores, labels floats that add up to 1. */
SPARROW_API void sparrow_confidence(const struct sparrow_model *model, const int32_t *scores,
                                    float *ret_confidence);

/* Share of alive inputs of each layer for the word run last (0..1), layer_count floats; -1 where a
 * layer has no u8 input. */
SPARROW_API void sparrow_scratch_density(const struct sparrow_scratch *scratch, float *ret_density);

/* ---- features ---- */

/* How many frames `samples` samples give: samples / hop, but at least one word's frames (zeros
 * follow a short clip). */
SPARROW_API size_t sparrow_features_frames(const struct sparrow_model *model, size_t samples);

/* 16 kHz mono s16 -> sparrow_features_frames() rows of bands bytes. Never allocates. ARITHMETIC.md
 * section 2. */
SPARROW_API void sparrow_features(const struct sparrow_model *model,
                                  struct sparrow_scratch *scratch, const int16_t *pcm,
                                  size_t samples, uint8_t *ret_features);

/* ---- audio ---- */

struct sparrow_audio; /* decoded samples, 16 kHz mono s16; its buffer is kept and used again */

struct sparrow_audio_options {
    size_t size;            /* sizeof(struct sparrow_audio_options) */
    const char *media_type; /* "audio/wav", "audio/l16;rate=8000;channels=2", ...; NULL or
                               "application/octet-stream": look at the first bytes */
    double max_seconds;     /* of decoded audio; 0: 60 */
    int (*interrupt)(
        void *arg); /* asked between slices of work; non-zero: SPARROW_CANCELLED; may be NULL */
    void *interrupt_arg;
    bool borrow; /* the bytes outlive the samples: what is 16 kHz mono s16 already, in this
                    machine's byte order and at an even address, then stays where it is */
};

SPARROW_API int sparrow_audio_new(struct sparrow_audio **ret_audio, struct sparrow_error *err);
SPARROW_API void sparrow_audio_free(struct sparrow_audio *audio);

/* Decodes one clip into audio, replacing what it held. opt may be NULL. Resamples and mixes to 16
 * kHz mono. A stream that breaks off gives what came before the break. 16 kHz mono PCM allocates
 * nothing once the buffer is large enough.
 * Errors: SPARROW_UNSUPPORTED_MEDIA, SPARROW_BAD_AUDIO, SPARROW_TOO_LARGE (longer than
 * max_seconds), SPARROW_CANCELLED,
 *         SPARROW_NO_MEMORY, SPARROW_BAD_ARGUMENT (opt->size 0, or max_seconds not in 0..86400);
 *         after any of them audio is empty. */
SPARROW_API int sparrow_audio_decode(struct sparrow_audio *audio, const void *bytes, size_t n,
                                     const struct sparrow_audio_options *opt,
                                     struct sparrow_error *err);

/* True if decoding these bytes costs no more than a copy (16 kHz mono PCM, mu-law, A-law or float
 * WAV or raw) and the clip is not longer than max_copy_seconds: what a latency-critical thread may
 * do itself. Looks at the header only. */
SPARROW_API bool sparrow_audio_is_cheap(const void *bytes, size_t n,
                                        const struct sparrow_audio_options *opt,
                                        double max_copy_seconds);

/* Whether a media type is one that sparrow_audio_decode handles (NULL is). A type without a
 * parameter that it needs counts: decode has the better text for it. */
SPARROW_API bool sparrow_audio_accepts(const char *media_type);

SPARROW_API const int16_t *sparrow_audio_samples(const struct sparrow_audio *audio);
SPARROW_API size_t sparrow_audio_count(const struct sparrow_audio *audio);
SPARROW_API const char *
sparrow_audio_format(const struct sparrow_audio *audio); /* "wav/pcm16", "flac", ... */
SPARROW_API unsigned
sparrow_audio_rate_hz(const struct sparrow_audio *audio); /* of the source; Opus: 16000 */
SPARROW_API unsigned sparrow_audio_channels(const struct sparrow_audio *audio); /* of the source */

/* ---- windows: words inside longer audio ---- */

/* How many words a clip of `frames` frames gives when one begins every hop_frames frames: 1 for a
 * clip of one word or less; the last word ends with the clip (it may overlap the one before by more
 * than the others do). */
SPARROW_API size_t sparrow_windows_count(const struct sparrow_model *model, size_t frames,
                                         size_t hop_frames);
/* First frame of word `index`. */
SPARROW_API size_t sparrow_windows_start(const struct sparrow_model *model, size_t frames,
                                         size_t hop_frames, size_t index);

/* Which of `words` words answers for the whole clip: the one with the most confident keyword; if no
 * word's best label is a keyword, the one most confident of "unknown", else of silence.
 * confidences: words x labels. */
SPARROW_API size_t sparrow_windows_best(const struct sparrow_model *model, const float *confidences,
                                        size_t words);

/* How loud each whole 10 ms of a clip are (sums of squared samples): all that sparrow_word_bounds()
 * needs to know of it. ret_loudness: sparrow_loudness_count(samples) values. Never fails. */
SPARROW_API size_t sparrow_loudness_count(size_t samples);
SPARROW_API void sparrow_loudness(const struct sparrow_model *model, const int16_t *pcm,
                                  size_t samples, uint64_t *ret_loudness);

/* Where the speech is whose loudest part lies in samples [first, first + word length), by energy,
 * in seconds from the clip's start. A word that the window cuts is followed over its edges, half a
 * word's length at most. A window without speech gives its own bounds. loudness: the whole clip's,
 * of `samples` samples. Never fails. */
SPARROW_API void sparrow_word_bounds(const uint64_t *loudness, size_t samples, size_t first,
                                     double *ret_start_s, double *ret_end_s);

#ifdef __cplusplus
}
#endif
#endif
