/* call.c - the few instructions that C cannot say, and what they must find. call_marked() loads the
 * registers that a function has to keep from `state`, calls, and stores what they hold then.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/kernels/call.h"

#include <check.h>

#define MARK(i) (0x5a5a00000000a500u + 0x0101010101010101u * (uint64_t)(i))

#if defined(__x86_64__)

struct state {
    uint64_t kept[6]; /* rbx rbp r12 r13 r14 r15 */
    uint64_t flags;
    uint32_t mxcsr, unused;
    uint32_t x87[7]; /* as fnstenv stores it: control, status, tags, and four more */
};
static const char *const kept_names[] = {"rbx", "rbp", "r12", "r13", "r14", "r15"};

void call_marked(void (*function)(void), const uintptr_t *args, struct state *state);
__asm__(".text\n"
        ".globl call_marked\n"
        ".hidden call_marked\n"
        ".type call_marked, @function\n"
        "call_marked:\n"
        "push %rbp\n push %rbx\n push %r12\n push %r13\n push %r14\n push %r15\n push %rdx\n"
        "sub $32, %rsp\n"
        "mov %rdi, %rax\n mov %rsi, %r10\n"
        "mov (%rdx), %rbx\n mov 8(%rdx), %rbp\n mov 16(%rdx), %r12\n"
        "mov 24(%rdx), %r13\n mov 32(%rdx), %r14\n mov 40(%rdx), %r15\n"
        "mov 48(%r10), %r11\n mov %r11, (%rsp)\n mov 56(%r10), %r11\n mov %r11, 8(%rsp)\n"
        "mov (%r10), %rdi\n mov 8(%r10), %rsi\n mov 16(%r10), %rdx\n"
        "mov 24(%r10), %rcx\n mov 32(%r10), %r8\n mov 40(%r10), %r9\n"
        "call *%rax\n"
        "mov 32(%rsp), %rdx\n"
        "mov %rbx, (%rdx)\n mov %rbp, 8(%rdx)\n mov %r12, 16(%rdx)\n"
        "mov %r13, 24(%rdx)\n mov %r14, 32(%rdx)\n mov %r15, 40(%rdx)\n"
        "pushf\n popq 48(%rdx)\n"
        "cld\n"
        "stmxcsr 56(%rdx)\n"
        "fnstenv 64(%rdx)\n fldenv 64(%rdx)\n"
        "add $40, %rsp\n"
        "pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbx\n pop %rbp\n"
        "ret\n"
        ".size call_marked, . - call_marked\n");

/* The upper part of MXCSR says how to round, what to mask, and what to do with denormals; its lower
 * six bits only tell what has happened. */
static void check_modes(const char *name, const struct state *before, const struct state *found)
{
    ck_assert_msg((found->mxcsr & ~0x3fu) == (before->mxcsr & ~0x3fu),
                  "%s: mxcsr is %04x, was %04x", name, found->mxcsr, before->mxcsr);
    ck_assert_msg((found->x87[0] & 0xffff) == (before->x87[0] & 0xffff),
                  "%s: the x87 control word is %04x, was %04x", name, found->x87[0] & 0xffff,
                  before->x87[0] & 0xffff);
    ck_assert_msg((found->x87[2] & 0xffff) == 0xffff, "%s: the x87 stack is not empty: %04x", name,
                  found->x87[2] & 0xffff);
    ck_assert_msg((found->flags & 0x400) == 0, "%s: the direction flag is set", name);
}

#elif defined(__aarch64__)

struct state {
    uint64_t kept[19]; /* x19 .. x28, x29, d8 .. d15 */
    uint64_t fpcr;
};
static const char *const kept_names[] = {"x19", "x20", "x21", "x22", "x23", "x24", "x25",
                                         "x26", "x27", "x28", "x29", "d8",  "d9",  "d10",
                                         "d11", "d12", "d13", "d14", "d15"};

void call_marked(void (*function)(void), const uintptr_t *args, struct state *state);
__asm__(".text\n"
        ".globl call_marked\n"
        ".hidden call_marked\n"
        ".type call_marked, %function\n"
        "call_marked:\n"
        "stp x29, x30, [sp, #-192]!\n"
        "stp x19, x20, [sp, #16]\n stp x21, x22, [sp, #32]\n stp x23, x24, [sp, #48]\n"
        "stp x25, x26, [sp, #64]\n stp x27, x28, [sp, #80]\n"
        "stp d8, d9, [sp, #96]\n stp d10, d11, [sp, #112]\n"
        "stp d12, d13, [sp, #128]\n stp d14, d15, [sp, #144]\n str x2, [sp, #160]\n"
        "mov x16, x0\n mov x17, x1\n"
        "ldp x19, x20, [x2]\n ldp x21, x22, [x2, #16]\n ldp x23, x24, [x2, #32]\n"
        "ldp x25, x26, [x2, #48]\n ldp x27, x28, [x2, #64]\n ldr x29, [x2, #80]\n"
        "ldp d8, d9, [x2, #88]\n ldp d10, d11, [x2, #104]\n"
        "ldp d12, d13, [x2, #120]\n ldp d14, d15, [x2, #136]\n"
        "ldp x0, x1, [x17]\n ldp x2, x3, [x17, #16]\n ldp x4, x5, [x17, #32]\n"
        "ldp x6, x7, [x17, #48]\n"
        "blr x16\n"
        "ldr x9, [sp, #160]\n"
        "stp x19, x20, [x9]\n stp x21, x22, [x9, #16]\n stp x23, x24, [x9, #32]\n"
        "stp x25, x26, [x9, #48]\n stp x27, x28, [x9, #64]\n str x29, [x9, #80]\n"
        "stp d8, d9, [x9, #88]\n stp d10, d11, [x9, #104]\n"
        "stp d12, d13, [x9, #120]\n stp d14, d15, [x9, #136]\n"
        "mrs x10, fpcr\n str x10, [x9, #152]\n"
        "ldp x19, x20, [sp, #16]\n ldp x21, x22, [sp, #32]\n ldp x23, x24, [sp, #48]\n"
        "ldp x25, x26, [sp, #64]\n ldp x27, x28, [sp, #80]\n"
        "ldp d8, d9, [sp, #96]\n ldp d10, d11, [sp, #112]\n"
        "ldp d12, d13, [sp, #128]\n ldp d14, d15, [sp, #144]\n"
        "ldp x29, x30, [sp], #192\n"
        "ret\n"
        ".size call_marked, . - call_marked\n");

static void check_modes(const char *name, const struct state *before, const struct state *found)
{
    ck_assert_msg(found->fpcr == before->fpcr, "%s: fpcr is %llx, was %llx", name,
                  (unsigned long long)found->fpcr, (unsigned long long)before->fpcr);
}

#else

/* A machine whose registers nobody has named here: the call alone. */
struct state {
    uint64_t kept[1];
};
static const char *const kept_names[] = {"none"};

static void call_marked(void (*function)(void), const uintptr_t *args, struct state *state)
{
    (void)state;
    ((void (*)(uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t, uintptr_t,
               uintptr_t))function)(args[0], args[1], args[2], args[3], args[4], args[5], args[6],
                                    args[7]);
}

static void check_modes(const char *name, const struct state *before, const struct state *found)
{
    (void)name;
    (void)before;
    (void)found;
}

#endif

static void nothing(void)
{
}

void call_words(const char *name, void (*function)(void), const uintptr_t args[CALL_ARGUMENTS])
{
    struct state state = {0}, before = {0};
    call_marked(nothing, (const uintptr_t[CALL_ARGUMENTS]){0}, &before);
    for (size_t i = 0; i < sizeof(kept_names) / sizeof(kept_names[0]); i++)
        state.kept[i] = MARK(i);
    call_marked(function, args, &state);
    for (size_t i = 0; i < sizeof(kept_names) / sizeof(kept_names[0]); i++)
        ck_assert_msg(state.kept[i] == MARK(i), "%s: %s is %016llx, was %016llx", name,
                      kept_names[i], (unsigned long long)state.kept[i],
                      (unsigned long long)MARK(i));
    check_modes(name, &before, &state);
}
