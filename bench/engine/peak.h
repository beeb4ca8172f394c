/* peak.h - what one core of this machine can do at most: the roofs of the roofline.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_PEAK_H
#define BENCH_PEAK_H

struct peak {
    double ghz;                              /* of a chain of multiplications of known latency */
    double macs_per_ns;                      /* u8 x s8 multiply-adds from registers */
    double l1_per_ns, l2_per_ns, ram_per_ns; /* bytes read, one after the other */
};

/* isa: "avx512", "avx2"; anything else leaves macs_per_ns 0. Takes some tenths of a second. */
void peak_measure(const char *isa, struct peak *ret_peak);

#endif
