/* envelope.c - the bytes around a model's payload.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/model/envelope.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/error.h"
#include "engine/model/limits.h"

static const uint8_t magic[8] = {'S', 'P', 'A', 'R', 'R', 'O', 'W', '\n'};

static uint64_t get_le(const uint8_t *bytes, size_t n)
{
    uint64_t v = 0;
    for (size_t i = n; i-- > 0;)
        v = v << 8 | bytes[i];
    return v;
}

static void put_le(uint8_t *bytes, size_t n, uint64_t v)
{
    for (size_t i = 0; i < n; i++, v >>= 8)
        bytes[i] = (uint8_t)(v & 0xff);
}

static void sha256(const uint8_t *bytes, size_t n, uint8_t digest[SHA256_DIGEST_SIZE])
{
    struct sha256_ctx ctx;
    sha256_init(&ctx);
    sha256_update(&ctx, n, bytes);
    sha256_digest(&ctx, SHA256_DIGEST_SIZE, digest);
}

int sp_envelope_open(const void *bytes, size_t n, struct sp_envelope *ret_envelope,
                     struct sparrow_error *err)
{
    const uint8_t *head = bytes;
    if (n < SP_ENVELOPE_BYTES || memcmp(head, magic, sizeof(magic)) != 0)
        return sp_error_set(err, SPARROW_BAD_MODEL, "not a model file: its first bytes are others");
    uint32_t version = (uint32_t)get_le(head + 8, 4);
    if (version != SP_ENVELOPE_VERSION)
        return sp_error_set(err, SPARROW_UNKNOWN_VERSION,
                            "model format version %u; this library reads version %d", version,
                            SP_ENVELOPE_VERSION);
    if (get_le(head + 12, 4) != 0)
        return sp_error_set(err, SPARROW_UNKNOWN_VERSION,
                            "model format: the reserved field at byte 12 is in use");
    uint64_t length = get_le(head + 16, 8);
    if (length != n - SP_ENVELOPE_BYTES)
        return sp_error_set(err, SPARROW_BAD_MODEL,
                            "model file of %zu bytes says its payload has %llu: cut off or damaged",
                            n, (unsigned long long)length);
    if (n > SP_LIMIT_FILE_BYTES)
        return sp_error_set(err, SPARROW_BAD_MODEL, "model file of %zu bytes; the limit is %zu", n,
                            SP_LIMIT_FILE_BYTES);

    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256(head + SP_ENVELOPE_BYTES, (size_t)length, digest);
    if (memcmp(digest, head + 24, sizeof(digest)) != 0)
        return sp_error_set(err, SPARROW_BAD_MODEL,
                            "model file is damaged: its payload does not match its SHA-256");
    for (size_t i = 0; i < sizeof(digest); i++) {
        static const char hex[] = "0123456789abcdef";
        ret_envelope->digest[2 * i] = hex[digest[i] >> 4];
        ret_envelope->digest[2 * i + 1] = hex[digest[i] & 15];
    }
    ret_envelope->digest[64] = 0;
    ret_envelope->payload = head + SP_ENVELOPE_BYTES;
    ret_envelope->bytes = (size_t)length;
    return SPARROW_OK;
}

void sp_envelope_write(const uint8_t *payload, size_t n, uint8_t *ret_head)
{
    memcpy(ret_head, magic, sizeof(magic));
    put_le(ret_head + 8, 4, SP_ENVELOPE_VERSION);
    put_le(ret_head + 12, 4, 0);
    put_le(ret_head + 16, 8, n);
    sha256(payload, n, ret_head + 24);
}

/* Reads until n bytes are there. Returns the count, short at the file's end; -1 on an error
 * (errno). */
static ssize_t read_all(int fd, uint8_t *bytes, size_t n)
{
    size_t done = 0;
    while (done < n) {
        ssize_t got = read(fd, bytes + done, n - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

/* Size of an open file that may be a model. */
static int file_size(int fd, const char *path, size_t *ret_n, struct sparrow_error *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return sp_error_set(err, SPARROW_IO, "%.100s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return sp_error_set(err, SPARROW_IO, "%.100s: not a regular file", path);
    if (st.st_size < 0 || (uint64_t)st.st_size > SP_LIMIT_FILE_BYTES)
        return sp_error_set(err, SPARROW_BAD_MODEL,
                            "%.100s: larger than a model may be (%zu bytes)", path,
                            SP_LIMIT_FILE_BYTES);
    *ret_n = (size_t)st.st_size;
    return SPARROW_OK;
}

int sp_envelope_read(const char *path, uint8_t **ret_bytes, size_t *ret_n,
                     struct sparrow_error *err)
{
    /* O_NONBLOCK: a FIFO must not hold us before fstat() has refused it. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return sp_error_set(err, SPARROW_IO, "%.100s: %s", path, strerror(errno));
    size_t n = 0;
    uint8_t *bytes = NULL;
    int status = file_size(fd, path, &n, err);
    if (status < 0)
        goto fail;
    bytes = malloc(n + 1);
    if (bytes == NULL) {
        status = sp_error_set(err, SPARROW_NO_MEMORY, "no memory for %zu bytes of a model file", n);
        goto fail;
    }
    ssize_t got = read_all(fd, bytes, n);
    if (got < 0) {
        status = sp_error_set(err, SPARROW_IO, "%.100s: %s", path, strerror(errno));
        goto fail;
    }
    close(fd);
    *ret_bytes = bytes;
    *ret_n = (size_t)got;
    return SPARROW_OK;

fail:
    free(bytes);
    close(fd);
    return status;
}
