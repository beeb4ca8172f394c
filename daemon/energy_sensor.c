/* energy_sensor.c - finds and reads the counters of sysfs.
 * RAPL: only the top zones (intel-rapl:P) named package-N: sub-zones are parts of them, psys
 * contains them, and intel-rapl-mmio is the same package again. The numbers of hwmon change from
 * boot to boot, so a sensor is named by its name and label.
 * SPDX-License-Identifier: Apache-2.0 */
#include "daemon/energy_sensor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IMPOSSIBLE_UW 20000000000ULL /* 20 kW */

/* First line of a file without its newline. errno says why not. */
static bool read_file(const char *path, char *out, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, out, cap - 1);
    int why = errno;
    close(fd);
    errno = why;
    if (n < 0)
        return false;
    out[n] = '\0';
    out[strcspn(out, "\n")] = '\0';
    return true;
}

static bool read_number(const char *path, uint64_t *ret_value)
{
    char text[32], *end;
    if (!read_file(path, text, sizeof(text)))
        return false;
    errno = EINVAL;
    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0')
        return false;
    *ret_value = value;
    return true;
}

static bool join(char *out, size_t cap, const char *dir, const char *name, const char *file)
{
    int n = snprintf(out, cap, "%s/%s%s%s", dir, name, file[0] != '\0' ? "/" : "", file);
    return n > 0 && (size_t)n < cap;
}

/* ---- RAPL ---- */

static bool find_package(const char *dir, const char *zone, struct energy_sensor *s)
{
    char path[256], name[48];
    if (strncmp(zone, "intel-rapl:", 11) != 0 || strchr(zone + 11, ':') != NULL)
        return false;
    if (!join(path, sizeof(path), dir, zone, "name") || !read_file(path, name, sizeof(name)) ||
        strncmp(name, "package-", 8) != 0)
        return false;
    *s = (struct energy_sensor){.source = "rapl"};
    snprintf(s->device, sizeof(s->device), "cpu%s", name + 8);
    if (!join(path, sizeof(path), dir, zone, "max_energy_range_uj") ||
        !read_number(path, &s->range_uj))
        s->range_uj = 0;
    return join(s->path, sizeof(s->path), dir, zone, "energy_uj");
}

static int by_device(const void *a, const void *b)
{
    return strcmp(((const struct energy_sensor *)a)->device,
                  ((const struct energy_sensor *)b)->device);
}

static unsigned find_rapl(const char *sysfs, struct energy_sensor *sensors,
                          char ret_unreadable[256])
{
    char dir[200];
    unsigned n = 0;
    uint64_t value;
    if (!join(dir, sizeof(dir), sysfs, "class/powercap", ""))
        return 0;
    DIR *d = opendir(dir);
    if (d == NULL)
        return 0;
    for (struct dirent *e; n < ENERGY_SENSORS_MAX && (e = readdir(d)) != NULL;) {
        if (!find_package(dir, e->d_name, &sensors[n]))
            continue;
        if (read_number(sensors[n].path, &value))
            n++;
        else if (errno == EACCES || errno == EPERM)
            memcpy(ret_unreadable, sensors[n].path, sizeof(sensors[n].path));
    }
    closedir(d);
    qsort(sensors, n, sizeof(sensors[0]), by_device);
    return n;
}

/* ---- hwmon ---- */

/* "power1_input" -> the label that power1_label holds, or "". */
static void label_of(const char *dir, const char *input, char *out, size_t cap)
{
    char path[256], file[64];
    snprintf(file, sizeof(file), "%.*s_label", (int)strcspn(input, "_"), input);
    if (!join(path, sizeof(path), dir, file, "") || !read_file(path, out, cap))
        out[0] = '\0';
}

/* energyN_input is a counter and better than powerN_input, which is better than powerN_average;
 * then the lower number. */
static int rank(const char *file)
{
    unsigned number;
    int end = 0;
    if (sscanf(file, "energy%u_input%n", &number, &end) == 1 && end > 0 && file[end] == '\0')
        return 3000 - (int)(number % 1000);
    end = 0;
    if (sscanf(file, "power%u_input%n", &number, &end) == 1 && end > 0 && file[end] == '\0')
        return 2000 - (int)(number % 1000);
    end = 0;
    if (sscanf(file, "power%u_average%n", &number, &end) == 1 && end > 0 && file[end] == '\0')
        return 1000 - (int)(number % 1000);
    return 0;
}

/* The best input of one hwmon device. label "": any. */
static bool find_input(const char *dir, const char *label, struct energy_sensor *s)
{
    char found[64];
    int best = 0;
    DIR *d = opendir(dir);
    if (d == NULL)
        return false;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        int r = rank(e->d_name);
        if (r <= best)
            continue;
        label_of(dir, e->d_name, found, sizeof(found));
        if ((label[0] != '\0' && strcmp(found, label) != 0) ||
            !join(s->path, sizeof(s->path), dir, e->d_name, ""))
            continue;
        best = r;
        s->is_power = e->d_name[0] == 'p';
    }
    closedir(d);
    return best > 0;
}

static unsigned find_hwmon(const char *sysfs, const char *hwmon, struct energy_sensor *s,
                           char ret_unreadable[256])
{
    char root[200], dir[256], path[256], name[48], wanted[48];
    unsigned found = 0;
    const char *slash = strchr(hwmon, '/');
    snprintf(wanted, sizeof(wanted), "%.*s", (int)strcspn(hwmon, "/"), hwmon);
    if (wanted[0] == '\0' || !join(root, sizeof(root), sysfs, "class/hwmon", ""))
        return 0;
    DIR *d = opendir(root);
    if (d == NULL)
        return 0;
    for (struct dirent *e; found == 0 && (e = readdir(d)) != NULL;) {
        uint64_t value;
        if (strncmp(e->d_name, "hwmon", 5) != 0 || !join(dir, sizeof(dir), root, e->d_name, "") ||
            !join(path, sizeof(path), dir, "name", "") || !read_file(path, name, sizeof(name)) ||
            strcmp(name, wanted) != 0)
            continue;
        *s = (struct energy_sensor){.source = "hwmon"};
        snprintf(s->device, sizeof(s->device), "%s", name);
        if (!find_input(dir, slash != NULL ? slash + 1 : "", s))
            continue;
        if (read_number(s->path, &value))
            found = 1;
        else
            memcpy(ret_unreadable, s->path, sizeof(s->path));
    }
    closedir(d);
    return found;
}

unsigned energy_sensor_find(const char *sysfs, const char *hwmon, struct energy_sensor *sensors,
                            char ret_unreadable[256])
{
    ret_unreadable[0] = '\0';
    unsigned n = find_rapl(sysfs, sensors, ret_unreadable);
    return n > 0 ? n : find_hwmon(sysfs, hwmon, sensors, ret_unreadable);
}

bool energy_sensor_read(struct energy_sensor *s, uint64_t now_ns)
{
    uint64_t value;
    if (!read_number(s->path, &value)) {
        s->last_ns = 0;
        return false;
    }
    if (s->last_ns != 0 && now_ns > s->last_ns) {
        double dt_s = (double)(now_ns - s->last_ns) / 1e9;
        uint64_t add = 0;
        if (s->is_power) /* the mean of both ends: exact for a straight line */
            add = (uint64_t)(((double)s->last + (double)value) / 2 * dt_s);
        else if (value >= s->last)
            add = value - s->last;
        else if (s->range_uj > s->last)
            add = s->range_uj - s->last + value;
        if ((double)add <= (double)IMPOSSIBLE_UW * dt_s)
            s->total_uj += add;
    }
    s->last = value;
    s->last_ns = now_ns;
    return true;
}
