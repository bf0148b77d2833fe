/* pipeline/sink_tls.h - TLS of a server whose clients show a certificate; or nothing, where it was not built in.
 *
 * Life      context new, delete; of each connection new, hand_shake until it says 1, read and write, delete.
 * Threads   One.
 * Owns      The descriptor stays the caller's.
 * Errors    read, write: bytes, 0 not now, -EPIPE the end, or -EPROTO.  hand_shake: 1 done, 0 not yet, or
 *           -EPROTO, refused.
 * Source    TLS 1.2 and 1.3 by OpenSSL's defaults.
 *
 * With an authority a client without a certificate of it is refused; without one, who reaches the port comes in.
 */
#ifndef SL_PIPELINE_SINK_TLS_H
#define SL_PIPELINE_SINK_TLS_H

#include <stddef.h>
#include <sys/types.h>

struct sl_tls;
struct sl_tls_conn;

int sl_tls_new(struct sl_tls **tls, const char *certificate, const char *key, const char *authority, char *err,
               size_t err_len);
void sl_tls_delete(struct sl_tls *tls);

int sl_tls_conn_new(struct sl_tls_conn **conn, struct sl_tls *tls, int fd);
int sl_tls_hand_shake(struct sl_tls_conn *conn);
ssize_t sl_tls_read(struct sl_tls_conn *conn, void *buf, size_t len);
ssize_t sl_tls_write(struct sl_tls_conn *conn, const void *buf, size_t len);
void sl_tls_conn_delete(struct sl_tls_conn *conn);

#endif
