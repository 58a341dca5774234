/* What is counted: latencies in buckets of about 1.6 %, and per receiver and sender what came, twice or late. */
#ifndef TALLY_H
#define TALLY_H

#include <stdint.h>
#include <stdio.h>

enum { SUB_BITS = 6, BUCKETS = 64 << SUB_BITS };

typedef struct {
    uint64_t count, max, buckets[BUCKETS];
} Histogram;

static unsigned bucket_of(uint64_t value) {
    if (value < (1u << SUB_BITS)) return (unsigned)value;
    unsigned shift = 63 - (unsigned)__builtin_clzll(value) - SUB_BITS;
    return ((shift + 1) << SUB_BITS) + (unsigned)((value >> shift) & ((1u << SUB_BITS) - 1));
}

static uint64_t bucket_value(unsigned bucket) {
    if (bucket < (1u << SUB_BITS)) return bucket;
    unsigned shift = (bucket >> SUB_BITS) - 1;
    return ((1ull << SUB_BITS) + (bucket & ((1u << SUB_BITS) - 1))) << shift;
}

static void record(Histogram *histogram, uint64_t value) {
    histogram->count++;
    if (value > histogram->max) histogram->max = value;
    histogram->buckets[bucket_of(value)]++;
}

/* The value, in the unit that was recorded, that this share of all is at or below; 0 where there is none. */
static uint64_t quantile(const Histogram *histogram, double share) {
    uint64_t seen = 0, wanted = (uint64_t)(share * (double)histogram->count);
    for (unsigned bucket = 0; bucket < BUCKETS; bucket++) {
        seen += histogram->buckets[bucket];
        if (seen > wanted) return bucket_value(bucket);
    }
    return histogram->max;
}

static void print_histogram(const char *name, const Histogram *histogram) {
    static const struct { const char *name; double share; } marks[] = {
        {"p50", 0.50}, {"p95", 0.95}, {"p99", 0.99}, {"p999", 0.999}};
    printf("\"%s\": {", name);
    for (unsigned i = 0; i < sizeof marks / sizeof *marks; i++)
        printf("\"%s\": %.1f, ", marks[i].name, (double)quantile(histogram, marks[i].share) / 1e3);
    printf("\"max\": %.1f}, ", (double)histogram->max / 1e3);
}

/* What one receiver has of one sender: the number expected next, and which of the 64 before it came. */
typedef struct {
    uint64_t came;
    uint32_t next;
} Seen;

typedef struct {
    uint64_t distinct, doubled, reordered;
} Order;

/* A message overtaken by a later one counts as reordered when it comes; what never comes is not in `distinct`. */
static void note(Order *order, Seen *seen, uint32_t number) {
    if (number >= seen->next) {
        uint32_t ahead = number - seen->next + 1;
        seen->came = (ahead >= 64 ? 0 : seen->came << ahead) | 1;
        seen->next = number + 1;
        order->distinct++;
        return;
    }
    uint32_t behind = seen->next - 1 - number;
    if (behind < 64 && !(seen->came >> behind & 1)) {
        seen->came |= 1ull << behind;
        order->distinct++;
        order->reordered++;
    } else {
        order->doubled++;
    }
}

#endif
