#include "pipeline/sink_tls.h"

#include <errno.h>
#include <stdio.h>

#ifdef SL_HAVE_OPENSSL
#include <openssl/err.h>
#include <openssl/ssl.h>

/* These are OpenSSL's own, by another name. */
static SSL_CTX *context_of(struct sl_tls *tls) { return (SSL_CTX *)tls; }
static SSL *ssl_of(struct sl_tls_conn *conn) { return (SSL *)conn; }

static int explain(SSL_CTX *context, const char *what, const char *file, char *err, size_t err_len)
{
    snprintf(err, err_len, "%s %s: %s", what, file, ERR_reason_error_string(ERR_peek_last_error()));
    ERR_clear_error();
    SSL_CTX_free(context);
    return -EINVAL;
}

int sl_tls_new(struct sl_tls **tls, const char *certificate, const char *key, const char *authority, char *err,
               size_t err_len)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context)
        return -ENOMEM;
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
        return explain(context, "certificate", certificate, err, err_len);
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(context) != 1)
        return explain(context, "key", key, err, err_len);
    if (authority && SSL_CTX_load_verify_locations(context, authority, NULL) != 1)
        return explain(context, "authority", authority, err, err_len);
    if (authority)
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    *tls = (struct sl_tls *)context;
    return 0;
}

void sl_tls_delete(struct sl_tls *tls) { SSL_CTX_free(context_of(tls)); }

int sl_tls_conn_new(struct sl_tls_conn **conn, struct sl_tls *tls, int fd)
{
    SSL *ssl = SSL_new(context_of(tls));
    if (!ssl || SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        return -ENOMEM;
    }
    SSL_set_accept_state(ssl);
    *conn = (struct sl_tls_conn *)ssl;
    return 0;
}

static int meaning_of(SSL *ssl, int rc)
{
    int error = SSL_get_error(ssl, rc);
    ERR_clear_error();
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return 0;
    return error == SSL_ERROR_ZERO_RETURN || error == SSL_ERROR_SYSCALL ? -EPIPE : -EPROTO;
}

int sl_tls_hand_shake(struct sl_tls_conn *conn)
{
    int rc = SSL_do_handshake(ssl_of(conn));
    return rc == 1 ? 1 : meaning_of(ssl_of(conn), rc);
}

ssize_t sl_tls_read(struct sl_tls_conn *conn, void *buf, size_t len)
{
    size_t got;
    int rc = SSL_read_ex(ssl_of(conn), buf, len, &got);
    return rc == 1 ? (ssize_t)got : meaning_of(ssl_of(conn), rc);
}

ssize_t sl_tls_write(struct sl_tls_conn *conn, const void *buf, size_t len)
{
    size_t put;
    int rc = SSL_write_ex(ssl_of(conn), buf, len, &put);
    return rc == 1 ? (ssize_t)put : meaning_of(ssl_of(conn), rc);
}

void sl_tls_conn_delete(struct sl_tls_conn *conn)
{
    if (conn)
        SSL_shutdown(ssl_of(conn));
    ERR_clear_error();
    SSL_free(ssl_of(conn));
}

#else

int sl_tls_new(struct sl_tls **tls, const char *certificate, const char *key, const char *authority, char *err,
               size_t err_len)
{
    (void)certificate, (void)key, (void)authority;
    *tls = NULL;
    snprintf(err, err_len, "certificate: this slugline was built without OpenSSL");
    return -EOPNOTSUPP;
}

void sl_tls_delete(struct sl_tls *tls) { (void)tls; }

int sl_tls_conn_new(struct sl_tls_conn **conn, struct sl_tls *tls, int fd)
{
    (void)conn, (void)tls, (void)fd;
    return -EOPNOTSUPP;
}

int sl_tls_hand_shake(struct sl_tls_conn *conn)
{
    (void)conn;
    return -EPROTO;
}

ssize_t sl_tls_read(struct sl_tls_conn *conn, void *buf, size_t len)
{
    (void)conn, (void)buf, (void)len;
    return -EPROTO;
}

ssize_t sl_tls_write(struct sl_tls_conn *conn, const void *buf, size_t len)
{
    (void)conn, (void)buf, (void)len;
    return -EPROTO;
}

void sl_tls_conn_delete(struct sl_tls_conn *conn) { (void)conn; }
#endif
