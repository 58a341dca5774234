/* The bytes of one client: a TCP socket that never blocks, with TLS or without, and what it put on the wire. */
#ifndef WIRE_H
#define WIRE_H

#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "options.h"

enum { AGAIN = -1, GONE = -2 };
enum { HEADERS = 52 }; /* bytes of IPv4 (20), TCP (20) and its time stamps (12), in each segment */

typedef struct {
    int fd;
    SSL *tls; /* none without --tls */
} Wire;

typedef struct {
    uint64_t in, out;
} Traffic;

static SSL_CTX *tls_context;

static const char *tls_reason(void) {
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    return reason ? reason : "it was broken off";
}

static void open_tls(void) {
    if (!options.trusted) return;
    tls_context = SSL_CTX_new(TLS_client_method());
    if (!tls_context || SSL_CTX_load_verify_locations(tls_context, options.trusted, NULL) != 1)
        die("%s holds no certificates: %s", options.trusted, tls_reason());
    SSL_CTX_set_verify(tls_context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(tls_context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
    SSL_CTX_set_read_ahead(tls_context, 1); /* else each record is two system calls */
}

static Wire wire_open(unsigned port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    Wire wire = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (wire.fd < 0) die("no more sockets: %s (raise ulimit -n)", strerror(errno));
    int one = 1;
    setsockopt(wire.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(wire.fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS)
        die("cannot connect: %s", strerror(errno));
    if (!tls_context) return wire;
    wire.tls = SSL_new(tls_context);
    if (!wire.tls || SSL_set_fd(wire.tls, wire.fd) != 1 ||
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(wire.tls), "127.0.0.1") != 1)
        die("TLS cannot begin: %s", tls_reason());
    SSL_set_connect_state(wire.tls); /* the handshake goes on by itself in what is read and written */
    return wire;
}

static void wire_close(Wire *wire) {
    SSL_free(wire->tls);
    close(wire->fd);
    wire->tls = NULL;
}

static int tls_outcome(Wire *wire, int result, bool *writes) {
    int error = SSL_get_error(wire->tls, result);
    *writes = error == SSL_ERROR_WANT_WRITE;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return AGAIN;
    if (!SSL_is_init_finished(wire->tls)) die("the TLS handshake failed: %s", tls_reason());
    return GONE;
}

/* How many bytes were read, AGAIN, or GONE. A wire whose buffer was filled must be read again at once. */
static ssize_t wire_read(Wire *wire, char *data, size_t size) {
    if (!wire->tls) {
        ssize_t got = recv(wire->fd, data, size, 0);
        if (got > 0) return got;
        return got < 0 && (errno == EAGAIN || errno == EINTR) ? AGAIN : GONE;
    }
    size_t got = 0;
    bool writes;
    do {
        ERR_clear_error();
        int more = SSL_read(wire->tls, data + got, (int)(size - got));
        if (more <= 0) return got ? (ssize_t)got : tls_outcome(wire, more, &writes);
        got += (size_t)more;
    } while (got < size && SSL_has_pending(wire->tls));
    return (ssize_t)got;
}

/* How many bytes were written, AGAIN, or GONE. `full`: the socket takes no more for now. */
static ssize_t wire_write(Wire *wire, const char *data, size_t size, bool *full) {
    if (wire->tls) {
        ERR_clear_error();
        int sent = SSL_write(wire->tls, data, (int)size);
        *full = sent > 0 && (size_t)sent < size;
        return sent > 0 ? sent : tls_outcome(wire, sent, full);
    }
    ssize_t sent = send(wire->fd, data, size, MSG_NOSIGNAL);
    *full = sent < (ssize_t)size;
    if (sent < 0) return errno == EAGAIN ? AGAIN : GONE;
    return sent;
}

/* What came and went so far, with the headers of TCP and IP: tcp(7), TCP_INFO. */
static Traffic wire_traffic(const Wire *wire) {
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    if (getsockopt(wire->fd, IPPROTO_TCP, TCP_INFO, &info, &size)) return (Traffic){0, 0};
    return (Traffic){info.tcpi_bytes_received + HEADERS * (uint64_t)info.tcpi_segs_in,
                     info.tcpi_bytes_acked + HEADERS * (uint64_t)info.tcpi_segs_out};
}

#endif
