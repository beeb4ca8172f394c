/* test_framing.c - which heads are refused, and as what.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include <check.h>
#include <string.h>

#include "daemon/http1/framing.h"

#define H "Host: a\n"

static const struct {
    const char *line;    /* method target version */
    const char *headers; /* each "name: value\n"; the name ends at the first ": " */
    int status;
} cases[] = {
    {"GET / HTTP/1.1", H, 0},
    {"GET / HTTP/1.0", "", 0},
    {"HEAD /healthz HTTP/1.1", H, 0},
    {"OPTIONS * HTTP/1.1", H, 0},
    {"DELETE /x HTTP/1.1", H, 0},
    {"POST /p HTTP/1.1", H "Content-Length: 0\n", 0},
    {"POST /p HTTP/1.1", H "content-length: 5\n", 0},
    {"POST /p HTTP/1.1", H "Transfer-Encoding: Chunked\n", 0},
    {"POST /p HTTP/1.1", H "Content-Length: 5\nExpect: 100-Continue\n", 0},
    {"POST /p?a=%20b HTTP/1.1", H "Content-Length: 5\nX-A: tab\tand \xc3\xa9\n", 0},
    {"GET http://a/p HTTP/1.1", H, 0},
    {"POST /p HTTP/1.1", H "Content-Length: 9223372036854775807\n", 0},
    /* lengths and codings */
    {"POST /p HTTP/1.1", H, SPARROW_LENGTH_REQUIRED},
    {"PUT /p HTTP/1.1", H, SPARROW_LENGTH_REQUIRED},
    {"POST /p HTTP/1.1", H "Content-Length: 5\nContent-Length: 5\n", SPARROW_BAD_REQUEST},
    {"POST /p HTTP/1.1", H "Content-Length: 0\nContent-Length: 5\n", SPARROW_BAD_REQUEST},
    {"POST /p HTTP/1.1", H "Content-Length: 5\nTransfer-Encoding: chunked\n", SPARROW_BAD_REQUEST},
    {"POST /p HTTP/1.1", H "Transfer-Encoding: chunked\nContent-Length: 5\n", SPARROW_BAD_REQUEST},
    {"POST /p HTTP/1.1", H "Transfer-Encoding: chunked\nTransfer-Encoding: chunked\n",
     SPARROW_BAD_REQUEST},
    {"POST /p HTTP/1.1", H "Transfer-Encoding: identity\nTransfer-Encoding: chunked\n",
     SPARROW_BAD_REQUEST},
    {"POST /p HTTP/1.1", H "Transfer-Encoding: gzip, chunked\n", SPARROW_BAD_REQUEST},
    {"POST /p HTTP/1.1", H "Transfer-Encoding: xchunked\n", SPARROW_BAD_REQUEST},
    {"POST /p HTTP/1.1", H "Transfer-Encoding: \vchunked\n", SPARROW_BAD_REQUEST},
    {"POST /p HTTP/1.0", H "Transfer-Encoding: chunked\n", SPARROW_BAD_REQUEST},
    {"POST /p HTTP/1.1", H "Content-Length: 5, 5\n", SPARROW_BAD_REQUEST},
    {"POST /p HTTP/1.1", H "Content-Length: +5\n", SPARROW_BAD_REQUEST},
    {"POST /p HTTP/1.1", H "Content-Length: 0x5\n", SPARROW_BAD_REQUEST},
    {"POST /p HTTP/1.1", H "Content-Length: \n", SPARROW_BAD_REQUEST},
    {"POST /p HTTP/1.1", H "Content-Length: 9223372036854775808\n", SPARROW_TOO_LARGE},
    {"POST /p HTTP/1.1", H "Content-Length: 18446744073709551616\n", SPARROW_TOO_LARGE},
    {"GET /p HTTP/1.1", H "Content-Length: 5\n", SPARROW_BAD_REQUEST},
    {"GET /p HTTP/1.1", H "Transfer-Encoding: chunked\n", SPARROW_BAD_REQUEST},
    /* names and values */
    {"POST /p HTTP/1.1", H "Content-Length : 5\n", SPARROW_BAD_REQUEST},
    {"POST /p HTTP/1.1", H "Transfer-Encoding\t: chunked\nContent-Length: 5\n",
     SPARROW_BAD_REQUEST},
    {"POST /p HTTP/1.1", H "Content-Length5: \nContent-Length: 5\n", SPARROW_BAD_REQUEST},
    {"POST /p HTTP/1.1", H "Transfer-Encodingchunked: \nContent-Length: 5\n", SPARROW_BAD_REQUEST},
    {"GET /p HTTP/1.1", H " X-A: 1\n", SPARROW_BAD_REQUEST},
    {"GET /p HTTP/1.1", H ": 1\n", SPARROW_BAD_REQUEST},
    {"GET /p HTTP/1.1", H "X-A: 1\rX-B: 2\n", SPARROW_BAD_REQUEST},
    {"GET /p HTTP/1.1", H "X-A: \x7f\n", SPARROW_BAD_REQUEST},
    {"GET /p HTTP/1.1", H "X-\xc3\xa9: 1\n", SPARROW_BAD_REQUEST},
    /* the rest */
    {"GET /p HTTP/1.1", "", SPARROW_BAD_REQUEST},
    {"GET /p HTTP/1.1", H H, SPARROW_BAD_REQUEST},
    {"GET /p HTTP/1.2", H, SPARROW_BAD_REQUEST},
    {"get /p HTTP/1.1", H, SPARROW_METHOD_UNKNOWN},
    {"BREW /p HTTP/1.1", H, SPARROW_METHOD_UNKNOWN},
    {"POST /p HTTP/1.1", H "Content-Length: 5\nExpect: 200-ok\n", SPARROW_EXPECTATION_FAILED},
    {"GET /p%00q HTTP/1.1", H, SPARROW_BAD_REQUEST},
    {"GET /p#q HTTP/1.1", H, SPARROW_BAD_REQUEST},
    {"GET /\x01 HTTP/1.1", H, SPARROW_BAD_REQUEST},
    {"GET /\xc3\xa9 HTTP/1.1", H, SPARROW_BAD_REQUEST},
    {"GET p HTTP/1.1", H, SPARROW_BAD_REQUEST},
    {"GET ftp://a/p HTTP/1.1", H, SPARROW_BAD_REQUEST},
};

START_TEST(head_is_judged)
{
    struct framing f = {0};
    for (const char *p = cases[_i].headers; *p;) {
        const char *colon = strstr(p, ": "), *end = strchr(p, '\n');
        if (*p == ':')
            colon = p;
        framing_header(&f, p, (size_t)(colon - p), colon + 2, (size_t)(end - colon - 2));
        p = end + 1;
    }
    char line[200];
    ck_assert_uint_lt(strlen(cases[_i].line), sizeof line);
    memcpy(line, cases[_i].line, strlen(cases[_i].line) + 1);
    char *target = strchr(line, ' ');
    *target++ = 0;
    char *version = strrchr(target, ' ');
    *version++ = 0;
    framing_end(&f, line, target, version);
    ck_assert_msg(f.status == cases[_i].status, "%s | %s: got %d (%s), wanted %d", cases[_i].line,
                  cases[_i].headers, f.status, f.detail ? f.detail : "", cases[_i].status);
    ck_assert_int_eq(f.status != 0, f.detail != NULL);
}
END_TEST

START_TEST(length_is_read)
{
    struct framing f = {0};
    framing_header(&f, "Content-Length", 14, "32044", 5);
    ck_assert_uint_eq(f.content_length, 32044);
    ck_assert(framing_has_body(&f));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("framing");
    TCase *tests = tcase_create("framing");
    tcase_add_loop_test(tests, head_is_judged, 0, sizeof cases / sizeof *cases);
    tcase_add_test(tests, length_is_read);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
