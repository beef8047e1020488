/* NVIDIA's management library (NVML), as much of it as is asked for, without a GPU.
 *
 * What it answers stands in the file that FAKE_NVML names, `name value` a line, read at every call:
 * what is not there is not supported. `count` GPUs are all alike, but for what is told of one of
 * them, as `name.1 value`; `init` is the code that the library starts with. Numbers of errors and kinds are those of NVIDIA's nvml.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUCCESS = 0, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6 };
enum { SM = 1 };
enum { UNCORRECTED = 1, VOLATILE = 0 };

static int text(const char *name, char *value, unsigned size) {
    const char *path = getenv("FAKE_NVML");
    FILE *file = path ? fopen(path, "r") : NULL;
    char word[64], rest[96];
    int found = NOT_SUPPORTED;
    while (file && found && fscanf(file, "%63s %95s", word, rest) == 2)
        if (!strcmp(word, name)) {
            snprintf(value, size, "%s", rest);
            found = SUCCESS;
        }
    if (file)
        fclose(file);
    return found;
}

static int number(const char *name, unsigned long long *value) {
    char found[96];
    int code = text(name, found, sizeof found);
    if (code == SUCCESS)
        *value = strtoull(found, NULL, 10);
    return code;
}

static int small(const char *name, unsigned *value) {
    unsigned long long found;
    int code = number(name, &found);
    if (code == SUCCESS)
        *value = (unsigned)found;
    return code;
}

/* `name`, as it is of a device: what is told of it alone, or of all. */
static const char *of(void *device, const char *name) {
    static char own[80];
    char value[96];
    snprintf(own, sizeof own, "%s.%zu", name, (size_t)device - 1);
    return text(own, value, sizeof value) == SUCCESS ? own : name;
}

int nvmlInitWithFlags(unsigned flags) {
    unsigned code = SUCCESS;
    (void)flags;
    small("init", &code);
    return (int)code;
}

int nvmlSystemGetCudaDriverVersion_v2(int *version) { return small("cuda", (unsigned *)version); }

int nvmlSystemGetDriverVersion(char *version, unsigned size) { return text("driver", version, size); }

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
    unsigned count = 0;
    small("count", &count);
    *device = (void *)(size_t)(index + 1);
    return index < count ? SUCCESS : INVALID_ARGUMENT;
}

int nvmlDeviceGetCount_v2(unsigned *count) { return small("count", count); }

int nvmlDeviceGetHandleByUUID(const char *uuid, void **device) {
    unsigned count = 0;
    char own[96];
    small("count", &count);
    for (size_t each = 1; each <= count; each++) {
        *device = (void *)each;
        if (!text(of(*device, "uuid"), own, sizeof own) && !strcmp(own, uuid))
            return SUCCESS;
    }
    return NOT_FOUND;
}

int nvmlDeviceGetName(void *device, char *name, unsigned size) {
    return text(of(device, "name"), name, size);
}

int nvmlDeviceGetUUID(void *device, char *uuid, unsigned size) {
    return text(of(device, "uuid"), uuid, size);
}

int nvmlDeviceGetClockInfo(void *device, int kind, unsigned *mhz) {
    return kind == SM ? small(of(device, "sm_mhz"), mhz) : NOT_SUPPORTED;
}

int nvmlDeviceGetMaxClockInfo(void *device, int kind, unsigned *mhz) {
    return kind == SM ? small(of(device, "max_sm_mhz"), mhz) : NOT_SUPPORTED;
}

int nvmlDeviceGetApplicationsClock(void *device, int kind, unsigned *mhz) {
    return kind == SM ? small(of(device, "application_sm_mhz"), mhz) : NOT_SUPPORTED;
}

int nvmlDeviceGetPowerUsage(void *device, unsigned *milliwatts) {
    return small(of(device, "milliwatts"), milliwatts);
}

int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *celsius) {
    return sensor == 0 ? small(of(device, "celsius"), celsius) : NOT_SUPPORTED;
}

int nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *millijoules) {
    return number(of(device, "millijoules"), millijoules);
}

int nvmlDeviceGetTotalEccErrors(void *device, int kind, int since, unsigned long long *count) {
    return kind == UNCORRECTED && since == VOLATILE ? number(of(device, "ecc_errors"), count) : NOT_SUPPORTED;
}

int nvmlDeviceGetMemoryInfo(void *device, unsigned long long *total_free_used) {
    total_free_used[1] = 0;
    int total = number(of(device, "total_bytes"), &total_free_used[0]);
    int used = number(of(device, "used_bytes"), &total_free_used[2]);
    return total ? total : used;
}

int nvmlDeviceGetCurrentClocksEventReasons(void *device, unsigned long long *reasons) {
    return number(of(device, "reasons"), reasons);
}

const char *nvmlErrorString(int code) {
    (void)code;
    return "as FAKE_NVML says";
}
