"""Two metrics at once: accuracy, the more the better, and a cost, the less the better.

SPDX-License-Identifier: Apache-2.0
"""


def front(points):
    """Places of the points (accuracy, cost) that no other one beats in both, cheapest first."""
    order = sorted(range(len(points)), key=lambda i: (points[i][1], -points[i][0]))
    best, result = float("-inf"), []
    for i in order:
        if points[i][0] > best:
            best = points[i][0]
            result.append(i)
    return result


def layers(points):
    """The number of the front that each point is on: 0 for front(points), 1 for the front of the
    others, and so on."""
    left, result, number = list(range(len(points))), [0] * len(points), 0
    while left:
        on = [left[i] for i in front([points[i] for i in left])]
        for i in on:
            result[i] = number
        left, number = [i for i in left if i not in set(on)], number + 1
    return result


def lack(point, least_accuracy, most_cost):
    """How far a point is from satisfying both thresholds: 0 if it does. Errors and costs count by
    their ratio to what is allowed."""
    accuracy, cost = point
    wrong = max(0.0, (1 - accuracy) / max(1 - least_accuracy, 1e-6) - 1)
    return wrong + max(0.0, cost / most_cost - 1)


def ranking(points, least_accuracy, most_cost, patient):
    """Places of the points, the most promising first. patient: accuracy is still to come, so only
    the cost is held against its threshold; otherwise both are."""
    number = layers(points)

    def key(i):
        accuracy, cost = points[i]
        held = lack((1.0, cost) if patient else points[i], least_accuracy, most_cost)
        return held, number[i], -accuracy

    return sorted(range(len(points)), key=key)
