/* interval.c - how far a measured share may be from the true one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "clients/sparrow/interval.h"

#include <math.h>

void interval_wilson(size_t hits, size_t count, double *ret_low, double *ret_high)
{
    const double z = 1.959963984540054; /* the normal distribution's 97.5 % point */
    if (count == 0) {
        *ret_low = 0;
        *ret_high = 1;
        return;
    }
    double n = (double)count, p = (double)hits / n;
    double centre = (p + z * z / (2 * n)) / (1 + z * z / n);
    double half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    *ret_low = hits == 0 ? 0 : centre - half;
    *ret_high = hits == count ? 1 : centre + half;
}
