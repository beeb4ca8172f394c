/* test_vorbis.c - what stands in front of libvorbis: packets out of pages, and codebooks measured
 * before they are unpacked.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/audio/vorbis.h"

#include <ogg/ogg.h>
#include <string.h>

#include "engine/audio/ogg.h"
#include "tests/unit/audio/clip.h"
#include "tests/unit/audio/run.h"

/* ---- setup headers, bit by bit ---- */

struct book {
    uint32_t dimensions, entries;
    bool ordered;
    unsigned lookup;
};

/* An ordered book needs a handful of bits for any number of entries: all of them in one run. */
static void put_book(oggpack_buffer *b, struct book book)
{
    unsigned width = 32 - (unsigned)__builtin_clz(book.entries);
    oggpack_write(b, 0x564342, 24);
    oggpack_write(b, book.dimensions, 16);
    oggpack_write(b, book.entries, 24);
    oggpack_write(b, book.ordered, 1);
    if (book.ordered) {
        oggpack_write(b, width - 2, 5); /* 2^k words of k bits, if entries is a power of two */
        oggpack_write(b, book.entries, (int)width);
    } else {
        oggpack_write(b, 0, 1);
        for (uint32_t i = 0; i < book.entries; i++)
            oggpack_write(b, 7, 5);
    }
    oggpack_write(b, book.lookup, 4);
    if (book.lookup == 0)
        return;
    oggpack_write(b, 0, 32);
    oggpack_write(b, 0, 32);
    oggpack_write(b, 1, 4); /* values of two bits */
    oggpack_write(b, 0, 1);
    uint32_t values = 0;
    if (book.lookup == 2)
        values = book.entries * book.dimensions;
    else
        while (__builtin_powi((double)values + 1, (int)book.dimensions) <= book.entries)
            values++;
    for (uint32_t i = 0; i < values; i++)
        oggpack_write(b, 2, 2);
}

static struct clip setup(const struct book *books, unsigned count)
{
    oggpack_buffer b;
    oggpack_writeinit(&b);
    for (const char *p = "\x05vorbis"; *p != '\0'; p++)
        oggpack_write(&b, (unsigned char)*p, 8);
    oggpack_write(&b, count - 1, 8);
    for (unsigned i = 0; i < count; i++)
        put_book(&b, books[i]);
    struct clip c = {.n = 0};
    clip_put(&c, oggpack_get_buffer(&b), (size_t)oggpack_bytes(&b));
    oggpack_writeclear(&b);
    return c;
}

static int size_of(const struct clip *c, size_t n, uint64_t *ret_numbers, struct sparrow_error *err)
{
    uint8_t *exact = clip_exact(c, n);
    int status = sp_vorbis_table_size(exact, n, ret_numbers, err);
    free(exact);
    return status;
}

START_TEST(table_size_walks_over_every_kind_of_codebook)
{
    /* each kind is followed by another: a wrong step would miss the next book's sync */
    const struct book books[] = {
        {1, 128, false, 0}, {2, 100, false, 1}, {3, 64, true, 1}, {4, 16, false, 2},
        {8, 256, true, 0},  {1, 16, true, 1},   {5, 7, false, 1}, {1, 1, false, 0},
    };
    uint64_t expected = 0, numbers = 0;
    for (size_t i = 0; i < 8; i++)
        expected += (uint64_t)books[i].entries * (1 + books[i].dimensions);
    struct clip c = setup(books, 8);
    ck_assert_int_eq(size_of(&c, c.n, &numbers, NULL), SPARROW_OK);
    ck_assert_uint_eq(numbers, expected);
    for (size_t n = 0; n + 1 < c.n; n++) /* the last byte may be padding */
        ck_assert_int_eq(size_of(&c, n, &numbers, NULL), SPARROW_BAD_AUDIO);
    clip_done(&c);
}
END_TEST

START_TEST(table_size_of_a_real_stream_is_small)
{
    struct clip c = {.n = 0};
    clip_file(&c, "tests/data/audio/yes.ogg");
    struct sp_media media = {.type = ""};
    struct sp_input in = {c.bytes, c.n, &media};
    struct sp_ogg ogg;
    ogg_packet packet;
    sp_ogg_init(&ogg, &in);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(sp_ogg_packet(&ogg, &packet), SP_OGG_PACKET);
    uint64_t numbers = 0;
    ck_assert_int_eq(sp_vorbis_table_size(packet.packet, (size_t)packet.bytes, &numbers, NULL),
                     SPARROW_OK);
    ck_assert_uint_gt(numbers, 10000);
    ck_assert_uint_lt(numbers, 100000);
    sp_ogg_done(&ogg);
    clip_done(&c);
}
END_TEST

/* ---- whole streams ---- */

static void put_pages(ogg_stream_state *stream, struct clip *c)
{
    ogg_page page;
    while (ogg_stream_flush(stream, &page)) {
        clip_put(c, page.header, (size_t)page.header_len);
        clip_put(c, page.body, (size_t)page.body_len);
    }
}

static void put_packet(ogg_stream_state *stream, struct clip *c, const void *bytes, size_t n,
                       int number)
{
    ogg_packet packet = {(unsigned char *)bytes, (long)n, number == 0, 0, 0, number};
    ogg_stream_packetin(stream, &packet);
    put_pages(stream, c);
}

/* The three headers of a stream with this setup header. */
static struct clip stream(const struct clip *setup_header, unsigned channels, uint32_t rate_hz)
{
    struct clip c = {.n = 0}, ident = {.n = 0};
    ogg_stream_state state;
    ogg_stream_init(&state, 7);
    clip_put(&ident, "\x01vorbis\0\0\0\0", 11);
    clip_put(&ident, (uint8_t[]){(uint8_t)channels}, 1);
    clip_le32(&ident, rate_hz);
    clip_put(&ident, "\0\0\0\0\0\0\0\0\0\0\0\0\xb8\x01", 14);
    put_packet(&state, &c, ident.bytes, ident.n, 0);
    put_packet(&state, &c, "\x03vorbis\0\0\0\0\0\0\0\0\x01", 16, 1);
    put_packet(&state, &c, setup_header->bytes, setup_header->n, 2);
    ogg_stream_clear(&state);
    clip_done(&ident);
    return c;
}

static int decode(const struct clip *c, struct sparrow_error *err)
{
    struct sparrow_audio *audio;
    ck_assert_int_eq(sparrow_audio_new(&audio, NULL), SPARROW_OK);
    uint8_t *exact = clip_exact(c, c->n);
    int status = sparrow_audio_decode(audio, exact, c->n, NULL, err);
    free(exact);
    sparrow_audio_free(audio);
    return status;
}

/* Eight kilobytes of header for gigabytes of tables, had libvorbis seen them. */
START_TEST(decode_codebooks_that_unpack_to_gigabytes_are_refused)
{
    struct book books[256];
    for (size_t i = 0; i < 256; i++)
        books[i] = (struct book){1, 1 << 22, true, 0};
    struct clip header = setup(books, 256), c = stream(&header, 1, 16000);
    ck_assert_uint_lt(c.n, 10000);
    struct sparrow_error err = {.text = ""};
    ck_assert_int_eq(decode(&c, &err), SPARROW_BAD_AUDIO);
    ck_assert_ptr_nonnull(strstr(err.text, "tables"));
    clip_done(&c);
    clip_done(&header);
    for (size_t i = 0; i < 256; i++) /* many that are each small enough */
        books[i] = (struct book){3, 1 << 10, true, 0};
    header = setup(books, 256);
    c = stream(&header, 1, 16000);
    ck_assert_int_eq(decode(&c, &err), SPARROW_BAD_AUDIO);
    clip_done(&c);
    clip_done(&header);
}
END_TEST

START_TEST(decode_headers_that_break_off_are_bad_audio)
{
    const struct book book = {1, 128, false, 0};
    struct clip header = setup(&book, 1), c = stream(&header, 1, 16000);
    struct sparrow_error err = {.text = ""};
    ck_assert_int_eq(decode(&c, &err),
                     SPARROW_BAD_AUDIO); /* no floors, residues, modes behind the book */
    for (size_t n = 4; n < c.n; n += 5) {
        struct clip cut = {c.bytes, n};
        ck_assert_int_eq(decode(&cut, &err), SPARROW_BAD_AUDIO);
    }
    clip_done(&c);
    clip_done(&header);
}
END_TEST

/* What looks like Opus is a page with a wrong checksum; libogg passes it over and finds Vorbis that
 * breaks off. Whoever asked the bytes and not libogg sent this into a reader that leaks. */
START_TEST(decode_the_first_page_that_is_whole_says_which_codec)
{
    struct clip c = {.n = 0}, real = {.n = 0};
    ogg_stream_state state;
    ogg_stream_init(&state, 7);
    put_packet(&state, &c, "OpusHead\1\1\0\0\x80\x3e\0\0\0\0\0", 19, 0);
    ogg_stream_clear(&state);
    c.bytes[c.n - 1] ^= 1;
    size_t damaged = c.n;
    clip_file(&real, "tests/data/audio/yes.ogg");
    clip_put(&c, real.bytes, real.n);
    struct sparrow_error err = {.text = ""};
    int status = decode(&c, &err);
    ck_assert_msg(status == SPARROW_OK, "%s", err.text);
    c.n = damaged + 100;
    ck_assert_int_eq(decode(&c, &err), SPARROW_BAD_AUDIO);
    ck_assert_ptr_nonnull(strstr(err.text, "Vorbis"));
    clip_done(&c);
    clip_done(&real);
}
END_TEST

START_TEST(decode_a_stream_with_strangers_and_damage_in_it_goes_on)
{
    struct clip whole = {.n = 0};
    clip_file(&whole, "tests/data/audio/yes.ogg");
    /* pages of another stream between ours */
    struct clip c = {.n = 0}, other = {.n = 0};
    ogg_stream_state state;
    ogg_stream_init(&state, 99);
    put_packet(&state, &other, "fishead", 7, 0);
    put_packet(&state, &other, "fisbone", 7, 1);
    ogg_stream_clear(&state);
    ogg_sync_state sync;
    ogg_sync_init(&sync);
    memcpy(ogg_sync_buffer(&sync, (long)whole.n), whole.bytes, whole.n);
    ogg_sync_wrote(&sync, (long)whole.n);
    ogg_page page;
    while (ogg_sync_pageout(&sync, &page) == 1) {
        clip_put(&c, page.header, (size_t)page.header_len);
        clip_put(&c, page.body, (size_t)page.body_len);
        clip_put(&c, other.bytes, other.n);
        clip_put(&c, "garbage", 7);
    }
    ogg_sync_clear(&sync);
    struct sparrow_audio *audio;
    ck_assert_int_eq(sparrow_audio_new(&audio, NULL), SPARROW_OK);
    ck_assert_int_eq(sparrow_audio_decode(audio, c.bytes, c.n, NULL, NULL), SPARROW_OK);
    ck_assert_uint_eq(sparrow_audio_count(audio), 16000);
    /* the same stream twice in a row: the first is the clip */
    struct clip twice = {.n = 0};
    clip_put(&twice, whole.bytes, whole.n);
    clip_put(&twice, whole.bytes, whole.n);
    ck_assert_int_eq(sparrow_audio_decode(audio, twice.bytes, twice.n, NULL, NULL), SPARROW_OK);
    ck_assert_uint_eq(sparrow_audio_count(audio), 16000);
    sparrow_audio_free(audio);
    clip_done(&twice);
    clip_done(&other);
    clip_done(&c);
    clip_done(&whole);
}
END_TEST

START_TEST(decode_codecs_we_do_not_serve_are_unsupported)
{
    static const char *const packets[] = {
        "Speex   1.2", "\177FLAC\1", "fishead\0\3", "\x80theora", "OpusHea", "\x01vorbi", "x"};
    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        struct clip c = {.n = 0};
        ogg_stream_state state;
        ogg_stream_init(&state, 7);
        put_packet(&state, &c, packets[i], strlen(packets[i]), 0);
        put_packet(&state, &c, "abcdefghijklmnopqrstuvwxyz", 26, 1);
        ogg_stream_clear(&state);
        struct sparrow_error err = {.text = ""};
        ck_assert_int_eq(decode(&c, &err), SPARROW_UNSUPPORTED_MEDIA);
        ck_assert_ptr_nonnull(strstr(err.text, "codec is not handled"));
        c.bytes[c.n - 60] ^=
            1; /* in the first page: its checksum is wrong now, and the next page is no better */
        c.bytes[26] = 255;
        ck_assert_int_ne(decode(&c, &err), SPARROW_OK);
        clip_done(&c);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        table_size_walks_over_every_kind_of_codebook,
        table_size_of_a_real_stream_is_small,
        decode_codebooks_that_unpack_to_gigabytes_are_refused,
        decode_headers_that_break_off_are_bad_audio,
        decode_codecs_we_do_not_serve_are_unsupported,
        decode_the_first_page_that_is_whole_says_which_codec,
        decode_a_stream_with_strangers_and_damage_in_it_goes_on,
    };
    return RUN_TESTS("vorbis", tests);
}
