/* budget.h - an allocator for protobuf-c that stops at a limit, so that a small file cannot ask for
 * much memory.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SP_BUDGET_H
#define SP_BUDGET_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

struct sp_budget {
    ProtobufCAllocator allocator; /* hand this to protobuf-c; it points back to the budget */
    size_t left;                  /* bytes; freeing gives none back */
    bool denied;                  /* the limit, not malloc(), refused something */
};

void sp_budget_init(struct sp_budget *budget, size_t bytes);

#endif
