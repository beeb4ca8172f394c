/* energy_sensor.h - the counters of sysfs: RAPL packages (powercap), or one hwmon sensor that the
 * operator names. Main thread only.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_ENERGY_SENSOR_H
#define DAEMON_ENERGY_SENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENERGY_SENSORS_MAX 16

struct energy_sensor {
    char device[48];        /* "cpu0" for package-0; a hwmon sensor's name */
    const char *source;     /* "rapl", "hwmon" */
    char path[256];         /* of the file that is read */
    bool is_power;          /* microwatts, to be integrated; else microjoules */
    uint64_t range_uj;      /* the counter starts again after this; 0: it does not */
    uint64_t last, last_ns; /* the reading before; last_ns 0: there is none */
    uint64_t total_uj;      /* since the first reading */
};

/* Fills sensors (ENERGY_SENSORS_MAX of them) and returns how many. All RAPL packages, else the one
 * that hwmon ("name[/label]") names. *ret_unreadable: a counter that is there but may not be read
 * (its path), or "". */
unsigned energy_sensor_find(const char *sysfs, const char *hwmon, struct energy_sensor *sensors,
                            char ret_unreadable[256]);

/* Reads it and adds to total_uj. False if it cannot be read; the next reading that succeeds starts
 * afresh. A jump that no device can make (a counter that was reset) adds nothing. */
bool energy_sensor_read(struct energy_sensor *s, uint64_t now_ns);

#endif
