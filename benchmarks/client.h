/* One client: its buffers, its handshake, its frames (RFC 6455). */
#ifndef CLIENT_H
#define CLIENT_H

#include <stdint.h>
#include <sys/epoll.h>

#include "wire.h"

#define KEY "dGhlIHNhbXBsZSBub25jZQ==" /* the example of RFC 6455, section 1.3, and its answer */
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
enum { READ_BUFFER = 4 << 20 };

typedef enum { CLOSED, CONNECTING, UPGRADING, UPGRADED, READY } State;

typedef struct {
    Wire wire;
    State state;
    bool full; /* the socket takes no more for now */
    bool asking; /* with --poll: what is new was asked for and is not answered yet */
    unsigned index, group;
    const char *token, *room;
    char *rest, *out; /* what has not come whole; bytes that are still to be sent */
    size_t rest_size, rest_room, out_size, out_room;
    uint64_t position; /* with --poll: how far it followed the room */
    uint32_t sent;
    uint64_t completed; /* own messages that came back within the window */
} Client;

static int poll_fd;
static unsigned lost_connections;
static uint64_t bytes;
static char buffer[READ_BUFFER];

/* What the program does with a finished handshake, with each text, and with what comes over HTTP. */
static void upgraded(Client *client);
static void payload_came(Client *client, const char *payload, size_t size);
static size_t take_responses(Client *client, const char *data, size_t size);

static void watch(Client *client, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = client};
    epoll_ctl(poll_fd, EPOLL_CTL_MOD, client->wire.fd, &event);
}

static void lose(Client *client) {
    if (client->state == CLOSED) return;
    if (client->state != READY) die("a connection was refused or lost before it was ready");
    wire_close(&client->wire);
    client->state = CLOSED;
    lost_connections++;
}

static void append(Client *client, const char *data, size_t size) {
    if (client->out_size + size > client->out_room) {
        client->out_room = 2 * (client->out_size + size);
        client->out = realloc(client->out, client->out_room);
    }
    memcpy(client->out + client->out_size, data, size);
    client->out_size += size;
}

static void flush(Client *client) {
    if (!client->out_size || client->state == CLOSED) return;
    bool full;
    ssize_t sent = wire_write(&client->wire, client->out, client->out_size, &full);
    if (sent == GONE) return lose(client);
    if (sent == AGAIN) sent = 0;
    client->out_size -= (size_t)sent;
    memmove(client->out, client->out + sent, client->out_size);
    if (full != client->full) watch(client, full ? EPOLLIN | EPOLLOUT : EPOLLIN);
    client->full = full;
}

/* A frame of a client: masked, with the key 0, which leaves the bytes as they are. */
static void append_frame(Client *client, unsigned char opcode, const char *payload, size_t size) {
    unsigned char head[8] = {(unsigned char)(0x80 | opcode), (unsigned char)(0x80 | size)};
    size_t length = 6;
    if (size > 125) {
        head[1] = 0x80 | 126;
        head[2] = (unsigned char)(size >> 8);
        head[3] = (unsigned char)size;
        length = 8;
    }
    append(client, (char *)head, length);
    append(client, payload, size);
}

/* Take whole frames from the front of what was read; returns how many bytes they were. */
static size_t take_frames(Client *client, const char *data, size_t size) {
    size_t at = 0;
    while (client->state != CLOSED && size - at >= 2) {
        const unsigned char *frame = (const unsigned char *)data + at;
        size_t length = frame[1] & 0x7F, head = 2;
        if (length == 126) head = 4;
        if (length == 127) head = 10;
        if (size - at < head) break;
        if (head > 2) {
            length = 0;
            for (size_t i = 2; i < head; i++) length = length << 8 | frame[i];
        }
        if (size - at < head + length) break;
        const char *payload = data + at + head;
        unsigned opcode = frame[0] & 0x0F;
        if (opcode <= 2) payload_came(client, payload, length);
        else if (opcode == 9) append_frame(client, 10, payload, length);
        else if (opcode == 8) lose(client);
        at += head + length;
    }
    return at;
}

/* The answer to the handshake; returns how many bytes it was, 0 while it is not whole. */
static size_t take_upgrade(Client *client, const char *data, size_t size) {
    const char *end = memmem(data, size, "\r\n\r\n", 4);
    if (!end) return 0;
    if (memcmp(data, "HTTP/1.1 101", 12) || !memmem(data, size, ACCEPT, strlen(ACCEPT)))
        die("the handshake was refused: %.*s", (int)size, data);
    client->state = UPGRADED;
    upgraded(client);
    return (size_t)(end - data) + 4;
}

static void keep_rest(Client *client, const char *data, size_t size) {
    if (size > client->rest_room) {
        client->rest_room = 2 * size;
        client->rest = realloc(client->rest, client->rest_room);
    }
    if (size) memcpy(client->rest, data, size);
    client->rest_size = size;
}

/* What to make of bytes that came; returns how many were whole frames or answers. */
static size_t take(Client *client, const char *data, size_t size) {
    size_t at = 0;
    if (options.poll > 0) return take_responses(client, data, size);
    if (client->state == UPGRADING) at = take_upgrade(client, data, size);
    if (client->state >= UPGRADED) at += take_frames(client, data + at, size - at);
    return at;
}

static void readable(Client *client) {
    bool filled = true;
    while (filled) {
        size_t have = client->rest_size;
        if (have == READ_BUFFER) die("a frame is larger than %d bytes", READ_BUFFER);
        if (have) memcpy(buffer, client->rest, have);
        ssize_t got = wire_read(&client->wire, buffer + have, READ_BUFFER - have);
        if (got == GONE) return lose(client);
        if (got == AGAIN) break;
        bytes += (uint64_t)got;
        size_t size = have + (size_t)got, at = take(client, buffer, size);
        if (client->state == CLOSED) return;
        keep_rest(client, buffer + at, size - at);
        filled = size == READ_BUFFER;
    }
    flush(client);
}

/* Lines of "token room"; connections take them in turn. */
static void read_people(Client *clients) {
    FILE *file = fopen(options.people, "r");
    if (!file) die("cannot read %s", options.people);
    unsigned count = 0;
    char token[128], room[16];
    while (count < options.connections && fscanf(file, "%127s %15s", token, room) == 2) {
        clients[count].token = strdup(token);
        clients[count++].room = strdup(room);
    }
    fclose(file);
    if (!count) die("%s names nobody", options.people);
    for (unsigned i = count; i < options.connections; i++) {
        clients[i].token = clients[i % count].token;
        clients[i].room = clients[i % count].room;
    }
}

static unsigned port_of(const Client *client) {
    return options.ports[client->index % options.port_count];
}

static void open_client(Client *client) {
    client->wire = wire_open(port_of(client));
    client->state = CONNECTING;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = client};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, client->wire.fd, &event);
}

/* The connection stands, or does not: then this ends the program. */
static void connected(Client *client) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(client->wire.fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) die("cannot connect: %s", strerror(error));
    watch(client, EPOLLIN);
}

static void upgrade(Client *client) {
    char request[1024];
    int length = snprintf(request, sizeof request,
        "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n%s%s%s\r\n",
        port_of(client), client->token ? "Authorization: Bearer " : "", client->token ? client->token : "",
        client->token ? "\r\n" : "");
    client->state = UPGRADING;
    append(client, request, (size_t)length);
    flush(client);
}

#endif
