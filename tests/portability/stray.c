/* stray.c - a program with an instruction of AVX2 in it: an old processor must not run it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
int main(void)
{
#ifdef __x86_64__
    __asm__ volatile("vpaddd %%ymm0, %%ymm0, %%ymm0" : : : "xmm0");
#endif
    return 0;
}
