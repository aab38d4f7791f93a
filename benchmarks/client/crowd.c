/* A crowd of WebSocket clients for the fan-out benchmark: commands on standard input, one a line, answers as
   JSON, one a line, on standard output. Words are separated by tabs.

   server HOST PORT          where the clients connect to; forgets the script
   request HEX               the whole HTTP upgrade request
   say EXPECTED TEXT         after a text that begins so (empty: after the upgrade), send TEXT; in order
   greeting PART, joining PART   by which part of a text a client counts as greeted, as joined
   connect COUNT INFLIGHT FIRST SECONDS   open them, so many handshakes at a time; the first event is FIRST
   feed HOST PORT, template HEX, patch OFFSET KIND   what is published (feed.c)
   loop WINDOW WARMUP SECONDS    publish so that WINDOW events are under way; counts after WARMUP
   pace RATE COUNT SECONDS   publish COUNT events, RATE a second; then wait SECONDS for what is missing
   watch SECONDS COUNT       count what somebody else publishes, until all have got COUNT after the first
   rest MICROSECONDS         how long to rest after each look at what is ready
   state                     how the crowd is now
   close                     close all

   A closed loop is driven from here, since any other process would add its own wake-up to each event. */
#include "crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define TOGETHER 512
#define WORDS 8
#define LOOK_NS 5000000u /* how long a loop may sleep before it looks at the clock */
#define STALL_NS 5000000000u /* a loop in which nothing is complete for so long has lost something */

static int epoll;
static struct timespec rest;
static uint64_t next_number, publish_until;
static char input[1 << 16];
static size_t input_length;

static double cpu_seconds(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* Sees to whatever is ready, waiting for it until `deadline` at most. True when there is input to read.

   Whoever sleeps in epoll is woken by the next write, by an interrupt to this core that the server's core
   pays for; clients on other machines cost a server nothing of the kind. Hence the rest, after which much is
   ready at once. It adds to a latency what it lasts, at most. */
static bool turn(uint64_t deadline) {
    struct epoll_event ready[TOGETHER];
    uint64_t now = now_ns(), left = deadline > now ? deadline - now : 0;
    struct timespec wait = {(time_t)(left / 1000000000u), (long)(left % 1000000000u)};
    int count = epoll_pwait2(epoll, ready, TOGETHER, &wait, NULL);
    bool asked = false;
    for (int i = 0; i < count; i++) {
        if (ready[i].data.ptr == NULL)
            asked = true;
        else if (ready[i].data.ptr == &epoll)
            feed_drain();
        else
            client_ready(ready[i].data.ptr, epoll, ready[i].events);
        feed_flush(); /* what one client's last frame set free leaves at once */
    }
    if (count > 0 && count < TOGETHER && rest.tv_nsec > 0)
        nanosleep(&rest, NULL);
    return asked;
}

/* The end of each report: the crowd as it is, and what has been counted since the program began. */
static void print_totals(void) {
    printf("\"joined\": %d, \"alive\": %d, \"next\": %lu, \"ever\": %lu, \"losses\": %lu, "
           "\"duplicates\": %lu, \"closes\": %lu, \"pings\": %lu}\n",
           joined, alive, next_number, totals.deliveries, totals.losses, totals.duplicates, totals.closes,
           totals.pings);
}

/* --- windows of measurement ----------------------------------------------------------------------------- */

struct window {
    uint64_t began;
    double cpu;
};

static struct window window_open(void) {
    counters = (struct counters){0};
    histogram_clear(&latencies);
    return (struct window){now_ns(), cpu_seconds()};
}

static void window_report(struct window w, const char *name, bool stalled) {
    double seconds = (double)(now_ns() - w.began) / 1e9;
    printf("{\"%s\": true, \"seconds\": %.6f, \"deliveries\": %lu, \"events\": %lu, \"bytes\": %lu, "
           "\"reads\": %lu, \"others\": %lu, \"p50_ms\": %.4f, \"p99_ms\": %.4f, \"max_ms\": %.4f, "
           "\"cpu\": %.4f, \"stalled\": %s, ",
           name, seconds, counters.deliveries, counters.completed, counters.bytes, counters.reads,
           counters.others, (double)histogram_quantile(&latencies, 0.5) / 1e6,
           (double)histogram_quantile(&latencies, 0.99) / 1e6, (double)latencies.most / 1e6,
           cpu_seconds() - w.cpu, stalled ? "true" : "false");
    print_totals();
}

/* --- commands ------------------------------------------------------------------------------------------- */

static void end_all(void) {
    for (int i = 0; i < connections; i++)
        client_end(&clients[i]);
}

static void connect_all(int count, int inflight, uint64_t first, double seconds) {
    end_all();
    struct window w = window_open();
    uint64_t deadline = w.began + (uint64_t)(seconds * 1e9);
    int started = 0;
    free(clients);
    clients = calloc((size_t)count, sizeof *clients);
    connections = count;
    greeted = joined = alive = settled = 0;
    last_greeted_at = last_joined_at = w.began;
    next_number = first;
    totals.newest = first - 1;
    slots_clear();
    while (settled < count && now_ns() < deadline) {
        while (started < count && started - settled < inflight) {
            if (!client_start(&clients[started++], epoll, first))
                settled++;
        }
        turn(deadline);
    }
    for (int i = 0; i < started; i++) {
        if (!clients[i].joined)
            client_end(&clients[i]); /* what joined later would upset the count of an event's receivers */
    }
    printf("{\"connect\": true, \"greeted\": %d, \"joined\": %d, \"failures\": %d, "
           "\"greeted_seconds\": %.6f, \"joined_seconds\": %.6f, \"cpu\": %.4f}\n",
           greeted, joined, count - joined, (double)(last_greeted_at - w.began) / 1e9,
           (double)(last_joined_at - w.began) / 1e9, cpu_seconds() - w.cpu);
}

static void publish_next(uint64_t complete) {
    (void)complete;
    if (now_ns() < publish_until)
        feed_publish(next_number++);
}

static void loop(int window, double warmup, double seconds) {
    struct window w = window_open();
    uint64_t measure_at = w.began + (uint64_t)(warmup * 1e9), end = measure_at + (uint64_t)(seconds * 1e9);
    uint64_t seen = totals.newest, progress_at = w.began;
    bool measuring = false, stalled = false;
    publish_until = UINT64_MAX;
    on_complete = publish_next;
    for (int i = 0; i < window; i++)
        feed_publish(next_number++);
    while (now_ns() < end && !stalled) {
        stalled = !feed_flush() || now_ns() - progress_at > STALL_NS;
        turn(now_ns() + LOOK_NS);
        if (totals.newest != seen) {
            seen = totals.newest;
            progress_at = now_ns();
        }
        if (!measuring && now_ns() >= measure_at) {
            measuring = true;
            w = window_open();
        }
    }
    publish_until = 0;
    window_report(w, "loop", stalled);
    w = window_open();
    while (totals.newest + 1 < next_number && now_ns() < w.began + STALL_NS)
        turn(now_ns() + LOOK_NS);
    window_report(w, "after", totals.newest + 1 < next_number);
    on_complete = NULL;
}

static void pace(double rate, int count, double seconds) {
    struct window w = window_open();
    uint64_t end = 0;
    int published = 0;
    bool failed = false;
    on_complete = NULL;
    while (!failed && (published < count || (totals.newest + 1 < next_number && now_ns() < end))) {
        uint64_t due = w.began + (uint64_t)(published * 1e9 / rate);
        if (published < count && now_ns() >= due) {
            feed_publish(next_number++);
            published++;
            end = now_ns() + (uint64_t)(seconds * 1e9);
        }
        failed = !feed_flush();
        turn(published < count ? due : end);
    }
    window_report(w, "pace", failed || totals.newest + 1 < next_number);
}

/* The first event is not counted: whoever publishes it opens connections for it. */
static void watch(double seconds, uint64_t count) {
    struct window w = window_open();
    uint64_t deadline = w.began + (uint64_t)(seconds * 1e9);
    printf("{\"watching\": true}\n");
    fflush(stdout);
    while (counters.completed < 1 && now_ns() < deadline)
        turn(deadline);
    w = window_open();
    while (counters.completed < count && now_ns() < deadline)
        turn(deadline);
    next_number = totals.newest + 1;
    window_report(w, "watch", counters.completed < count);
}

static void state(void) {
    printf("{\"state\": true, ");
    print_totals();
}

static void set_server(const char *host, int port) {
    snprintf(script.host, sizeof script.host, "%s", host);
    script.port = port;
    script.length = 0;
    script.greeting = script.joining = "";
}

static char *from_hex(const char *hex) {
    size_t length = strlen(hex) / 2;
    char *bytes = malloc(length + 1);
    for (size_t i = 0; i < length; i++) {
        unsigned value = 0;
        sscanf(hex + 2 * i, "%2x", &value);
        bytes[i] = (char)value;
    }
    bytes[length] = 0;
    return bytes;
}

static bool listen_to_feed(const char *host, int port) {
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = &epoll};
    return feed_open(host, port) && epoll_ctl(epoll, EPOLL_CTL_ADD, feed_fd(), &wanted) == 0;
}

/* Whether it could be done; a failure is told by its caller. */
static bool prepare(char **word, int words) {
    const char *verb = word[0];
    if (!strcmp(verb, "server") && words == 3)
        set_server(word[1], atoi(word[2]));
    else if (!strcmp(verb, "request") && words == 2)
        script.request = from_hex(word[1]);
    else if (!strcmp(verb, "say") && words == 3 && script.length < LINES)
        script.lines[script.length++] = (struct line){strdup(word[1]), strdup(word[2])};
    else if (!strcmp(verb, "greeting") && words == 2)
        script.greeting = strdup(word[1]);
    else if (!strcmp(verb, "joining") && words == 2)
        script.joining = strdup(word[1]);
    else if (!strcmp(verb, "feed") && words == 3)
        return listen_to_feed(word[1], atoi(word[2]));
    else if (!strcmp(verb, "rest") && words == 2)
        rest.tv_nsec = atol(word[1]) * 1000;
    else if (!strcmp(verb, "template") && words == 2)
        return feed_template(word[1]);
    else if (!strcmp(verb, "patch") && words == 3)
        return feed_patch((size_t)atol(word[1]), word[2]);
    else
        return false;
    return true;
}

static void run(char **word, int words) {
    const char *verb = word[0];
    if (!strcmp(verb, "connect") && words == 5)
        connect_all(atoi(word[1]), atoi(word[2]), strtoull(word[3], NULL, 10), atof(word[4]));
    else if (!strcmp(verb, "loop") && words == 4)
        loop(atoi(word[1]), atof(word[2]), atof(word[3]));
    else if (!strcmp(verb, "pace") && words == 4)
        pace(atof(word[1]), atoi(word[2]), atof(word[3]));
    else if (!strcmp(verb, "watch") && words == 3)
        watch(atof(word[1]), strtoull(word[2], NULL, 10));
    else if (!strcmp(verb, "state"))
        state();
    else if (!strcmp(verb, "close")) {
        end_all();
        printf("{\"close\": true}\n");
    } else
        printf("{\"%s\": %s}\n", verb, prepare(word, words) ? "true" : "false");
}

static void run_line(char *line) {
    char *word[WORDS];
    int words = 0;
    for (char *part; words < WORDS && (part = strsep(&line, "\t")) != NULL;)
        word[words++] = part;
    run(word, words);
    fflush(stdout);
}

/* False at the end of the input. */
static bool read_commands(void) {
    ssize_t got = read(0, input + input_length, sizeof input - input_length);
    if (got <= 0)
        return false;
    input_length += (size_t)got;
    char *end, *begin = input;
    while ((end = memchr(begin, '\n', input_length - (size_t)(begin - input))) != NULL) {
        *end = 0;
        run_line(begin);
        begin = end + 1;
    }
    input_length -= (size_t)(begin - input);
    memmove(input, begin, input_length);
    return true;
}

int main(void) {
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = NULL};
    prctl(PR_SET_TIMERSLACK, 1000ul); /* ns: a rest is as long as it was asked to be */
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &wanted) < 0) {
        fprintf(stderr, "standard input must be a pipe\n");
        return 2;
    }
    for (;;) {
        if (turn(now_ns() + 1000000000u) && !read_commands())
            return 0;
    }
}
