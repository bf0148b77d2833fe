#include "pipeline/port.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifndef SL_PORT_MODULE_FOLDER
#define SL_PORT_MODULE_FOLDER "/usr/lib/slugline"
#endif
#define MODULE "slugline_dpdk.so"

static struct {
    const char *devices[SL_PORT_DEVICES];
    char names[SL_PORT_DEVICES][SL_PORT_DEVICE_LEN];
    uint32_t device_cnt;
    const struct sl_port_way *way;
} ports;

bool sl_port_expect(const char *device)
{
    char name[SL_PORT_DEVICE_LEN], known[SL_PORT_DEVICE_LEN];
    sl_port_name(name, sizeof(name), device);
    for (uint32_t i = 0; i < ports.device_cnt; i++) {
        sl_port_name(known, sizeof(known), ports.devices[i]);
        if (!strcmp(name, known))
            return true;
    }
    if (ports.device_cnt == SL_PORT_DEVICES)
        return false;
    char *copy = ports.names[ports.device_cnt];
    snprintf(copy, SL_PORT_DEVICE_LEN, "%s", device);
    ports.devices[ports.device_cnt++] = copy;
    return true;
}

/* Beside the program in the build tree, else where it was installed. */
static void *load(char *err, size_t err_len)
{
    char path[2048];
    ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 64);
    char *slash = len > 0 ? memrchr(path, '/', (size_t)len) : NULL;
    static const char *const beside[] = { "/pipeline/" MODULE, "/../../pipeline/" MODULE, "/../pipeline/" MODULE };
    for (size_t i = 0; slash && i < sizeof(beside) / sizeof(beside[0]); i++) {
        strcpy(slash, beside[i]);
        if (!access(path, R_OK))
            break;
    }
    if (!slash || access(path, R_OK))
        snprintf(path, sizeof(path), "%s/%s", SL_PORT_MODULE_FOLDER, MODULE);
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!module)
        snprintf(err, err_len, "DPDK cannot be loaded: %s; was slugline built with -Ddpdk, and is DPDK installed?",
                 dlerror());
    return module;
}

const struct sl_port_way *sl_port_way(char *err, size_t err_len)
{
    if (ports.way)
        return ports.way;
    void *module = load(err, err_len);
    if (!module)
        return NULL;
    const struct sl_port_way *way = dlsym(module, "sl_port_dpdk");
    if (!way || way->abi != SL_PORT_ABI) {
        snprintf(err, err_len, "%s is of another slugline", MODULE);
        return NULL;
    }
    if (way->start(ports.devices, ports.device_cnt, err, err_len))
        return NULL;
    return ports.way = way;
}

void sl_port_replace(const struct sl_port_way *way) { ports.way = way; }
