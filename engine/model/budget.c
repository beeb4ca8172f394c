/* budget.c - an allocator for protobuf-c that stops at a limit.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/model/budget.h"

#include <stdlib.h>

static void *budget_alloc(void *data, size_t bytes)
{
    struct sp_budget *budget = data;
    if (bytes > budget->left) {
        budget->denied = true;
        return NULL;
    }
    budget->left -= bytes;
    return malloc(bytes != 0 ? bytes : 1);
}

static void budget_free(void *data, void *pointer)
{
    (void)data;
    free(pointer);
}

void sp_budget_init(struct sp_budget *budget, size_t bytes)
{
    budget->allocator.alloc = budget_alloc;
    budget->allocator.free = budget_free;
    budget->allocator.allocator_data = budget;
    budget->left = bytes;
    budget->denied = false;
}
