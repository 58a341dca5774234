/* The load generator: many WebSocket clients on one thread, over loopback. `load --help` says how.
   Two dialects: `plain` servers send each text frame on to everybody; `chatbox` wants a token and a hello, is
   sent message.post, and may fold several messages into one event. A text is 100 bytes: "zQ", the sender, its
   number and the time it was due, in hexadecimal, then filling. What comes back is not parsed as JSON: "Q"
   stands nowhere else, so it leads from message to message. The result is one JSON object on stdout. */
#define _GNU_SOURCE
#include <sys/timerfd.h>

#include "client.h"
#include "machine.h"
#include "poll.h"
#include "tally.h"

#define MOST_OWN_CPU 0.9
#define FILLING " the quick brown fox jumps over the lazy dog and then sleeps in the sun"
enum { TEXT = 100, EVENTS = 512, GIVE_UP_SECONDS = 60, DRAIN_SECONDS = 3 };

typedef enum { SETUP, WARMUP, MEASURE, DRAIN, DONE } Phase;

static Client *clients, standard_input; /* the latter only as a mark */
static Seen *seen; /* [receiver][sender] */
static Histogram latency, round_trip;
static Order order;
static Phase phase = SETUP;
static int timer_fd;
static unsigned opened, ready, next_sender, next_asker;
static uint64_t now, setup_began, setup_ended, window_begin, window_end, next_due, next_ask, progress, progress_at, timer_at;
static uint64_t deliveries, posts, frames;
static Traffic traffic; /* within the window, of all clients */
static double own_cpu, setup_cpu, server_cpu[MOST_PIDS];
static char nonce_salt[9];

/* -- sending ----------------------------------------------------------------------------------------------- */

static void post(Client *client, uint64_t due) {
    char text[TEXT + 80], command[TEXT + 160];
    snprintf(text, sizeof text, "zQ%04x%08x%016llx" FILLING, client->index, client->sent, (unsigned long long)due);
    if (options.poll > 0) {
        snprintf(command, sizeof command, "{\"room\":%s,\"nonce\":\"%s-%04x-%08x\",\"text\":\"%.*s\"}", client->room,
                 nonce_salt, client->index, client->sent, TEXT, text);
        request(client, "message.post", command);
    } else if (options.chatbox) {
        int size = snprintf(command, sizeof command,
            "{\"id\":%u,\"do\":\"message.post\",\"room\":%s,\"nonce\":\"%s-%04x-%08x\",\"text\":\"%.*s\"}",
            client->sent + 1, client->room, nonce_salt, client->index, client->sent, TEXT, text);
        append_frame(client, 1, command, (size_t)size);
    } else {
        append_frame(client, 1, text, TEXT);
    }
    client->sent++;
    if (phase == MEASURE) posts++;
}

/* -- what comes -------------------------------------------------------------------------------------------- */

static uint64_t hex(const char *digits, unsigned count) {
    uint64_t value = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned char digit = (unsigned char)digits[i];
        value = value << 4 | (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
    }
    return value;
}

static void deliver(Client *client, const char *text) {
    unsigned sender = (unsigned)hex(text + 2, 4);
    uint32_t number = (uint32_t)hex(text + 6, 8);
    uint64_t due = hex(text + 14, 16);
    if (sender >= options.senders) die("a text names sender %u, who does not exist", sender);
    note(&order, &seen[client->index * options.senders + sender], number);
    bool own = sender == client->index, counted = phase >= MEASURE && due >= window_begin && due < window_end;
    if (phase == MEASURE) {
        deliveries++;
        client->completed += own;
    }
    if (counted) record(&latency, now - due);
    if (counted && own) record(&round_trip, now - due);
    if (own && options.rate == 0 && phase < DRAIN) post(client, now);
}

static void greeted(Client *client) {
    client->state = READY;
    ready++;
    if (ready < options.connections) return;
    setup_ended = now;
    setup_cpu = cpu_used();
}

static void upgraded(Client *client) {
    static const char hello[] = "{\"id\":0,\"do\":\"hello\"}";
    options.chatbox ? append_frame(client, 1, hello, sizeof hello - 1) : greeted(client);
}

static void reply(Client *client, const char *payload, size_t size) {
    replies++;
    const char *comma = memchr(payload, ',', size);
    if (comma && size - (size_t)(comma - payload) > 3 && comma[2] == 'e') {
        if (!errors++) fprintf(stderr, "load: the server refused: %.*s\n", (int)size, payload);
    } else if (client->state == UPGRADED) {
        greeted(client);
    }
}

static void payload_came(Client *client, const char *payload, size_t size) {
    frames++;
    if (options.chatbox && size > 6 && !memcmp(payload, "{\"re\":", 6)) return reply(client, payload, size);
    if (options.chatbox && (size < 16 || memcmp(payload, "{\"ev\":\"messages\"", 16))) return;
    take_texts(client, payload, size);
}

static void take_texts(Client *client, const char *payload, size_t size) {
    const char *end = payload + size, *at = payload;
    while ((at = memchr(at, 'Q', (size_t)(end - at)))) {
        if (at > payload && at[-1] == 'z' && end - at >= TEXT - 1) deliver(client, at - 1);
        at++;
    }
}

static void begin(Client *client) {
    connected(client);
    options.poll > 0 ? greeted(client) : upgrade(client);
}

/* -- the run ----------------------------------------------------------------------------------------------- */

static uint64_t expected(void) {
    uint64_t count = 0;
    for (unsigned sender = 0; sender < options.senders; sender++) {
        unsigned group = clients[sender].group, inside = options.connections / options.groups;
        count += (uint64_t)clients[sender].sent * (inside + (group < options.connections % options.groups));
    }
    return count;
}

static void post_what_is_due(void) {
    for (; next_due <= now && next_due < window_end; next_due += (uint64_t)(1e9 / options.rate)) {
        Client *client = &clients[next_sender++ % options.senders];
        if (client->state != READY) continue;
        post(client, next_due);
        flush(client);
    }
}

/* Each client asks once within `poll` seconds, evenly spread; not while an answer is due to it. */
static void ask_what_is_new(void) {
    for (; next_ask <= now; next_ask += (uint64_t)(options.poll * 1e9 / options.connections)) {
        Client *client = &clients[next_asker++ % options.connections];
        if (client->state != READY || client->asking) continue;
        ask(client);
        flush(client);
    }
}

static void count_traffic(int sign) {
    for (unsigned i = 0; i < options.connections; i++) {
        if (clients[i].state == CLOSED) continue;
        Traffic one = wire_traffic(&clients[i].wire);
        traffic.in += (uint64_t)sign * one.in;
        traffic.out += (uint64_t)sign * one.out;
    }
    now = clock_now();
}

static void start(void) {
    window_begin = now + (uint64_t)(options.warmup * 1e9);
    window_end = window_begin + (uint64_t)(options.seconds * 1e9);
    next_due = next_ask = now;
    phase = WARMUP;
    for (unsigned sender = 0; sender < options.senders && options.rate == 0; sender++) {
        for (unsigned i = 0; i < options.flight; i++) post(&clients[sender], now);
        flush(&clients[sender]);
    }
}

static void advance(void) {
    if (phase == SETUP) {
        while (opened < options.connections && opened - ready < options.handshakes) open_client(&clients[opened++]);
        if (ready == options.connections) options.seconds > 0 ? start() : (void)(phase = DONE);
        else if (now - setup_began > GIVE_UP_SECONDS * SECOND) die("only %u connections are ready", ready);
    }
    if (phase == WARMUP && now >= window_begin) {
        count_traffic(-1);
        phase = MEASURE;
        window_end += now - window_begin;
        window_begin = now;
        own_cpu = cpu_used();
        for (unsigned i = 0; i < options.pid_count; i++) server_cpu[i] = server_cpu_used(options.pids[i]);
    }
    if ((phase == WARMUP || phase == MEASURE) && options.rate > 0) post_what_is_due();
    if (phase == MEASURE && now >= window_end) {
        own_cpu = cpu_used() - own_cpu;
        for (unsigned i = 0; i < options.pid_count; i++) server_cpu[i] = server_cpu_used(options.pids[i]) - server_cpu[i];
        phase = DRAIN;
        window_end = progress_at = now;
        count_traffic(1);
    }
    if (options.poll > 0 && phase >= WARMUP && phase < DONE) ask_what_is_new();
    if (phase != DRAIN) return;
    if (order.distinct > progress) progress_at = now;
    progress = order.distinct;
    if (progress >= expected() || now - progress_at > DRAIN_SECONDS * SECOND) phase = DONE;
}

/* Wake up at the next thing to do, exactly: epoll_wait alone knows milliseconds only. */
static void set_timer(void) {
    uint64_t at = now + SECOND / 20;
    if (phase == WARMUP && window_begin < at) at = window_begin;
    if (phase == MEASURE && window_end < at) at = window_end;
    if ((phase == WARMUP || phase == MEASURE) && options.rate > 0 && next_due < at) at = next_due;
    if (phase >= WARMUP && options.poll > 0 && next_ask < at) at = next_ask;
    if (timer_at > now && timer_at <= at) return;
    timer_at = at;
    struct itimerspec spec = {.it_value = {(time_t)(at / SECOND), (long)(at % SECOND)}};
    timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

/* Wait for the next thing, and do it. Returns false once stdin has ended. */
static bool turn(void) {
    struct epoll_event events[EVENTS];
    bool going_on = true;
    set_timer();
    int count = epoll_wait(poll_fd, events, EVENTS, -1);
    for (int i = 0; i < count; i++) {
        Client *client = events[i].data.ptr;
        now = clock_now();
        if (client == &standard_input) going_on = getchar() != EOF;
        if (!client || client->state == CLOSED) continue;
        if (client->state == CONNECTING) begin(client);
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) readable(client);
        if (events[i].events & EPOLLOUT && client->state != CLOSED) flush(client);
    }
    now = clock_now();
    return going_on;
}

static void run(void) {
    struct epoll_event timer = {.events = EPOLLIN};
    open_tls();
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, timer_fd, &timer);
    setup_began = now = clock_now();
    for (advance(); phase != DONE; advance()) turn();
}

/* Keep the connections, answering pings and reading what comes, until stdin ends. */
static void hold(void) {
    struct epoll_event input = {.events = EPOLLIN, .data.ptr = &standard_input};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &input);
    while (turn()) continue;
}

/* -- the result -------------------------------------------------------------------------------------------- */

static int report(void) {
    double seconds = (double)(window_end - window_begin) / 1e9, setup = (double)(setup_ended - setup_began) / 1e9;
    double share = seconds > 0 ? own_cpu / seconds : setup_cpu / setup, per = seconds > 0 ? 1 / seconds : 0;
    if (share > MOST_OWN_CPU) {
        printf("{\"refused\": \"the load generator used %.0f %% of its core: it would measure itself\"}\n", 100 * share);
        return 3;
    }
    uint64_t due = expected();
    printf("{\"connections\": %u, \"senders\": %u, \"seconds\": %.3f, ", options.connections, options.senders, seconds);
    printf("\"setup_seconds\": %.4f, \"connections_per_second\": %.1f, \"setup_own_cpu_share\": %.4f, ", setup,
           options.connections / setup, setup_cpu / setup);
    printf("\"posts\": %llu, \"deliveries\": %llu, ", (unsigned long long)posts, (unsigned long long)deliveries);
    printf("\"posts_per_second\": %.1f, \"deliveries_per_second\": %.1f, ", (double)posts * per, (double)deliveries * per);
    print_histogram("latency_us", &latency);
    print_histogram("round_trip_us", &round_trip);
    printf("\"lost\": %lld, \"doubled\": %llu, \"reordered\": %llu, ", (long long)(due - order.distinct),
           (unsigned long long)order.doubled, (unsigned long long)order.reordered);
    printf("\"errors\": %llu, \"closed\": %u, \"replies\": %llu, \"frames\": %llu, \"bytes\": %llu, ",
           (unsigned long long)errors, lost_connections, (unsigned long long)replies, (unsigned long long)frames,
           (unsigned long long)bytes);
    printf("\"wire_in\": %llu, \"wire_out\": %llu, ", (unsigned long long)traffic.in, (unsigned long long)traffic.out);
    printf("\"own_cpu_share\": %.4f, \"own_us_per_delivery\": %.4f, \"server_cpu\": [", share,
           deliveries ? own_cpu * 1e6 / (double)deliveries : 0);
    for (unsigned i = 0; i < options.pid_count; i++) printf("%s%.3f", i ? ", " : "", server_cpu[i]);
    printf("], \"per_sender\": [");
    for (unsigned sender = 0; sender < options.senders; sender++)
        printf("%s%llu", sender ? ", " : "", (unsigned long long)clients[sender].completed);
    printf("]}\n");
    fflush(stdout);
    return 0;
}

int main(int count, char **words) {
    read_options(count, words);
    clients = calloc(options.connections, sizeof *clients);
    seen = calloc((size_t)options.connections * options.senders + 1, sizeof *seen);
    if (!clients || !seen) die("not enough memory");
    for (unsigned i = 0; i < options.connections; i++) {
        clients[i].index = i;
        clients[i].group = i % options.groups;
    }
    if (options.chatbox) read_people(clients);
    snprintf(nonce_salt, sizeof nonce_salt, "%08x", (unsigned)(clock_now() >> 10 ^ (uint64_t)getpid() << 20));
    run();
    int code = report();
    if (options.hold && !code) hold();
    return code;
}
