/* call.h - calls a kernel with marked registers, and fails the test if it leaves them changed:
 * those that a function must keep, the rounding and masks of floating point, the direction of
 * string instructions, an x87 stack with values on it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CALL_H
#define CALL_H

#include <stddef.h>
#include <stdint.h>

#define CALL_ARGUMENTS 8

/* `name` is for the message. Arguments are integers and pointers only. */
void call_words(const char *name, void (*function)(void), const uintptr_t args[CALL_ARGUMENTS]);

/* CALL(name, function, arguments...): up to 6 arguments, whose types the compiler checks. */
#define CALL(name, function, ...)                                                                  \
    ((void)sizeof((function)(__VA_ARGS__), 0),                                                     \
     call_words(name, (void (*)(void))(function),                                                  \
                (const uintptr_t[CALL_ARGUMENTS]){CALL_EACH(__VA_ARGS__)}))

#define CALL_EACH(...)                                                                             \
    CALL_PICK(__VA_ARGS__, CALL_6, CALL_5, CALL_4, CALL_3, CALL_2, CALL_1, )(__VA_ARGS__)
#define CALL_PICK(a, b, c, d, e, f, pick, ...) pick
#define CALL_1(a)                              (uintptr_t)(a)
#define CALL_2(a, ...)                         (uintptr_t)(a), CALL_1(__VA_ARGS__)
#define CALL_3(a, ...)                         (uintptr_t)(a), CALL_2(__VA_ARGS__)
#define CALL_4(a, ...)                         (uintptr_t)(a), CALL_3(__VA_ARGS__)
#define CALL_5(a, ...)                         (uintptr_t)(a), CALL_4(__VA_ARGS__)
#define CALL_6(a, ...)                         (uintptr_t)(a), CALL_5(__VA_ARGS__)

#endif
