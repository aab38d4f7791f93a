/* Latencies: 64 buckets for each power of two, so that no value is off by more than 1/64. */
#include "crowd.h"

#include <string.h>

static unsigned bucket_of(uint64_t value) {
    if (value < 64)
        return (unsigned)value;
    unsigned power = 63 - (unsigned)__builtin_clzll(value); /* 6 at least */
    return (power - 5) * 64 + (unsigned)((value >> (power - 6)) & 63);
}

static uint64_t upper_edge(unsigned bucket) {
    if (bucket < 64)
        return bucket;
    unsigned power = bucket / 64 + 5;
    return ((uint64_t)(64 + bucket % 64 + 1) << (power - 6)) - 1;
}

void histogram_clear(struct histogram *h) {
    memset(h, 0, sizeof *h);
}

void histogram_add(struct histogram *h, uint64_t value) {
    h->counts[bucket_of(value)]++;
    h->total++;
    if (value > h->most)
        h->most = value;
}

uint64_t histogram_quantile(const struct histogram *h, double share) {
    uint64_t wanted = (uint64_t)(share * (double)h->total), seen = 0;
    for (unsigned bucket = 0; bucket < BUCKETS; bucket++) {
        seen += h->counts[bucket];
        if (seen > wanted || (seen == h->total && seen > 0)) {
            uint64_t edge = upper_edge(bucket);
            return edge < h->most ? edge : h->most;
        }
    }
    return 0;
}
