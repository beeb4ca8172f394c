/* sndfile.c - what libsndfile decodes for us, from memory.
 *
 * Only containers that sniff.c recognised come here, and once the library has opened one it must be
 * of that kind: its rare readers never run. `frames` of the header is never used: a FLAC header of
 * 42 bytes may announce 2^36 of them. Samples are read as floats (exact for integers up to 24 bits)
 * and rounded by us, so that each coding is scaled the same way.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/audio/sndfile.h"

#include <sndfile.h>
#include <string.h>

#include "engine/error.h"

/* ---- the library's view of our memory ---- */

struct memory {
    const uint8_t *bytes;
    sf_count_t n, at;
};

static sf_count_t memory_length(void *arg)
{
    return ((struct memory *)arg)->n;
}

static sf_count_t memory_tell(void *arg)
{
    return ((struct memory *)arg)->at;
}

/* Positions are limited to the memory. */
static sf_count_t memory_seek(sf_count_t offset, int whence, void *arg)
{
    struct memory *m = arg;
    sf_count_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? m->at : m->n;
    sf_count_t to;
    if (__builtin_add_overflow(base, offset, &to))
        return -1;
    m->at = to < 0 ? 0 : to > m->n ? m->n : to;
    return m->at;
}

static sf_count_t memory_read(void *out, sf_count_t count, void *arg)
{
    struct memory *m = arg;
    if (count <= 0)
        return 0;
    if (count > m->n - m->at)
        count = m->n - m->at;
    memcpy(out, m->bytes + m->at, (size_t)count);
    m->at += count;
    return count;
}

static sf_count_t memory_write(const void *in, sf_count_t count, void *arg)
{
    (void)in;
    (void)count;
    (void)arg;
    return 0;
}

/* ---- kinds ---- */

static const struct kind {
    int major, container;
    const char *name;
} kinds[] = {
    {SF_FORMAT_WAV, SP_CONTAINER_WAV, "wav"},    {SF_FORMAT_WAVEX, SP_CONTAINER_WAV, "wav"},
    {SF_FORMAT_RF64, SP_CONTAINER_WAV, "wav"},   {SF_FORMAT_FLAC, SP_CONTAINER_FLAC, "flac"},
    {SF_FORMAT_AIFF, SP_CONTAINER_AIFF, "aiff"}, {SF_FORMAT_AU, SP_CONTAINER_AU, "au"},
    {SF_FORMAT_CAF, SP_CONTAINER_CAF, "caf"},
};

static const struct {
    int subtype;
    const char *name;
} codings[] = {
    {SF_FORMAT_PCM_S8, "pcm8"},       {SF_FORMAT_PCM_U8, "pcm8"},
    {SF_FORMAT_PCM_16, "pcm16"},      {SF_FORMAT_PCM_24, "pcm24"},
    {SF_FORMAT_PCM_32, "pcm32"},      {SF_FORMAT_FLOAT, "float32"},
    {SF_FORMAT_DOUBLE, "float64"},    {SF_FORMAT_ULAW, "mulaw"},
    {SF_FORMAT_ALAW, "alaw"},         {SF_FORMAT_IMA_ADPCM, "ima-adpcm"},
    {SF_FORMAT_MS_ADPCM, "ms-adpcm"}, {SF_FORMAT_GSM610, "gsm610"},
    {SF_FORMAT_ALAC_16, "alac"},      {SF_FORMAT_ALAC_20, "alac"},
    {SF_FORMAT_ALAC_24, "alac"},      {SF_FORMAT_ALAC_32, "alac"},
};

static const struct kind *find_kind(int format, enum sp_container container)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (kinds[i].major == (format & SF_FORMAT_TYPEMASK) && kinds[i].container == (int)container)
            return &kinds[i];
    return NULL;
}

static const char *coding_name(int format)
{
    for (size_t i = 0; i < sizeof(codings) / sizeof(codings[0]); i++)
        if (codings[i].subtype == (format & SF_FORMAT_SUBMASK))
            return codings[i].name;
    return NULL;
}

static int damaged(const struct sp_input *in, struct sparrow_error *err)
{
    const char *name = sp_sniff(in->bytes, in->n).name;
    return sp_error_set(err, SPARROW_BAD_AUDIO,
                        "The %s stream is damaged, or in a coding that is not handled.", name);
}

/* A failed open leaves its log in a buffer of the whole process (which nobody here reads). Two
 * threads that fail at once race there, within its bounds: the thread sanitizer is told that it is
 * known. */
#ifdef __SANITIZE_THREAD__
const char *__tsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__tsan_default_suppressions(void)
{
    return "called_from_lib:libsndfile.so\n";
}
#endif

/* ---- decoding ---- */

static int read_slices(SNDFILE *file, struct sparrow_audio *audio, struct sparrow_error *err)
{
    struct sp_audio_work *work = sp_audio_work(audio);
    if (work == NULL)
        return sp_error_set(err, SPARROW_NO_MEMORY, "Out of memory for a slice of samples.");
    for (;;) {
        sf_count_t frames = sf_readf_float(file, work->floats, SP_AUDIO_SLICE_FRAMES);
        if (frames <= 0)
            return SPARROW_OK;
        sp_pcm_from_float(work->floats, (size_t)frames * audio->channels, work->samples);
        int status = sp_audio_put(audio, work->samples, (size_t)frames, err);
        if (status != SPARROW_OK)
            return status;
    }
}

int sp_sndfile_decode(const struct sp_input *in, struct sparrow_audio *audio,
                      struct sparrow_error *err)
{
    static const SF_VIRTUAL_IO io = {memory_length, memory_seek, memory_read, memory_write,
                                     memory_tell};
    struct memory memory = {in->bytes, (sf_count_t)in->n, 0};
    enum sp_container container = sp_sniff(in->bytes, in->n).container;
    int status;
    SF_INFO info = {.format = 0};
    SNDFILE *file = sf_open_virtual((SF_VIRTUAL_IO *)&io, SFM_READ, &info, &memory);
    if (file == NULL)
        return damaged(in, err);
    const struct kind *kind = find_kind(info.format, container);
    if (kind == NULL || info.samplerate < 0 || info.channels < 0)
        status = damaged(in, err);
    else
        status = sp_audio_begin(audio, kind->name, coding_name(info.format),
                                (unsigned)info.samplerate, (unsigned)info.channels, err);
    if (status == SPARROW_OK)
        status = read_slices(file, audio, err);
    sf_close(file);
    return status;
}
