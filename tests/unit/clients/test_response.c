/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "clients/sparrow/response.h"

static struct response *fresh(void)
{
    return calloc(1, sizeof(struct response));
}

/* Feeds text in two parts, cut at `cut`. Returns the bytes taken. */
static size_t feed(struct response *r, const char *text, size_t count, size_t cut)
{
    size_t first = 0, second = 0;
    char *part =
        malloc(count ? count : 1); /* exact, so that a sanitizer sees a read past the end */
    response_reset(r);
    memcpy(part, text, cut);
    response_feed(r, part, cut, &first);
    if (first == cut && count > cut) {
        free(part);
        part = malloc(count - cut);
        memcpy(part, text + cut, count - cut);
        response_feed(r, part, count - cut, &second);
    }
    free(part);
    return first + second;
}

/* The same answer must come out wherever the bytes are cut, and byte by byte. */
static void takes(const char *text, unsigned status, uint64_t body, bool close)
{
    struct response *r = fresh();
    size_t count = strlen(text);
    for (size_t cut = 0; cut <= count; cut++) {
        size_t used = feed(r, text, count, cut);
        ck_assert_msg(r->state == RESPONSE_DONE, "cut at %zu: state %d: %s", cut, (int)r->state,
                      text);
        ck_assert_uint_eq(used, count);
        ck_assert_uint_eq(r->status, status);
        ck_assert_uint_eq(r->body_bytes, body);
        ck_assert_int_eq(r->close, close);
    }
    response_reset(r);
    for (size_t i = 0; i < count; i++) {
        size_t used;
        enum response_state state = response_feed(r, text + i, 1, &used);
        ck_assert_msg((state == RESPONSE_DONE) == (i + 1 == count), "byte %zu: state %d: %s", i,
                      (int)state, text);
    }
    free(r);
}

static void refuses(const char *text)
{
    struct response *r = fresh();
    size_t count = strlen(text);
    for (size_t cut = 0; cut <= count; cut++) {
        feed(r, text, count, cut);
        ck_assert_msg(r->state == RESPONSE_BAD, "cut at %zu: state %d: %s", cut, (int)r->state,
                      text);
    }
    free(r);
}

START_TEST(feed_whole_answers_are_taken_wherever_they_are_cut)
{
    takes("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, 5, false);
    takes("HTTP/1.1 200\r\ncontent-LENGTH:5 \r\n\r\nhello", 200, 5, false);
    takes("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 503,
          0, true);
    takes("HTTP/1.1 200 OK\r\nConnection: Upgrade, Close\r\nContent-Length: 0\r\n\r\n", 200, 0,
          true);
    takes("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, 2, true);
    takes("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi", 200, 2,
          false);
    takes("HTTP/1.1 204 No Content\r\n\r\n", 204, 0, false);
    takes("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, 1,
          false);
    takes("HTTP/1.1 200 OK\r\nTransfer-Encoding: "
          "chunked\r\n\r\n5\r\nhello\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
          200, 15, false);
    takes("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n1\nx\n0\nTrailer: z\n\n", 200, 1, false);
}
END_TEST

START_TEST(feed_malformed_answers_are_refused)
{
    refuses("HTTP/2 200 OK\r\n\r\n");
    refuses("HTTP/1.1 20 OK\r\n\r\n");
    refuses("HTTP/1.1 2000 OK\r\n\r\n");
    refuses("SSH-2.0-OpenSSH\r\n");
    refuses("\r\nHTTP/1.1 200 OK\r\n\r\n");
    refuses("HTTP/1.1 200 OK\r\nno colon\r\n\r\n");
    refuses("HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello");
    refuses("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nhello");
    refuses("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhello");
    refuses("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello");
    refuses("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello");
    refuses("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    refuses("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n");
    refuses("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1ffffffffffffffff\r\n");
}
END_TEST

START_TEST(feed_stops_at_the_end_of_an_answer)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 404 ";
    struct response *r = fresh();
    size_t used;
    ck_assert_int_eq(response_feed(r, text, sizeof(text) - 1, &used), RESPONSE_DONE);
    ck_assert_str_eq(text + used, "HTTP/1.1 404 ");
    free(r);
}
END_TEST

START_TEST(end_completes_only_a_body_without_length)
{
    struct response *r = fresh();
    static const char open[] = "HTTP/1.1 200 OK\r\n\r\nsome";
    feed(r, open, sizeof(open) - 1, 3);
    ck_assert_int_eq(r->state, RESPONSE_BODY_CLOSE);
    ck_assert(r->close);
    ck_assert(response_end(r));
    ck_assert_uint_eq(r->body_bytes, 4);
    static const char cut[] = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome";
    feed(r, cut, sizeof(cut) - 1, 3);
    ck_assert(!response_end(r));
    response_reset(r);
    ck_assert(!response_end(r));
    free(r);
}
END_TEST

/* What is kept of a body is its beginning, without the framing, however long the body is. */
START_TEST(feed_keeps_the_first_bytes_of_a_body)
{
    static const char chunked[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n";
    struct response *r = fresh();
    for (size_t cut = 0; cut < sizeof(chunked); cut++) {
        memset(r->body, 0, sizeof(r->body));
        feed(r, chunked, sizeof(chunked) - 1, cut < sizeof(chunked) - 1 ? cut : 0);
        ck_assert_mem_eq(r->body, "abcdefg", 8);
    }
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n";
    size_t used;
    response_reset(r);
    response_feed(r, head, sizeof(head) - 1, &used);
    for (unsigned i = 0; i < 5000; i++) {
        char byte = (char)('a' + i % 26);
        response_feed(r, &byte, 1, &used);
    }
    ck_assert_int_eq(r->state, RESPONSE_DONE);
    ck_assert_uint_eq(r->body_bytes, 5000);
    for (unsigned i = 0; i < RESPONSE_KEPT; i++)
        ck_assert_int_eq(r->body[i], 'a' + (int)(i % 26));
    free(r);
}
END_TEST

/* A server that sends lines or headers without end costs no more than the limits. */
START_TEST(feed_endless_headers_are_refused)
{
    struct response *r = fresh();
    size_t used, total = 0;
    static const char status[] = "HTTP/1.1 200 OK\r\n", header[] = "X: 0123456789\r\n";
    response_feed(r, status, sizeof(status) - 1, &used);
    while (response_feed(r, header, sizeof(header) - 1, &used) == RESPONSE_HEADER)
        ck_assert_uint_le(total += used, RESPONSE_MOST_HEADER_BYTES);
    ck_assert_int_eq(r->state, RESPONSE_BAD);
    response_reset(r);
    for (total = 0; response_feed(r, "H", 1, &used) == RESPONSE_STATUS_LINE;)
        ck_assert_uint_le(total += used, RESPONSE_LONGEST_LINE);
    ck_assert_int_eq(r->state, RESPONSE_BAD);
    free(r);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("response");
    TCase *tc = tcase_create("response");
    tcase_add_test(tc, feed_whole_answers_are_taken_wherever_they_are_cut);
    tcase_add_test(tc, feed_malformed_answers_are_refused);
    tcase_add_test(tc, feed_stops_at_the_end_of_an_answer);
    tcase_add_test(tc, end_completes_only_a_body_without_length);
    tcase_add_test(tc, feed_keeps_the_first_bytes_of_a_body);
    tcase_add_test(tc, feed_endless_headers_are_refused);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
