/* machine.h - which machine a measurement was made on.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENTS_SPARROW_MACHINE_H
#define CLIENTS_SPARROW_MACHINE_H

#include <stddef.h>

/* The CPU's model as the system names it ("AMD EPYC 9R14"), or the architecture if it names none.
 */
void machine_cpu(char *ret_text, size_t size);

/* The instruction sets that matter to our kernels and that this CPU has, as "avx2 avx512f
 * avx512_vnni"; may be empty. */
void machine_isa(char *ret_text, size_t size);

/* How many CPUs this process may use. */
size_t machine_cpus(void);

/* Ties the calling thread to one of them, counted from the last, which has the fewest interrupts.
 * If there is none such, nothing changes. */
void machine_pin(size_t index);

#endif
